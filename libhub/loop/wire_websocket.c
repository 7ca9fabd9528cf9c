/* wire_websocket.c - a socket that speaks RFC 6455, see wire.h. */
#include "loop/wire.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/conn.h"
#include "loop/conn_life.h"
#include "loop/conn_queue.h"
#include "loop/conn_read.h"
#include "loop/conn_time.h"
#include "loop/conn_write.h"

/* Helps if the socket is TCP, and does nothing otherwise. The kernel gives up
 * on a peer that acknowledges nothing no sooner than we do. */
static void tune_socket(const struct hub__conn *c)
{
    const struct hub_options *o = hub__conn_options(c);
    uint64_t patience_ms = (uint64_t)o->ping_interval_ms + o->pong_timeout_ms;
    const int on = 1;
    int timeout_ms;

    if (patience_ms < o->write_timeout_ms)
        patience_ms = o->write_timeout_ms;
    timeout_ms = patience_ms < INT_MAX ? (int)patience_ms : INT_MAX;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
               sizeof timeout_ms);
}

static int open_socket(struct hub__conn *c)
{
    tune_socket(c);
    if (!hub__outbox_empty(&c->outbox))
        hub__conn_later(c); /* the preamble and the greeting */
    return hub__host_watch(c->host, c->fd, EPOLLIN, c);
}

static bool queue_close(struct hub__conn *c, struct hub__frame *frame)
{
    return frame != NULL && hub__outbox_push(&c->outbox, frame) == 0;
}

/* Queues the Close frame after what waits. Without memory for that, what waits
 * is sent now, as far as the socket takes it: an empty outbox always has room
 * for one frame. */
static bool say_goodbye(struct hub__conn *c, const struct hub__ending *ending)
{
    struct hub__frame *frame = ending->frame;
    bool said;

    if (frame == NULL)
        frame = hub__frame_close(ending->code, ending->reason);
    said = queue_close(c, frame);
    if (!said) {
        while (hub__conn_is_ready(c) && !hub__outbox_empty(&c->outbox))
            hub__conn_flush(c);
        said = hub__conn_takes_messages(c) && queue_close(c, frame);
    }
    if (ending->frame == NULL && frame != NULL)
        hub__frame_unref(frame);
    if (said)
        hub__conn_begins_wait(c);
    return said;
}

static void drop(struct hub__conn *c)
{
    hub__conn_cut(c, HUB_CLOSED_BY_HOST);
}

static void close_socket(struct hub__conn *c)
{
    /* There may be a duplicate of the descriptor somewhere; then closing ours
     * would leave it in the epoll set. */
    hub__host_unwatch(c->host, c->fd);
    close(c->fd);
    c->fd = -1;
}

const struct hub__wire hub__wire_websocket = {
    .takes_frames = true,
    .has_place = true,
    .comes_back = true,
    .open = open_socket,
    .readable = hub__conn_readable,
    .writable = hub__conn_writable,
    .send = hub__conn_send,
    .make_room = hub__conn_make_room,
    .say_goodbye = say_goodbye,
    .drop = drop,
    .tick = hub__conn_tick,
    .leave = close_socket,
};
