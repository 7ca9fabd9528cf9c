/* loop.h - one thread's share of the connections: an epoll set, a mailbox, and
 * turns. A turn handles the kernel's events, then a fair share of the mailbox,
 * then timeouts, writes once to each connection that has something to write,
 * and releases dead ones.
 *
 * Fields belong to the loop's thread (in HUB_HOST_LOOP mode: to the caller of
 * hub_poll()), unless marked otherwise. Other threads use the mailbox.
 */
#ifndef HUB_LOOP_H
#define HUB_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include <hub/hub.h>

#include "loop/conn.h"
#include "loop/drain.h"
#include "loop/expiry.h"
#include "loop/fanout.h"
#include "loop/host.h"
#include "loop/mailbox.h"

#define HUB__EVENTS 256      /* of one epoll_wait() */
#define HUB__TURN_POSTS 2048 /* handled in one turn */

/* Called by the loop's thread when it has no connections left after a shutdown.
 * `cut_off`: some were left at the deadline. */
typedef void hub__drained_fn(hub_t *hub, bool cut_off);

struct hub__loop {
    struct hub__host host;
    hub__drained_fn *drained; /* constant */
    int timer_fd;
    struct hub__mailbox mailbox;
    struct hub__chain posts; /* taken from the mailbox, not yet handled */
    pthread_t thread;        /* constant once it runs */
    bool has_thread;
    atomic_bool stop;           /* any: the thread is to end */
    struct hub__post *shutdown; /* allocated beforehand; hub_shutdown() */

    atomic_int_fast64_t turned_ms; /* any: the hub's clock at the last turn */

    uint64_t handled;         /* posts handled so far */
    struct hub__conn *dead;   /* no post refers to them once `posts` have been
                                 handled */
    int64_t next_tick_ms;     /* by the hub's clock */
    int64_t armed_ms;         /* likewise: what the timer is set to; INT64_MIN:
                                 it has to be set */
    bool has_spread;          /* the last turn broadcast something */
    atomic_bool in_turn;      /* any: a callback may be on the stack
                                 of `driver` */
    _Atomic pthread_t driver; /* any: the thread that is in a turn */
    struct hub__drain drain;
    struct hub__expiry expiry;
    struct hub__fanout fanout;
    struct epoll_event *events;
};

/* The loop of a connection. */
static inline struct hub__loop *hub__loop_of(const struct hub__conn *conn)
{
    return (struct hub__loop *)(void *)((char *)conn->host -
                                        offsetof(struct hub__loop, host));
}

/* Initializes the loop with this number. Returns 0, HUB_ENOMEM or HUB_ESYSTEM.
 */
int hub__loop_init(struct hub__loop *loop, const struct hub__shared *shared,
                   unsigned number, hub__drained_fn *drained);

/* Starts the thread. Returns 0 or HUB_ESYSTEM. */
int hub__loop_start(struct hub__loop *loop);

/* Stops the thread, if there is one, cuts every connection off, and releases
 * everything. */
void hub__loop_fini(struct hub__loop *loop);

/* One turn, after waiting for work up to timeout_ms. Returns 0 or
 * HUB_ESYSTEM. */
int hub__loop_turn(struct hub__loop *loop, int timeout_ms);

/* Whether the caller is inside one of this loop's callbacks. */
bool hub__loop_is_caller(const struct hub__loop *loop);

#endif
