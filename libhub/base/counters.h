/* counters.h - what a loop counts: written only by its thread, read by any;
 * values may be slightly stale, but never torn. A histogram has the buckets of
 * struct hub_histogram.
 */
#ifndef HUB_COUNTERS_H
#define HUB_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include <hub/hub.h>

struct hub__histogram {
    atomic_uint_fast64_t counts[HUB_HISTOGRAM_BUCKETS];
    atomic_uint_fast64_t sum_us;
};

_Static_assert(HUB_CLOSED_EXPIRED < HUB_CLOSE_CAUSES_MAX, "the last cause");

struct hub__counters {
    atomic_uint_fast64_t messages_in, bytes_in, messages_out, bytes_out;
    atomic_uint_fast64_t dropped, slow_closed;
    atomic_uint_fast64_t closed_by_cause[HUB_CLOSE_CAUSES_MAX];
    struct hub__histogram deliveries, turns;
};

static inline void hub__count(atomic_uint_fast64_t *counter, uint64_t more)
{
    /* One writer, so no atomic addition is needed. */
    atomic_store_explicit(
        counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
        memory_order_relaxed);
}

/* The bounds are 16 times powers of two, and inclusive. */
static inline unsigned hub__histogram_bucket(uint64_t us)
{
    uint64_t units = us == 0 ? 0 : (us - 1) / hub_histogram_bound_us(0);
    unsigned bits =
        units == 0 ? 0
                   : 64 - (unsigned)__builtin_clzll((unsigned long long)units);

    return bits < HUB_HISTOGRAM_BUCKETS ? bits : HUB_HISTOGRAM_BUCKETS - 1;
}

/* Counts `count` durations of the same length. If the clock seems to go back
 * between cores, the duration counts as zero. */
static inline void hub__histogram_add(struct hub__histogram *h, int64_t us,
                                      uint64_t count)
{
    uint64_t length = us > 0 ? (uint64_t)us : 0;

    hub__count(&h->counts[hub__histogram_bucket(length)], count);
    hub__count(&h->sum_us, length * count);
}

#endif
