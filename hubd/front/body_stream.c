/* body_stream.c - one path for both kinds of framing: raw bytes come from
 * civetweb's buffer and then from the socket, and chunks are decoded in place.
 */
#include "front/body_stream.h"

#include <errno.h>
#include <poll.h>
#include <limits.h>
#include <sys/socket.h>
#include <string.h>

#include "base/clock.h"
#include "front/http_conn.h"
#include "front/reply.h"

static int refuse_large(const struct body_stream *stream, struct refusal *why)
{
    return refuse(why, REFUSAL_TOO_LARGE, "the body is larger than %lld bytes",
                  (long long)stream->pace.bytes);
}

int body_stream_open(struct body_stream *stream, struct exchange *x,
                     const struct body_pace *pace, struct refusal *why)
{
    const struct request *request = &x->request;

    *stream = (struct body_stream){
        .x = x,
        .pace = *pace,
        .end_ms = INT64_MAX,
        .held = x->held,
        .held_bytes = x->held_bytes,
        .room = pace->bytes,
        .left = request->chunked ? INT64_MAX : request->content_length,
    };
    x->keep_alive = false;
    if (request->content_length > pace->bytes)
        return refuse_large(stream, why);
    if (request->has_body && (x->held == NULL || http_conn_fd(x->client) < 0))
        return refuse(
            why, REFUSAL_INVALID_REQUEST,
            "this request must not be sent before the previous one is "
            "answered");
    if (pace->whole_ms != INT64_MAX)
        stream->end_ms = clock_now_ms() + pace->whole_ms;
    if (request->expects_continue && request->has_body)
        reply_continue(x);
    return 0;
}

/* Waiting. -------------------------------------------------------------- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Returns 1 if there is something to read, 0 after the deadline. */
static int await(int fd, int64_t end_ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    for (;;) {
        int64_t left = end_ms == INT64_MAX ? -1 : end_ms - clock_now_ms();

        if (end_ms != INT64_MAX && left <= 0)
            return 0;
        if (poll(&ready, 1, (int)sooner(left, INT_MAX)) != 0)
            return 1; /* recv() reports errors, if any */
    }
}

static int refuse_late(struct refusal *why)
{
    return refuse(why, REFUSAL_REQUEST_TIMEOUT,
                  "the body took too long to arrive");
}

/* Raw bytes of the body, at most `size`. */
static ssize_t take(struct body_stream *stream, char *out, size_t size,
                    int64_t end_ms, struct refusal *why)
{
    int fd = http_conn_fd(stream->x->client);
    ssize_t got;

    size = (size_t)sooner((int64_t)size, stream->left);
    if (stream->held_bytes > 0) {
        if (size > stream->held_bytes)
            size = stream->held_bytes;
        memcpy(out, stream->held, size);
        stream->held += size;
        stream->held_bytes -= size;
        return (ssize_t)size;
    }
    do {
        if (await(fd, end_ms) == 0)
            return refuse_late(why);
        got = recv(fd, out, size, MSG_DONTWAIT);
    } while (got < 0 && (errno == EAGAIN || errno == EINTR));
    return got > 0 ? got : refuse_as(why, REFUSAL_INVALID_BODY);
}

static bool is_complete(const struct body_stream *stream)
{
    return stream->x->request.chunked ? chunks_done(&stream->chunks)
                                      : stream->left <= 0;
}

/* How many of the `got` raw bytes are body, after decoding. */
static ssize_t undo(struct body_stream *stream, char *bytes, size_t got)
{
    if (stream->x->request.chunked)
        return (ssize_t)chunks_undo(&stream->chunks, bytes, &got);
    stream->left -= (int64_t)got;
    return (ssize_t)got;
}

ssize_t body_stream_read(struct body_stream *stream, char *out, size_t size,
                         struct refusal *why)
{
    int64_t end_ms = stream->end_ms;
    ssize_t got = 0;

    if (stream->pace.piece_ms != INT64_MAX)
        end_ms = sooner(end_ms, clock_now_ms() + stream->pace.piece_ms);
    /* Framing alone is not a piece; malformed chunks are reported after
     * everything before them has been passed on. */
    while (got == 0 && !is_complete(stream)) {
        if (chunks_broken(&stream->chunks))
            return refuse_as(why, REFUSAL_INVALID_BODY);
        got = take(stream, out, size, end_ms, why);
        if (got > 0)
            got = undo(stream, out, (size_t)got);
    }
    if (got > stream->room)
        return refuse_large(stream, why);
    if (got > 0)
        stream->room -= got;
    /* The next request may follow it, which nobody will read. */
    stream->x->unread_body =
        !is_complete(stream) || http_conn_has_unread(stream->x->client);
    return got;
}
