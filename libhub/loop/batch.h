/* batch.h - writes that are being collected, so that many leave in one call of
 * the sender. Each loop has one; it is empty between calls. The loop's thread
 * only.
 */
#ifndef HUB_BATCH_H
#define HUB_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "loop/host.h"
#include "loop/sender.h"

#define HUB__TURN_BYTES 262144 /* one connection may write in one turn */
#define HUB__IOV 32            /* pieces of one write */

struct hub__batch {
    struct hub__write writes[HUB__SENDER_BATCH];
    struct hub__conn *conns[HUB__SENDER_BATCH]; /* whose they are */
    struct iovec iov[HUB__SENDER_BATCH][HUB__IOV];
    size_t count;
};

/* Takes the result of one of the writes; see struct hub__write. */
typedef void hub__batch_fn(void *context, struct hub__conn *conn,
                           const struct hub__write *write);

static inline bool hub__batch_is_full(const struct hub__batch *batch)
{
    return batch->count == HUB__SENDER_BATCH;
}

/* Writes the host's batch, which is not empty, and empties it. Inline, so that
 * the compiler knows the callback at each call. */
static inline void hub__batch_write(struct hub__host *host, hub__batch_fn *take,
                                    void *context)
{
    struct hub__batch *b = host->batch;
    size_t count = b->count;

    b->count = 0;
    hub__host_write(host, b->writes, count);
    for (size_t i = 0; i < count; i++)
        take(context, b->conns[i], &b->writes[i]);
}

#endif
