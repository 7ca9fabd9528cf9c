/* fanout.h - distributes the broadcasts of one turn to all connections of a
 * loop.
 *
 * They are collected while the mailbox is being handled, and distributed
 * afterwards. Connections with nothing else to write get all of them in one
 * write, from one piece of memory that all connections share; for the others
 * they are queued one by one. When a post for a single connection comes in
 * between, that connection is caught up first, so that it sees everything in
 * the order of the posts.
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
    size_t whole;    /* writes of a batch that sent all of them */
    uint8_t *joined; /* all of them in one piece, kept from turn to turn */
    size_t joined_size;
};

void hub__fanout_init(struct hub__fanout *fanout, struct hub__host *host);
void hub__fanout_fini(struct hub__fanout *fanout);

/* Adds a broadcast to all connections but some, and takes its own reference.
 * Without memory for collecting it, everything is distributed at once. */
void hub__fanout_add(struct hub__fanout *fanout, struct hub__frame *frame,
                     struct hub__conn *const *except, size_t except_count);

/* Whether a turn should broadcast no more than this. */
bool hub__fanout_is_full(const struct hub__fanout *fanout);

/* Queues for one connection what it does not have yet. */
void hub__fanout_catch_up(struct hub__fanout *fanout, struct hub__conn *conn);

/* The connection is new, and not a recipient of the broadcasts collected so
 * far. */
void hub__fanout_skip(const struct hub__fanout *fanout, struct hub__conn *conn);

/* Distributes everything to all connections. */
void hub__fanout_spread(struct hub__fanout *fanout);

#endif
