/* check_registry.c - who is connected: unions without duplicates, tables that
 * grow and shrink, ids that never come back, and threads that add, find and
 * remove at once.
 */
#include "directory/registry.h"

#include "directory/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

/* As in registry.c, to set a generation by hand. */
struct hub__slot {
    struct hub__entry *entry;
    uint32_t generation;
    uint32_t next_free;
};

static struct hub__registry registry;

static void set_up(void)
{
    ck_assert_int_eq(hub__registry_init(&registry), 0);
}

static int try_add(struct hub__entry *entry, const char *user,
                   const char *session, struct hub__found *found)
{
    entry->user_id = user;
    entry->session_id = session;
    return hub__registry_add(&registry, entry, found);
}

static void add(struct hub__entry *entry, const char *user, const char *session)
{
    struct hub__found found;

    if (try_add(entry, user, session, &found) != 0)
        ck_abort_msg("not added");
    hub__registry_unlock(&found);
}

static void check_counts(uint64_t connections, uint64_t users,
                         uint64_t sessions)
{
    uint64_t c, u, s;

    hub__registry_count(&registry, &c, &u, &s);
    ck_assert_uint_eq(c, connections);
    ck_assert_uint_eq(u, users);
    ck_assert_uint_eq(s, sessions);
}

static bool is_id_known(hub_id id)
{
    struct hub_target target = hub_to_connection(id);
    struct hub__found found;
    bool known;

    hub__registry_find(&registry, &target, &found);
    known = hub__registry_next(&found, NULL) != NULL;
    hub__registry_unlock(&found);
    return known;
}

static void count_reached(const struct hub__entry *entry,
                          const struct hub__entry *entries, bool *reached,
                          size_t count)
{
    size_t i = (size_t)(entry - entries);

    ck_assert_uint_lt(i, count);
    ck_assert_msg(!reached[i], "reached twice");
    reached[i] = true;
}

/* How often the target reaches each entry; every one at most once. */
static unsigned reach(struct hub_target target, struct hub__entry *entries,
                      bool *reached, size_t count)
{
    bool by_one_name = (target.id.value != 0) + (target.user_id != NULL) +
                           (target.session_id != NULL) ==
                       1;
    struct hub__selection s;
    struct hub__found found;
    struct hub__entry *entry = NULL;
    unsigned total, again = 0;

    memset(reached, 0, count * sizeof *reached);
    ck_assert_int_eq(hub__select(&s, &registry, &target), 0);
    total = (unsigned)s.named.count;
    for (size_t i = 0; i < s.named.count; i++)
        count_reached(s.named.list[i], entries, reached, count);
    hub__select_end(&s);
    if (!by_one_name)
        return total;
    memset(reached, 0, count * sizeof *reached);
    hub__registry_find(&registry, &target, &found);
    while ((entry = hub__registry_next(&found, entry)) != NULL) {
        count_reached(entry, entries, reached, count);
        again++;
    }
    hub__registry_unlock(&found);
    ck_assert_uint_eq(again, total);
    return total;
}

START_TEST(an_empty_registry_finds_nobody)
{
    struct hub__found found;
    bool reached[1];

    set_up();
    check_counts(0, 0, 0);
    ck_assert_uint_eq(reach(hub_to_user("a"), NULL, reached, 0), 0);
    ck_assert_uint_eq(reach(hub_to_session("a"), NULL, reached, 0), 0);
    ck_assert_uint_eq(reach(hub_to_either("a", "b"), NULL, reached, 0), 0);
    ck_assert(!is_id_known((hub_id){1}));
    ck_assert(!is_id_known((hub_id){UINT64_MAX}));
    ck_assert_ptr_null(hub__registry_take(&registry, (hub_id){0}, &found));
    ck_assert_ptr_null(
        hub__registry_take(&registry, (hub_id){1ull << 32}, &found));
    hub__registry_fini(&registry);
}
END_TEST

/* Users a or b, sessions none, s or t: all six, some of them twice, and every
 * target there is. */
START_TEST(a_union_reaches_everybody_once_in_every_overlap)
{
    static const char *const users[] = {"a", "b", "nobody"};
    static const char *const sessions[] = {NULL, "s", "t", "nothing"};
    struct hub__entry entries[9] = {{.linked = false}};
    const char *user_of[9], *session_of[9];
    bool reached[9];

    set_up();
    for (size_t i = 0; i < 9; i++) {
        user_of[i] = users[i % 2];
        session_of[i] = sessions[i % 3];
        add(&entries[i], user_of[i], session_of[i]);
    }
    check_counts(9, 2, 2);
    for (size_t u = 0; u <= 3; u++) {
        for (size_t s = 0; s < 4; s++) {
            const char *user = u == 3 ? NULL : users[u];
            unsigned expected = 0, total;

            if (user == NULL && sessions[s] == NULL)
                continue;
            total =
                reach(hub_to_either(user, sessions[s]), entries, reached, 9);
            for (size_t i = 0; i < 9; i++) {
                bool match =
                    user == user_of[i] ||
                    (sessions[s] != NULL && sessions[s] == session_of[i]);

                ck_assert_int_eq(reached[i], match);
                expected += match;
            }
            ck_assert_uint_eq(total, expected);
        }
    }
    hub__registry_fini(&registry);
}
END_TEST

