/* publish.c - reads a body in one pass, then checks what the pass found.
 *
 * The pass only notes where the known members are and how often they occur;
 * nothing is checked before the whole body is known to be valid JSON. Messages
 * are never re-serialized: a missing timestamp is inserted into a copy of the
 * bytes.
 *
 * Threads: any; all state is the caller's.
 */
#include "api/publish.h"

#include <stdlib.h>
#include <string.h>

#include "api/intake.h"
#include "base/json.h"
#include "base/json_string.h"
#include "base/timestamp.h"

/* The members we read; the first three at the top level, the others in the
 * message. */
enum field {
    MESSAGE,
    TARGET_USER,
    TARGET_SESSION,
    TYPE,
    PAYLOAD,
    TIMESTAMP,
    FIELDS,
};

static const char *const field_names[FIELDS] = {
    [MESSAGE] = "message",
    [TARGET_USER] = "targetUserId",
    [TARGET_SESSION] = "targetSessionId",
    [TYPE] = "type",
    [PAYLOAD] = "payload",
    [TIMESTAMP] = "timestamp",
};

struct value {
    enum json_type type;
    struct slice text;
};

struct findings {
    enum publish_kind kind;
    const char *body;
    struct {
        size_t count;
        struct value value; /* of the first occurrence */
    } fields[FIELDS];
};

static int refuse_field(struct refusal *why, enum field field,
                        const char *problem)
{
    return refuse(why, REFUSAL_INVALID_MESSAGE, "%s%s %s",
                  field >= TYPE ? "the message's " : "", field_names[field],
                  problem);
}

/* The pass over the body. --------------------------------------------- */

static struct value value_of(const struct findings *found,
                             const struct json_value *value)
{
    return (struct value){value->type, json_slice(found->body, value->text)};
}

static bool is_member(const struct findings *found,
                      const struct json_place *place, enum field field)
{
    return place->is_member &&
           json_string_equals(json_slice(found->body, place->name),
                              field_names[field]);
}

static void note(struct findings *found, enum field first, enum field last,
                 const struct json_item *item)
{
    for (unsigned f = first; f <= last; f++) {
        if (!is_member(found, &item->path[item->depth - 1], f))
            continue;
        if (found->fields[f].count++ == 0)
            found->fields[f].value = value_of(found, &item->value);
        return;
    }
}

static int note_item(void *context, const struct json_item *item)
{
    struct findings *found = context;

    if (found->kind != PUBLISH_BROADCAST && item->depth == 1)
        note(found, MESSAGE, TARGET_SESSION, item);
    else if (found->kind == PUBLISH_BROADCAST ||
             is_member(found, &item->path[0], MESSAGE))
        note(found, TYPE, TIMESTAMP, item);
    return 0;
}

static int scan_body(struct findings *found, const char *body, size_t bytes,
                     struct refusal *why)
{
    const struct json_report report = {
        note_item, found, .depth = found->kind == PUBLISH_BROADCAST ? 1 : 2};
    struct json_error problem;
    struct json_value top;

    found->body = body;
    if (json_scan(body, bytes, &report, &top, &problem))
        return intake_refuse_json(why, body, &problem);
    if (top.type != JSON_TYPE_OBJECT)
        return refuse(why, REFUSAL_INVALID_MESSAGE,
                      "the body is not a JSON object");
    if (found->kind == PUBLISH_BROADCAST) {
        found->fields[MESSAGE].count = 1;
        found->fields[MESSAGE].value = value_of(found, &top);
    }
    for (unsigned f = 0; f < FIELDS; f++) {
        if (found->fields[f].count > 1)
            return refuse_field(why, f, "is given more than once");
    }
    return 0;
}

/* Targets. ------------------------------------------------------------ */

/* Null counts as absent: backends' serializers write it for unset members. */
static int read_id(const struct findings *found, enum field field, bool *has,
                   char out[HUB_ID_BYTES_MAX + 1], struct refusal *why)
{
    const struct value *value = &found->fields[field].value;
    const char *problem;

    *has = found->fields[field].count > 0 && value->type != JSON_TYPE_NULL;
    if (!*has)
        return 0;
    problem = intake_read_id(value->type, value->text, out);
    if (problem)
        return refuse(why, REFUSAL_INVALID_ID, "%s %s", field_names[field],
                      problem);
    return 0;
}

static int read_targets(struct publish_request *request,
                        const struct findings *found, struct refusal *why)
{
    int err =
        read_id(found, TARGET_USER, &request->has_user, request->user_id, why);

    if (!err)
        err = read_id(found, TARGET_SESSION, &request->has_session,
                      request->session_id, why);
    if (err)
        return err;
    if (!request->has_user && !request->has_session)
        return refuse_as(why, REFUSAL_MISSING_TARGET);
    return 0;
}

