/* arrival.h - what civetweb's buffer holds of a request, and how much.
 *
 * civetweb only shows heads that it has parsed: nothing of those it cannot
 * parse, nor of what it has read after one. tap.h sees where its bytes go:
 * those of a head start where the first ones of the connection went, and follow
 * each other without a gap; anything else is not civetweb reading a head.
 *
 * Threads: the worker that has the connection.
 */
#ifndef HUBD_ARRIVAL_H
#define HUBD_ARRIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "front/chunks.h"
#include "front/head.h"

struct arrival {
    char *buffer;     /* civetweb's; NULL: nothing has arrived yet */
    size_t bytes;     /* that are in it */
    struct head head; /* of the current request, after normalization */
    bool is_head;     /* the next bytes belong to a head */

    /* Of the current request. */
    bool is_chunked;    /* its body is followed */
    struct chunks body; /* what was read of it, wherever that went */
    size_t body_bytes;  /* how much of it is in the buffer */
};

/* A connection begins, and with it its first head. */
void arrival_begin(struct arrival *arrival);

/* Bytes have arrived, and are at `at`. */
void arrival_take(struct arrival *arrival, char *at, size_t bytes);

/* The head has ended, one way or the other. */
void arrival_end(struct arrival *arrival);

/* A chunked body follows the head: civetweb reads it, and what civetweb should
 * not have accepted is noticed here. */
void arrival_follow(struct arrival *arrival);

/* Whether the body that was followed is malformed. */
bool arrival_is_broken(const struct arrival *arrival);

/* Whether anything but the end follows its last chunk. */
bool arrival_has_trailers(const struct arrival *arrival);

/* The request is answered, and has been read to its end: its head, and the part
 * of its body in the buffer, make room for the next one. `length` is that of
 * the body, unless it was followed. */
void arrival_next(struct arrival *arrival, int64_t length);

#endif
