/* host.h - what a connection sees of the loop it belongs to, and of the hub
 * behind it. A hub is opaque here, and only passed on to callbacks.
 *
 * Fields belong to the loop's thread unless marked otherwise.
 */
#ifndef HUB_HOST_H
#define HUB_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hub/hub.h>

#include "base/budget.h"
#include "base/counters.h"
#include "base/heap.h"
#include "base/room.h"
#include "directory/places.h"
#include "directory/registry.h"
#include "loop/sender.h"
#include "message/frame.h"

#define HUB__READ_BYTES 65536 /* of the buffer that all connections share */

struct hub__batch;
struct hub__conn;

/* A clock in microseconds that never goes back. */
typedef int64_t hub__clock_fn(void);

/* What the loops of a hub share; constant, except for what is pointed to. */
struct hub__shared {
    hub_t *hub;
    const struct hub_options *options; /* defaults filled in */
    hub__clock_fn *clock;
    struct hub__registry *registry;
    struct hub__budget *queued;  /* for queued messages */
    struct hub__budget *reading; /* for partly received messages */
    struct hub__places *places;
    struct hub__room *room;       /* where hub_send() waits for the loops */
    atomic_uint_fast64_t *opened; /* see struct hub */
    atomic_size_t *rejecting;     /* likewise */
    struct hub__frame *expired;   /* likewise */
    unsigned loop_count;
};

struct hub__host {
    struct hub__shared shared; /* constant */
    unsigned number;           /* constant: which of the loops */
    int epoll_fd;

    atomic_size_t open;   /* any: connections that are in the registry */
    atomic_bool by_uring; /* any: how it sends */
    struct hub__counters counters; /* any */

    int64_t now_ms;   /* this loop's time: the hub's clock, minus the pauses in
                         which the process was suspended */
    int64_t clock_ms; /* the hub's clock */
    int64_t written_us; /* the hub's clock after the last write */
    int64_t tick_ms;    /* constant: between two checks of the timeouts */
    bool again; /* something is left to do: the next turn must not wait */

    struct hub__conn **conns; /* all except dead ones */
    uint32_t conn_count, conn_size;
    struct hub__conn *dirty_first, *dirty_last; /* have something to write */
    /* Those that are LEAVING, in order. */
    struct hub__conn *leaving, *leaving_last;
    const atomic_uint_fast64_t *posted; /* constant; of the mailbox */
    /* Dead, but posts may still refer to them, until the next chain from the
     * mailbox has been handled, which is the last that can. */
    struct hub__conn *dying;

    struct hub__frame *ping; /* shared by all */
    struct hub__sender sender;
    struct hub__batch *batch;
    uint8_t *buffer; /* HUB__READ_BYTES, for one read */

    /* Connections that expire, by the hub's clock: when they are to be warned,
     * and after that, when they are to be closed. See expiry.h. */
    struct hub__heap warnings, closes;
};

static inline const struct hub_options *
hub__host_options(const struct hub__host *host)
{
    return host->shared.options;
}

/* watch: lets the loop wait for `events` of a descriptor, which come with
 * `what`. rewatch: changes the events. Return 0 or HUB_ESYSTEM. */
int hub__host_watch(struct hub__host *host, int fd, uint32_t events,
                    void *what);
int hub__host_rewatch(struct hub__host *host, int fd, uint32_t events,
                      void *what);
void hub__host_unwatch(struct hub__host *host, int fd);

/* Passes `count` writes to the sender. */
void hub__host_write(struct hub__host *host, struct hub__write *writes,
                     size_t count);

/* Counts a message that the last write sent completely to `count` sockets. */
static inline void hub__host_delivered(struct hub__host *host,
                                       const struct hub__frame *frame,
                                       uint64_t count)
{
    hub__histogram_add(&host->counters.deliveries,
                       host->written_us - frame->called_us, count);
}

#endif
