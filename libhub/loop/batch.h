/* batch.h - writes that are being put together, so that many leave in one call
 * of the sender. A loop has one; it is empty between calls. The loop's thread
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

static inline bool hub__batch_is_full(const struct hub__batch *batch)
{
    return batch->count == HUB__SENDER_BATCH;
}

/* Writes what there is, and leaves the batch empty. Returns how many writes
 * there were, whose results are in the batch until the next one is added. */
static inline size_t hub__batch_write(struct hub__batch *batch,
                                      struct hub__host *host)
{
    size_t count = batch->count;

    batch->count = 0;
    if (count > 0)
        hub__host_write(host, batch->writes, count);
    return count;
}

#endif
