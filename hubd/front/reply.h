/* reply.h - answers to HTTP requests, of any length, without holding them in
 * memory: what is written is sent piece by piece.
 *
 * An answer that fits into a piece, or whose length is given beforehand, has a
 * Content-Length; any other is chunked, or with HTTP/1.0 ends with the
 * connection. The write timeout applies to each piece.
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
#define REPLY_FRAMING_MAX 16 /* of a chunk, before and after */

struct reply {
    /* May be changed right after reply_begin(). */
    int status;          /* 304: the body is left out */
    const char *cache;   /* of Cache-Control */
    const char *headers; /* whole lines with CRLF, or NULL */
    int64_t length;      /* of the body; -1: unknown until its end */

    /* Only for reply.c. */
    struct exchange *x;
    enum refusal_kind kind;
    const char *type;
    int64_t written; /* of the body */
    bool begun;      /* the head has been sent */
    bool chunked;
    bool failed; /* the peer is gone, or does not read */
    size_t used; /* of the piece */
    char buffer[REPLY_HEAD_MAX + REPLY_PIECE_BYTES + 2 * REPLY_FRAMING_MAX];
};

/* Begins an answer of that media type, with status and headers from the table
 * in refusal.h. Nothing is sent yet. */
void reply_begin(struct reply *reply, struct exchange *x,
                 enum refusal_kind kind, const char *type);

/* Adds to the body. Returns 0, or -1: the peer is gone or does not read, so the
 * rest can be skipped. */
int reply_write(struct reply *reply, const void *bytes, size_t count);

/* Ends the answer. Must be called even after a failed write. */
void reply_end(struct reply *reply);

/* A complete answer; releases `body` (NULL: there was no memory for it).
 * `headers`, unless NULL, replace those of the table. */
void reply_json(struct exchange *x, enum refusal_kind kind, const char *headers,
                cJSON *body);

/* {"status":"error","code":...,"message":...} */
void reply_refusal(struct exchange *x, const struct refusal *why);

/* Sends 100 Continue, when a body is still to come. */
void reply_continue(struct exchange *x);

#endif
