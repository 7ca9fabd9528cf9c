/* conn_write.c - see conn_write.h. */
#include "loop/conn_write.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "loop/batch.h"

void hub__conn_later(struct hub__conn *c)
{
    struct hub__host *host = c->host;

    if (c->dirty || c->state == HUB__CONN_DEAD)
        return;
    c->dirty = true;
    c->dirty_next = NULL;
    if (host->dirty_last != NULL)
        host->dirty_last->dirty_next = c;
    else
        host->dirty_first = c;
    host->dirty_last = c;
}

/* Waiting for the peer. ------------------------------------------------ */

/* Bytes that the kernel holds for the peer. */
static int in_flight(const struct hub__conn *c)
{
    int bytes = 0;

    return ioctl(c->fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

void hub__conn_measure(struct hub__conn *c)
{
    c->in_flight = in_flight(c);
}

void hub__conn_begins_wait(struct hub__conn *c)
{
    c->stalled_ms = c->host->now_ms;
    hub__conn_measure(c);
}

/* A socket becomes writable only when much of its buffer is free. Before that,
 * a shrinking backlog shows that the peer takes bytes. */
bool hub__conn_takes_bytes(struct hub__conn *c)
{
    int bytes = in_flight(c);

    if (bytes >= c->in_flight)
        return false;
    c->in_flight = bytes;
    return true;
}

/* Updates which events its socket is watched for. */
static void watch(struct hub__conn *c)
{
    uint32_t events = (c->ended ? 0u : (uint32_t)EPOLLIN) |
                      (c->blocked ? (uint32_t)EPOLLOUT : 0u);

    (void)hub__host_rewatch(c->host, c->fd, events, c);
}

static void set_blocked(struct hub__conn *c, bool blocked)
{
    if (c->blocked == blocked)
        return;
    c->blocked = blocked;
    if (blocked)
        hub__conn_begins_wait(c);
    watch(c);
}

void hub__conn_ended(struct hub__conn *c)
{
    c->ended = true;
    watch(c);
}

void hub__conn_writable(struct hub__conn *c)
{
    c->retry = true;
    hub__conn_later(c);
}

bool hub__conn_is_ready(const struct hub__conn *c)
{
    return hub__conn_takes_messages(c) && (!c->blocked || c->retry);
}

/* The end of it. ------------------------------------------------------- */

/* If the kernel is out of memory, the socket still counts as writable, and
 * would be retried forever. */
static void cut_broken(struct hub__conn *c, ssize_t result)
{
    hub__conn_cut(c, result == -ENOBUFS || result == -ENOMEM ? HUB_CLOSED_ERROR
                                                             : HUB_CLOSED_LOST);
}

static bool has_unread(const struct hub__conn *c)
{
    int bytes = 0;

    return ioctl(c->fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* Everything we had to send is sent. */
static void after_last_write(struct hub__conn *c)
{
    if (c->state != HUB__CONN_CLOSING)
        return;
    if (c->ended || (c->peer_closed && !c->deaf && !has_unread(c))) {
        hub__conn_cut(c, (enum hub_close_cause)c->cause);
    } else if (c->peer_closed) {
        /* The peer may still be sending: closing now would cause a reset, which
         * can overtake our Close frame. */
        shutdown(c->fd, SHUT_WR);
        c->state = HUB__CONN_LINGERING;
    }
}

/* Writing. ------------------------------------------------------------- */

/* Before a write: whether there is a point in trying one. */
static bool prepare(struct hub__conn *c)
{
    if (c->state == HUB__CONN_DEAD || (c->blocked && !c->retry))
        return false;
    c->retry = false;
    if (c->pong != NULL && hub__outbox_push_front(&c->outbox, c->pong) == 0) {
        hub__frame_unref(c->pong);
        c->pong = NULL;
    }
    return true;
}

void hub__conn_count_out(struct hub__conn *c, uint64_t messages, uint64_t bytes)
{
    c->messages_out += messages;
    c->bytes_out += bytes;
    hub__count(&c->host->counters.messages_out, messages);
    hub__count(&c->host->counters.bytes_out, bytes);
}

static bool is_again(ssize_t result)
{
    return result == -EAGAIN || result == -EWOULDBLOCK;
}

/* Removes from the outbox what the last write has sent. Returns how many
 * messages are now sent completely. */
static uint64_t take_off(struct hub__conn *c, size_t bytes)
{
    struct hub__frame *frame;
    uint64_t messages = 0;

    while ((frame = hub__outbox_advance(&c->outbox, &bytes)) != NULL) {
        if (hub__frame_has_message(frame)) {
            messages++;
            hub__host_delivered(c->host, frame, 1);
        }
        hub__frame_unref(frame);
    }
    return messages;
}

/* `taken` bytes of `asked` were written. */
static void wrote(struct hub__conn *c, size_t asked, size_t taken)
{
    bool closing = c->state != HUB__CONN_OPEN && taken > 0;

    if (c->blocked)
        hub__conn_heard(c); /* room in a full buffer: the peer has acknowledged
                               bytes */
    if (closing)
        c->close_ms = c->host->now_ms; /* it reads: it may get the rest */
    if (c->blocked || closing)
        hub__conn_begins_wait(c);
    if (hub__outbox_empty(&c->outbox)) {
        set_blocked(c, false);
        after_last_write(c);
    } else if (taken < asked) {
        set_blocked(c, true);
    } else {
        hub__conn_later(c);
    }
}

/* Handles the result of a write from the outbox. */
static void took(struct hub__conn *c, const struct hub__write *w)
{
    size_t leading = hub__outbox_leading(&c->outbox), taken;
    uint64_t messages;

    if (is_again(w->result)) {
        set_blocked(c, true);
        return;
    }
    if (w->result < 0) {
        cut_broken(c, w->result);
        return;
    }
    taken = (size_t)w->result;
    messages = take_off(c, taken);
    if (taken > leading) /* the host's preamble is not counted */
        hub__conn_count_out(c, messages, taken - leading);
    wrote(c, w->bytes, taken);
}

/* Puts what waits into a write with room for HUB__IOV pieces. Returns whether
 * there is anything to write, and a point in trying. */
static bool gather(struct hub__conn *c, struct hub__write *w, struct iovec *iov)
{
    if (!prepare(c))
        return false;
    if (hub__outbox_empty(&c->outbox)) {
        wrote(c, 0, 0); /* it may have been waiting for this */
        return false;
    }
    w->fd = c->fd;
    w->iov = iov;
    w->iov_count = hub__outbox_gather(&c->outbox, iov, HUB__IOV,
                                      HUB__TURN_BYTES, &w->bytes);
    return true;
}

/* See hub__batch_write(). */
static void take_result(void *context, struct hub__conn *c,
                        const struct hub__write *w)
{
    (void)context;
    took(c, w);
}

void hub__conn_write_all(struct hub__host *host)
{
    if (host->batch->count > 0)
        hub__batch_write(host, take_result, NULL);
}

void hub__conn_send(struct hub__conn *c)
{
    struct hub__batch *b = c->host->batch;

    if (!gather(c, &b->writes[b->count], b->iov[b->count]))
        return;
    b->conns[b->count++] = c;
    if (hub__batch_is_full(b))
        hub__conn_write_all(c->host);
}

void hub__conn_flush(struct hub__conn *c)
{
    struct iovec iov[HUB__IOV];
    struct hub__write w;

    if (!gather(c, &w, iov))
        return;
    hub__host_write(c->host, &w, 1);
    took(c, &w);
}

size_t hub__conn_wrote_frames(struct hub__conn *c,
                              struct hub__frame *const *frames, size_t count,
                              ssize_t result)
{
    size_t taken = result > 0 ? (size_t)result : 0, left = taken, at = 0;

    if (result < 0 && !is_again(result)) {
        cut_broken(c, result);
        return count;
    }
    while (at < count && left >= frames[at]->bytes) {
        hub__host_delivered(c->host, frames[at], 1);
        left -= frames[at++]->bytes;
    }
    hub__conn_count_out(c, at, taken);
    if (at == count)
        return count;
    set_blocked(c, true);
    /* Pushing to an empty outbox needs no memory, so a half-sent frame is never
     * lost. */
    (void)hub__outbox_push(&c->outbox, frames[at++]);
    (void)hub__outbox_advance(&c->outbox, &left);
    return at;
}
