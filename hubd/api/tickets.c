/* tickets.c - see tickets.h. Nothing is issued before everything has been
 * checked. The text of a ticket is only in the answer, which is overwritten
 * once it is sent.
 */
#include "api/tickets.h"

#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/json_string.h"
#include "base/origin.h"
#include "front/reply.h"

#define BODY_BYTES_MAX 16384
#define ANSWER_MAX (128 + TICKET_TEXT_MAX)
#define DIGITS_MAX 15 /* of a number; more would be out of range */

enum field {
    USER,
    SESSION,
    ORIGIN,
    TTL,
    CONNECTION_TTL,
    GROUPS,
    FIELDS,
};

static const char *const field_names[FIELDS] = {
    [USER] = "userId",
    [SESSION] = "sessionId",
    [ORIGIN] = "origin",
    [TTL] = "ttlMs",
    [CONNECTION_TTL] = "connectionTtlMs",
    [GROUPS] = "groups",
};

struct findings {
    const char *body;
    struct {
        unsigned count;
        enum json_type type;
        struct slice text; /* of the first */
    } fields[FIELDS];
};

static int refuse_field(struct refusal *why, enum field field,
                        const char *problem)
{
    return refuse(why,
                  field <= SESSION ? REFUSAL_INVALID_ID
                                   : REFUSAL_INVALID_TICKET_REQUEST,
                  "%s %s", field_names[field], problem);
}

/* The pass over the body. ----------------------------------------------- */

static int note_item(void *context, const struct json_item *item)
{
    struct findings *found = context;
    struct slice name = json_slice(found->body, item->path[0].name);

    for (int f = 0; item->path[0].is_member && f < FIELDS; f++) {
        if (!json_string_equals(name, field_names[f]))
            continue;
        if (found->fields[f].count++ == 0) {
            found->fields[f].type = item->value.type;
            found->fields[f].text = json_slice(found->body, item->value.text);
        }
        break;
    }
    return 0;
}

static int scan(struct findings *found, const char *body, size_t bytes,
                struct refusal *why)
{
    const struct json_report report = {note_item, found, .depth = 1};
    struct json_error problem;
    struct json_value top;

    *found = (struct findings){.body = body};
    if (json_scan(body, bytes, &report, &top, &problem))
        return intake_refuse_json(why, body, &problem);
    if (top.type != JSON_TYPE_OBJECT)
        return refuse(why, REFUSAL_INVALID_TICKET_REQUEST,
                      "the body is not a JSON object");
    for (unsigned f = 0; f < FIELDS; f++) {
        if (found->fields[f].count > 1)
            return refuse(why, REFUSAL_INVALID_TICKET_REQUEST,
                          "%s is given more than once", field_names[f]);
    }
    return 0;
}

/* Members. -------------------------------------------------------------- */

/* Null counts as absent: backends' serializers write it for unset members. */
static bool has(const struct findings *found, enum field field)
{
    return found->fields[field].count > 0 &&
           found->fields[field].type != JSON_TYPE_NULL;
}

static int read_id(const struct findings *found, enum field field,
                   char out[HUB_ID_BYTES_MAX + 1], struct refusal *why)
{
    const char *problem;

    if (!has(found, field))
        return 0;
    problem = intake_read_id(found->fields[field].type,
                             found->fields[field].text, out);
    return problem == NULL ? 0 : refuse_field(why, field, problem);
}

static int read_origin(const struct findings *found,
                       char out[TICKET_ORIGIN_MAX], struct refusal *why)
{
    if (!has(found, ORIGIN))
        return 0;
    if (found->fields[ORIGIN].type != JSON_TYPE_STRING ||
        json_string_decode(found->fields[ORIGIN].text, out, TICKET_ORIGIN_MAX) <
            0 ||
        !origin_is_valid(slice_of(out)))
        return refuse_field(why, ORIGIN,
                            "is not an origin such as https://example.com");
    return 0;
}

