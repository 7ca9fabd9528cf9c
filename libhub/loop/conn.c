/* conn.c - see conn.h: the life of one connection.
 *
 * Invariant: a connection in NEW or OPEN is in the registry unless somebody
 * took it out with hub_close() or hub_unregister(), whose post is then on its
 * way. Nothing here frees a connection that is on the stack: hub__conn_cut()
 * only hands it to the loop's list of the dead.
 */
#include "loop/conn.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"
#include "base/mem.h"

/* While more than this waits, only the latest pong does, RFC 6455 5.5.3. */
#define PONGS_BYTES_MAX 4096

/* So much silence may be caught up on at once. */
#define BURST_NS INT64_C(10000000000)

static const struct hub_options *options_of(const struct hub__conn *c)
{
    return &c->loop->hub->options;
}

static bool is_socket(const struct hub__conn *c)
{
    return c->deliver == NULL;
}

/* Coming and going. --------------------------------------------------- */

struct hub__conn *hub__conn_new(const struct hub_member *member, int fd)
{
    size_t user_bytes = strlen(member->user_id) + 1;
    size_t session_bytes =
        member->session_id == NULL ? 0 : strlen(member->session_id) + 1;
    struct hub__conn *c =
        hub__calloc(1, sizeof *c + user_bytes + session_bytes);

    if (c == NULL)
        return NULL;
    c->deliver = member->deliver;
    c->data = member->data;
    c->fd = fd;
    c->entry.user_id = memcpy(c->ids, member->user_id, user_bytes);
    if (session_bytes > 0)
        c->entry.session_id =
            memcpy(c->ids + user_bytes, member->session_id, session_bytes);
    return c;
}

void hub__conn_free(struct hub__conn *c)
{
    hub__outbox_fini(&c->outbox);
    hub__reader_drop(&c->reader);
    if (c->pong != NULL)
        hub__frame_unref(c->pong);
    hub__free(c);
}

static struct hub_connection view(const struct hub__conn *c)
{
    return (struct hub_connection){
        .id = c->entry.id,
        .user_id = c->entry.user_id,
        .session_id = c->entry.session_id,
        .data = c->data,
    };
}

/* Helps where the socket is TCP and changes nothing elsewhere. The kernel gives
 * up on a peer that acknowledges nothing no sooner than we do. */