START_TEST(a_user_and_a_session_of_one_name_are_two_things)
{
    struct hub__entry entries[2] = {{.linked = false}};
    bool reached[2];

    set_up();
    add(&entries[0], "same", NULL);
    add(&entries[1], "other", "same");
    ck_assert_uint_eq(reach(hub_to_user("same"), entries, reached, 2), 1);
    ck_assert(reached[0]);
    ck_assert_uint_eq(reach(hub_to_session("same"), entries, reached, 2), 1);
    ck_assert(reached[1]);
    ck_assert_uint_eq(reach(hub_to_user("sam"), entries, reached, 2), 0);
    ck_assert_uint_eq(reach(hub_to_user("samee"), entries, reached, 2), 0);
    ck_assert_uint_eq(reach(hub_to_user(""), entries, reached, 2), 0);
    hub__registry_fini(&registry);
}
END_TEST

START_TEST(removing_from_any_place_leaves_the_others)
{
    struct hub__entry entries[5];
    bool reached[5];

    for (size_t victim = 0; victim < 5; victim++) {
        set_up();
        memset(entries, 0, sizeof entries);
        for (size_t i = 0; i < 5; i++)
            add(&entries[i], "u", "s");
        ck_assert(hub__registry_remove(&registry, &entries[victim], NULL));
        ck_assert(!hub__registry_remove(&registry, &entries[victim], NULL));
        ck_assert_uint_eq(reach(hub_to_user("u"), entries, reached, 5), 4);
        ck_assert(!reached[victim]);
        ck_assert_uint_eq(reach(hub_to_session("s"), entries, reached, 5), 4);
        ck_assert(!is_id_known(entries[victim].id));
        for (size_t i = 0; i < 5; i++) {
            if (i != victim)
                ck_assert(hub__registry_remove(&registry, &entries[i], NULL));
        }
        check_counts(0, 0, 0);
        hub__registry_fini(&registry);
    }
}
END_TEST

START_TEST(taking_by_id_unlinks_and_keeps_others_out)
{
    struct hub__entry entry = {.linked = false};
    struct hub__found found;
    hub_id id;

    set_up();
    add(&entry, "u", "s");
    id = entry.id;
    ck_assert_uint_ne(id.value, 0);
    ck_assert_ptr_eq(hub__registry_take(&registry, id, &found), &entry);
    ck_assert_ptr_nonnull(found.user_shard);
    hub__registry_unlock(&found);
    ck_assert_ptr_null(hub__registry_take(&registry, id, &found));
    ck_assert(!hub__registry_remove(&registry, &entry, NULL));
    check_counts(0, 0, 0);
    hub__registry_fini(&registry);
}
END_TEST

/* Names. -------------------------------------------------------------- */

#define MANY 100000

typedef char name_text[24];

static name_text *make_names(unsigned count)
{
    name_text *names = calloc(count, sizeof *names);

    ck_assert_ptr_nonnull(names);
    for (unsigned i = 0; i < count; i++)
        snprintf(names[i], sizeof names[i], "name-%u", i);
    return names;
}

static size_t cells_in(const struct hub__shard *shards, size_t shard_count)
{
    size_t count = 0;

    for (size_t i = 0; i < shard_count; i++)
        count += shards[i].names.size;
    return count;
}

START_TEST(a_hundred_thousand_names_come_and_go)
{
    struct hub__entry *entries = calloc(MANY, sizeof *entries);
    name_text *names = make_names(MANY);

    ck_assert_ptr_nonnull(entries);
    set_up();
    for (unsigned i = 0; i < MANY; i++)
        add(&entries[i], names[i], i % 2 ? names[i] : NULL);
    check_counts(MANY, MANY, MANY / 2);
    ck_assert_uint_ge(cells_in(registry.users, HUB__USER_SHARDS), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        struct hub_target target = hub_to_user(names[i]);
        struct hub__found found;

        hub__registry_find(&registry, &target, &found);
        if (hub__registry_next(&found, NULL) != &entries[i] ||
            hub__registry_next(&found, &entries[i]) != NULL)
            ck_abort_msg("%s: not found, or more than it", names[i]);
        hub__registry_unlock(&found);
    }
    for (unsigned i = 0; i < MANY; i++) {
        if (!hub__registry_remove(&registry, &entries[i], NULL))
            ck_abort_msg("not there");
    }
    check_counts(0, 0, 0);
    ck_assert_uint_le(cells_in(registry.users, HUB__USER_SHARDS),
                      8 * HUB__USER_SHARDS);
    ck_assert_uint_le(cells_in(registry.sessions, HUB__SESSION_SHARDS),
                      8 * HUB__SESSION_SHARDS);
    hub__registry_fini(&registry);
    free(entries);
    free(names);
}
END_TEST

