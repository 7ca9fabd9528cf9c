/* places.h - the places that connections take: in the hub, of their user's and
 * of their address's share. One is taken before its connection is there and
 * given back when that is gone, so that all who are on their way count.
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

/* Takes one of each. An address of no bytes has no limit. Returns 0, HUB_EFULL,
 * HUB_EFULL_USER, HUB_EFULL_ADDRESS or HUB_ENOMEM. */
int hub__places_take(struct hub__places *places, const char *user_id,
                     const void *address, size_t address_bytes);

/* What hub__places_take() took. */
void hub__places_give(struct hub__places *places, const char *user_id,
                      const void *address, size_t address_bytes);

#endif
