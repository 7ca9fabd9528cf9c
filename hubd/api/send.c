/* send.c - from a request to a call of the hub. Nothing is sent before
 * everything has been checked, and after that only the hub can fail.
 */
#include "api/send.h"

#include <time.h>

#include "front/reply.h"

#define BODY_ALLOWANCE 65536 /* for the rest of the body */
#define WAIT_MS 1000         /* how long to wait for a hub that is behind */

/* A hub that is behind gets time to catch up: this backpressure slows the
 * backend down to what the loops can do. */
static int64_t hand_over(hub_t *hub, const struct publish_request *publish,
                         enum publish_kind kind)
{
    struct hub_message message = HUB_MESSAGE_INIT;
    struct hub_target target = HUB_TARGET_INIT;
    struct hub_send_options options = HUB_SEND_OPTIONS_INIT;

    message.payload = publish->message;
    message.payload_bytes = publish->message_bytes;
    if (kind == PUBLISH_BROADCAST)
        target.flags = HUB_TO_EVERYBODY;
    if (publish->has_user)
        target.user_id = publish->user_id;
    if (publish->has_session)
        target.session_id = publish->session_id;
    options.wait_ms = WAIT_MS;
    return hub_send(hub, &target, &message, &options);
}

static int refuse_hub_error(int64_t error, struct refusal *why)
{
    if (error == HUB_EAGAIN)
        return refuse_as(why, REFUSAL_OVERLOADED);
    if (error == HUB_ESHUTDOWN)
        return refuse_as(why, REFUSAL_DRAINING);
    if (error == HUB_ENOMEM)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    return refuse(why, REFUSAL_INTERNAL_ERROR, "%s", hub_strerror((int)error));
}

/* Makes the reply except for the count, which needs no more memory. */
static cJSON *prepare_success(enum publish_kind kind)
{
    const char *message = kind == PUBLISH_BROADCAST
                              ? "Broadcast sent successfully"
                              : "Message sent successfully";
    cJSON *reply = cJSON_CreateObject();

    if (cJSON_AddStringToObject(reply, "status", "success") != NULL &&
        cJSON_AddStringToObject(reply, "message", message) != NULL &&
        cJSON_AddNumberToObject(reply, "recipients", 0) != NULL)
        return reply;
    cJSON_Delete(reply);
    return NULL;
}

static int publish_body(const struct send_context *context,
                        const struct body *body, enum publish_kind kind,
                        cJSON *reply, struct refusal *why)
{
    struct publish_request publish;
    struct timespec now;
    int64_t recipients;

    if (reply == NULL)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (publish_read(&publish, kind, body->bytes, body->count,
                     context->max_message_bytes, &now, why) < 0)
        return -1;
    recipients = hand_over(context->hub, &publish, kind);
    publish_release(&publish);
    if (recipients < 0)
        return refuse_hub_error(recipients, why);
    tally_recipients(kind == PUBLISH_BROADCAST ? &context->tally->broadcast
                                               : &context->tally->sent,
                     (uint64_t)recipients);
    (void)cJSON_SetNumberValue(cJSON_GetObjectItem(reply, "recipients"),
                               (double)recipients);
    return 0;
}

void send_answer(struct exchange *x, const struct send_context *context,
                 enum publish_kind kind)
{
    struct refusal why;
    struct body body;
    cJSON *reply;
    int err;

    if (intake_read(&body, x, context->intake,
                    context->max_message_bytes + BODY_ALLOWANCE, &why) < 0) {
        reply_refusal(x, &why);
        return;
    }
    reply = prepare_success(kind);
    err = publish_body(context, &body, kind, reply, &why);
    body_release(&body);
    if (err == 0) {
        reply_json(x, REFUSAL_NONE, NULL, reply);
        return;
    }
    cJSON_Delete(reply);
    reply_refusal(x, &why);
}
