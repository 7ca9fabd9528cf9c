/* siphash.h - SipHash-1-3 (Aumasson, Bernstein: a keyed hash for short input),
 * so that without the key nobody can choose ids that collide. */
#ifndef HUB_SIPHASH_H
#define HUB_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct hub__siphash_key {
    uint64_t k0, k1;
};

uint64_t hub__siphash(const struct hub__siphash_key *key, const void *data,
                      size_t bytes);

#endif
