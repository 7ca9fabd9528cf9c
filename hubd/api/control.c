/* control.c - see control.h. Answers are queued like messages; if there is no
 * room, an answer is dropped, and the client asks again.
 */
#include "api/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/frames.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/json_string.h"
#include "base/linebuf.h"

#define REFRESH_EVERY_MS INT64_C(10000) /* on average */
#define REFRESH_AT_ONCE 3               /* burst */
#define CODE_POLICY_VIOLATION 1008

/* Frames to a client. --------------------------------------------------- */

static void add_string(struct linebuf *out, const char *name, const char *value)
{
    linebuf_addf(out, ",\"%s\":\"", name);
    linebuf_add_json(out, value, HUB_ID_BYTES_MAX);
    linebuf_add(out, "\"");
}

void control_hello(const struct control *control,
                   const struct identity *identity,
                   const struct session *session, char out[CONTROL_HELLO_MAX])
{
    struct linebuf text;

    linebuf_init(&text, out, CONTROL_HELLO_MAX);
    linebuf_add(&text, "{\"hub\":\"hello\"");
    add_string(&text, "connectionId", session->v1->connection_id);
    add_string(&text, "userId", identity->user_id);
    if (identity->session_id[0] != '\0')
        add_string(&text, "sessionId", identity->session_id);
    if (identity->expires_in_ms > 0)
        linebuf_addf(&text, ",\"expiresInMs\":%" PRId64,
                     identity->expires_in_ms);
    linebuf_addf(&text, ",\"pingIntervalMs\":%" PRId64 "}",
                 control->config->ping_interval_ms);
}

void control_expiring(hub_t *hub, const struct hub_connection *connection,
                      int64_t remaining_ms)
{
    const struct session *session = connection->data;

    if (session->speaks_v1)
        frames_send(hub, connection->id,
                    "{\"hub\":\"expiring\",\"inMs\":%" PRId64 "}",
                    remaining_ms);
}

/* Frames from a client. ------------------------------------------------- */

/* The members of a control frame that are used. */
enum member { HUB, TYPE, TOKEN, MEMBERS };

static const char *const member_names[] = {
    [HUB] = "hub",
    [TYPE] = "type",
    [TOKEN] = "token",
};

struct frame {
    const char *text;
    unsigned count[MEMBERS];
    struct json_value value[MEMBERS];
};

static int note(void *context, const struct json_item *item)
{
    struct frame *frame = context;
    struct slice name = json_slice(frame->text, item->path[0].name);

    if (!item->path[0].is_member)
        return 0;
    for (unsigned i = 0; i < MEMBERS; i++) {
        if (!json_string_equals(name, member_names[i]))
            continue;
        frame->count[i]++;
        frame->value[i] = item->value;
    }
    return 0;
}

static bool is_string(const struct frame *frame, enum member member)
{
    return frame->count[member] == 1 &&
           frame->value[member].type == JSON_TYPE_STRING;
}

/* Whether it is a control frame. */
static bool read_frame(struct frame *frame, const struct hub_message *message)
{
    const struct json_report report = {note, frame, 1};
    struct json_value top;
    struct json_error error;

    *frame = (struct frame){.text = message->payload};
    return message->kind == HUB_TEXT && message->payload_bytes > 0 &&
           json_scan(message->payload, message->payload_bytes, &report, &top,
                     &error) == 0 &&
           top.type == JSON_TYPE_OBJECT && is_string(frame, HUB) &&
           frame->count[TYPE] == 0;
}

/* A rate limit (GCRA), because checking signatures is expensive: refresh_ms is
 * when the full allowance is available again. */
static bool may_refresh(struct v1_session *v1)
{
    int64_t now_ms = clock_now_ms();

    if (v1->refresh_ms < now_ms)
        v1->refresh_ms = now_ms;
    if (v1->refresh_ms - now_ms > (REFRESH_AT_ONCE - 1) * REFRESH_EVERY_MS)
        return false;
    v1->refresh_ms += REFRESH_EVERY_MS;
    return true;
}

static void refresh(struct control *control, hub_t *hub,
                    const struct hub_connection *connection,
                    const struct frame *frame)
{
    struct session *session = connection->data;

    if (!may_refresh(session->v1)) {
        (void)hub_close(hub, connection->id, CODE_POLICY_VIOLATION,
                        "too many refreshes");
        return;
    }
    if (!is_string(frame, TOKEN)) {
        frames_error(hub, connection->id, "invalid_control", "refresh",
                     "token is missing, or not a string");
        return;
    }
    if (control->refresh == NULL) {
        frames_error(hub, connection->id, "unauthorized", "refresh",
                     "tokens are not accepted here");
        return;
    }
    if (refresh_ask(control->refresh, connection,
                    json_slice(frame->text, frame->value[TOKEN].text)) < 0)
        frames_error(hub, connection->id, "overloaded", "refresh",
                     "too many refreshes are waiting; try again");
}

static bool says(const struct frame *frame, const char *what)
{
    return json_string_equals(json_slice(frame->text, frame->value[HUB].text),
                              what);
}

void control_message(struct control *control, hub_t *hub,
                     const struct hub_connection *connection,
                     const struct hub_message *message)
{
    struct frame frame;

    if (message->payload_bytes > CONTROL_BYTES_MAX)
        return;
    if (!read_frame(&frame, message))
        return;
    if (says(&frame, "ping"))
        frames_send(hub, connection->id, "{\"hub\":\"pong\"}");
    else if (says(&frame, "refresh"))
        refresh(control, hub, connection, &frame);
    else
        frames_error(hub, connection->id, "unknown_control", NULL,
                     "unknown control frame");
}
