/* names.c - see names.h. Linear probing, at most three quarters full unless
 * there is no memory to grow; a removed cell is refilled from those after it,
 * so there are no tombstones.
 */
#include "directory/names.h"

#include <hub/hub.h>

#include "base/mem.h"

#define SIZE_FIRST 8u

static size_t home_of(const struct hub__names *n, uint64_t hash)
{
    return (size_t)hash & (n->size - 1);
}

struct hub__names_cell *hub__names_find(const struct hub__names *n,
                                        uint64_t hash, const void *name,
                                        hub__names_has_fn *has)
{
    if (n->size == 0)
        return NULL;
    for (size_t at = home_of(n, hash);; at = (at + 1) & (n->size - 1)) {
        struct hub__names_cell *cell = &n->cells[at];

        if (cell->item == NULL)
            return NULL;
        if (cell->hash == hash && has(cell->item, name))
            return cell;
    }
}

/* Adds to the table, which always keeps a free cell: searches end there. */
static void enter(struct hub__names *n, uint64_t hash, void *item)
{
    size_t at = home_of(n, hash);

    while (n->cells[at].item != NULL)
        at = (at + 1) & (n->size - 1);
    n->cells[at] = (struct hub__names_cell){hash, item};
}

static int resize(struct hub__names *n, size_t size)
{
    struct hub__names old = *n;
    struct hub__names_cell *cells =
        hub__calloc(size, sizeof(struct hub__names_cell));

    if (cells == NULL)
        return HUB_ENOMEM;
    n->cells = cells;
    n->size = size;
    for (size_t i = 0; i < old.size; i++) {
        if (old.cells[i].item != NULL)
            enter(n, old.cells[i].hash, old.cells[i].item);
    }
    hub__free(old.cells);
    return 0;
}

int hub__names_reserve(struct hub__names *n)
{
    size_t size = n->size == 0 ? SIZE_FIRST : n->size * 2;

    if (n->count + 1 <= n->size / 4 * 3)
        return 0;
    if (resize(n, size) == 0 || n->count + 1 < n->size)
        return 0;
    return HUB_ENOMEM;
}

void hub__names_put(struct hub__names *n, uint64_t hash, void *item)
{
    enter(n, hash, item);
    n->count++;
}

/* Whether the cell at `at` may move to the free one at `hole`: that is on the
 * probe path from its home cell to `at`. */
static bool passes(const struct hub__names *n, size_t at, size_t hole)
{
    size_t mask = n->size - 1;
    size_t home = home_of(n, n->cells[at].hash);

    return ((at - home) & mask) >= ((at - hole) & mask);
}

void hub__names_remove(struct hub__names *n, struct hub__names_cell *cell)
{
    size_t mask = n->size - 1;
    size_t hole = (size_t)(cell - n->cells);

    for (size_t at = (hole + 1) & mask; n->cells[at].item != NULL;
         at = (at + 1) & mask) {
        if (passes(n, at, hole)) {
            n->cells[hole] = n->cells[at];
            hole = at;
        }
    }
    n->cells[hole] = (struct hub__names_cell){0};
    n->count--;
    if (n->size > SIZE_FIRST && n->count < n->size / 8)
        (void)resize(n, n->size / 2);
}

void hub__names_fini(struct hub__names *n)
{
    hub__free(n->cells);
    *n = (struct hub__names){0};
}
