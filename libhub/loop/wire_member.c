/* wire_member.c - members that take messages by a callback, see wire.h: they
 * have no descriptor, no peer to wait for, and no closing handshake.
 */
#include "loop/wire.h"

#include "loop/conn.h"
#include "loop/conn_life.h"
#include "loop/conn_write.h"

static int open_member(struct hub__conn *c)
{
    if (!hub__outbox_empty(&c->outbox))
        hub__conn_later(c); /* the greeting */
    return 0;
}

/* Delivers everything in the outbox. */
static void deliver(struct hub__conn *c)
{
    struct hub__frame *frame;
    int refused = 0;

    while (refused == 0 && (frame = hub__outbox_pop(&c->outbox)) != NULL) {
        struct hub_message message = hub__frame_message(frame);

        refused = c->deliver(c->data, c->entry.id, &message);
        if (refused == 0)
            hub__conn_count_out(c, 1, message.payload_bytes);
        hub__frame_unref(frame);
    }
    if (refused != 0)
        hub__conn_cut(c, HUB_CLOSED_LOST);
    else if (c->state == HUB__CONN_CLOSING)
        hub__conn_cut(c, (enum hub_close_cause)c->cause);
}

/* What waits is delivered in this same turn. */
static bool make_room(struct hub__conn *c, size_t bytes)
{
    (void)c;
    (void)bytes;
    return true;
}

static bool say_goodbye(struct hub__conn *c, const struct hub__ending *ending)
{
    (void)c;
    (void)ending;
    return true;
}

/* Ends it after what is queued. */
static void drop(struct hub__conn *c)
{
    hub__conn_close(c, &(struct hub__ending){.cause = HUB_CLOSED_BY_HOST,
                                             .code = HUB__WS_ABNORMAL});
}

static void tick(struct hub__conn *c)
{
    (void)c;
}

static void leave(struct hub__conn *c)
{
    (void)c;
}

const struct hub__wire hub__wire_member = {
    .has_place = true,
    .open = open_member,
    .send = deliver,
    .make_room = make_room,
    .say_goodbye = say_goodbye,
    .drop = drop,
    .tick = tick,
    .leave = leave,
};
