/* names.h - from a name to the item that has it: an open-addressed hash table
 * of (hash, item). A lookup touches the cell and the item, and nothing else.
 * Items are opaque pointers; the caller's function says whether one has the
 * wanted name. Not locked.
 */
#ifndef HUB_NAMES_H
#define HUB_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hub__names_cell {
    uint64_t hash;
    void *item; /* NULL: free */
};

struct hub__names {
    struct hub__names_cell *cells; /* NULL until the first name */
    size_t size;                   /* a power of two */
    size_t count;
};

typedef bool hub__names_has_fn(const void *item, const void *name);

/* Returns the cell of a name, or NULL; valid until the next put or remove. */
struct hub__names_cell *hub__names_find(const struct hub__names *names,
                                        uint64_t hash, const void *name,
                                        hub__names_has_fn *has);

/* Makes room for one more name. Returns 0 or HUB_ENOMEM. */
int hub__names_reserve(struct hub__names *names);

/* After hub__names_reserve(): adds a name that is not in the table. */
void hub__names_put(struct hub__names *names, uint64_t hash, void *item);

/* Removes a name. */
void hub__names_remove(struct hub__names *names, struct hub__names_cell *cell);

void hub__names_fini(struct hub__names *names);

#endif
