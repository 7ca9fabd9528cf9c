/* trim.h - gives memory back to the system after a peak.
 *
 * malloc never gives back what was freed below something still in use: after a
 * burst of queued messages, most of the process would be holes.
 *
 * Threads: the main thread.
 */
#ifndef HUBD_TRIM_H
#define HUBD_TRIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRIM_EVERY_MS 5000

/* Bytes: resident, and of the heap, in use and unused. */
struct trim_sizes {
    size_t resident, used, unused;
};

struct trim {
    int64_t next_ms; /* when to check again */
    size_t floor;    /* resident bytes beyond those in use that cannot be given
                        back: code, stacks, malloc's own */
};

/* Before the first thread: makes malloc map big blocks separately, so that they
 * go back when freed. */
void trim_init(void);

/* Whether trimming is worth its cost. Pure. */
bool trim_is_due(const struct trim *trim, const struct trim_sizes *sizes);

/* Checks now and then, and trims if it is due. */
void trim_tick(struct trim *trim, int64_t now_ms);

#endif
