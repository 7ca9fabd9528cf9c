/* heap.h - a priority queue of deadlines. Each belongs to an owner, which has a
 * field that says where in the heap its deadline is.
 *
 * Adding and removing take logarithmic time. Memory grows and shrinks with the
 * number of deadlines. Not locked.
 */
#ifndef HUB_HEAP_H
#define HUB_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hub__heap_item {
    int64_t at;
    uint32_t *place; /* in its owner: its index plus 1; 0: in no heap */
};

/* Zero-initialized: empty. */
struct hub__heap {
    struct hub__heap_item *items;
    uint32_t count, size;
};

/* Releases its memory; does not touch the owners. */
void hub__heap_fini(struct hub__heap *heap);

/* Adds a deadline of an owner that is in no heap. Returns 0 or HUB_ENOMEM. */
int hub__heap_add(struct hub__heap *heap, int64_t at, uint32_t *place);

/* Removes the deadline of an owner that is in this heap. The next deadline can
 * be added without memory then. */
void hub__heap_remove(struct hub__heap *heap, uint32_t *place);

/* The earliest deadline, or INT64_MAX if there is none. */
static inline int64_t hub__heap_next(const struct hub__heap *heap)
{
    return heap->count == 0 ? INT64_MAX : heap->items[0].at;
}

#endif
