/* select.c - see select.h.
 *
 * The names alone say which locks are needed, so they can all be taken in order
 * before anything is looked up. One caller may find an entry under its user's
 * lock while another finds it under its session's lock, so entries cannot carry
 * a mark; duplicates are found by sorting.
 */
#include "directory/select.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NAMES_FEW 16 /* that need no allocation */

_Static_assert(HUB__USER_SHARDS <= 64 && HUB__SESSION_SHARDS <= 64,
               "a bit for each shard");

/* Names. --------------------------------------------------------------- */

#define KINDS 3 /* of names: enum hub__index */

/* The names of a target by their kind. */
struct names {
    const struct hub_target *target;
    size_t counts[KINDS];
    uint64_t *found; /* for each name, in that order: its hash, and later the
                        first connection that has it, as a number */
};

static void count_names(struct names *names, const struct hub_target *t)
{
    names->target = t;
    names->counts[HUB__BY_ID] = (t->id.value != 0) + t->id_count;
    names->counts[HUB__BY_USER] = (t->user_id != NULL) + t->user_id_count;
    names->counts[HUB__BY_SESSION] =
        (t->session_id != NULL) + t->session_id_count;
}

static size_t all_names(const struct names *names)
{
    return names->counts[HUB__BY_ID] + names->counts[HUB__BY_USER] +
           names->counts[HUB__BY_SESSION];
}

static hub_id id_at(const struct hub_target *t, size_t i)
{
    if (t->id.value == 0)
        return t->ids[i];
    return i == 0 ? t->id : t->ids[i - 1];
}

static const char *text_at(const struct hub_target *t, enum hub__index by,
                           size_t i)
{
    const char *first = by == HUB__BY_USER ? t->user_id : t->session_id;
    const char *const *more = by == HUB__BY_USER ? t->user_ids : t->session_ids;

    if (first == NULL)
        return more[i];
    return i == 0 ? first : more[i - 1];
}

/* Hashes names of one kind, and notes which shards they need. */
static uint64_t hash_names(const struct hub__registry *r,
                           const struct names *names, enum hub__index by,
                           uint64_t *hashes)
{
    uint64_t shards = 0;

    for (size_t i = 0; i < names->counts[by]; i++) {
        unsigned shard;

        if (by == HUB__BY_ID) {
            hashes[i] = 0; /* unused */
            shard = hub__registry_shard_of_id(id_at(names->target, i));
        } else {
            hashes[i] = hub__registry_hash(r, text_at(names->target, by, i));
            shard = hub__registry_shard(by, hashes[i]);
        }
        shards |= UINT64_C(1) << shard;
    }
    return shards;
}

static void note_shards(struct hub__selection *s, const struct names *names)
{
    uint64_t *at = names->found;

    for (unsigned by = 0; by < KINDS; by++) {
        uint64_t shards =
            hash_names(s->registry, names, (enum hub__index)by, at);

        *(by == HUB__BY_SESSION ? &s->sessions : &s->users) |= shards;
        at += names->counts[by];
    }
}

/* Locks. --------------------------------------------------------------- */

static void lock(struct hub__shard *shards, uint64_t which)
{
    for (; which != 0; which &= which - 1)
        pthread_mutex_lock(&shards[__builtin_ctzll(which)].lock);
}

static void unlock(struct hub__shard *shards, uint64_t which)
{
    for (; which != 0; which &= which - 1)
        pthread_mutex_unlock(&shards[__builtin_ctzll(which)].lock);
}

/* Entries. ------------------------------------------------------------- */

static void entries_init(struct hub__entries *e)
{
    e->list = e->few;
    e->count = 0;
    e->size = HUB__SELECT_FEW;
}

static void entries_fini(struct hub__entries *e)
{
    if (e->list != e->few)
        hub__free(e->list);
}

static int grow(struct hub__entries *e)
{
    bool has_few = e->list == e->few;
    struct hub__entry **list = hub__realloc(
        has_few ? NULL : e->list, 2 * e->size * sizeof(struct hub__entry *));

    if (list == NULL)
        return HUB_ENOMEM;
    if (has_few)
        memcpy(list, e->few, sizeof e->few);
    e->list = list;
    e->size *= 2;
    return 0;
}

static struct hub__entry *find_first(const struct hub__registry *r,
                                     const struct hub_target *t,
                                     enum hub__index by, size_t i,
                                     uint64_t hash)
{
    if (by == HUB__BY_ID)
        return hub__registry_id(r, id_at(t, i));
    return hub__registry_first(r, by, hash, text_at(t, by, i));
}

static int compare(uint64_t left, uint64_t right)
{
    return (left > right) - (left < right);
}

