/* fanout.h - the broadcasts of one turn, on their way to every connection of a
 * loop.
 *
 * They are collected while the mailbox is worked off, and spread at its end.
 * Whoever has nothing else to write then gets all of them in one write from one
 * piece of memory that all connections share; for the others they are queued
 * one by one. A post that names a connection comes in between: the connection
 * is caught up first, so that it sees everything in the order of the posts.
 *
 * The loop's thread only.
 */
#ifndef HUB_FANOUT_H
#define HUB_FANOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/conn.h"
#include "loop/host.h"
#include "message/frame.h"

struct hub__fanout {
    struct hub__host *host;     /* constant */
    struct hub__frame **frames; /* references, in order */
    uint32_t count, size;
    size_t bytes;    /* of the frames */
    size_t whole;    /* writes of a batch that took all of them */
    uint8_t *joined; /* room for them in one piece, kept from turn to turn */
    size_t joined_size;
};

void hub__fanout_init(struct hub__fanout *fanout, struct hub__host *host);
void hub__fanout_fini(struct hub__fanout *fanout);

/* Adds a broadcast to all but some, and takes a reference of its own. Without
 * memory to collect it, what there is is spread at once. */
void hub__fanout_add(struct hub__fanout *fanout, struct hub__frame *frame,
                     struct hub__conn *const *except, size_t except_count);

/* Whether a turn should not write more than this to everybody. */
bool hub__fanout_is_full(const struct hub__fanout *fanout);

/* Queues for one connection what it has not got yet. */
void hub__fanout_catch_up(struct hub__fanout *fanout, struct hub__conn *conn);

/* The connection is new, and not among the recipients of what was collected. */
void hub__fanout_skip(const struct hub__fanout *fanout, struct hub__conn *conn);

/* Gets everything to everyone. */
void hub__fanout_spread(struct hub__fanout *fanout);

#endif
