/* reply.h - answers to HTTP requests, of any length, and none of them ever
 * whole in memory: what is written leaves when there is a piece of it.
 *
 * An answer that is no longer than a piece, or whose length is told before, has
 * a Content-Length; any other one comes in chunks, or with HTTP/1.0 ends where
 * the connection does. The peer has the time of a write for each piece.
 *
 * Threads: the worker that has the request.
 */
#ifndef HUBD_REPLY_H
#define HUBD_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "front/exchange.h"

#define REPLY_HEAD_MAX 1280
#define REPLY_PIECE_BYTES 3072
#define REPLY_FRAMING_MAX 16 /* of a chunk, in front and behind */

struct reply {
    /* May be changed between reply_begin() and what follows. */
    int status;          /* 304: the body is left out */
    const char *cache;   /* of Cache-Control */
    const char *headers; /* whole lines with CRLF, or NULL */
    int64_t length;      /* of the body; -1: it is not known before its end */

    /* For reply.c alone. */
    struct exchange *x;
    enum refusal_kind kind;
    const char *type;
    int64_t written; /* of the body */
    bool begun;      /* the head has left */
    bool chunked;
    bool failed; /* the peer is gone, or does not read */
    size_t used; /* of the piece */
    char buffer[REPLY_HEAD_MAX + REPLY_PIECE_BYTES + 2 * REPLY_FRAMING_MAX];
};

/* Begins an answer of that media type, with the status and the headers that the
 * table of refusal.h has. Nothing leaves yet. */
void reply_begin(struct reply *reply, struct exchange *x,
                 enum refusal_kind kind, const char *type);

/* Adds to its body. Returns 0, or -1: nobody reads it, and the rest can be
 * spared. */
int reply_write(struct reply *reply, const void *bytes, size_t count);

/* Ends it. Must be called, whatever the writing came to. */
void reply_end(struct reply *reply);

/* A whole answer; releases `body` (NULL: there was no memory for it). `headers`
 * replace those of the table, unless they are NULL. */
void reply_json(struct exchange *x, enum refusal_kind kind, const char *headers,
                cJSON *body);

/* {"status":"error","code":...,"message":...} */
void reply_refusal(struct exchange *x, const struct refusal *why);

/* For when a body still comes: 100 Continue. */
void reply_continue(struct exchange *x);

#endif
