/* send.c - from a request to a call of the hub. Nothing is sent before
 * everything has been checked, and after that only the hub can fail.
 */
#include "api/send.h"

#include <ctype.h>
#include <time.h>

#include "front/body.h"
#include "front/reply.h"

#define BODY_ALLOWANCE 65536 /* for the rest of the body */
#define WAIT_MS 1000         /* how long to wait for a hub that is behind */
#define CODING_SHOWN 32      /* bytes of the name of a coding */

static int check_media_type(const struct exchange *x, struct refusal *why)
{
    unsigned count;
    struct slice type = exchange_header(x, "Content-Type", &count);

    /* Parameters follow: RFC 9110, 8.3.1. */
    for (size_t i = 0; i < type.bytes; i++) {
        if (type.start[i] == ';' || type.start[i] == ' ' ||
            type.start[i] == '\t')
            type.bytes = i;
    }
    if (type.bytes == 0 ||
        (count == 1 && request_text_is(type, "application/json")))
        return 0;
    return refuse_as(why, REFUSAL_UNSUPPORTED_MEDIA_TYPE);
}

/* RFC 9110, 8.4: we support no content codings. */
static int check_encoding(const struct exchange *x, struct refusal *why)
{
    struct request_list list = {.info = x->request.info,
                                .name = "Content-Encoding"};
    struct slice coding;
    size_t shown = 0;

    while (request_list_next(&list, &coding)) {
        if (request_text_is(coding, "identity"))
            continue;
        while (shown < coding.bytes && shown < CODING_SHOWN &&
               isalnum((unsigned char)coding.start[shown]))
            shown++;
        (void)refuse(why, REFUSAL_UNSUPPORTED_MEDIA_TYPE,
                     "the Content-Encoding \"%.*s\" is not supported: send "
                     "the body without it",
                     (int)shown, coding.start);
        why->headers = "Accept-Encoding: identity\r\n";
        return -1;
    }
    return 0;
}

static int check_head(const struct exchange *x,
                      const struct send_context *context, struct refusal *why)
{
    if (atomic_load(context->draining))
        return refuse_as(why, REFUSAL_DRAINING);
    if (auth_check(context->auth, x, why) < 0 || check_media_type(x, why) < 0 ||
        check_encoding(x, why) < 0)
        return -1;
    if (!x->request.chunked && x->request.content_length < 0)
        return refuse_as(why, REFUSAL_LENGTH_REQUIRED);
    return 0;
}

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

static int read_body(struct body *body, struct exchange *x,
                     const struct send_context *context, struct refusal *why)
{
    const struct body_limits limits = {
        .bytes = context->max_message_bytes + BODY_ALLOWANCE,
        .timeout_ms = context->read_timeout_ms,
        .memory = context->memory,
    };

    if (body_read(body, x, &limits, why) == 0)
        return 0;
    /* What we cut off ourselves is not the client's fault. */
    if (why->status == 400 && atomic_load(context->draining))
        (void)refuse_as(why, REFUSAL_DRAINING);
    return -1;
}

void send_answer(struct exchange *x, const struct send_context *context,
                 enum publish_kind kind)
{
    struct refusal why;
    struct body body;
    cJSON *reply;
    int err;

    if (check_head(x, context, &why) < 0 ||
        read_body(&body, x, context, &why) < 0) {
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
