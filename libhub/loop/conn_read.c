/* conn_read.c - see conn_read.h. */
#include "loop/conn_read.h"

#include <errno.h>
#include <sys/socket.h>

#include "loop/conn_life.h"
#include "loop/conn_write.h"

/* While more than this waits, only the latest pong is kept, RFC 6455 5.5.3. */
#define PONGS_BYTES_MAX 4096

/* The largest message of a rejected peer that is parsed to get to its Close
 * frame. */
#define AWAY_BYTES 4096

/* How much silence may be made up for at once. */
#define BURST_NS INT64_C(10000000000)

static void on_message(struct hub__conn *c,
                       const struct hub__reader_event *event)
{
    const struct hub__shared *shared = &c->host->shared;
    struct hub_connection connection = hub__conn_view(c);
    struct hub_message message = {
        .struct_size = sizeof message,
        .kind = event->opcode == HUB__WS_TEXT ? HUB_TEXT : HUB_BINARY,
        .payload = event->payload,
        .payload_bytes = event->payload_bytes,
    };

    c->messages_in++;
    hub__count(&c->host->counters.messages_in, 1);
    if (shared->options->message != NULL)
        shared->options->message(shared->hub, &connection, &message);
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
        hub__conn_later(c);
        return;
    }
    if (hub__outbox_push(&c->outbox, pong) == 0)
        hub__conn_later(c);
    hub__frame_unref(pong);
}

/* Allows messages_per_s, and after silence a burst of BURST_NS' worth: the
 * virtual scheduling algorithm (ITU-T I.371), whose only state is a time. */
static bool is_flooding(struct hub__conn *c)
{
    unsigned rate = hub__conn_options(c)->messages_per_s;
    int64_t now_ns = c->host->now_ms * 1000000;

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
        hub__conn_answer_close(c, event->status);
        return false;
    }
    /* Once we have sent our Close, only the peer's matters. */
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

static enum hub__fault fault_of(int status)
{
    switch (status) {
    case HUB__WS_INVALID_DATA:
        return HUB__FAULT_TEXT;
    case HUB__WS_POLICY:
        return HUB__FAULT_FRAGMENTS;
    case HUB__WS_TOO_BIG:
        return HUB__FAULT_TOO_BIG;
    case HUB__WS_INTERNAL_ERROR:
        return HUB__FAULT_MEMORY;
    case HUB__WS_TRY_LATER:
        return HUB__FAULT_BUDGET;
    default:
        return HUB__FAULT_PROTOCOL;
    }
}

/* The end of the stream, or an error. A peer that has sent its Close may have
 * shut down only its side, and wait for the rest of ours; if it is gone, our
 * writes fail, or the socket reports it again. */
static void on_end(struct hub__conn *c, bool is_error)
{
    if (!is_error && c->peer_closed && !c->ended &&
        c->state < HUB__CONN_LINGERING)
        hub__conn_ended(c);
    else
        hub__conn_cut(c, HUB_CLOSED_LOST);
}

static inline void take_bytes(struct hub__conn *c, size_t message_bytes)
{
    struct hub__host *host = c->host;
    const struct hub__reader_limits limits = {
        .message_bytes = message_bytes,
        .budget = host->shared.reading,
    };
    ssize_t got;
    int status;

    do
        got = recv(c->fd, host->buffer, HUB__READ_BYTES, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (got <= 0) {
        on_end(c, got < 0);
        return;
    }

    hub__conn_heard(c);
    c->bytes_in += (uint64_t)got;
    hub__count(&host->counters.bytes_in, (uint64_t)got);
    if (c->peer_closed)
        return; /* data after a Close is ignored */
    status = hub__reader_feed(&c->reader, host->buffer, (size_t)got, &limits,
                              host->now_ms, take_event, c);
    if (status != 0)
        hub__conn_fail(c, fault_of(status));
    else if (c->flooding)
        hub__conn_fail(c, HUB__FAULT_RATE);
}

void hub__conn_readable(struct hub__conn *c)
{
    take_bytes(c, hub__conn_options(c)->max_message_bytes);
}

void hub__conn_read_away(struct hub__conn *c)
{
    take_bytes(c, AWAY_BYTES);
}
