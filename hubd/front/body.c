/* body.c - reads until the announced end.
 *
 * mg_read() blocks until it has all it was asked for, the peer is gone, or
 * civetweb's timeout has passed without a single byte. The deadline for the
 * whole body is kept by http_conn.h: when it passes, the socket is shut down
 * for reading, and mg_read() returns early.
 *
 * Memory is allocated as bytes arrive: an announced length alone takes none.
 */
#include "front/body.h"

#include <stdlib.h>

#include <civetweb.h>

#include "front/http_conn.h"
#include "front/reply.h"

#define SIZE_FIRST 4096 /* doubles as it grows */
#define COPIES 2        /* the message may be copied, to add a timestamp */

static int too_large(struct refusal *why, size_t limit)
{
    return refuse(why, REFUSAL_TOO_LARGE, "the body is larger than %zu bytes",
                  limit);
}

static int cut_short(struct refusal *why, bool chunked, bool expired)
{
    if (expired)
        return refuse(why, REFUSAL_REQUEST_TIMEOUT,
                      "the body took too long to arrive");
    return refuse(why, REFUSAL_INVALID_BODY, "the body is incomplete%s",
                  chunked ? ", or its chunks are malformed or have extensions, "
                            "which are not supported"
                          : "");
}

/* The outcome of reading. */
enum outcome { WHOLE, ENDED, CUT, NO_MEMORY, OVERLOADED };

static enum outcome grow(struct body *body, size_t size)
{
    char *grown;

    if (!memory_take(body->memory, COPIES * (size - body->size)))
        return OVERLOADED;
    grown = realloc(body->bytes, size);
    if (grown == NULL) {
        memory_give(body->memory, COPIES * (size - body->size));
        return NO_MEMORY;
    }
    body->bytes = grown;
    body->size = size;
    return WHOLE;
}

/* Fills the allocated memory. ENDED: the body ended before that. */
static enum outcome fill(struct mg_connection *conn, struct body *body)
{
    while (body->count < body->size) {
        int got =
            mg_read(conn, body->bytes + body->count, body->size - body->count);

        if (got <= 0)
            return got < 0 ? CUT : ENDED;
        body->count += (size_t)got;
    }
    return WHOLE;
}

/* Reads up to `bytes` bytes. */
static enum outcome read_bytes(struct mg_connection *conn, struct body *body,
                               size_t bytes)
{
    enum outcome outcome;

    do {
        size_t size = body->size == 0 ? SIZE_FIRST : 2 * body->size;

        outcome = grow(body, size < bytes ? size : bytes);
        if (outcome == WHOLE)
            outcome = fill(conn, body);
    } while (outcome == WHOLE && body->count < bytes);
    return outcome;
}

static int refuse_outcome(enum outcome outcome, bool chunked, bool expired,
                          struct refusal *why)
{
    if (outcome == NO_MEMORY)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    if (outcome == OVERLOADED)
        return refuse_as(why, REFUSAL_OVERLOADED);
    return cut_short(why, chunked, expired);
}

int body_read(struct body *body, struct exchange *x,
              const struct body_limits *limits, struct refusal *why)
{
    const struct request *request = &x->request;
    /* If the length is unknown, one more, to see whether it is too long. */
    size_t bytes =
        request->chunked ? limits->bytes + 1 : (size_t)request->content_length;
    enum outcome outcome = WHOLE, good = request->chunked ? ENDED : WHOLE;
    const struct arrival *arrival = &x->client->tap.arrival;
    bool expired;

    *body = (struct body){.memory = limits->memory};
    if (request->content_length > (int64_t)limits->bytes)
        return too_large(why, limits->bytes);
    http_conn_wait(x->client, HTTP_CONN_WAIT_BODY, limits->timeout_ms);
    if (request->expects_continue && request->has_body)
        reply_continue(x);
    if (bytes > 0)
        outcome = read_bytes(x->conn, body, bytes);
    expired = http_conn_done(x->client);
    /* civetweb accepts a CR and more digits after the size of a chunk. */
    if (outcome == good && !expired && !arrival_is_broken(arrival)) {
        /* It does not read trailers, and closes after them. */
        x->unread_body = arrival_has_trailers(arrival);
        return 0;
    }
    body_release(body);
    if (outcome == WHOLE && request->chunked)
        return too_large(why, limits->bytes);
    /* If the time was up, we ended the stream ourselves. */
    return refuse_outcome(outcome, request->chunked, expired, why);
}

void body_release(struct body *body)
{
    memory_give(body->memory, COPIES * body->size);
    free(body->bytes);
    *body = (struct body){.memory = body->memory};
}
