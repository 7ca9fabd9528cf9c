/* publisher.h - the thread that posts messages: as many at a time as the window
 * allows (closed loop), or each when it is due (open loop).
 *
 * It works in bursts, first the warm-up and then the measured part. A burst
 * ends when nothing of it is in flight any more, so that none of it is counted
 * for the next one.
 */
#ifndef HUB_BENCH_PUBLISHER_H
#define HUB_BENCH_PUBLISHER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "flights.h"
#include "histogram.h"
#include "http.h"
#include "options.h"
#include "probe.h"
#include "roster.h"

struct publisher_lane {
    uint64_t number;   /* of the message being posted */
    int64_t since_ns;  /* start of its response time */
    uint32_t position; /* of the next message */
    bool empty;        /* it has no recipients */
    char *room;        /* the body: a prefix directly before the message */
    char *message;     /* in room */
};

/* The result of a burst. */
struct publisher_burst {
    struct probe_moment begin, published, end;
    int64_t answered_ns; /* when the last one was accepted; 0: none */
    uint64_t messages;   /* accepted */
    uint64_t errors;     /* rejected, or without an answer */
    uint64_t due;        /* open loop: how many were due */
    struct histogram response;
    char error[HTTP_REASON_BYTES]; /* the first error */
    bool failed;                   /* it was given up, because of `error` */
    bool lonely;                   /* it was given up: no client is left */
};

struct publisher {
    const struct options *options;
    struct roster *roster;
    struct flights *flights;
    const struct probe *probe;
    struct http http;
    struct publisher_lane *lanes;
    unsigned *free; /* lanes, a stack */
    unsigned free_count;
    unsigned empty; /* posted messages without recipients */
    uint64_t random;
    bool accepted; /* the server has accepted a message */
    bool measured; /* this burst counts */
    int64_t duration_ns, deadline_ns, tick_ns;
    uint64_t launched;
    struct publisher_burst burst;
    int notify; /* eventfd: the burst is over */
    pthread_t thread;
    atomic_int stop; /* 1: publish no more; 2: and do not wait */
    atomic_bool draining, done;
};

/* Returns 0 or -1. */
int publisher_init(struct publisher *p, const struct options *o,
                   struct roster *roster, struct flights *flights,
                   const struct probe *probe, int notify);
void publisher_fini(struct publisher *p);

/* Starts a burst. Returns 0 or an errno. */
int publisher_start(struct publisher *p, int64_t duration_ns, bool measured);
void publisher_join(struct publisher *p);

#endif
