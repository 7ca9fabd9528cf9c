/* sender_uring.h - a ring of io_uring(7) through which whole batches of writes
 * go to the kernel in one system call. For sender.c only.
 */
#ifndef HUB_SENDER_URING_H
#define HUB_SENDER_URING_H

#include "loop/sender.h"

/* Returns NULL with errno: ENOSYS or EPERM if the kernel or its administrator
 * forbids io_uring, EOPNOTSUPP if the kernel is too old (before 5.18) or libhub
 * was built without it, EMFILE, ENFILE, ENOMEM. */
struct hub__uring *hub__uring_new(void);
void hub__uring_free(struct hub__uring *uring);

/* Tries each write once. Returns how many of them, from the first on, have a
 * result. If not all of them do, or one was lost, the ring has failed: `usable`
 * is false, and errno says why. */
size_t hub__uring_write(struct hub__uring *uring, struct hub__write *writes,
                        size_t count, bool *usable);

#endif