START_TEST(names_spread_over_the_shards)
{
    struct hub__entry *entries = calloc(6400, sizeof *entries);
    name_text *names = make_names(6400);

    ck_assert_ptr_nonnull(entries);
    set_up();
    for (unsigned i = 0; i < 6400; i++)
        add(&entries[i], names[i], NULL);
    for (size_t i = 0; i < HUB__USER_SHARDS; i++) {
        ck_assert_uint_gt(registry.users[i].names.count, 80);
        ck_assert_uint_lt(registry.users[i].names.count, 400);
    }
    hub__registry_fini(&registry);
    free(entries);
    free(names);
}
END_TEST

START_TEST(two_registries_hash_with_keys_of_their_own)
{
    struct hub__registry other;

    set_up();
    ck_assert_int_eq(hub__registry_init(&other), 0);
    ck_assert(memcmp(&registry.key, &other.key, sizeof other.key) != 0);
    hub__registry_fini(&other);
    hub__registry_fini(&registry);
}
END_TEST

/* Ids. ---------------------------------------------------------------- */

START_TEST(an_id_is_never_given_out_twice)
{
    struct hub__entry entry = {.linked = false};
    uint64_t last = 0;
    hub_id first = {0};

    set_up();
    for (int i = 0; i < 100000; i++) {
        add(&entry, "always the same", NULL);
        if (i == 0)
            first = entry.id;
        /* One slot, used again and again, with generations that count up. */
        if (entry.id.value <= last || is_id_known(first) != (i == 0))
            ck_abort_msg("id %llx came back", (unsigned long long)last);
        last = entry.id.value;
        hub__registry_remove(&registry, &entry, NULL);
    }
    ck_assert_uint_eq((last & UINT32_MAX), (first.value & UINT32_MAX));
    ck_assert(!is_id_known(first));
    hub__registry_fini(&registry);
}
END_TEST

START_TEST(a_slot_whose_generations_are_used_up_retires)
{
    struct hub__entry entry = {.linked = false}, next = {.linked = false};
    struct hub__shard *shard;
    hub_id last;

    set_up();
    add(&entry, "u", NULL);
    shard = &registry.users[entry.id.value % HUB__USER_SHARDS];
    hub__registry_remove(&registry, &entry, NULL);
    ck_assert_uint_eq(shard->slot_count, 1);
    shard->slots[0].generation = UINT32_MAX - 1;
    add(&entry, "u", NULL);
    ck_assert_uint_eq(entry.id.value >> 32, UINT32_MAX - 1);
    hub__registry_remove(&registry, &entry, NULL);
    add(&entry, "u", NULL);
    last = entry.id;
    ck_assert_uint_eq(last.value >> 32, UINT32_MAX);
    ck_assert_uint_eq(shard->slot_count, 1);
    hub__registry_remove(&registry, &entry, NULL);
    ck_assert_uint_eq(shard->slot_free, 0);
    add(&next, "u", NULL);
    ck_assert_uint_eq(shard->slot_count, 2);
    ck_assert_uint_ne(next.id.value & UINT32_MAX, last.value & UINT32_MAX);
    ck_assert(!is_id_known(last));
    ck_assert(is_id_known(next.id));
    hub__registry_remove(&registry, &next, NULL);
    hub__registry_fini(&registry);
}
END_TEST

START_TEST(guessed_ids_find_nobody)
{
    struct hub__entry entry = {.linked = false};
    uint64_t value;

    set_up();
    add(&entry, "u", NULL);
    value = entry.id.value;
    ck_assert(is_id_known(entry.id));
    for (unsigned bit = 0; bit < 64; bit++)
        ck_assert(!is_id_known((hub_id){value ^ 1ull << bit}));
    hub__registry_remove(&registry, &entry, NULL);
    /* A free slot has a generation too, which is that of its next entry. */
    ck_assert(!is_id_known((hub_id){value + (1ull << 32)}));
    hub__registry_fini(&registry);
}
END_TEST

/* Memory. ------------------------------------------------------------- */

