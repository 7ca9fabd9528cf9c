/* select.h - the connections of a target with more than one name: each once,
 * without those of its `except`, and the locks that keep them there. Threads:
 * any.
 */
#ifndef HUB_SELECT_H
#define HUB_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hub/hub.h>

#include "directory/registry.h"

#define HUB__SELECT_FEW 32 /* entries that need no allocation */

struct hub__entries {
    struct hub__entry **list;
    size_t count, size;
    struct hub__entry *few[HUB__SELECT_FEW];
};

struct hub__selection {
    struct hub__registry *registry;
    uint64_t users, sessions; /* the locked shards, one bit each */
    bool everybody;           /* all but `excluded`; then `named` is empty */
    struct hub__entries named;
    struct hub__entries excluded; /* used only if `everybody` */
};

/* Finds the connections that a valid target names. On success shards are locked
 * until hub__select_end(). Returns 0 or HUB_ENOMEM, nothing locked. */
int hub__select(struct hub__selection *selection,
                struct hub__registry *registry,
                const struct hub_target *target);

/* Unlocks and releases. */
void hub__select_end(struct hub__selection *selection);

#endif
