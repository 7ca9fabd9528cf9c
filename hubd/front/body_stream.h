/* body_stream.h - the body of a request as it arrives: each piece is passed on
 * at once, however long the rest takes and whatever pieces it comes in.
 *
 * civetweb waits until it has all it was asked for, or the end of a chunk. So
 * it is bypassed: what it has read along with the head is taken from its
 * buffer, and the rest from the socket. It then cannot know where the next
 * request begins, so the connection ends with this one.
 *
 * Threads: the worker that has the request.
 */
#ifndef HUBD_BODY_STREAM_H
#define HUBD_BODY_STREAM_H

#include <stdint.h>
#include <sys/types.h>

#include "front/chunks.h"
#include "front/exchange.h"
#include "front/refusal.h"

/* How fast a body must arrive, and how large it may be; INT64_MAX: no limit. */
struct body_pace {
    int64_t piece_ms; /* from one byte to the next */
    int64_t whole_ms;
    int64_t bytes;
};

struct body_stream {
    struct exchange *x;
    struct body_pace pace;
    int64_t end_ms;       /* CLOCK_MONOTONIC; INT64_MAX: none */
    const char *held;     /* what came along with the head ... */
    size_t held_bytes;    /* ... and was not passed on yet */
    int64_t room;         /* how many more bytes are allowed */
    int64_t left;         /* left of the body, if it has a length */
    struct chunks chunks; /* if not */
};

/* Begins to read; sends 100 Continue if the client waits for it. Returns 0, or
 * -1 and `why`. */
int body_stream_open(struct body_stream *stream, struct exchange *x,
                     const struct body_pace *pace, struct refusal *why);

/* Waits for the next bytes. Returns how many there are at `out`, at most
 * `size`; 0: the body is complete; or -1 and `why`. */
ssize_t body_stream_read(struct body_stream *stream, char *out, size_t size,
                         struct refusal *why);

#endif