static int by_address(const void *a, const void *b)
{
    const struct hub__entry *const *left = a, *const *right = b;

    return compare((uintptr_t)*left, (uintptr_t)*right);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return compare(*left, *right);
}

static void sort_once_each(struct hub__entries *e)
{
    size_t kept = 0;

    qsort(e->list, e->count, sizeof(struct hub__entry *), by_address);
    for (size_t i = 0; i < e->count; i++) {
        if (kept == 0 || e->list[kept - 1] != e->list[i])
            e->list[kept++] = e->list[i];
    }
    e->count = kept;
}

static int add_all(struct hub__entries *e, struct hub__entry *entry,
                   enum hub__index by)
{
    for (; entry != NULL; entry = hub__entry_next(entry, by)) {
        if (e->count == e->size && grow(e) != 0)
            return HUB_ENOMEM;
        e->list[e->count++] = entry;
    }
    return 0;
}

/* Adds the connections of all names of one kind. A name that is given more than
 * once leads to the same list each time, which is walked only once. */
static int collect_kind(const struct hub__registry *r,
                        const struct names *names, enum hub__index by,
                        uint64_t *found, struct hub__entries *e)
{
    size_t count = names->counts[by];
    int err = 0;

    for (size_t i = 0; i < count; i++)
        found[i] = (uintptr_t)find_first(r, names->target, by, i, found[i]);
    if (count > 1)
        qsort(found, count, sizeof found[0], by_number);
    for (size_t i = 0; i < count && err == 0; i++) {
        if (i == 0 || found[i] != found[i - 1])
            err = add_all(e, (struct hub__entry *)(uintptr_t)found[i], by);
    }
    return err;
}

/* With the shards locked. Returns 0 or HUB_ENOMEM. */
static int collect(const struct hub__registry *r, const struct names *names,
                   struct hub__entries *e)
{
    uint64_t *at = names->found;
    int err = 0;

    for (unsigned by = 0; by < KINDS && err == 0; by++) {
        err = collect_kind(r, names, (enum hub__index)by, at, e);
        at += names->counts[by];
    }
    if (err == 0 && all_names(names) > 1)
        sort_once_each(e);
    return err;
}

/* Removes from one the entries of the other. */
static void subtract(struct hub__entries *from, struct hub__entries *what)
{
    size_t kept = 0, at = 0;

    sort_once_each(from);
    sort_once_each(what);
    for (size_t i = 0; i < from->count; i++) {
        while (at < what->count &&
               (uintptr_t)what->list[at] < (uintptr_t)from->list[i])
            at++;
        if (at == what->count || what->list[at] != from->list[i])
            from->list[kept++] = from->list[i];
    }
    from->count = kept;
}

/* Selecting. ----------------------------------------------------------- */

static bool is_everybody(const struct hub_target *t)
{
    return t != NULL && (t->flags & HUB_TO_EVERYBODY) != 0;
}

/* With the shards locked. */
static int look_up(struct hub__selection *s, const struct names *named,
                   const struct names *excluded)
{
    int err = collect(s->registry, named, &s->named);

    if (err == 0)
        err = collect(s->registry, excluded, &s->excluded);
    if (err == 0 && !s->everybody && s->excluded.count > 0)
        subtract(&s->named, &s->excluded);
    return err;
}

static int select_names(struct hub__selection *s, struct names *named,
                        struct names *excluded)
{
    size_t count = all_names(named) + all_names(excluded);
    uint64_t few[NAMES_FEW], *found = few;
    int err;

    if (count > NAMES_FEW)
        found = hub__malloc(count * sizeof *found);
    if (found == NULL)
        return HUB_ENOMEM;
    named->found = found;
    excluded->found = found + all_names(named);
    note_shards(s, named);
    note_shards(s, excluded);
    lock(s->registry->users, s->users);
    lock(s->registry->sessions, s->sessions);
    err = look_up(s, named, excluded);
    named->found = excluded->found = NULL;
    if (found != few)
        hub__free(found);
    if (err != 0)
        hub__select_end(s);
    return err;
}

int hub__select(struct hub__selection *s, struct hub__registry *registry,
                const struct hub_target *target)
{
    const struct hub_target *except = target->except;
    struct names named = {0}, excluded = {0};

    s->registry = registry;
    s->users = s->sessions = 0;
    s->everybody = is_everybody(target) && !is_everybody(except);
    entries_init(&s->named);
    entries_init(&s->excluded);
    if (is_everybody(except))
        return 0;
    if (!s->everybody)
        count_names(&named, target);
    if (except != NULL)
        count_names(&excluded, except);
    return select_names(s, &named, &excluded);
}

void hub__select_end(struct hub__selection *s)
{
    unlock(s->registry->sessions, s->sessions);
    unlock(s->registry->users, s->users);
    entries_fini(&s->named);
    entries_fini(&s->excluded);
}
