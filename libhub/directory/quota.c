/* quota.c - see quota.h: tables of names, in a few shards, so that growing one
 * holds up few callers.
 *
 * Names come from untrusted peers, so they are hashed with a secret key.
 */
#include "directory/quota.h"

#include <string.h>

#include <hub/hub.h>

#include "base/mem.h"

struct count {
    uint64_t held; /* never 0 */
    size_t bytes;
    unsigned char name[];
};

struct name {
    const void *bytes;
    size_t count;
};

void hub__quota_init(struct hub__quota *q, const struct hub__siphash_key *key,
                     uint64_t limit)
{
    *q = (struct hub__quota){.key = key, .limit = limit};
    for (size_t i = 0; i < HUB__QUOTA_SHARDS; i++)
        pthread_mutex_init(&q->shards[i].lock, NULL);
}

void hub__quota_fini(struct hub__quota *q)
{
    for (size_t i = 0; i < HUB__QUOTA_SHARDS; i++) {
        struct hub__names *names = &q->shards[i].names;

        for (size_t at = 0; at < names->size; at++)
            hub__free(names->cells[at].item);
        hub__names_fini(names);
        pthread_mutex_destroy(&q->shards[i].lock);
    }
}

static bool has_name(const void *item, const void *name)
{
    const struct count *count = item;
    const struct name *wanted = name;

    return count->bytes == wanted->count &&
           (count->bytes == 0 ||
            memcmp(count->name, wanted->bytes, count->bytes) == 0);
}

/* The upper bits choose the shard, the lower ones the cell. */
static struct hub__quota_shard *shard_of(struct hub__quota *q, uint64_t hash)
{
    return &q->shards[hash >> (64 - HUB__QUOTA_SHARD_BITS)];
}

static int add(struct hub__names *names, uint64_t hash, struct name name)
{
    struct count *count;

    if (hub__names_reserve(names) != 0)
        return HUB_ENOMEM;
    count = hub__malloc(sizeof *count + name.count);
    if (count == NULL)
        return HUB_ENOMEM;
    count->held = 1;
    count->bytes = name.count;
    if (name.count > 0)
        memcpy(count->name, name.bytes, name.count);
    hub__names_put(names, hash, count);
    return 0;
}

int hub__quota_take(struct hub__quota *q, const void *name, size_t bytes)
{
    struct name wanted = {name, bytes};
    struct hub__quota_shard *s;
    struct hub__names_cell *cell;
    struct count *count;
    uint64_t hash;
    int err = 0;

    if (q->limit == 0)
        return 0;
    hash = hub__siphash(q->key, name, bytes);
    s = shard_of(q, hash);
    pthread_mutex_lock(&s->lock);
    cell = hub__names_find(&s->names, hash, &wanted, has_name);
    count = cell != NULL ? cell->item : NULL;
    if (count == NULL)
        err = add(&s->names, hash, wanted);
    else if (count->held >= q->limit)
        err = HUB_EFULL;
    else
        count->held++;
    pthread_mutex_unlock(&s->lock);
    return err;
}

void hub__quota_give(struct hub__quota *q, const void *name, size_t bytes)
{
    struct name wanted = {name, bytes};
    struct hub__quota_shard *s;
    struct hub__names_cell *cell;
    struct count *count;
    uint64_t hash;

    if (q->limit == 0)
        return;
    hash = hub__siphash(q->key, name, bytes);
    s = shard_of(q, hash);
    pthread_mutex_lock(&s->lock);
    cell = hub__names_find(&s->names, hash, &wanted, has_name);
    count = cell != NULL ? cell->item : NULL;
    if (count != NULL && --count->held == 0) {
        hub__names_remove(&s->names, cell);
        hub__free(count);
    }
    pthread_mutex_unlock(&s->lock);
}
