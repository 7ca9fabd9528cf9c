/* registry.c - see registry.h.
 *
 * A name is not an object of its own: the table of names leads to the first
 * connection that has it, and connections own the text. Ids are slots of the
 * user's shard with a generation that counts up; a slot that has run out of
 * generations is never used again.
 *
 * id: generation (32 bits) | slot (27 bits) | shard (5 bits)
 */
#include "directory/registry.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

#define SLOTS_FIRST 8u
#define SLOT_BITS (32 - HUB__USER_SHARD_BITS)
#define SLOTS_MAX (1u << SLOT_BITS)

struct hub__slot {
    struct hub__entry *entry; /* NULL: free */
    uint32_t generation;      /* of the entry, or of the next one */
    uint32_t next_free;       /* index + 1, 0: none */
};

/* Setting up. --------------------------------------------------------- */

static int random_bytes(void *out, size_t bytes)
{
    ssize_t got;

    do
        got = getrandom(out, bytes, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)bytes ? 0 : HUB_ESYSTEM;
}

int hub__registry_init(struct hub__registry *r)
{
    memset(r, 0, sizeof *r);
    for (size_t i = 0; i < HUB__USER_SHARDS; i++)
        pthread_mutex_init(&r->users[i].lock, NULL);
    for (size_t i = 0; i < HUB__SESSION_SHARDS; i++)
        pthread_mutex_init(&r->sessions[i].lock, NULL);
    return random_bytes(&r->key, sizeof r->key);
}

static void shard_fini(struct hub__shard *s)
{
    hub__names_fini(&s->names);
    hub__free(s->slots);
    pthread_mutex_destroy(&s->lock);
}

void hub__registry_fini(struct hub__registry *r)
{
    for (size_t i = 0; i < HUB__USER_SHARDS; i++)
        shard_fini(&r->users[i]);
    for (size_t i = 0; i < HUB__SESSION_SHARDS; i++)
        shard_fini(&r->sessions[i]);
}

/* Names. -------------------------------------------------------------- */

uint64_t hub__registry_hash(const struct hub__registry *r, const char *text)
{
    return hub__siphash(&r->key, text, strlen(text));
}

static struct hub__shard *shard_of(struct hub__registry *r, enum hub__index by,
                                   uint64_t hash)
{
    unsigned shard = hub__registry_shard(by, hash);

    return by == HUB__BY_USER ? &r->users[shard] : &r->sessions[shard];
}

static bool has_user(const void *item, const void *name)
{
    return strcmp(((const struct hub__entry *)item)->user_id, name) == 0;
}

static bool has_session(const void *item, const void *name)
{
    return strcmp(((const struct hub__entry *)item)->session_id, name) == 0;
}

static hub__names_has_fn *const has_name[] = {
    [HUB__BY_USER] = has_user,
    [HUB__BY_SESSION] = has_session,
};

static const char *name_of(const struct hub__entry *e, enum hub__index by)
{
    return by == HUB__BY_USER ? e->user_id : e->session_id;
}

/* Ids. ---------------------------------------------------------------- */

static int reserve_slot(struct hub__shard *s)
{
    uint32_t size = s->slot_size == 0 ? SLOTS_FIRST : s->slot_size * 2;
    struct hub__slot *slots;

    if (s->slot_free != 0 || s->slot_count < s->slot_size)
        return 0;
    if (s->slot_size >= SLOTS_MAX)
        return HUB_ENOMEM;
    slots = hub__realloc(s->slots, size * sizeof *slots);
    if (slots == NULL)
        return HUB_ENOMEM;
    s->slots = slots;
    s->slot_size = size;
    return 0;
}

/* After reserve_slot(). */
static hub_id give_id(struct hub__registry *r, struct hub__shard *s,
                      struct hub__entry *entry)
{
    uint64_t shard = (uint64_t)(s - r->users);
    uint32_t index;
    struct hub__slot *slot;

    if (s->slot_free != 0) {
        index = s->slot_free - 1;
        s->slot_free = s->slots[index].next_free;
    } else {
        index = s->slot_count++;
        s->slots[index].generation = 1;
    }
    slot = &s->slots[index];
    slot->entry = entry;
    return (hub_id){(uint64_t)slot->generation << 32 |
                    (uint64_t)index << HUB__USER_SHARD_BITS | shard};
}

