/* conn_time.c - see conn_time.h. */
#include "loop/conn_time.h"

#include "loop/conn_life.h"
#include "loop/conn_write.h"

static bool overdue(const struct hub__conn *c, int64_t since_ms,
                    unsigned limit_ms)
{
    return c->host->now_ms - since_ms >= (int64_t)limit_ms;
}

static void send_ping(struct hub__conn *c)
{
    if (hub__outbox_push_front(&c->outbox, c->host->ping) != 0)
        return;
    c->pinged_ms = c->host->now_ms;
    hub__conn_measure(c);
    if (!c->blocked)
        hub__conn_later(c);
}

/* The peer is still taking what was queued before the ping or our Close. That
 * can only become less, so this comes to an end. */
static void extend_limits(struct hub__conn *c)
{
    c->stalled_ms = c->host->now_ms;
    if (c->state != HUB__CONN_OPEN)
        c->close_ms = c->host->now_ms;
    if (c->pinged_ms != 0)
        c->pinged_ms = c->host->now_ms;
}

void hub__conn_tick(struct hub__conn *c)
{
    const struct hub_options *o = hub__conn_options(c);

    if (c->state == HUB__CONN_DEAD)
        return;
    if ((c->blocked || c->pinged_ms != 0 || c->state != HUB__CONN_OPEN) &&
        hub__conn_takes_bytes(c))
        extend_limits(c);
    if (c->blocked && overdue(c, c->stalled_ms, o->write_timeout_ms)) {
        hub__conn_cut(c, HUB_CLOSED_WRITE_TIMEOUT);
        return;
    }
    if (c->state != HUB__CONN_OPEN) {
        if (overdue(c, c->close_ms, o->close_timeout_ms))
            hub__conn_cut(c, (enum hub_close_cause)c->cause);
        return;
    }
    if (c->reader != NULL &&
        overdue(c, c->reader->started_ms, o->message_timeout_ms)) {
        hub__conn_fail(c, HUB__FAULT_SLOW_MESSAGE);
        return;
    }
    if (c->pinged_ms != 0) {
        if (overdue(c, c->pinged_ms, o->pong_timeout_ms))
            hub__conn_cut(c, HUB_CLOSED_PONG_TIMEOUT);
    } else if (c->host->now_ms - c->heard_ms + c->host->tick_ms >=
               (int64_t)o->ping_interval_ms) {
        /* Rather a tick early than a tick late: the two limits together bound
         * how long a vanished peer can stay. */
        send_ping(c);
    }
}

void hub__conn_forgive(struct hub__conn *c)
{
    c->pinged_ms = 0;
    c->stalled_ms = c->host->now_ms;
    if (c->state == HUB__CONN_OPEN)
        c->paid_ns = 0;
}
