/* quota.c - hash tables with chains, one in each of a few shards so that a
 * table that grows holds up few callers.
 *
 * Names come from strangers, so they are hashed with SipHash-1-3 under a random
 * key: nobody can aim many of them at one chain. Everything in a shard is
 * guarded by its lock.
 */
#include "access/quota.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <base/siphash.h>

#define SHARD_BITS 4
#define SHARDS (1u << SHARD_BITS)
#define BUCKETS_MIN 16u

struct entry {
    struct entry *next;
    uint64_t hash;
    uint64_t count; /* never 0 */
    size_t bytes;
    unsigned char name[];
};

struct shard {
    pthread_mutex_t lock;
    struct entry **buckets; /* NULL while nothing is in it */
    size_t bucket_count;    /* a power of two */
    size_t entry_count;
};

struct quota {
    uint64_t limit;
    struct hub__siphash_key key;
    struct shard shards[SHARDS];
};

struct quota *quota_create(uint64_t limit)
{
    struct quota *quota = calloc(1, sizeof(*quota));

    if (!quota)
        return NULL;
    quota->limit = limit;
    if (getrandom(&quota->key, sizeof(quota->key), 0) !=
        (ssize_t)sizeof(quota->key)) {
        free(quota);
        return NULL;
    }
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&quota->shards[i].lock, NULL);
    return quota;
}

static void free_shard(struct shard *shard)
{
    for (size_t i = 0; i < shard->bucket_count; i++) {
        struct entry *entry = shard->buckets[i], *next;

        for (; entry; entry = next) {
            next = entry->next;
            free(entry);
        }
    }
    free(shard->buckets);
    pthread_mutex_destroy(&shard->lock);
}

void quota_free(struct quota *quota)
{
    if (!quota)
        return;
    for (size_t i = 0; i < SHARDS; i++)
        free_shard(&quota->shards[i]);
    free(quota);
}

/* The top bits choose the shard, the low ones the bucket. */
static struct shard *shard_of(struct quota *quota, uint64_t hash)
{
    return &quota->shards[hash >> (64 - SHARD_BITS)];
}

static struct entry **bucket_of(const struct shard *shard, uint64_t hash)
{
    return &shard->buckets[hash & (shard->bucket_count - 1)];
}

/* Where the name's entry hangs, or the NULL at the end of its chain; NULL if
 * there is no table. */
static struct entry **find(const struct shard *shard, uint64_t hash,
                           const void *name, size_t bytes)
{
    struct entry **at;

    if (!shard->buckets)
        return NULL;
    for (at = bucket_of(shard, hash); *at; at = &(*at)->next) {
        if ((*at)->hash == hash && (*at)->bytes == bytes &&
            memcmp((*at)->name, name, bytes) == 0)
            break;
    }
    return at;
}

/* Without memory for it the table stays as it is, and is only slower. */
static void resize(struct shard *shard, size_t bucket_count)
{
    struct shard old = *shard;
    struct entry **buckets = calloc(bucket_count, sizeof(struct entry *));

    if (!buckets)
        return;
    shard->buckets = buckets;
    shard->bucket_count = bucket_count;
    for (size_t i = 0; i < old.bucket_count; i++) {
        struct entry *entry = old.buckets[i], *next;

        for (; entry; entry = next) {
            struct entry **at = bucket_of(shard, entry->hash);

            next = entry->next;
            entry->next = *at;
            *at = entry;
        }
    }
    free(old.buckets);
}

static int add(struct shard *shard, uint64_t hash, const void *name,
               size_t bytes)
{
    struct entry *entry, **at;

    if (!shard->buckets)
        resize(shard, BUCKETS_MIN);
    else if (shard->entry_count >= shard->bucket_count)
        resize(shard, shard->bucket_count * 2);
    if (!shard->buckets)
        return -1;
    entry = malloc(sizeof(*entry) + bytes);
    if (!entry)
        return -1;
    at = bucket_of(shard, hash);
    *entry =
        (struct entry){.next = *at, .hash = hash, .count = 1, .bytes = bytes};
    memcpy(entry->name, name, bytes);
    *at = entry;
    shard->entry_count++;
    return 0;
}

static void drop(struct shard *shard, struct entry **at)
{
    struct entry *entry = *at;

    *at = entry->next;
    free(entry);
    shard->entry_count--;
    if (shard->entry_count == 0) {
        free(shard->buckets);
        shard->buckets = NULL;
        shard->bucket_count = 0;
    } else if (shard->bucket_count > BUCKETS_MIN &&
               shard->entry_count < shard->bucket_count / 8) {
        resize(shard, shard->bucket_count / 2);
    }
}

int quota_take(struct quota *quota, const void *name, size_t bytes)
{
    struct entry **at;
    struct shard *shard;
    uint64_t hash;
    int err = 0;

    if (quota->limit == 0)
        return 0;
    hash = hub__siphash(&quota->key, name, bytes);
    shard = shard_of(quota, hash);
    pthread_mutex_lock(&shard->lock);
    at = find(shard, hash, name, bytes);
    if (!at || !*at)
        err = add(shard, hash, name, bytes);
    else if ((*at)->count >= quota->limit)
        err = 1;
    else
        (*at)->count++;
    pthread_mutex_unlock(&shard->lock);
    return err;
}

void quota_give(struct quota *quota, const void *name, size_t bytes)
{
    struct entry **at;
    struct shard *shard;
    uint64_t hash;

    if (quota->limit == 0)
        return;
    hash = hub__siphash(&quota->key, name, bytes);
    shard = shard_of(quota, hash);
    pthread_mutex_lock(&shard->lock);
    at = find(shard, hash, name, bytes);
    if (at && *at && --(*at)->count == 0)
        drop(shard, at);
    pthread_mutex_unlock(&shard->lock);
}
