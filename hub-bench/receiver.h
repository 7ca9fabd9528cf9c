/* receiver.h - a thread that owns a share of the clients: connects them, reads
 * what they get, answers pings, and closes them.
 */
#ifndef HUB_BENCH_RECEIVER_H
#define HUB_BENCH_RECEIVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "client.h"
#include "histogram.h"
#include "order.h"
#include "swarm.h"

/* Everything but `delivered` is the thread's own until it has ended. */
struct receiver {
    struct swarm *swarm;
    pthread_t thread;
    int epoll;
    int wake;             /* eventfd */
    unsigned index;       /* of the receiver: its clients are index, */
    unsigned step;        /* index + step, index + 2 * step, … */
    uint32_t count;       /* clients */
    uint32_t next;        /* the first that was not tried yet */
    uint32_t opening;     /* clients that connect right now */
    uint32_t opening_max; /* at once */
    bool settled;         /* all were tried */
    struct client *clients;
    struct order *orders;       /* by client, then by lane */
    uint8_t *buffer;            /* all clients are read into it */
    _Atomic uint64_t delivered; /* any thread may read it */
    struct histogram connect, delivery;
    int64_t last_delivery_ns;
    uint64_t out_of_order, foreign;
    uint32_t stalled_dropped;
};

/* Returns 0 or an errno. */
int receiver_start(struct receiver *r, struct swarm *swarm, unsigned index);
void receiver_wake(struct receiver *r);
void receiver_join(struct receiver *r);
void receiver_fini(struct receiver *r);

#endif