static struct hub__slot *find_slot(const struct hub__shard *s, hub_id id)
{
    uint32_t index =
        (uint32_t)(id.value >> HUB__USER_SHARD_BITS) & (SLOTS_MAX - 1);
    struct hub__slot *slot;

    if (index >= s->slot_count)
        return NULL;
    slot = &s->slots[index];
    if (slot->entry == NULL || slot->generation != id.value >> 32)
        return NULL;
    return slot;
}

static void take_id_back(struct hub__shard *s, hub_id id)
{
    struct hub__slot *slot = find_slot(s, id);

    slot->entry = NULL;
    if (slot->generation == UINT32_MAX)
        return;
    slot->generation++;
    slot->next_free = s->slot_free;
    s->slot_free = (uint32_t)(slot - s->slots) + 1;
}

static struct hub__shard *shard_of_id(struct hub__registry *r, hub_id id)
{
    return &r->users[hub__registry_shard_of_id(id)];
}

/* Entries. ------------------------------------------------------------ */

/* With a name reserved in the shard's table. */
static void link_to(struct hub__shard *s, enum hub__index by, uint64_t hash,
                    struct hub__entry *e)
{
    struct hub__names_cell *cell =
        hub__names_find(&s->names, hash, name_of(e, by), has_name[by]);

    e->links[by] =
        (struct hub__links){.next = cell == NULL ? NULL : cell->item};
    if (cell == NULL) {
        hub__names_put(&s->names, hash, e);
    } else {
        e->links[by].next->links[by].prev = e;
        cell->item = e;
    }
    s->entries++;
}

static void forget_first(struct hub__names *names, struct hub__names_cell *cell,
                         struct hub__entry *next)
{
    if (next != NULL)
        cell->item = next;
    else
        hub__names_remove(names, cell);
}

static void unlink_from(struct hub__shard *s, enum hub__index by, uint64_t hash,
                        struct hub__entry *e)
{
    struct hub__links links = e->links[by];

    if (links.prev != NULL)
        links.prev->links[by].next = links.next;
    else
        forget_first(
            &s->names,
            hub__names_find(&s->names, hash, name_of(e, by), has_name[by]),
            links.next);
    if (links.next != NULL)
        links.next->links[by].prev = links.prev;
    s->entries--;
}

int hub__registry_add(struct hub__registry *r, struct hub__entry *entry,
                      struct hub__found *found)
{
    const char *session_id = entry->session_id;
    uint64_t user_hash = hub__registry_hash(r, entry->user_id);
    uint64_t session_hash =
        session_id == NULL ? 0 : hub__registry_hash(r, session_id);
    struct hub__shard *us = shard_of(r, HUB__BY_USER, user_hash);
    struct hub__shard *ss =
        session_id == NULL ? NULL : shard_of(r, HUB__BY_SESSION, session_hash);

    pthread_mutex_lock(&us->lock);
    if (hub__names_reserve(&us->names) != 0 || reserve_slot(us) != 0)
        goto fail;
    if (ss != NULL) {
        pthread_mutex_lock(&ss->lock);
        if (hub__names_reserve(&ss->names) != 0)
            goto fail_session;
        link_to(ss, HUB__BY_SESSION, session_hash, entry);
    }
    link_to(us, HUB__BY_USER, user_hash, entry);
    entry->id = give_id(r, us, entry);
    entry->linked = true;
    *found = (struct hub__found){.user_shard = us, .session_shard = ss};
    return 0;

fail_session:
    pthread_mutex_unlock(&ss->lock);
fail:
    pthread_mutex_unlock(&us->lock);
    return HUB_ENOMEM;
}

static void note(struct hub__moment *moment)
{
    if (moment != NULL)
        moment->at = atomic_load(moment->counter);
}

/* With the lock of the user's shard held. */
static void unlink_entry(struct hub__registry *r, struct hub__shard *us,
                         struct hub__entry *entry, struct hub__moment *moment)
{
    if (entry->session_id == NULL)
        note(moment);
    if (entry->session_id != NULL) {
        uint64_t hash = hub__registry_hash(r, entry->session_id);
        struct hub__shard *ss = shard_of(r, HUB__BY_SESSION, hash);

        pthread_mutex_lock(&ss->lock);
        unlink_from(ss, HUB__BY_SESSION, hash, entry);
        note(moment); /* both are locked */
        pthread_mutex_unlock(&ss->lock);
    }
    take_id_back(us, entry->id);
    unlink_from(us, HUB__BY_USER, hub__registry_hash(r, entry->user_id), entry);
    entry->linked = false;
}

