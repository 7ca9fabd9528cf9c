/* heap.c - see heap.h. Items have four children: fewer levels than with two
 * mean fewer owners to update, which are far apart in memory.
 *
 * Invariant: no item is earlier than its parent, and *place of each is its
 * index plus 1.
 */
#include "base/heap.h"

#include <assert.h>

#include <hub/hub.h>

#include "base/mem.h"

#define CHILDREN 4u
#define SIZE_FIRST 64u

void hub__heap_fini(struct hub__heap *h)
{
    hub__free(h->items);
    *h = (struct hub__heap){0};
}

static int resize(struct hub__heap *h, uint32_t size)
{
    struct hub__heap_item *items =
        hub__realloc(h->items, size * sizeof *h->items);

    if (items == NULL)
        return HUB_ENOMEM;
    h->items = items;
    h->size = size;
    return 0;
}

static void put(struct hub__heap *h, size_t index, struct hub__heap_item item)
{
    h->items[index] = item;
    *item.place = (uint32_t)index + 1;
}

static size_t parent_of(size_t index)
{
    return (index - 1) / CHILDREN;
}

/* Of an item that has children. */
static size_t earliest_child(const struct hub__heap *h, size_t index)
{
    size_t first = index * CHILDREN + 1, earliest = first;

    for (size_t i = first + 1; i < first + CHILDREN && i < h->count; i++) {
        if (h->items[i].at < h->items[earliest].at)
            earliest = i;
    }
    return earliest;
}

/* Fills the free `index` and moves the item up or down to where it belongs. */
static void settle(struct hub__heap *h, size_t index,
                   struct hub__heap_item item)
{
    size_t next;

    for (; index > 0; index = next) {
        next = parent_of(index);
        if (h->items[next].at <= item.at)
            break;
        put(h, index, h->items[next]);
    }
    for (; index * CHILDREN + 1 < h->count; index = next) {
        next = earliest_child(h, index);
        if (item.at <= h->items[next].at)
            break;
        put(h, index, h->items[next]);
    }
    put(h, index, item);
}

int hub__heap_add(struct hub__heap *h, int64_t at, uint32_t *place)
{
    assert(*place == 0);
    if (h->count == h->size &&
        resize(h, h->size == 0 ? SIZE_FIRST : h->size * 2) != 0)
        return HUB_ENOMEM;
    h->count++;
    settle(h, h->count - 1, (struct hub__heap_item){at, place});
    return 0;
}

void hub__heap_remove(struct hub__heap *h, uint32_t *place)
{
    struct hub__heap_item last;
    size_t index;

    assert(*place > 0 && *place <= h->count);
    index = *place - 1;
    last = h->items[--h->count];
    *place = 0;
    if (index < h->count)
        settle(h, index, last);
    if (h->size > SIZE_FIRST && h->count < h->size / 4)
        (void)resize(h, h->size / 2); /* it is fine as it is, too */
}
