/* swarm.h - all clients, and the threads that own them. */
#ifndef HUB_BENCH_SWARM_H
#define HUB_BENCH_SWARM_H

#include <stdbool.h>
#include <stdint.h>

#include "receiver.h"

struct swarm {
    struct roster roster;
    struct receiver_site site;
    struct receiver *receivers;
    unsigned started; /* receivers whose thread was started */
    bool stopped;     /* and has ended */
};

/* What the receivers counted; complete when the swarm has stopped. */
struct swarm_result {
    struct histogram connect; /* from connect() to a valid 101 */
    struct histogram delivery;
    int64_t last_delivery_ns; /* 0: none */
    uint64_t out_of_order;
    uint64_t foreign; /* messages that are not of this run */
    uint32_t stalled_dropped;
};

/* Finds the server's address. Returns 0, or -1 and a line in `error`. */
int swarm_init(struct swarm *s, const struct options *o,
               struct flights *flights, int notify, char *error,
               size_t error_size);

/* Starts to connect. Returns 0, or -1 and a line in `error`. */
int swarm_start(struct swarm *s, char *error, size_t error_size);

/* Whether every client is connected or refused. */
bool swarm_is_settled(const struct swarm *s);

/* All deliveries so far, including the warm-up. Any thread. */
uint64_t swarm_delivered(const struct swarm *s);

/* Closes all clients and ends the threads; call once. */
void swarm_stop(struct swarm *s);

/* After swarm_stop(). */
void swarm_collect(const struct swarm *s, struct swarm_result *out);
void swarm_fini(struct swarm *s);

#endif
