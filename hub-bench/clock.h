/* clock.h - the clock for all times, in ns. */
#ifndef HUB_BENCH_CLOCK_H
#define HUB_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)
#define MS_NS INT64_C(1000000)

static inline int64_t clock_ns(clockid_t id)
{
    struct timespec t;

    return clock_gettime(id, &t) < 0 ? -1 : t.tv_sec * SECOND_NS + t.tv_nsec;
}

static inline int64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

#endif