bool hub__registry_remove(struct hub__registry *r, struct hub__entry *entry,
                          struct hub__moment *moment)
{
    struct hub__shard *us = shard_of_id(r, entry->id);
    bool was_linked;

    pthread_mutex_lock(&us->lock);
    was_linked = entry->linked;
    if (was_linked)
        unlink_entry(r, us, entry, moment);
    pthread_mutex_unlock(&us->lock);
    return was_linked;
}

/* Finding. ------------------------------------------------------------ */

struct hub__entry *hub__registry_first(const struct hub__registry *r,
                                       enum hub__index by, uint64_t hash,
                                       const char *name)
{
    const struct hub__shard *shards =
        by == HUB__BY_USER ? r->users : r->sessions;
    const struct hub__names_cell *cell = hub__names_find(
        &shards[hub__registry_shard(by, hash)].names, hash, name, has_name[by]);

    return cell == NULL ? NULL : cell->item;
}

struct hub__entry *hub__registry_id(const struct hub__registry *r, hub_id id)
{
    const struct hub__slot *slot =
        find_slot(&r->users[hub__registry_shard_of_id(id)], id);

    return slot == NULL ? NULL : slot->entry;
}

static void find_id(struct hub__registry *r, hub_id id,
                    struct hub__found *found)
{
    *found =
        (struct hub__found){.user_shard = shard_of_id(r, id), .by = HUB__BY_ID};
    pthread_mutex_lock(&found->user_shard->lock);
    found->first = hub__registry_id(r, id);
}

static void find_name(struct hub__registry *r, enum hub__index by,
                      const char *name, struct hub__found *found)
{
    uint64_t hash = hub__registry_hash(r, name);
    struct hub__shard *s = shard_of(r, by, hash);

    *found = (struct hub__found){.by = by};
    *(by == HUB__BY_USER ? &found->user_shard : &found->session_shard) = s;
    pthread_mutex_lock(&s->lock);
    found->first = hub__registry_first(r, by, hash, name);
}

void hub__registry_find(struct hub__registry *r,
                        const struct hub_target *target,
                        struct hub__found *found)
{
    if (target->user_id != NULL)
        find_name(r, HUB__BY_USER, target->user_id, found);
    else if (target->session_id != NULL)
        find_name(r, HUB__BY_SESSION, target->session_id, found);
    else
        find_id(r, target->id, found);
}

struct hub__entry *hub__registry_next(const struct hub__found *found,
                                      const struct hub__entry *entry)
{
    return entry == NULL ? found->first : hub__entry_next(entry, found->by);
}

struct hub__entry *hub__registry_take(struct hub__registry *r, hub_id id,
                                      struct hub__found *found)
{
    find_id(r, id, found);
    if (found->first == NULL) {
        hub__registry_unlock(found);
        return NULL;
    }
    unlink_entry(r, found->user_shard, found->first, NULL);
    return found->first;
}

void hub__registry_unlock(struct hub__found *found)
{
    if (found->session_shard != NULL)
        pthread_mutex_unlock(&found->session_shard->lock);
    if (found->user_shard != NULL)
        pthread_mutex_unlock(&found->user_shard->lock);
    *found = (struct hub__found){0};
}

static void count_shard(struct hub__shard *s, uint64_t *names,
                        uint64_t *entries)
{
    pthread_mutex_lock(&s->lock);
    *names += s->names.count;
    *entries += s->entries;
    pthread_mutex_unlock(&s->lock);
}

void hub__registry_count(struct hub__registry *r, uint64_t *connections,
                         uint64_t *users, uint64_t *sessions)
{
    uint64_t in_sessions = 0;

    *connections = *users = *sessions = 0;
    for (size_t i = 0; i < HUB__USER_SHARDS; i++)
        count_shard(&r->users[i], users, connections);
    for (size_t i = 0; i < HUB__SESSION_SHARDS; i++)
        count_shard(&r->sessions[i], sessions, &in_sessions);
}
