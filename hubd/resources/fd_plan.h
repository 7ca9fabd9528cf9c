/* fd_plan.h - how the descriptors of the process are shared out.
 *
 * Numbers below `base` belong to everything that is not a WebSocket: files,
 * event loops, and the sockets civetweb accepts, of which it can hold no more
 * than it has workers and places in its queue. Adopted sockets live at `base`
 * and above. So neither side can starve the other, and accept() never meets
 * EMFILE, on which civetweb would spin.
 */
#ifndef HUBD_FD_PLAN_H
#define HUBD_FD_PLAN_H

#include <stdint.h>

#define FD_PLAN_WORKERS_MAX 512
#define FD_PLAN_WORKERS_MIN 8
#define FD_PLAN_QUEUE_MAX 1024

struct fd_plan {
    uint64_t descriptors; /* the process may have */
    unsigned workers;     /* threads that read requests */
    unsigned queue;       /* accepted sockets that wait for a worker */
    int base;             /* the lowest number of an adopted socket */
    uint64_t sockets;     /* WebSockets at a time */
};

/* Raises the soft limit of descriptors to the hard one. Returns what there is
 * to share out, or -1 with errno. */
int64_t fd_plan_raise(void);

/* Opens what is missing of descriptors 0 to 2, so that no socket lands where
 * somebody prints. Returns 0 or -1 with errno. */
int fd_plan_guard_standard(void);

/* How many descriptors are open. */
int fd_plan_in_use(void);

/* The fewest descriptors there may be. */
int64_t fd_plan_least(int in_use);

/* Shares out `descriptors`, of which `in_use` are taken already; `wanted` is
 * the cap on WebSockets that was asked for, 0 for none. Returns 0, or -1: there
 * are fewer than fd_plan_least(). */
int fd_plan_make(struct fd_plan *plan, int64_t descriptors, int in_use,
                 uint64_t wanted);

#endif
