/* histogram.c - see histogram.h. A quantile is the middle of its bucket, but
 * never outside the observed range.
 */
#include "histogram.h"

#include <math.h>
#include <string.h>

void histogram_clear(struct histogram *h)
{
    memset(h, 0, sizeof(*h));
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0 || from->min_ns < into->min_ns)
        into->min_ns = from->min_ns;
    if (into->count == 0 || from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
    into->count += from->count;
    into->sum_ns += from->sum_ns;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

/* The inverse of histogram_index(): the middle of a bucket. */
static double middle(unsigned index)
{
    unsigned top = index >> HISTOGRAM_BITS;
    double low, width;

    if (top == 0)
        return index;
    top--;
    low = ldexp((double)((index & 127u) | 128u), (int)top);
    width = ldexp(1, (int)top);
    return low + (width - 1) / 2;
}

double histogram_quantile(const struct histogram *h, double quantile)
{
    uint64_t rank = (uint64_t)ceil(quantile * (double)h->count), seen = 0;
    double ns;
    unsigned i = 0;

    if (h->count == 0)
        return NAN;
    if (rank >= h->count)
        return (double)h->max_ns;
    if (rank == 0)
        rank = 1;
    while ((seen += h->buckets[i]) < rank)
        i++;
    ns = middle(i);
    return fmin(fmax(ns, (double)h->min_ns), (double)h->max_ns);
}

double histogram_mean(const struct histogram *h)
{
    return h->count == 0 ? NAN : (double)h->sum_ns / (double)h->count;
}
