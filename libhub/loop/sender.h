/* sender.h - writes a batch of outboxes to their sockets. It knows nothing of
 * hubs: descriptors and pieces in, results out.
 *
 * Two ways lead to the kernel: a whole batch in one io_uring_enter(2), or one
 * sendmsg(2) a write. What can be seen from outside is the same. Not locked: a
 * sender belongs to one thread at a time.
 */
#ifndef HUB_SENDER_H
#define HUB_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <hub/hub.h>

#define HUB__SENDER_BATCH 256 /* writes a call may hold */

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
    int problem; /* errno that kept io_uring from being used, or 0 */
};

/* HUB_SENDER_AUTO takes io_uring where it is to be had. If it was asked for and
 * is not, returns HUB_ENOMEM, HUB_ESYSTEM (no descriptor), or HUB_ENOTSUP, with
 * errno; otherwise 0. */
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
