/* trim.h - memory goes back to the system after a peak.
 *
 * malloc keeps what was freed below something that still lives, for ever: after
 * a burst that waited in queues, most of the process would be holes.
 *
 * Threads: the main thread.
 */
#ifndef HUBD_TRIM_H
#define HUBD_TRIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRIM_EVERY_MS 5000

/* Bytes: resident in memory, and of the heap in use and not. */
struct trim_sizes {
    size_t resident, used, unused;
};

struct trim {
    int64_t next_ms; /* when to look again */
    size_t floor;    /* bytes beyond those in use that are resident whatever
                        is done: code, stacks, malloc's own */
};

/* Before the first thread: big blocks are mapped on their own, and go back when
 * they are freed. */
void trim_init(void);

/* Whether giving back is worth its price. Pure. */
bool trim_is_due(const struct trim *trim, const struct trim_sizes *sizes);

/* Looks, every now and then, and gives back what is due. */
void trim_tick(struct trim *trim, int64_t now_ms);

#endif
