/* check_heap.c - the priority queue of deadlines, checked against a linear
 * search.
 */
#include "base/heap.h"

#include <string.h>

#include "testing.h"

#define OWNERS 2000

static struct hub__heap heap;
static struct {
    uint32_t place;
    int64_t at; /* while it has one */
} owners[OWNERS];

static void add(size_t owner, int64_t at)
{
    owners[owner].at = at;
    ck_assert_int_eq(hub__heap_add(&heap, at, &owners[owner].place), 0);
    ck_assert_uint_ne(owners[owner].place, 0);
}

/* Also of the owners, who do not learn that the heap is gone. */
static void release(void)
{
    hub__heap_fini(&heap);
    memset(owners, 0, sizeof owners);
}

static void take(size_t owner)
{
    hub__heap_remove(&heap, &owners[owner].place);
    ck_assert_uint_eq(owners[owner].place, 0);
}

/* Each is where it says, and none is earlier than the first. */
static void check_all(void)
{
    int64_t earliest = INT64_MAX;
    uint32_t count = 0;

    for (size_t i = 0; i < OWNERS; i++) {
        const struct hub__heap_item *item;

        if (owners[i].place == 0)
            continue;
        item = &heap.items[owners[i].place - 1];
        ck_assert_ptr_eq(item->place, &owners[i].place);
        ck_assert_int_eq(item->at, owners[i].at);
        if (owners[i].at < earliest)
            earliest = owners[i].at;
        count++;
    }
    ck_assert_uint_eq(heap.count, count);
    ck_assert_int_eq(hub__heap_next(&heap), earliest);
}

static size_t first_owner(void)
{
    for (size_t i = 0; i < OWNERS; i++) {
        if (owners[i].place == 1)
            return i;
    }
    ck_abort_msg("nobody is the first");
}

START_TEST(an_empty_one_has_no_next)
{
    ck_assert_int_eq(hub__heap_next(&heap), INT64_MAX);
    release();
}
END_TEST

START_TEST(they_come_out_in_order)
{
    uint64_t seed = 1;
    int64_t before = INT64_MIN;

    for (size_t i = 0; i < OWNERS; i++)
        add(i, (int64_t)(testing_random(&seed) % 1000) - 500);
    check_all();
    for (size_t i = 0; i < OWNERS; i++) {
        ck_assert_int_ge(hub__heap_next(&heap), before);
        before = hub__heap_next(&heap);
        take(first_owner());
    }
    check_all();
    release();
}
END_TEST

START_TEST(any_of_them_can_be_removed)
{
    uint64_t seed = 2;

    for (int i = 0; i < 20000; i++) {
        size_t owner = (size_t)(testing_random(&seed) % OWNERS);

        if (owners[owner].place != 0)
            take(owner);
        else
            add(owner, (int64_t)(testing_random(&seed) % 300));
        if (i % 50 == 0)
            check_all();
    }
    release();
}
END_TEST

START_TEST(memory_comes_and_goes_with_them)
{
    for (size_t i = 0; i < OWNERS; i++)
        add(i, 7);
    ck_assert_uint_ge(heap.size, OWNERS);
    ck_assert_uint_lt(heap.size, 2 * OWNERS + 64);
    for (size_t i = 0; i < OWNERS; i++)
        take(i);
    ck_assert_uint_le(heap.size, 64);
    check_all();
    release();
    ck_assert_uint_eq(heap.size, 0);
}
END_TEST

/* As it happens to one that is moved. */
START_TEST(who_leaves_makes_room_for_the_next)
{
    for (size_t i = 0; i < OWNERS; i++)
        add(i, (int64_t)i);
    for (size_t i = OWNERS; i-- > 1;) {
        testing_fail_after(0);
        take(i);
        add(i, (int64_t)i * 2);
        (void)testing_allow_memory();
        take(i);
    }
    check_all();
    release();
}
END_TEST

START_TEST(without_memory_nothing_has_changed)
{
    size_t count = 0;
    int err;

    testing_fail_after(0);
    ck_assert_int_eq(hub__heap_add(&heap, 1, &owners[0].place), HUB_ENOMEM);
    (void)testing_allow_memory();
    ck_assert_uint_eq(owners[0].place, 0);
    add(count++, 9);
    testing_fail_after(0);
    do
        err = hub__heap_add(&heap, owners[count].at = 3, &owners[count].place);
    while (err == 0 && ++count < OWNERS);
    (void)testing_allow_memory();
    ck_assert_int_eq(err, HUB_ENOMEM);
    ck_assert_uint_eq(heap.count, count);
    check_all();
    for (size_t i = count; i-- > 0;) { /* also where it cannot shrink */
        testing_fail_after(0);
        take(i);
        (void)testing_allow_memory();
    }
    check_all();
    release();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_empty_one_has_no_next,           they_come_out_in_order,
        any_of_them_can_be_removed,         memory_comes_and_goes_with_them,
        who_leaves_makes_room_for_the_next, without_memory_nothing_has_changed,
    };

    return testing_run("heap", tests, TESTING_LENGTH(tests));
}
