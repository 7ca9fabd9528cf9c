/* sender.h - writes a batch of outboxes to their sockets. It knows nothing of
 * hubs: descriptors and pieces in, results out. */
#ifndef HUB_SENDER_H
#define HUB_SENDER_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define HUB__SENDER_BATCH 256 /* writes a call is meant for */

struct hub__write {
    int fd;
    struct iovec *iov;
    size_t iov_count;
    size_t bytes;   /* sum of the pieces */
    ssize_t result; /* bytes taken, or -errno; short writes are normal */
};

/* Tries each write once, without waiting. */
void hub__sender_write(struct hub__write *writes, size_t count);

#endif
