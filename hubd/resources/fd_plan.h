/* fd_plan.h - how the descriptors of the process are divided up.
 *
 * Numbers below `base` are for everything that is not a WebSocket: files, event
 * loops, and the sockets civetweb accepts, which are limited by its workers and
 * its queue. Adopted sockets are at `base` and above. So neither side can
 * starve the other, and accept() never gets EMFILE, on which civetweb would
 * spin.
 */
#ifndef HUBD_FD_PLAN_H
#define HUBD_FD_PLAN_H

#include <stdint.h>

#define FD_PLAN_WORKERS_MAX 512
#define FD_PLAN_WORKERS_MIN 8
#define FD_PLAN_QUEUE_MAX 1024

struct fd_plan {
    uint64_t descriptors; /* that the process may have */
    unsigned workers;     /* threads that read requests */
    unsigned queue;       /* accepted sockets that wait for a worker */
    int base;             /* the lowest number of an adopted socket */
    uint64_t sockets;     /* WebSockets at a time */
};

/* Raises the soft limit of descriptors to the hard one. Returns the limit, or
 * -1 with errno. */
int64_t fd_plan_raise(void);

/* Opens the missing ones of descriptors 0 to 2, so that no socket ends up where
 * something prints. Returns 0 or -1 with errno. */
int fd_plan_guard_standard(void);

/* How many descriptors are open. */
int fd_plan_in_use(void);

/* The minimum number of descriptors. */
int64_t fd_plan_least(int in_use);

/* Divides up `descriptors`, of which `in_use` are already taken; `wanted` is
 * the requested limit of WebSockets, 0 for none. Returns 0, or -1: there are
 * fewer than fd_plan_least(). */
int fd_plan_make(struct fd_plan *plan, int64_t descriptors, int in_use,
                 uint64_t wanted);

#endif
