/* send.c - the public functions by which messages come in: arguments are
 * checked and the message is encoded, once, for the router. Threads: any.
 */
#include <hub/hub.h>

#include "internal.h"
#include "router.h"

static int check_message(const struct hub_message *message)
{
    if (message->kind != HUB_TEXT && message->kind != HUB_BINARY)
        return HUB_EINVAL;
    if (message->payload == NULL && message->payload_bytes > 0)
        return HUB_EINVAL;
    return 0;
}

static int check_target(const struct hub_target *to)
{
    bool named = to->user_id != NULL || to->session_id != NULL;

    return (to->id.value != 0) != named ? 0 : HUB_EINVAL;
}

/* Returns 0 and a frame, or an error. */
static int encode(hub_t *hub, const struct hub_message *message,
                  int64_t called_us, struct hub__frame **out)
{
    enum hub__ws_opcode opcode =
        message->kind == HUB_TEXT ? HUB__WS_TEXT : HUB__WS_BINARY;
    struct hub__frame *frame;

    /* Callers try again and again: each time a copy, outside of the budget,
     * would cost the more the less there is. */
    if (!hub__budget_has(&hub->budget, message->payload_bytes))
        return HUB_EAGAIN;
    frame = hub__frame_new(opcode, message->payload, message->payload_bytes);
    if (frame == NULL)
        return HUB_ENOMEM;
    if (!hub__frame_charge(frame, &hub->budget)) {
        hub__frame_unref(frame);
        return HUB_EAGAIN;
    }
    frame->called_us = called_us;
    *out = frame;
    return 0;
}

/* `to` NULL: everybody. */
static int64_t route(hub_t *hub, const struct hub_target *to,
                     const struct hub_message *message)
{
    int64_t called_us = hub->clock();
    struct hub__frame *frame;
    int64_t result = hub__enter(hub);

    if (result != 0)
        return result;
    result = encode(hub, message, called_us, &frame);
    if (result == 0) {
        result = to != NULL ? hub__router_send(hub, to, frame)
                            : hub__router_broadcast(hub, frame);
        hub__frame_unref(frame);
    }
    hub__leave(hub);
    return result;
}

int64_t hub_send(hub_t *hub, struct hub_target to, struct hub_message message)
{
    if (hub == NULL || check_target(&to) != 0 || check_message(&message) != 0)
        return HUB_EINVAL;
    return route(hub, &to, &message);
}

int64_t hub_broadcast(hub_t *hub, struct hub_message message)
{
    if (hub == NULL || check_message(&message) != 0)
        return HUB_EINVAL;
    return route(hub, NULL, &message);
}
