/* stats.h - the statistics of a hub, which hub_stats() fills in. Part of hub.h,
 * which includes it.
 */
#ifndef HUB_STATS_H
#define HUB_STATS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Statistics. --------------------------------------------------------- */

#define HUB_HISTOGRAM_BUCKETS 22 /* of struct hub_histogram */

/* Durations, counted by length: counts[i] has those of up to
 * hub_histogram_bound_us(i) that are in no lower bucket; the last one has all
 * that are longer. */
struct hub_histogram {
    uint64_t counts[HUB_HISTOGRAM_BUCKETS]; /* of each bucket, not cumulative */
    uint64_t sum_us;                        /* of all durations */
};

/* No durations yet. */
#define HUB_HISTOGRAM_INIT                                                     \
    {                                                                          \
        {0}, 0                                                                 \
    }

/* The upper bound of a bucket but the last: 16, 32, 64 … 16 777 216. */
static inline uint64_t hub_histogram_bound_us(unsigned bucket)
{
    return UINT64_C(16) << bucket;
}

/* Room for causes in hub_stats; HUB_CLOSE_CAUSE_MAP has the existing ones. */
#define HUB_CLOSE_CAUSES_MAX 16

/* Statistics of a hub, taken while it runs. */
struct hub_stats {
    size_t struct_size;               /* as HUB_STATS_INIT sets it */
    uint64_t connections;             /* now, closing ones not counted */
    uint64_t users, sessions;         /* distinct ids now connected */
    uint64_t opened, closed;          /* connections since hub_create() */
    uint64_t messages_in, bytes_in;   /* from sockets */
    uint64_t messages_out, bytes_out; /* written or delivered whole */
    uint64_t dropped;                 /* messages, by a drop policy */
    uint64_t slow_closed;             /* connections, by HUB_SLOW_CLOSE */
    uint64_t loops;                   /* event loops */
    uint64_t slowest_loop_ms;         /* since the last turn of the loop that is
                                         furthest behind */
    uint64_t uring_loops;             /* that send by io_uring */
    uint64_t memory_bytes; /* of messages that are queued or partly received */
    uint64_t queued_bytes; /* of those, for queued messages */
    struct hub_histogram deliveries; /* of messages_out, to sockets: from the
                                        call that sent them until the kernel has
                                        taken all bytes */
    struct hub_histogram turns; /* of the loops, without the wait for work */
    uint64_t places; /* in use, of max_connections, by connections, closing ones
                        included, and by hub_reserve() */
    uint64_t closed_by_cause[HUB_CLOSE_CAUSES_MAX]; /* of `closed`, by enum
                                                       hub_close_cause */
    uint64_t rejected; /* sockets that hub_reject() has taken */
};

/* For hub_stats() to fill in. */
#define HUB_STATS_INIT                                                         \
    {                                                                          \
        sizeof(struct hub_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, HUB_HISTOGRAM_INIT, HUB_HISTOGRAM_INIT, 0, {0}, 0               \
    }

#ifdef __cplusplus
}
#endif

#endif