START_TEST(without_memory_nothing_is_added)
{
    struct hub__entry entry = {.linked = false};
    struct hub__found found;
    unsigned nth = 0;
    int err;

    do {
        set_up();
        testing_fail_allocation(++nth);
        err = try_add(&entry, "u", "s", &found);
        testing_allow_memory();
        if (err != 0) {
            ck_assert_int_eq(err, HUB_ENOMEM);
            ck_assert(!entry.linked);
            check_counts(0, 0, 0); /* takes every lock: none was left held */
            hub__registry_fini(&registry);
        }
    } while (err != 0);
    hub__registry_unlock(&found);
    check_counts(1, 1, 1);
    ck_assert_uint_eq(nth, 4); /* two tables, the slots; success */
    hub__registry_fini(&registry);
}
END_TEST

START_TEST(a_table_that_cannot_grow_still_works)
{
    enum { COUNT = 3000 };
    struct hub__entry *entries = calloc(COUNT, sizeof *entries);
    bool *reached = calloc(COUNT, sizeof *reached);
    name_text *names = make_names(COUNT);
    unsigned nth = 0;

    ck_assert(entries != NULL && reached != NULL);
    set_up();
    for (unsigned i = 0; i < COUNT; i++) {
        struct hub__found found;

        /* Now one, now another allocation of this call fails. */
        testing_fail_allocation(1 + nth++ % 3);
        while (try_add(&entries[i], names[i], NULL, &found) != 0)
            testing_allow_memory();
        testing_allow_memory();
        hub__registry_unlock(&found);
    }
    check_counts(COUNT, COUNT, 0);
    for (unsigned i = 0; i < COUNT; i++)
        ck_assert_uint_eq(reach(hub_to_user(names[i]), entries, reached, COUNT),
                          1);
    testing_fail_after(0); /* nor does it have to shrink */
    for (unsigned i = 0; i < COUNT; i++)
        ck_assert(hub__registry_remove(&registry, &entries[i], NULL));
    testing_allow_memory();
    check_counts(0, 0, 0);
    hub__registry_fini(&registry);
    free(entries);
    free(reached);
    free(names);
}
END_TEST

/* Threads. ------------------------------------------------------------ */

static void *come_and_go(void *context)
{
    uint64_t seed = *(uint64_t *)context;
    struct hub__entry entries[16] = {{.linked = false}};
    const char *const users[] = {"a", "b", "c", "d"};
    const char *const sessions[] = {NULL, "s", "t", "u"};
    struct hub__found found;

    for (int i = 0; i < 20000; i++) {
        struct hub__entry *entry = &entries[testing_random(&seed) % 16];
        struct hub_target target =
            hub_to_either(users[testing_random(&seed) % 4],
                          sessions[testing_random(&seed) % 4]);
        struct hub__selection s;

        if (!entry->linked) {
            if (try_add(entry, target.user_id, target.session_id, &found) != 0)
                return context;
            hub__registry_unlock(&found);
        } else if (testing_random(&seed) % 2) {
            if (!hub__registry_remove(&registry, entry, NULL))
                return context;
        } else {
            if (hub__registry_take(&registry, entry->id, &found) != entry)
                return context;
            hub__registry_unlock(&found);
        }
        if (hub__select(&s, &registry, &target) != 0)
            return context;
        for (size_t j = 0; j < s.named.count; j++) {
            const struct hub__entry *each = s.named.list[j];

            if (!each->linked && each->session_id == NULL)
                break; /* reads what others write, for the sanitizer */
        }
        hub__select_end(&s);
    }
    for (size_t i = 0; i < 16; i++)
        hub__registry_remove(&registry, &entries[i], NULL);
    return NULL;
}

START_TEST(threads_may_add_find_and_remove_at_once)
{
    pthread_t threads[4];
    uint64_t seeds[4] = {1, 2, 3, 4};
    void *wrong;

    set_up();
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, come_and_go, &seeds[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    check_counts(0, 0, 0);
    hub__registry_fini(&registry);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_empty_registry_finds_nobody,
        a_union_reaches_everybody_once_in_every_overlap,
        a_user_and_a_session_of_one_name_are_two_things,
        removing_from_any_place_leaves_the_others,
        taking_by_id_unlinks_and_keeps_others_out,
        a_hundred_thousand_names_come_and_go,
        names_spread_over_the_shards,
        two_registries_hash_with_keys_of_their_own,
        an_id_is_never_given_out_twice,
        a_slot_whose_generations_are_used_up_retires,
        guessed_ids_find_nobody,
        without_memory_nothing_is_added,
        a_table_that_cannot_grow_still_works,
        threads_may_add_find_and_remove_at_once,
    };

    return testing_run("registry", tests, TESTING_LENGTH(tests));
}