/* Only digits: no sign, fraction or exponent. */
static int64_t number_of(struct slice text)
{
    int64_t number = 0;

    if (text.bytes > DIGITS_MAX)
        return -1;
    for (size_t i = 0; i < text.bytes; i++) {
        if (!ascii_is_digit(text.start[i]))
            return -1;
        number = number * 10 + (text.start[i] - '0');
    }
    return number;
}

static int read_time(const struct findings *found, enum field field,
                     int64_t max_ms, int64_t *out, struct refusal *why)
{
    if (!has(found, field))
        return 0;
    if (found->fields[field].type == JSON_TYPE_NUMBER)
        *out = number_of(found->fields[field].text);
    if (*out >= TICKET_TTL_MS_MIN && *out <= max_ms)
        return 0;
    return refuse(why, REFUSAL_INVALID_TICKET_REQUEST,
                  "%s is not a whole number of milliseconds from %d to %lld",
                  field_names[field], TICKET_TTL_MS_MIN, (long long)max_ms);
}

int tickets_body_read(struct tickets_body *out, const char *body, size_t bytes,
                      struct refusal *why)
{
    struct findings found;

    *out = (struct tickets_body){0};
    if (scan(&found, body, bytes, why) < 0)
        return -1;
    if (!has(&found, USER))
        return refuse_field(why, USER, "is missing");
    if (has(&found, GROUPS))
        return refuse_field(why, GROUPS, "is not supported yet: leave it out");
    if (read_id(&found, USER, out->user_id, why) < 0 ||
        read_id(&found, SESSION, out->session_id, why) < 0 ||
        read_origin(&found, out->origin, why) < 0 ||
        read_time(&found, TTL, TICKET_TTL_MS_MAX, &out->ttl_ms, why) < 0 ||
        read_time(&found, CONNECTION_TTL, TICKETS_CONNECTION_MS_MAX,
                  &out->connection_ttl_ms, why) < 0)
        return -1;
    return 0;
}

/* Requests. ------------------------------------------------------------- */

static int issue(const struct tickets_context *context, const struct body *body,
                 char answer[ANSWER_MAX], struct refusal *why)
{
    struct tickets_body asked;
    struct ticket_request request;
    char text[TICKET_TEXT_MAX];
    int64_t ttl_ms;

    if (tickets_body_read(&asked, body->bytes, body->count, why) < 0)
        return -1;
    ttl_ms = asked.ttl_ms != 0 ? asked.ttl_ms : context->ttl_ms;
    request = (struct ticket_request){
        .user_id = asked.user_id,
        .session_id = asked.session_id,
        .origin = asked.origin,
        .ttl_ms = ttl_ms,
        .connection_ttl_ms = asked.connection_ttl_ms,
    };
    if (tickets_issue(context->tickets, &request, text, why) < 0)
        return -1;
    (void)snprintf(answer, ANSWER_MAX,
                   "{\"status\":\"success\",\"message\":\"Ticket issued\","
                   "\"ticket\":\"%s\",\"expiresInMs\":%lld}",
                   text, (long long)ttl_ms);
    explicit_bzero(text, sizeof(text));
    return 0;
}

static void answer_with(struct exchange *x, const char *answer)
{
    struct reply reply;

    reply_begin(&reply, x, REFUSAL_NONE, "application/json");
    (void)reply_write(&reply, answer, strlen(answer));
    reply_end(&reply);
    explicit_bzero(reply.buffer, sizeof(reply.buffer));
}

void tickets_answer(struct exchange *x, const struct tickets_context *context)
{
    char answer[ANSWER_MAX];
    struct refusal why;
    struct body body;
    int err;

    if (intake_read(&body, x, context->intake, BODY_BYTES_MAX, &why) < 0) {
        reply_refusal(x, &why);
        return;
    }
    err = context->tickets != NULL ? issue(context, &body, answer, &why)
                                   : refuse_as(&why, REFUSAL_TICKETS_OFF);
    body_release(&body);
    if (err < 0) {
        reply_refusal(x, &why);
        return;
    }
    answer_with(x, answer);
    explicit_bzero(answer, sizeof(answer));
}
