/* budget.h - the memory that messages may take, over all connections: queued
 * messages, the queues that hold them, and partly received messages.
 *
 * The holder of the memory charges it and gives it back; any thread. The more
 * is taken, the smaller the share that one connection may hold, so that a few
 * peers that do not read cannot use up what the rest needs.
 */
#ifndef HUB_BUDGET_H
#define HUB_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUB__BUDGET_PARTS 16 /* a share is one part of what is free */

struct hub__budget {
    size_t limit; /* bytes; constant; SIZE_MAX: no limit */
    atomic_size_t used;
};

static inline bool hub__budget_fits(const struct hub__budget *b, size_t used,
                                    size_t bytes)
{
    return used <= b->limit && bytes <= b->limit - used;
}

/* Returns false, and takes nothing, if there is not enough left. */
static inline bool hub__budget_take(struct hub__budget *b, size_t bytes)
{
    size_t used = atomic_load_explicit(&b->used, memory_order_relaxed);

    do {
        if (!hub__budget_fits(b, used, bytes))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &b->used, &used, used + bytes, memory_order_relaxed,
        memory_order_relaxed));
    return true;
}

/* Takes without a check, for memory that the holder has bounded by a share. */
static inline void hub__budget_charge(struct hub__budget *b, size_t bytes)
{
    atomic_fetch_add_explicit(&b->used, bytes, memory_order_relaxed);
}

static inline void hub__budget_give(struct hub__budget *b, size_t bytes)
{
    /* Not relaxed: a thread may be waiting for this, see room.h. */
    atomic_fetch_sub(&b->used, bytes);
}

static inline size_t hub__budget_used(const struct hub__budget *b)
{
    return atomic_load_explicit(&b->used, memory_order_relaxed);
}

/* Whether there is enough left. Asked before allocating, and while waiting. */
static inline bool hub__budget_has(const struct hub__budget *b, size_t bytes)
{
    return b->limit == SIZE_MAX ||
           hub__budget_fits(b, atomic_load(&b->used), bytes);
}

/* What one connection may hold at this moment, if it holds `own` of the used
 * bytes. */
static inline size_t hub__budget_share_with(const struct hub__budget *b,
                                            size_t own)
{
    size_t used = hub__budget_used(b) - own;

    return used < b->limit ? (b->limit - used) / HUB__BUDGET_PARTS : 0;
}

static inline size_t hub__budget_share(const struct hub__budget *b)
{
    return hub__budget_share_with(b, 0);
}

#endif
