/* wire_rejected.c - a socket that is told why it is rejected, see wire.h. It is
 * CLOSING from the start. What its peer sends is discarded until its Close
 * frame arrives, the stream ends, or REJECT_MS have passed.
 */
#include "loop/wire.h"

#include <stdatomic.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop/conn.h"
#include "loop/conn_read.h"
#include "loop/conn_write.h"

#define REJECT_MS 2000

static int open_rejected(struct hub__conn *c)
{
    hub__conn_later(c);
    return hub__host_watch(c->host, c->fd, EPOLLIN, c);
}

static void tick(struct hub__conn *c)
{
    if (c->host->now_ms - c->opened_ms >= REJECT_MS)
        hub__conn_cut(c, (enum hub_close_cause)c->cause);
}

static void leave(struct hub__conn *c)
{
    hub__host_unwatch(c->host, c->fd); /* see wire_websocket.c */
    close(c->fd);
    c->fd = -1;
    atomic_fetch_sub(c->host->shared.rejecting, 1);
}

/* It is never OPEN, so the rest is not needed. */
const struct hub__wire hub__wire_rejected = {
    .takes_frames = true,
    .open = open_rejected,
    .readable = hub__conn_read_away,
    .writable = hub__conn_writable,
    .send = hub__conn_send,
    .tick = tick,
    .leave = leave,
};
