/* places.h - the places that connections take up: in the hub, for their user
 * and for their address. A place is taken before the connection exists and
 * given back after it is gone, so that connections in the making count too.
 * Threads: any.
 */
#ifndef HUB_PLACES_H
#define HUB_PLACES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <hub/hub.h>

#include "directory/quota.h"

struct hub__places {
    atomic_uint_fast64_t limit; /* 0: none */
    atomic_uint_fast64_t held;
    struct hub__quota users, addresses;
};

/* Takes the limits from the options. */
void hub__places_init(struct hub__places *places,
                      const struct hub__siphash_key *key,
                      const struct hub_options *options);
void hub__places_fini(struct hub__places *places);

/* Takes a place of each kind. An empty address has no limit. Returns 0,
 * HUB_EFULL, HUB_EFULL_USER, HUB_EFULL_ADDRESS or HUB_ENOMEM. */
int hub__places_take(struct hub__places *places, const char *user_id,
                     const void *address, size_t address_bytes);

/* Gives back what hub__places_take() took. */
void hub__places_give(struct hub__places *places, const char *user_id,
                      const void *address, size_t address_bytes);

#endif