/* The message. -------------------------------------------------------- */

static int check_object(const struct findings *found, size_t max_message_bytes,
                        struct refusal *why)
{
    const struct value *message = &found->fields[MESSAGE].value;

    if (found->fields[MESSAGE].count == 0)
        return refuse_field(why, MESSAGE, "is missing");
    if (message->type != JSON_TYPE_OBJECT)
        return refuse_field(why, MESSAGE, "is not an object");
    if (message->text.bytes > max_message_bytes)
        return refuse(why, REFUSAL_TOO_LARGE,
                      "the message is %zu bytes long; the limit is %zu",
                      message->text.bytes, max_message_bytes);
    return 0;
}

/* A plus sign often arrives as \u002B, so escapes must be decoded. */
static int check_timestamp(struct slice text, struct refusal *why)
{
    static const char problem[] =
        "is not an RFC 3339 date and time such as 2026-01-02T03:04:05Z";
    char *decoded;
    long bytes;
    bool valid;

    if (text.bytes == 0 || !memchr(text.start, '\\', text.bytes))
        return timestamp_is_valid(text.start, text.bytes)
                   ? 0
                   : refuse_field(why, TIMESTAMP, problem);
    decoded = malloc(text.bytes + 1);
    if (!decoded)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    bytes = json_string_decode(text, decoded, text.bytes + 1);
    valid = bytes > 0 && timestamp_is_valid(decoded, (size_t)bytes);
    free(decoded);
    return valid ? 0 : refuse_field(why, TIMESTAMP, problem);
}

/* Null counts as absent here too. */
static bool has_timestamp(const struct findings *found)
{
    return found->fields[TIMESTAMP].count > 0 &&
           found->fields[TIMESTAMP].value.type != JSON_TYPE_NULL;
}

static int check_fields(const struct findings *found, struct refusal *why)
{
    const struct value *type = &found->fields[TYPE].value;
    const struct value *timestamp = &found->fields[TIMESTAMP].value;

    if (found->fields[TYPE].count == 0)
        return refuse_field(why, TYPE, "is missing");
    if (type->type != JSON_TYPE_STRING)
        return refuse_field(why, TYPE, "is not a string");
    if (type->text.bytes == 0)
        return refuse_field(why, TYPE, "is empty");
    if (found->fields[PAYLOAD].count == 0)
        return refuse_field(why, PAYLOAD, "is missing");
    if (!has_timestamp(found))
        return 0;
    if (timestamp->type != JSON_TYPE_STRING)
        return refuse_field(why, TIMESTAMP, "is not a string");
    return check_timestamp(timestamp->text, why);
}

/* Copies the message with a timestamp in place of its null, or as the last
 * member. There is always a member before that: type and payload are required.
 */
static int put_timestamp(struct publish_request *request,
                         const struct findings *found,
                         const struct timespec *now, struct refusal *why)
{
    bool is_null = found->fields[TIMESTAMP].count > 0;
    const char *name = is_null ? "\"" : ",\"timestamp\":\"";
    const char *end = request->message + request->message_bytes;
    struct slice gone = {end - 1, 0};
    char text[TIMESTAMP_BYTES + 1];
    char *to = malloc(request->message_bytes + strlen(name) + sizeof(text));

    if (!to)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    if (is_null)
        gone = found->fields[TIMESTAMP].value.text;
    request->owned = to;
    timestamp_format(now, text);
    to = mempcpy(to, request->message, (size_t)(gone.start - request->message));
    to = mempcpy(to, name, strlen(name));
    to = mempcpy(to, text, TIMESTAMP_BYTES);
    *to++ = '"';
    to = mempcpy(to, gone.start + gone.bytes,
                 (size_t)(end - gone.start) - gone.bytes);
    request->message = request->owned;
    request->message_bytes = (size_t)(to - request->owned);
    return 0;
}

int publish_read(struct publish_request *request, enum publish_kind kind,
                 const char *body, size_t body_bytes, size_t max_message_bytes,
                 const struct timespec *now, struct refusal *why)
{
    struct findings found = {.kind = kind};
    struct slice message;
    int err = scan_body(&found, body, body_bytes, why);

    *request = (struct publish_request){0};
    if (!err && kind == PUBLISH_SEND)
        err = read_targets(request, &found, why);
    if (!err)
        err = check_object(&found, max_message_bytes, why);
    if (!err)
        err = check_fields(&found, why);
    if (err)
        return err;
    message = found.fields[MESSAGE].value.text;
    request->message = message.start;
    request->message_bytes = message.bytes;
    if (has_timestamp(&found))
        return 0;
    return put_timestamp(request, &found, now, why);
}

void publish_release(struct publish_request *request)
{
    free(request->owned);
    request->owned = NULL;
}
