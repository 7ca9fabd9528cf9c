/* heap.h - moments, so that the next one is at hand: a heap, in which each
 * belongs to something that knows its place there, by a field of its own.
 *
 * Adding and removing take time that grows with the logarithm of how many there
 * are. Memory grows and shrinks with them. Not locked.
 */
#ifndef HUB_HEAP_H
#define HUB_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hub__heap_item {
    int64_t at;
    uint32_t *place; /* of its owner: where it is, plus 1; 0: nowhere */
};

/* All zero: an empty one. */
struct hub__heap {
    struct hub__heap_item *items;
    uint32_t count, size;
};

/* Releases its memory; owners are left alone. */
void hub__heap_fini(struct hub__heap *heap);

/* Adds a moment of an owner that is nowhere. Returns 0 or HUB_ENOMEM. */
int hub__heap_add(struct hub__heap *heap, int64_t at, uint32_t *place);

/* Removes that of an owner that is in this heap, and nowhere then. The next one
 * to be added finds room without memory. */
void hub__heap_remove(struct hub__heap *heap, uint32_t *place);

/* The next one, or INT64_MAX if there is none. */
static inline int64_t hub__heap_next(const struct hub__heap *heap)
{
    return heap->count == 0 ? INT64_MAX : heap->items[0].at;
}

#endif
