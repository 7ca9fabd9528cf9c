/* dice.h - random numbers that a seed repeats (xorshift64*). */
#ifndef SOAK_DICE_H
#define SOAK_DICE_H

#include <stdint.h>

struct dice {
    uint64_t state; /* not 0 */
};

static inline uint64_t dice_next(struct dice *d)
{
    d->state ^= d->state >> 12;
    d->state ^= d->state << 25;
    d->state ^= d->state >> 27;
    return d->state * UINT64_C(2685821657736338717);
}

/* From 0 to below - 1; `below` is not 0. */
static inline uint32_t dice_below(struct dice *d, uint32_t below)
{
    return (uint32_t)((dice_next(d) >> 32) * below >> 32);
}

static inline int64_t dice_between(struct dice *d, int64_t from, int64_t to)
{
    return from + (int64_t)(dice_next(d) % (uint64_t)(to - from + 1));
}

#endif
