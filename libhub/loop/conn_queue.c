/* conn_queue.c - see conn_queue.h. */
#include "loop/conn_queue.h"

#include "loop/conn_life.h"
#include "loop/conn_write.h"

static bool fits(size_t have, size_t more, size_t bound)
{
    return more <= bound && have <= bound - more;
}

/* Whether the outbox has room for `bytes` more. A message that is larger than
 * the bound itself may wait alone. */
static bool has_room(const struct hub__conn *c, size_t bytes)
{
    const struct hub__outbox *o = &c->outbox;

    return hub__outbox_empty(o) ||
           (fits(o->bytes, bytes, hub__conn_options(c)->queue_bytes) &&
            fits(hub__outbox_memory(o), sizeof(struct hub__frame) + bytes,
                 hub__budget_share(c->host->shared.queued)));
}

/* Returns whether the message may be queued after all. */
static bool apply_policy(struct hub__conn *c, size_t bytes)
{
    struct hub__counters *counters = &c->host->counters;

    switch (hub__conn_options(c)->slow_consumer) {
    case HUB_SLOW_DROP_OLDEST:
        while (!has_room(c, bytes) && hub__outbox_drop_oldest(&c->outbox))
            hub__count(&counters->dropped, 1);
        return true;
    case HUB_SLOW_DROP_NEWEST:
        hub__count(&counters->dropped, 1);
        return false;
    case HUB_SLOW_CLOSE:
        break;
    }
    hub__count(&counters->slow_closed, 1);
    hub__outbox_drop_unsent(&c->outbox);
    hub__conn_close(c, &(struct hub__ending){
                           .cause = HUB_CLOSED_SLOW_CONSUMER,
                           .code = HUB__WS_TRY_LATER,
                           .reason = "slow consumer",
                       });
    return false;
}

bool hub__conn_make_room(struct hub__conn *c, size_t bytes)
{
    /* Much came in one turn: perhaps the socket would take more, and only our
     * queue is full. */
    while (hub__conn_is_ready(c) && !has_room(c, bytes))
        hub__conn_flush(c);
    if (!hub__conn_takes_messages(c))
        return false;
    return has_room(c, bytes) || apply_policy(c, bytes);
}

void hub__conn_queue(struct hub__conn *c, struct hub__frame *frame)
{
    if (!hub__conn_takes_messages(c))
        return;
    if (!has_room(c, frame->bytes) && !c->wire->make_room(c, frame->bytes))
        return;
    if (hub__outbox_push(&c->outbox, frame) != 0) {
        hub__conn_close(c, &(struct hub__ending){
                               .cause = HUB_CLOSED_ERROR,
                               .code = HUB__WS_INTERNAL_ERROR,
                               .reason = "out of memory",
                           });
        return;
    }
    hub__conn_later(c);
}
