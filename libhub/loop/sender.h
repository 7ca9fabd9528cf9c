/* sender.h - writes a batch of outboxes to their sockets. It knows nothing
 * about hubs: descriptors and iovecs in, results out.
 *
 * There are two ways to the kernel: a whole batch in one io_uring_enter(2), or
 * one sendmsg(2) per write. From outside they look the same. Not locked: a
 * sender belongs to one thread at a time.
 */
#ifndef HUB_SENDER_H
#define HUB_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <hub/hub.h>

#define HUB__SENDER_BATCH 256 /* writes per call */

struct hub__write {
    int fd;
    struct iovec *iov;
    size_t iov_count;
    size_t bytes;   /* sum of the pieces */
    ssize_t result; /* bytes taken, or -errno; short writes are normal */
};

struct hub__uring;

struct hub__sender {
    struct hub__uring *uring; /* NULL: sendmsg */
    int problem; /* the errno for which io_uring is not used, or 0 */
};

/* HUB_SENDER_AUTO uses io_uring if it is available. With HUB_SENDER_URING, if
 * it is not, returns HUB_ENOMEM, HUB_ESYSTEM (no descriptor), or HUB_ENOTSUP,
 * with errno; otherwise 0. */
int hub__sender_init(struct hub__sender *sender, enum hub_sender wanted);
void hub__sender_fini(struct hub__sender *sender);

static inline bool hub__sender_is_uring(const struct hub__sender *sender)
{
    return sender->uring != NULL;
}

/* Tries each write once, without waiting. */
void hub__sender_write(struct hub__sender *sender, struct hub__write *writes,
                       size_t count);

#endif
