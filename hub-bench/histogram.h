/* histogram.h - durations, counted in log-linear buckets.
 *
 * Nanoseconds up to 127 have a bucket each; above that every power of two is
 * cut into 128 buckets, so that a quantile is off by less than 1 %. Longer
 * times than 100 s share the last buckets; minimum, maximum and mean are exact.
 * One thread fills a histogram; histogram_merge() puts those of several into
 * one.
 */
#ifndef HUB_BENCH_HISTOGRAM_H
#define HUB_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS 7     /* of a value that select its bucket */
#define HISTOGRAM_TOP_BIT 36 /* 2^37 ns is 137 s */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_TOP_BIT - HISTOGRAM_BITS + 2) << 7)

struct histogram {
    uint64_t count;
    uint64_t sum_ns;
    int64_t min_ns; /* undefined while the count is 0 */
    int64_t max_ns;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_clear(struct histogram *h);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The time that a fraction `quantile` (0 to 1) of all values is below, and the
 * mean, in ns. NAN for an empty histogram. */
double histogram_quantile(const struct histogram *h, double quantile);
double histogram_mean(const struct histogram *h);

static inline unsigned histogram_index(uint64_t ns)
{
    unsigned top;

    if (ns >> HISTOGRAM_BITS == 0)
        return (unsigned)ns;
    if (ns >> (HISTOGRAM_TOP_BIT + 1) != 0)
        return HISTOGRAM_BUCKETS - 1;
    top = 63u - (unsigned)__builtin_clzll(ns) - HISTOGRAM_BITS;
    return (top << HISTOGRAM_BITS) + (unsigned)(ns >> top);
}

/* A negative time, which only a broken clock produces, counts as 0. */
static inline void histogram_add(struct histogram *h, int64_t ns)
{
    if (ns < 0)
        ns = 0;
    if (h->count == 0 || ns < h->min_ns)
        h->min_ns = ns;
    if (h->count == 0 || ns > h->max_ns)
        h->max_ns = ns;
    h->count++;
    h->sum_ns += (uint64_t)ns;
    h->buckets[histogram_index((uint64_t)ns)]++;
}

#endif
