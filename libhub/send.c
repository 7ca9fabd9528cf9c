/* send.c - the public functions by which messages come in: arguments are
 * checked and the message is encoded, once, for the router. Threads: any.
 */
#include <stdbool.h>

#include <hub/hub.h>

#include "internal.h"
#include "router.h"

/* What is passed here has not grown since the first version of the library, and
 * is used where it is. */
static bool message_is_valid(const struct hub_message *m)
{
    return hub__struct_is_whole(m, sizeof *m) &&
           (m->kind == HUB_TEXT || m->kind == HUB_BINARY) &&
           (m->payload != NULL || m->payload_bytes == 0);
}

static bool has_all(const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (texts[i] == NULL)
            return false;
    }
    return true;
}

static bool lists_are_valid(const struct hub_target *t)
{
    if ((t->ids == NULL && t->id_count > 0) ||
        (t->user_ids == NULL && t->user_id_count > 0) ||
        (t->session_ids == NULL && t->session_id_count > 0))
        return false;
    /* One by one first: the sum might overflow. */
    if (t->id_count > HUB_TARGET_NAMES_MAX ||
        t->user_id_count > HUB_TARGET_NAMES_MAX ||
        t->session_id_count > HUB_TARGET_NAMES_MAX ||
        t->id_count + t->user_id_count + t->session_id_count >
            HUB_TARGET_NAMES_MAX)
        return false;
    return has_all(t->user_ids, t->user_id_count) &&
           has_all(t->session_ids, t->session_id_count);
}

static bool names_nobody(const struct hub_target *t)
{
    return t->flags == 0 && t->id.value == 0 && t->user_id == NULL &&
           t->session_id == NULL && t->id_count == 0 && t->user_id_count == 0 &&
           t->session_id_count == 0;
}

static bool names_are_valid(const struct hub_target *t)
{
    return hub__struct_is_whole(t, sizeof *t) &&
           (t->flags & ~HUB_TO_EVERYBODY) == 0 && lists_are_valid(t);
}

static bool target_is_valid(const struct hub_target *t)
{
    return names_are_valid(t) && !names_nobody(t) &&
           (t->except == NULL ||
            (names_are_valid(t->except) && t->except->except == NULL));
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

static int64_t post(hub_t *hub, const struct hub_target *target,
                    const struct hub_message *message)
{
    int64_t called_us = hub->clock();
    struct hub__frame *frame;
    int64_t result = hub__enter(hub);

    if (result != 0)
        return result;
    result = encode(hub, message, called_us, &frame);
    if (result == 0) {
        result = hub__router_send(hub, target, frame);
        hub__frame_unref(frame);
    }
    hub__leave(hub);
    return result;
}

int64_t hub_send(hub_t *hub, const struct hub_target *target,
                 const struct hub_message *message,
                 const struct hub_send_options *options)
{
    if (hub == NULL || !target_is_valid(target) || !message_is_valid(message) ||
        (options != NULL && !hub__struct_is_whole(options, sizeof *options)))
        return HUB_EINVAL;
    return post(hub, target, message);
}

int64_t hub_broadcast(hub_t *hub, const struct hub_message *message)
{
    return hub_send(hub, HUB_EVERYBODY, message, NULL);
}
