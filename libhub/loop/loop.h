/* loop.h - one thread's share of the connections: an epoll set, a mailbox, and
 * turns. A turn handles what the kernel reports, then what is in the mailbox,
 * as much of it as is fair to the rest, then what is overdue, writes once to
 * each connection that has something to write, and releases the dead.
 *
 * Fields belong to the loop's thread (in HUB_HOST_LOOP mode: to whoever is in
 * hub_poll()), but for those marked otherwise. Other threads use the mailbox.
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
#include "base/counters.h"
#include "loop/drain.h"
#include "loop/fanout.h"
#include "loop/flush.h"
#include "loop/mailbox.h"
#include "loop/sender.h"

#define HUB__READ_BYTES 65536 /* of the buffer that all connections share */
#define HUB__EVENTS 256       /* of one epoll_wait() */
#define HUB__TURN_POSTS 2048  /* handled in one turn */

struct hub__loop {
    hub_t *hub; /* constant */
    int epoll_fd, timer_fd;
    struct hub__mailbox mailbox;
    struct hub__chain posts; /* taken from the mailbox, not yet handled */
    pthread_t thread;        /* constant once it runs */
    bool has_thread;
    atomic_bool stop;           /* any: the thread is to end */
    struct hub__post *shutdown; /* allocated beforehand; hub_shutdown() */

    atomic_size_t open; /* any: connections that are in the registry */
    atomic_int_fast64_t turned_ms; /* any: the hub's clock, at the last turn */
    atomic_bool by_uring;          /* any: how it sends */
    struct hub__counters counters; /* any */

    struct hub__conn **conns; /* all but the dead; those of one loop */
    uint32_t conn_count, conn_size;
    struct hub__conn *dirty_first, *dirty_last;
    struct hub__conn *dying, *dead; /* dead: no post names them any more once
                                       `posts` are handled */

    int64_t now_ms;   /* this loop's time: the hub's clock without the pauses in
                         which the process did not run */
    int64_t clock_ms; /* the hub's clock */
    int64_t written_us;            /* by it, behind the last write */
    int64_t tick_ms, next_tick_ms; /* next: by the hub's clock */
    bool again;      /* something is left over: the next turn must not wait */
    bool has_spread; /* the last turn wrote to everybody */
    bool in_turn;    /* a callback may be on the stack */
    struct hub__drain drain;

    struct hub__frame *ping; /* shared by all */
    struct epoll_event *events;
    struct hub__sender sender;
    struct hub__batch *batch;
    struct hub__fanout fanout;
    uint8_t *buffer; /* HUB__READ_BYTES */
};

/* Returns 0, HUB_ENOMEM or HUB_ESYSTEM. */
int hub__loop_init(struct hub__loop *loop, hub_t *hub);

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

/* For conn.c and fanout.c. */
int hub__loop_add(struct hub__loop *loop, struct hub__conn *conn);
void hub__loop_await_writable(struct hub__loop *loop, struct hub__conn *conn,
                              bool await);
void hub__loop_died(struct hub__loop *loop, struct hub__conn *conn);

/* A message went out whole to `count` sockets, with the last write. */
static inline void hub__loop_delivered(struct hub__loop *loop,
                                       const struct hub__frame *frame,
                                       uint64_t count)
{
    hub__histogram_add(&loop->counters.deliveries,
                       loop->written_us - frame->called_us, count);
}

#endif
