/* body.c - reading until the announced end.
 *
 * mg_read() blocks until it has all it was asked for, the peer is gone, or
 * civetweb's timeout has passed without a single byte. The deadline over the
 * whole body is the client's: when it passes, the socket is shut down for
 * reading, and mg_read() comes back short.
 */
#include "body.h"

#include <stdlib.h>

#include "reply.h"

#define CHUNKED_FIRST 4096 /* grows twofold */

static int too_large(struct refusal *why, size_t limit)
{
    return refuse(why, 413, "too_large", NULL,
                  "the body is larger than %zu bytes", limit);
}

static int cut_short(struct refusal *why, bool expired)
{
    if (expired)
        return refuse(why, 408, "request_timeout", NULL,
                      "the body did not come in time");
    return refuse(why, 400, "invalid_body", NULL,
                  "the body is incomplete or badly chunked");
}

/* Fills up to `size` bytes. Returns 1: that many came, 0: the body has ended
 * before, -1: it was cut short. */
static int fill(struct mg_connection *conn, struct body *body, size_t size)
{
    while (body->count < size) {
        int got = mg_read(conn, body->bytes + body->count, size - body->count);

        if (got < 0)
            return -1;
        if (got == 0)
            return 0;
        body->count += (size_t)got;
    }
    return 1;
}

/* Returns 0, or the status of what went wrong. */
static int read_sized(struct mg_connection *conn, struct body *body,
                      size_t size)
{
    body->bytes = malloc(size > 0 ? size : 1);
    if (body->bytes == NULL)
        return 503;
    return fill(conn, body, size) == 1 ? 0 : 400;
}

static int read_chunked(struct mg_connection *conn, struct body *body,
                        size_t limit)
{
    size_t size = CHUNKED_FIRST;

    for (;;) {
        /* One more than the limit, to see whether there is more. */
        size_t next = size < limit ? size : limit + 1;
        char *grown = realloc(body->bytes, next);
        int filled;

        if (grown == NULL)
            return 503;
        body->bytes = grown;
        filled = fill(conn, body, next);
        if (filled <= 0)
            return filled == 0 ? 0 : 400;
        if (body->count > limit)
            return 413;
        size *= 2;
    }
}

int body_read(struct body *body, struct mg_connection *conn,
              struct client *client, const struct request *request,
              size_t limit, int64_t timeout_ms, struct refusal *why)
{
    int status;
    bool expired;

    *body = (struct body){0};
    if (request->content_length > (int64_t)limit)
        return too_large(why, limit);
    client_wait(client, CLIENT_WAIT_BODY, timeout_ms);
    if (request->expects_continue && request->has_body)
        reply_continue(conn);
    status = request->chunked
                 ? read_chunked(conn, body, limit)
                 : read_sized(conn, body, (size_t)request->content_length);
    expired = client_done(client);
    if (status == 0 && expired)
        status = 400; /* the end was of our making */
    if (status == 0) {
        /* civetweb does not read trailers, and closes behind them. */
        client->unread_body = request->chunked && client_has_unread(client);
        return 0;
    }
    body_release(body);
    if (status == 503)
        return refuse_no_memory(why);
    if (status == 413)
        return too_large(why, limit);
    return cut_short(why, expired);
}

void body_release(struct body *body)
{
    free(body->bytes);
    *body = (struct body){0};
}
