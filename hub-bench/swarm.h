/* swarm.h - all clients together: the threads that own them, and what those
 * threads and the publisher tell each other.
 */
#ifndef HUB_BENCH_SWARM_H
#define HUB_BENCH_SWARM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "flights.h"
#include "histogram.h"
#include "options.h"

#define SWARM_REASON_BYTES 160

struct receiver;

/* The first reason of a kind; what comes after it is dropped. */
struct swarm_reason {
    atomic_flag taken;
    atomic_bool there; /* text may be read */
    char text[SWARM_REASON_BYTES];
};

struct swarm {
    const struct options *options;
    struct flights *flights;
    struct sockaddr_storage address; /* of the server */
    socklen_t address_bytes;
    int notify; /* eventfd: connecting is over */
    struct receiver *receivers;
    unsigned started;         /* receivers that have had a thread */
    bool stopped;             /* and have none any more */
    _Atomic bool *readable;   /* by client: open and read */
    _Atomic unsigned settled; /* receivers that have tried all their clients */
    _Atomic bool stop;        /* give up connecting, and close */
    _Atomic uint32_t connected, refused, lost, stalled;
    _Atomic uint32_t reading; /* clients that are readable now */
    pthread_mutex_t roll; /* from counting who reads to launching a message that
                             is for them, and where one of them is lost */
    _Atomic int64_t last_connect_ns; /* when the last handshake was over */
    struct swarm_reason refusal, loss;
};

/* What the receivers counted; complete when the swarm has stopped. */
struct swarm_result {
    struct histogram connect; /* from connect() to a good 101 */
    struct histogram delivery;
    int64_t last_delivery_ns; /* 0: none */
    uint64_t out_of_order;
    uint64_t foreign; /* messages of somebody else */
    uint32_t stalled_dropped;
};

/* Finds the server's address. Returns 0 or -1 with a line in `error`. */
int swarm_init(struct swarm *s, const struct options *o,
               struct flights *flights, int notify, char *error,
               size_t error_size);

/* Starts to connect. Returns 0 or -1 with a line in `error`. */
int swarm_start(struct swarm *s, char *error, size_t error_size);

/* Whether every client is connected or refused. */
bool swarm_is_settled(const struct swarm *s);

/* A client that is read, chosen by `random`. Returns false if there is none. */
bool swarm_pick(const struct swarm *s, uint64_t random, uint32_t *client);

/* All deliveries so far, warm-up included. Any thread. */
uint64_t swarm_delivered(const struct swarm *s);

/* Says goodbye for all clients and ends the threads; once is enough. */
void swarm_stop(struct swarm *s);

/* After swarm_stop(). */
void swarm_collect(const struct swarm *s, struct swarm_result *out);
void swarm_fini(struct swarm *s);

/* Whether a client is one of those that stop reading. */
bool swarm_is_stalled(const struct options *o, uint32_t client);

/* Keeps a reason if it is the first; reads it, or "" if there is none. */
void swarm_blame(struct swarm_reason *reason, const char *text);
const char *swarm_reason(const struct swarm_reason *reason);

#endif
