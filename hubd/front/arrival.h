/* arrival.h - what has come of a request into civetweb's buffer, and how much.
 *
 * civetweb shows a head once it has parsed it: of one it cannot parse, and of
 * what it has read behind one it can, nobody learns anything. tap.h sees where
 * its bytes go. They start where the first of a connection go, and the others
 * follow without a gap; anything else is not civetweb reading a head.
 *
 * Threads: the worker that has the connection.
 */
#ifndef HUBD_ARRIVAL_H
#define HUBD_ARRIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "front/head.h"

struct arrival {
    char *buffer;     /* civetweb's; NULL: nothing has come yet */
    size_t bytes;     /* that are in it */
    struct head head; /* of the request in hand, which has been made plain */
    bool is_head;     /* what comes now belongs to a head */
    char last[2];     /* bytes read, wherever they went */
};

/* A connection begins, and with it a head. */
void arrival_begin(struct arrival *arrival);

/* Bytes have come, and are at `at`. */
void arrival_take(struct arrival *arrival, char *at, size_t bytes);

/* The head is over, one way or the other. */
void arrival_end(struct arrival *arrival);

/* The request is answered, and has been read to its end: its head, and what of
 * its body is in the buffer, make place for the next one. `length` is that of
 * the body, or -1 where it was chunked. */
void arrival_next(struct arrival *arrival, int64_t length);

/* Whether there is something behind the last chunk of the body that has been
 * read. */
bool arrival_has_trailers(const struct arrival *arrival);

#endif
