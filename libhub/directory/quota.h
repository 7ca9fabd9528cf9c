/* quota.h - one limit for many names: how many connections each user, or each
 * address, may have. Names are any bytes; only those with a count above 0 take
 * memory. Threads: any.
 */
#ifndef HUB_QUOTA_H
#define HUB_QUOTA_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "directory/names.h"

#define HUB__QUOTA_SHARD_BITS 4
#define HUB__QUOTA_SHARDS (1u << HUB__QUOTA_SHARD_BITS)

struct hub__quota_shard {
    pthread_mutex_t lock;
    struct hub__names names; /* lock */
};

struct hub__quota {
    const struct hub__siphash_key *key;
    uint64_t limit; /* constant; 0: none, and nothing is counted */
    struct hub__quota_shard shards[HUB__QUOTA_SHARDS];
};

/* The key is the caller's, and stays where it is. */
void hub__quota_init(struct hub__quota *quota,
                     const struct hub__siphash_key *key, uint64_t limit);
void hub__quota_fini(struct hub__quota *quota);

/* Counts one more. Returns 0, HUB_EFULL or HUB_ENOMEM. */
int hub__quota_take(struct hub__quota *quota, const void *name, size_t bytes);

/* Counts one less; does nothing if the count is 0. */
void hub__quota_give(struct hub__quota *quota, const void *name, size_t bytes);

#endif
