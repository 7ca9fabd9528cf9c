/* send.c - the public functions that send messages: they check the arguments
 * and encode the message, once, for the router. Threads: any.
 */
#include <stdbool.h>

#include <hub/hub.h>

#include "base/deadline.h"
#include "internal.h"
#include "router.h"

/* These structs have not grown since the first version of the library, and are
 * used in place. */
bool hub__message_is_valid(const struct hub_message *m)
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
    /* First one by one, because the sum might overflow. */
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

static bool read_options(const struct hub_send_options *options,
                         unsigned *wait_ms)
{
    if (options == NULL)
        return true;
    if (!hub__struct_is_whole(options, sizeof *options) || options->flags != 0)
        return false;
    *wait_ms = options->wait_ms;
    return true;
}

/* Sending. ------------------------------------------------------------- */

/* One call. */
struct sending {
    hub_t *hub;
    const struct hub_target *target;
    const struct hub_message *message;
    int64_t called_us; /* by the hub's clock */
    struct hub__want want;
};

/* Returns 0 and a frame, or an error. */
static int encode(struct sending *s, struct hub__frame **out)
{
    struct hub__budget *budget = &s->hub->budget;
    size_t bytes = hub__frame_memory_max(s->message->payload_bytes);
    struct hub__frame *frame;

    s->want = (struct hub__want){.hub = s->hub, .bytes = bytes};
    /* Checked before copying: callers retry, and each copy would take memory
     * beyond the budget just when it is short. */
    if (!hub__budget_has(budget, bytes))
        return HUB_EAGAIN;
    frame = hub__frame_of(s->message);
    if (frame == NULL)
        return HUB_ENOMEM;
    if (!hub__frame_charge(frame, budget)) {
        hub__frame_unref(frame);
        return HUB_EAGAIN;
    }
    frame->called_us = s->called_us;
    *out = frame;
    return 0;
}

static int64_t try_once(struct sending *s)
{
    struct hub__frame *frame;
    int64_t result = encode(s, &frame);

    if (result != 0)
        return result;
    result = hub__router_send(s->hub, s->target, frame, &s->want);
    hub__frame_unref(frame);
    /* Its memory may be free now: nobody got it, or everybody has, and the
     * loops looked for waiting calls before this reference was dropped. */
    hub__room_made(&s->hub->room);
    return result;
}

static bool has_room(const void *wanted)
{
    const struct hub__want *want = wanted;

    return want->loop != NULL
               ? !hub__router_is_behind(want->hub, want->loop, want->kind)
               : hub__budget_has(&want->hub->budget, want->bytes);
}

/* Retries, because other threads may be quicker. */
static int64_t try_until(struct sending *s, unsigned wait_ms)
{
    struct timespec until = hub__deadline_in(wait_ms);
    int64_t result;

    do {
        result = hub__room_wait(&s->hub->room, has_room, &s->want, &until);
        if (result != 0)
            return result;
        result = try_once(s);
    } while (result == HUB_EAGAIN);
    return result;
}

int64_t hub_send(hub_t *hub, const struct hub_target *target,
                 const struct hub_message *message,
                 const struct hub_send_options *options)
{
    struct sending s = {.hub = hub, .target = target, .message = message};
    unsigned wait_ms = 0;
    int64_t result;

    if (hub == NULL || !target_is_valid(target) ||
        !hub__message_is_valid(message) || !read_options(options, &wait_ms))
        return HUB_EINVAL;
    if (wait_ms > 0 && hub__is_callback(hub))
        return HUB_EDEADLK;
    s.called_us = hub->clock();
    result = hub__enter(hub);
    if (result != 0)
        return result;
    result = try_once(&s);
    if (result == HUB_EAGAIN && wait_ms > 0)
        result = try_until(&s, wait_ms);
    hub__leave(hub);
    return result;
}

int64_t hub_broadcast(hub_t *hub, const struct hub_message *message)
{
    return hub_send(hub, HUB_EVERYBODY, message, NULL);
}
