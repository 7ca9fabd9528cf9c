/* check_registry_many.c - a million names, and names chosen to collide in
 * hashes without a key: a search still looks at few cells. Cells are counted,
 * not timed, so that it holds on any machine.
 */
#include "directory/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

#ifdef __SANITIZE_THREAD__
#define MILLION 200000u /* it watches each step of each */
#else
#define MILLION 1000000u
#endif
#define COLLIDING 100000u
#define PAIRS 17 /* two to the 17th is more than COLLIDING */
#define NAME_BYTES 40

typedef char name_text[NAME_BYTES];

static struct hub__registry registry;
static struct hub__entry *entries;
static name_text *names;
static unsigned count;

static void set_up(unsigned names_wanted)
{
    count = names_wanted;
    entries = calloc(count, sizeof *entries);
    names = malloc(count * sizeof *names);
    ck_assert_ptr_nonnull(entries);
    ck_assert_ptr_nonnull(names);
    ck_assert_int_eq(hub__registry_init(&registry), 0);
}

static void tear_down(void)
{
    hub__registry_fini(&registry);
    free(entries);
    free(names);
}

/* As users and as sessions alike. */
static void add_all(void)
{
    for (unsigned i = 0; i < count; i++) {
        struct hub__found found;

        entries[i].user_id = entries[i].session_id = names[i];
        if (hub__registry_add(&registry, &entries[i], &found) != 0)
            ck_abort_msg("not added");
        hub__registry_unlock(&found);
    }
}

static void find_all(void)
{
    for (unsigned i = 0; i < count; i++) {
        struct hub_target target = hub_to_user(names[i]);
        struct hub__found found;

        hub__registry_find(&registry, &target, &found);
        if (hub__registry_next(&found, NULL) != &entries[i])
            ck_abort_msg("%s: not found", names[i]);
        hub__registry_unlock(&found);
    }
}

/* How far the names of a table lie from home, all in all; and the longest of
 * those ways. */
static uint64_t distances(const struct hub__names *table, size_t *longest)
{
    uint64_t sum = 0;

    for (size_t at = 0; at < table->size; at++) {
        size_t way;

        if (table->cells[at].item == NULL)
            continue;
        way = (at - (size_t)table->cells[at].hash) & (table->size - 1);
        sum += way;
        if (way > *longest)
            *longest = way;
    }
    return sum;
}

/* Three quarters full, a table of evenly spread names has a mean of 1.5. Chains
 * of a hundred thousand would have one of tens of thousands. */
static void check_ways(const struct hub__shard *shards, size_t shard_count,
                       const char *what)
{
    size_t longest = 0;
    uint64_t sum = 0;

    for (size_t i = 0; i < shard_count; i++)
        sum += distances(&shards[i].names, &longest);
    printf("%u %s: %.2f cells from home in the mean, %zu at most\n", count,
           what, (double)sum / count, longest);
    ck_assert_uint_lt(sum, 3 * (uint64_t)count);
    ck_assert_uint_lt(longest, 1000);
}

static void check_all(void)
{
    add_all();
    find_all();
    check_ways(registry.users, HUB__USER_SHARDS, "users");
    check_ways(registry.sessions, HUB__SESSION_SHARDS, "sessions");
    for (unsigned i = 0; i < count; i++) {
        if (!hub__registry_remove(&registry, &entries[i], NULL))
            ck_abort_msg("not there");
    }
}

START_TEST(a_million_names_lie_near_where_they_are_looked_for)
{
    set_up(MILLION);
    for (unsigned i = 0; i < count; i++)
        (void)snprintf(names[i], NAME_BYTES, "user-%u", i);
    check_all();
    tear_down();
}
END_TEST

static uint32_t times(uint32_t factor, const char *text)
{
    uint32_t hash = 5381;

    while (*text != '\0')
        hash = hash * factor + (unsigned char)*text++;
    return hash;
}

/* Two pairs of characters that weigh the same where each byte is added to so
 * many times what was before: any row of them meets all others. */
static void make_colliding(uint32_t factor, const char *one, const char *other)
{
    for (unsigned i = 0; i < count; i++) {
        names[i][0] = '\0';
        for (unsigned bit = 0; bit < PAIRS; bit++)
            memcpy(names[i] + (size_t)2 * bit, i >> bit & 1 ? one : other, 3);
        ck_assert_uint_eq(times(factor, names[i]), times(factor, names[0]));
    }
}

START_TEST(names_that_meet_in_a_hash_without_a_key_do_not_meet_here)
{
    set_up(COLLIDING);
    make_colliding(31, "Aa", "BB");
    check_all();
    make_colliding(33, "Ab", "BA");
    check_all();
    tear_down();
}
END_TEST

START_TEST(where_a_name_lies_is_another_place_in_each_hub)
{
    static struct hub__registry other;
    unsigned same = 0;

    set_up(1000);
    ck_assert_int_eq(hub__registry_init(&other), 0);
    for (unsigned i = 0; i < count; i++) {
        uint64_t here, there;

        (void)snprintf(names[i], NAME_BYTES, "user-%u", i);
        here = hub__siphash(&registry.key, names[i], strlen(names[i]));
        there = hub__siphash(&other.key, names[i], strlen(names[i]));
        same += here == there;
    }
    ck_assert_uint_eq(same, 0);
    hub__registry_fini(&other);
    tear_down();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_million_names_lie_near_where_they_are_looked_for,
        names_that_meet_in_a_hash_without_a_key_do_not_meet_here,
        where_a_name_lies_is_another_place_in_each_hub,
    };

    return testing_run("registry_many", tests, TESTING_LENGTH(tests));
}
