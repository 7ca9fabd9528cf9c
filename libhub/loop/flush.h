/* flush.h - the writing half of a loop: connections that have something to
 * write wait on a list, and leave it in batches, each of which is one call of
 * the sender. The loop's thread only.
 */
#ifndef HUB_FLUSH_H
#define HUB_FLUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "loop/conn.h"
#include "loop/sender.h"

#define HUB__TURN_BYTES 262144 /* one connection may write in one turn */
#define HUB__IOV 32            /* pieces of one write */

struct hub__loop;

/* Writes being put together; a loop has one, and it is empty between calls. */
struct hub__batch {
    struct hub__write writes[HUB__SENDER_BATCH];
    struct hub__conn *conns[HUB__SENDER_BATCH]; /* whose they are */
    struct iovec iov[HUB__SENDER_BATCH][HUB__IOV];
    size_t count;
};

/* Enters a connection into the list of those with something to write. */
void hub__flush_later(struct hub__loop *loop, struct hub__conn *conn);

/* Writes once to everyone on the list. Those with more to say than a turn
 * allows are on it again afterwards. */
void hub__flush(struct hub__loop *loop);

/* Writes to one connection now, whatever else is being put together. */
void hub__flush_one(struct hub__loop *loop, struct hub__conn *conn);

/* Hands `count` writes to the sender. */
void hub__flush_write(struct hub__loop *loop, struct hub__write *writes,
                      size_t count);

/* Takes from the outbox what the last write to its socket has taken. Returns
 * how many messages are out whole with that. */
uint64_t hub__flush_took(struct hub__conn *conn, size_t bytes);

#endif
