/* check_names.c - the table of names against a plain list: full clusters, cells
 * that move when others are removed, growing, shrinking, and no memory for
 * that.
 */
#include "directory/names.h"

#include <stdio.h>
#include <string.h>

#include "testing.h"

#define COUNT 300

struct item {
    char text[16];
    uint64_t hash;
    bool is_in;
};

static struct item items[COUNT];

static bool has_text(const void *item, const void *name)
{
    return strcmp(((const struct item *)item)->text, name) == 0;
}

/* `spread`: how many different hashes there are. */
static void make_items(uint64_t spread)
{
    uint64_t seed = 7;

    memset(items, 0, sizeof items);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(items[i].text, sizeof items[i].text, "name-%u", i);
        /* Homes at both ends of the table: runs that wrap around. */
        items[i].hash = testing_random(&seed) % spread - spread / 2;
    }
}

static struct hub__names_cell *find(const struct hub__names *names,
                                    const struct item *item)
{
    return hub__names_find(names, item->hash, item->text, has_text);
}

static void check_all(const struct hub__names *names)
{
    size_t count = 0;

    for (unsigned i = 0; i < COUNT; i++) {
        struct hub__names_cell *cell = find(names, &items[i]);

        ck_assert_msg((cell != NULL) == items[i].is_in, "%s", items[i].text);
        if (cell != NULL)
            ck_assert_ptr_eq(cell->item, &items[i]);
        count += items[i].is_in;
    }
    ck_assert_uint_eq(names->count, count);
}

static void put(struct hub__names *names, struct item *item)
{
    ck_assert_int_eq(hub__names_reserve(names), 0);
    hub__names_put(names, item->hash, item);
    item->is_in = true;
}

static void take(struct hub__names *names, struct item *item)
{
    hub__names_remove(names, find(names, item));
    item->is_in = false;
}

START_TEST(an_empty_table_holds_nothing_and_no_memory)
{
    struct hub__names names = {0};

    make_items(COUNT);
    ck_assert_ptr_null(find(&names, &items[0]));
    ck_assert_ptr_null(names.cells);
    hub__names_fini(&names);
}
END_TEST

START_TEST(it_agrees_with_a_list_whatever_comes_and_goes)
{
    static const uint64_t spreads[] = {1, 2, 7, 64, COUNT, UINT64_MAX};

    for (size_t s = 0; s < TESTING_LENGTH(spreads); s++) {
        struct hub__names names = {0};
        uint64_t seed = s + 1;

        make_items(spreads[s]);
        for (int step = 0; step < 3000; step++) {
            struct item *item = &items[testing_random(&seed) % COUNT];

            if (item->is_in)
                take(&names, item);
            else
                put(&names, item);
            if (step % 50 == 0)
                check_all(&names);
        }
        check_all(&names);
        hub__names_fini(&names);
    }
}
END_TEST

START_TEST(it_grows_and_shrinks)
{
    struct hub__names names = {0};
    size_t grown;

    make_items(UINT64_MAX);
    for (unsigned i = 0; i < COUNT; i++) {
        put(&names, &items[i]);
        ck_assert_uint_le(names.count, names.size / 4 * 3);
    }
    grown = names.size;
    for (unsigned i = 0; i < COUNT; i++)
        take(&names, &items[i]);
    ck_assert_uint_lt(names.size, grown / 8);
    hub__names_fini(&names);
}
END_TEST

START_TEST(without_memory_it_fills_up_but_for_one_cell)
{
    struct hub__names names = {0};
    unsigned count = 0;

    make_items(UINT64_MAX);
    testing_fail_after(0);
    ck_assert_int_eq(hub__names_reserve(&names), HUB_ENOMEM);
    testing_allow_memory();
    put(&names, &items[count++]);
    testing_fail_after(0);
    while (hub__names_reserve(&names) == 0) {
        hub__names_put(&names, items[count].hash, &items[count]);
        items[count++].is_in = true;
        check_all(&names);
    }
    ck_assert_uint_eq(count, names.size - 1);
    for (unsigned i = 0; i < count; i++)
        take(&names, &items[i]);
    testing_allow_memory();
    check_all(&names);
    hub__names_fini(&names);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_empty_table_holds_nothing_and_no_memory,
        it_agrees_with_a_list_whatever_comes_and_goes,
        it_grows_and_shrinks,
        without_memory_it_fills_up_but_for_one_cell,
    };

    return testing_run("names", tests, TESTING_LENGTH(tests));
}
