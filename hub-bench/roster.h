/* roster.h - what the receivers, the publisher and the main thread share about
 * the clients: how many are connected, which ones are reading, and why others
 * are not.
 */
#ifndef HUB_BENCH_ROSTER_H
#define HUB_BENCH_ROSTER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "options.h"

#define ROSTER_REASON_BYTES 160

/* The first reason of a kind; later ones are dropped. */
struct roster_reason {
    atomic_flag taken;
    atomic_bool there; /* text may be read */
    char text[ROSTER_REASON_BYTES];
};

struct roster {
    const struct options *options;
    _Atomic bool *readable; /* by client: open and being read */
    _Atomic uint32_t connected, refused, lost, stalled;
    _Atomic uint32_t reading; /* number of clients that are readable now */
    pthread_mutex_t lock;     /* held from counting the readers to launching a
                                 message to them, and when losing one of them */
    struct roster_reason refusal, loss;
    int notify; /* eventfd: a receiver has tried all its clients */
    _Atomic unsigned settled;        /* receivers that have tried all */
    _Atomic bool stop;               /* stop connecting, and close */
    _Atomic int64_t last_connect_ns; /* when the last handshake was complete */
};

/* Returns 0 or an errno. */
int roster_init(struct roster *r, const struct options *o, int notify);
void roster_fini(struct roster *r);

/* Picks a client that is being read, by `random`. Returns false if there is
 * none. */
bool roster_pick(const struct roster *r, uint64_t random, uint32_t *client);

/* Whether a client is one of those that stop reading. */
bool roster_is_stalled(const struct roster *r, uint32_t client);

/* Keeps a reason if it is the first; reads it, or "" if there is none. */
void roster_blame(struct roster_reason *reason, const char *text);
const char *roster_reason(const struct roster_reason *reason);

#endif
