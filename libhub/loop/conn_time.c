/* conn_time.c - what a connection is given time for: taking bytes, answering a
 * ping, finishing a message, answering a Close. One sweep a tick looks at every
 * connection of a loop; there are no timers of their own.
 */
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "loop/conn.h"
#include "internal.h"

/* Bytes that the kernel holds for the peer. */
static int in_flight(const struct hub__conn *c)
{
    int bytes = 0;

    return ioctl(c->fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

/* A socket becomes writable only when much of its buffer is free. Before that,
 * whether the peer takes bytes shows in how few are left. */
static bool takes_bytes(struct hub__conn *c)
{
    int bytes = in_flight(c);

    if (bytes >= c->in_flight)
        return false;
    c->in_flight = bytes;
    return true;
}

void hub__conn_begins_wait(struct hub__conn *c)
{
    c->stalled_ms = c->loop->now_ms;
    c->in_flight = in_flight(c);
}

static bool overdue(const struct hub__conn *c, int64_t since_ms,
                    unsigned limit_ms)
{
    return c->loop->now_ms - since_ms >= (int64_t)limit_ms;
}

static void send_ping(struct hub__conn *c)
{
    if (hub__outbox_push_front(&c->outbox, c->loop->ping) != 0)
        return;
    c->pinged_ms = c->loop->now_ms;
    c->in_flight = in_flight(c);
    if (!c->blocked)
        hub__flush_later(c->loop, c);
}

/* It is taking what was on its way before the ping or our Close, which are
 * behind that. What was in flight then only gets less, so this comes to an
 * end. */
static void extend_limits(struct hub__conn *c)
{
    c->stalled_ms = c->loop->now_ms;
    if (c->state != HUB__CONN_OPEN)
        c->close_ms = c->loop->now_ms;
    if (c->pinged_ms != 0)
        c->pinged_ms = c->loop->now_ms;
}

void hub__conn_tick(struct hub__conn *c)
{
    const struct hub_options *o = &c->loop->hub->options;

    if (c->deliver != NULL || c->state == HUB__CONN_DEAD)
        return;
    if ((c->blocked || c->pinged_ms != 0 || c->state != HUB__CONN_OPEN) &&
        takes_bytes(c))
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
        hub__conn_fail(c, HUB__WS_POLICY, "message took too long");
        return;
    }
    if (c->pinged_ms != 0) {
        if (overdue(c, c->pinged_ms, o->pong_timeout_ms))
            hub__conn_cut(c, HUB_CLOSED_PONG_TIMEOUT);
    } else if (c->loop->now_ms - c->heard_ms + c->loop->tick_ms >=
               (int64_t)o->ping_interval_ms) {
        /* A tick early rather than a tick late: the two limits together bound
         * how long a vanished peer can stay. */
        send_ping(c);
    }
}
