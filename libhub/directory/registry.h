/* registry.h - who is connected: by user, by session, by id.
 *
 * Sharded by hash, a lock per shard, so that many threads look up at once. The
 * registry never calls out: hub__registry_find() and _take() return with shards
 * locked, the caller does what has to happen under the lock (posting to
 * mailboxes) and ends with hub__registry_unlock(). Locks are taken in this
 * order: user shards, session shards, both in ascending order, and then
 * mailboxes. For targets with more than one name see select.h.
 */
#ifndef HUB_REGISTRY_H
#define HUB_REGISTRY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hub/hub.h>

#include "base/siphash.h"
#include "directory/names.h"

/* A call may need all their locks at once, see select.c; ThreadSanitizer does
 * not support threads that hold more than 64. */
#define HUB__USER_SHARD_BITS 5
#define HUB__USER_SHARDS (1u << HUB__USER_SHARD_BITS)
#define HUB__SESSION_SHARD_BITS 4
#define HUB__SESSION_SHARDS (1u << HUB__SESSION_SHARD_BITS)

/* The kinds of names that a connection is found by, apart from its id. */
enum hub__index {
    HUB__BY_USER,
    HUB__BY_SESSION,
    HUB__INDEXES,
    HUB__BY_ID = HUB__INDEXES,
};

/* Connections with the same name form a list, to whose head the table of names
 * points. */
struct hub__links {
    struct hub__entry *prev, *next;
};

/* A connection's entry in the registry, embedded in the connection. */
struct hub__entry {
    hub_id id;              /* set while linked, then constant */
    const char *user_id;    /* owned by the connection; constant while linked */
    const char *session_id; /* likewise; may be NULL */
    struct hub__links links[HUB__INDEXES]; /* lock of the name's shard */
    bool linked;                           /* lock of the user's shard */
};

struct hub__slot;

struct hub__shard {
    pthread_mutex_t lock;
    struct hub__names names;
    size_t entries;
    struct hub__slot *slots; /* ids; user shards only */
    uint32_t slot_count, slot_size;
    uint32_t slot_free; /* index + 1 of the first free one, 0: none */
};

struct hub__registry {
    struct hub__siphash_key key;
    struct hub__shard users[HUB__USER_SHARDS];
    struct hub__shard sessions[HUB__SESSION_SHARDS];
};

/* The connections that have a name, and the locks that keep them there. */
struct hub__found {
    struct hub__shard *user_shard, *session_shard; /* locked, or NULL */
    enum hub__index by;
    struct hub__entry *first; /* or NULL */
};

/* Returns 0, or HUB_ESYSTEM without randomness. */
int hub__registry_init(struct hub__registry *registry);

/* Releases what is left; no entry may be used afterwards. */
void hub__registry_fini(struct hub__registry *registry);

/* Links an entry whose user_id and session_id are set, and gives it an id. On
 * success its shards stay locked, so that nobody can find it yet:
 * hub__registry_unlock(). Returns 0 or HUB_ENOMEM, nothing locked. */
int hub__registry_add(struct hub__registry *registry, struct hub__entry *entry,
                      struct hub__found *found);

/* The value of a counter at the moment of removal. */
struct hub__moment {
    const atomic_uint_fast64_t *counter;
    uint64_t at;
};

/* Unlinks an entry. `moment` (or NULL) is filled in while the shards are
 * locked: when all who found the entry are done with it, and nobody can find it
 * any more. Returns false if it was not linked. */
bool hub__registry_remove(struct hub__registry *registry,
                          struct hub__entry *entry, struct hub__moment *moment);

/* Finds the connections of a target that names just one id, user or session. */
void hub__registry_find(struct hub__registry *registry,
                        const struct hub_target *target,
                        struct hub__found *found);

/* The next one after `entry` (NULL: the first). */
struct hub__entry *hub__registry_next(const struct hub__found *found,
                                      const struct hub__entry *entry);

/* The next one after `entry` in the same list. */
static inline struct hub__entry *hub__entry_next(const struct hub__entry *entry,
                                                 enum hub__index by)
{
    return by == HUB__BY_ID ? NULL : entry->links[by].next;
}

/* For select.c: the shard of a name or an id, and, with that shard locked, the
 * first connection that has it, or NULL. The upper bits of a hash choose the
 * shard, the lower ones the cell. */
uint64_t hub__registry_hash(const struct hub__registry *registry,
                            const char *name);
static inline unsigned hub__registry_shard(enum hub__index by, uint64_t hash)
{
    return (unsigned)(hash >>
                      (64 - (by == HUB__BY_USER ? HUB__USER_SHARD_BITS
                                                : HUB__SESSION_SHARD_BITS)));
}
static inline unsigned hub__registry_shard_of_id(hub_id id)
{
    return (unsigned)(id.value & (HUB__USER_SHARDS - 1));
}
struct hub__entry *hub__registry_first(const struct hub__registry *registry,
                                       enum hub__index by, uint64_t hash,
                                       const char *name);
struct hub__entry *hub__registry_id(const struct hub__registry *registry,
                                    hub_id id);

/* Finds a connection by id and unlinks it. Returns NULL with nothing locked if
 * there is none; otherwise hub__registry_unlock(). */
struct hub__entry *hub__registry_take(struct hub__registry *registry, hub_id id,
                                      struct hub__found *found);

void hub__registry_unlock(struct hub__found *found);

/* Counts connections and names; each shard is read at a different moment. */
void hub__registry_count(struct hub__registry *registry, uint64_t *connections,
                         uint64_t *users, uint64_t *sessions);

#endif