static void tune_socket(const struct hub__conn *c)
{
    const struct hub_options *o = options_of(c);
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

void hub__conn_open(struct hub__conn *c)
{
    struct hub__loop *loop = c->loop;

    c->state = HUB__CONN_OPEN;
    c->opened_ms = c->heard_ms = loop->now_ms;
    atomic_fetch_add_explicit(&loop->hub->opened, 1, memory_order_relaxed);
    if (options_of(c)->opened != NULL) {
        struct hub_connection connection = view(c);

        options_of(c)->opened(loop->hub, &connection);
    }
    if (is_socket(c))
        tune_socket(c);
    if (hub__loop_add(loop, c) != 0)
        hub__conn_cut(c, HUB_CLOSED_ERROR);
}

static void leave_registry(struct hub__conn *c)
{
    /* False: hub_close() or hub_unregister() was here first, and counted. */
    if (hub__registry_remove(&c->loop->hub->registry, &c->entry))
        atomic_fetch_sub_explicit(&c->loop->open, 1, memory_order_relaxed);
}

static void tell_closed(struct hub__conn *c)
{
    hub_t *hub = c->loop->hub;
    struct hub_connection connection = view(c);
    struct hub_close_info info = {
        .cause = (enum hub_close_cause)c->cause,
        .code = c->code,
        .duration_ms = c->loop->now_ms - c->opened_ms,
        .messages_in = c->messages_in,
        .messages_out = c->messages_out,
        .bytes_in = c->bytes_in,
        .bytes_out = c->bytes_out,
    };

    if (hub->options.closed != NULL)
        hub->options.closed(hub, &connection, &info);
}

static void begin_closing(struct hub__conn *c, int code,
                          enum hub_close_cause cause)
{
    c->state = HUB__CONN_CLOSING;
    c->cause = (uint8_t)cause;
    c->code = (uint16_t)code;
    c->close_ms = c->loop->now_ms;
    leave_registry(c);
}

void hub__conn_cut(struct hub__conn *c, enum hub_close_cause cause)
{
    hub_t *hub = c->loop->hub;

    if (c->state == HUB__CONN_DEAD)
        return;
    if (c->state < HUB__CONN_CLOSING)
        begin_closing(c, HUB__WS_ABNORMAL, cause);
    c->state = HUB__CONN_DEAD;
    if (c->fd >= 0) {
        /* Somebody may hold a duplicate of the descriptor, and then closing
         * ours would leave it in the set. */
        epoll_ctl(c->loop->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
        close(c->fd);
        c->fd = -1;
    }
    hub__loop_died(c->loop, c);
    /* First, so that `closed` may let a successor in. */
    atomic_fetch_add_explicit(&hub->closed, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&hub->held, 1, memory_order_relaxed);
    tell_closed(c);
}

static bool has_unread(const struct hub__conn *c)
{
    int bytes = 0;

    return ioctl(c->fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* Everything we had to say is out. */
static void after_last_write(struct hub__conn *c)
{
    if (c->state != HUB__CONN_CLOSING)
        return;
    if (!is_socket(c) || (c->peer_closed && !c->deaf && !has_unread(c))) {
        hub__conn_cut(c, (enum hub_close_cause)c->cause);
    } else if (c->peer_closed) {
        /* The peer may still be sending: closing now would answer that with a
         * reset, which can overtake our Close frame. */
        shutdown(c->fd, SHUT_WR);
        c->state = HUB__CONN_LINGERING;
    }
}

/* Puts the Close frame behind what waits. Without memory for that, what waits
 * leaves now, as far as the socket takes it: an empty outbox has room for one
 * frame. Returns whether there will be a Close frame. */
static bool queue_close(struct hub__conn *c, struct hub__frame *frame)
{
    if (frame != NULL && hub__outbox_push(&c->outbox, frame) == 0)
        return true;
    while (c->state == HUB__CONN_OPEN && (!c->blocked || c->retry) &&
           !hub__outbox_empty(&c->outbox))
        hub__flush_one(c->loop, c);
    return c->state == HUB__CONN_OPEN && frame != NULL &&
           hub__outbox_push(&c->outbox, frame) == 0;
}

void hub__conn_close(struct hub__conn *c, struct hub__frame *frame, int code,
                     enum hub_close_cause cause)
{
    if (c->state >= HUB__CONN_CLOSING)
        return;
    if (is_socket(c) && !queue_close(c, frame)) {
        hub__conn_cut(c, cause);
        return;
    }
    begin_closing(c, code, cause);
    if (is_socket(c))
        hub__conn_begins_wait(c);
    hub__flush_later(c->loop, c);
}

void hub__conn_close_code(struct hub__conn *c, int code, const char *reason,
                          enum hub_close_cause cause)
{
    struct hub__frame *frame;

    if (c->state >= HUB__CONN_CLOSING)
        return;
    if (!is_socket(c)) {
        hub__conn_close(c, NULL, code, cause);
        return;
    }
    frame = hub__frame_close(code, reason);
    hub__conn_close(c, frame, code, cause);
    if (frame != NULL)
        hub__frame_unref(frame);
}

static bool is_our_fault(int status)
{
    return status == HUB__WS_INTERNAL_ERROR || status == HUB__WS_TRY_LATER;
}

void hub__conn_fail(struct hub__conn *c, int status, const char *reason)
{
    c->peer_closed = c->deaf = true;
    hub__reader_drop(&c->reader);
    if (c->state == HUB__CONN_OPEN) {
        hub__outbox_drop_unsent(&c->outbox);
        hub__conn_close_code(c, status, reason,
                             is_our_fault(status) ? HUB_CLOSED_ERROR
                                                  : HUB_CLOSED_PROTOCOL_ERROR);
    } else {
        hub__flush_later(c->loop, c);
    }
}

/* Reading. ------------------------------------------------------------ */

static void on_message(struct hub__conn *c,
                       const struct hub__reader_event *event)
{
    struct hub_connection connection = view(c);
    struct hub_message message = {
        .kind = event->opcode == HUB__WS_TEXT ? HUB_TEXT : HUB_BINARY,
        .payload = event->payload,
        .payload_bytes = event->payload_bytes,
    };

    c->messages_in++;
    hub__count(&c->loop->counters.messages_in, 1);
    if (options_of(c)->message != NULL)
        options_of(c)->message(c->loop->hub, &connection, &message);
}

static void on_ping(struct hub__conn *c, const struct hub__reader_event *event)
{
    struct hub__frame *pong =
        hub__frame_new(HUB__WS_PONG, event->payload, event->payload_bytes);

    if (pong == NULL)
        return;
    if (c->blocked || c->outbox.bytes > PONGS_BYTES_MAX) {
        if (c->pong != NULL)
            hub__frame_unref(c->pong);
        c->pong = pong;
        hub__flush_later(c->loop, c);
        return;
    }
    if (hub__outbox_push(&c->outbox, pong) == 0)
        hub__flush_later(c->loop, c);
    hub__frame_unref(pong);
}

static void on_close(struct hub__conn *c, int status)
{
    c->peer_closed = true;
    if (c->state == HUB__CONN_OPEN) {
        hub__outbox_drop_unsent(&c->outbox);
        hub__conn_close_code(c, status, NULL, HUB_CLOSED_BY_PEER);
    } else {
        hub__flush_later(c->loop, c);
    }
}

/* Lets through messages_per_s, and after silence as many as would have come in
 * BURST_NS: a virtual scheduling algorithm (ITU-T I.371), which keeps nothing
 * but a time. */
static bool is_flooding(struct hub__conn *c)
{
    unsigned rate = options_of(c)->messages_per_s;
    int64_t now_ns = c->loop->now_ms * 1000000;

    if (rate == 0)
        return false;
    if (c->paid_ns < now_ns)
        c->paid_ns = now_ns;
    c->paid_ns += 1000000000 / rate;
    c->flooding = c->paid_ns > now_ns + BURST_NS;
    return c->flooding;
}

static bool take_event(void *context, const struct hub__reader_event *event)
{
    struct hub__conn *c = context;

    if (event->opcode == HUB__WS_CLOSE) {
        on_close(c, event->status);
        return false;
    }
    /* Once we have sent our Close, only the peer's is of interest. */
    if (c->state != HUB__CONN_OPEN)
        return true;
    if (is_flooding(c))
        return false;
    if (event->opcode == HUB__WS_PING)
        on_ping(c, event);
    else if (event->opcode != HUB__WS_PONG)
        on_message(c, event);
    return true;
}

static const char *reason_of(int status)
{
    switch (status) {
    case HUB__WS_INVALID_DATA:
        return "text is not UTF-8";
    case HUB__WS_POLICY:
        return "too many fragments";
    case HUB__WS_TOO_BIG:
        return "message too big";
    case HUB__WS_INTERNAL_ERROR:
    case HUB__WS_TRY_LATER:
        return "out of memory";
    default:
        return "protocol error";
    }
}

static void heard(struct hub__conn *c)
{
    c->heard_ms = c->loop->now_ms;
    c->pinged_ms = 0;
}

void hub__conn_readable(struct hub__conn *c)
{
    struct hub__loop *loop = c->loop;
    const struct hub__reader_limits limits = {
        .message_bytes = options_of(c)->max_message_bytes,
        .budget = &loop->hub->reading,
    };
    ssize_t got;
    int status;

    do
        got = recv(c->fd, loop->buffer, HUB__READ_BYTES, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (got <= 0) {
        hub__conn_cut(c, HUB_CLOSED_LOST);
        return;
    }

    heard(c);
    c->bytes_in += (uint64_t)got;
    hub__count(&loop->counters.bytes_in, (uint64_t)got);
    if (c->peer_closed)
        return; /* data behind a Close is ignored */
    status = hub__reader_feed(&c->reader, loop->buffer, (size_t)got, &limits,
                              loop->now_ms, take_event, c);
    if (status != 0)
        hub__conn_fail(c, status, reason_of(status));
    else if (c->flooding)
        hub__conn_fail(c, HUB__WS_POLICY, "too many messages");
}

/* Writing. ------------------------------------------------------------ */

static void set_blocked(struct hub__conn *c, bool blocked)
{
    if (c->blocked == blocked)
        return;
    c->blocked = blocked;
    if (blocked)
        hub__conn_begins_wait(c);
    hub__loop_await_writable(c->loop, c, blocked);
}

void hub__conn_writable(struct hub__conn *c)
{
    c->retry = true;
    hub__flush_later(c->loop, c);
}

bool hub__conn_prepare(struct hub__conn *c)
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

static void count_out(struct hub__conn *c, uint64_t messages, uint64_t bytes)
{
    c->messages_out += messages;
    c->bytes_out += bytes;
    hub__count(&c->loop->counters.messages_out, messages);
    hub__count(&c->loop->counters.bytes_out, bytes);
}

static bool is_again(ssize_t result)
{
    return result == -EAGAIN || result == -EWOULDBLOCK;
}

/* Out of kernel memory it would count as writable and be tried in vain without
 * end. */
static void cut_broken(struct hub__conn *c, ssize_t result)
{
    hub__conn_cut(c, result == -ENOBUFS || result == -ENOMEM ? HUB_CLOSED_ERROR
                                                             : HUB_CLOSED_LOST);
}

void hub__conn_wrote(struct hub__conn *c, size_t asked, ssize_t result)
{
    bool closing;

    if (is_again(result)) {
        set_blocked(c, true);
        return;
    }
    if (result < 0) {
        cut_broken(c, result);
        return;
    }
    count_out(c, hub__flush_took(c, (size_t)result), (uint64_t)result);
    if (c->blocked)
        heard(c); /* room in a full buffer: the peer's kernel takes bytes */
    closing = c->state == HUB__CONN_CLOSING && result > 0;
    if (closing)
        c->close_ms = c->loop->now_ms; /* it reads: it may have the rest too */
    if (c->blocked || closing)
        hub__conn_begins_wait(c);
    if (hub__outbox_empty(&c->outbox)) {
        set_blocked(c, false);
        after_last_write(c);
    } else if ((size_t)result < asked) {
        set_blocked(c, true);
    } else {
        hub__flush_later(c->loop, c);
    }
}

void hub__conn_wrote_frames(struct hub__conn *c,
                            struct hub__frame *const *frames, size_t count,
                            ssize_t result)
{
    size_t taken = result > 0 ? (size_t)result : 0, left = taken, at = 0;

    if (result < 0 && !is_again(result)) {
        cut_broken(c, result);
        return;
    }
    while (at < count && left >= frames[at]->bytes) {
        hub__loop_delivered(c->loop, frames[at], 1);
        left -= frames[at++]->bytes;
    }
    count_out(c, at, taken);
    if (at == count)
        return;
    set_blocked(c, true);
    /* Into an empty outbox this takes no memory: what is half out stays. */
    (void)hub__outbox_push(&c->outbox, frames[at++]);
    (void)hub__outbox_advance(&c->outbox, &left);
    while (at < count)
        hub__conn_queue(c, frames[at++]);
}

void hub__conn_deliver(struct hub__conn *c)
{
    struct hub__frame *frame;
    int refused = 0;

    while (refused == 0 && (frame = hub__outbox_pop(&c->outbox)) != NULL) {
        struct hub_message message = hub__frame_message(frame);

        refused = c->deliver(c->data, c->entry.id, &message);
        if (refused == 0)
            count_out(c, 1, message.payload_bytes);
        hub__frame_unref(frame);
    }
    if (refused != 0)
        hub__conn_cut(c, HUB_CLOSED_LOST);
    else
        after_last_write(c);
}

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
           (fits(o->bytes, bytes, options_of(c)->queue_bytes) &&
            fits(hub__outbox_memory(o), sizeof(struct hub__frame) + bytes,
                 hub__budget_share(&c->loop->hub->budget)));
}

/* Returns whether the message may be queued after all. */
static bool make_room(struct hub__conn *c, size_t bytes)
{
    struct hub__counters *counters = &c->loop->counters;

    switch (options_of(c)->slow_consumer) {
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
    hub__conn_close_code(c, HUB__WS_TRY_LATER, "slow consumer",
                         HUB_CLOSED_SLOW_CONSUMER);
    return false;
}

void hub__conn_queue(struct hub__conn *c, struct hub__frame *frame)
{
    if (c->state != HUB__CONN_OPEN)
        return;
    if (is_socket(c) && !has_room(c, frame->bytes)) {
        /* Much came in one turn: what is full is perhaps only our side. */
        while (c->state == HUB__CONN_OPEN && (!c->blocked || c->retry) &&
               !has_room(c, frame->bytes))
            hub__flush_one(c->loop, c);
        if (c->state != HUB__CONN_OPEN)
            return;
        if (!has_room(c, frame->bytes) && !make_room(c, frame->bytes))
            return;
    }
    if (hub__outbox_push(&c->outbox, frame) != 0) {
        hub__conn_close_code(c, HUB__WS_INTERNAL_ERROR, "out of memory",
                             HUB_CLOSED_ERROR);
        return;
    }
    hub__flush_later(c->loop, c);
}
