/* check_quota.c - counts by name: limits, names of any bytes, growth, and many
 * threads at once.
 */
#include "directory/quota.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "testing.h"

#define THREADS 4
#define ROUNDS 20000
#define MANY 100000

static const struct hub__siphash_key key = {0x0123456789abcdef, 42};

START_TEST(the_limit_is_reached_and_given_back)
{
    struct hub__quota quota;

    hub__quota_init(&quota, &key, 2);
    ck_assert_int_eq(hub__quota_take(&quota, "ada", 3), 0);
    ck_assert_int_eq(hub__quota_take(&quota, "ada", 3), 0);
    ck_assert_int_eq(hub__quota_take(&quota, "ada", 3), HUB_EFULL);
    ck_assert_int_eq(hub__quota_take(&quota, "ada", 3), HUB_EFULL);
    ck_assert_int_eq(hub__quota_take(&quota, "bob", 3), 0);
    hub__quota_give(&quota, "ada", 3);
    ck_assert_int_eq(hub__quota_take(&quota, "ada", 3), 0);
    ck_assert_int_eq(hub__quota_take(&quota, "ada", 3), HUB_EFULL);
    hub__quota_fini(&quota);
}
END_TEST

START_TEST(a_limit_of_one_holds)
{
    struct hub__quota quota;

    hub__quota_init(&quota, &key, 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(hub__quota_take(&quota, "x", 1), 0);
        ck_assert_int_eq(hub__quota_take(&quota, "x", 1), HUB_EFULL);
        hub__quota_give(&quota, "x", 1);
    }
    hub__quota_fini(&quota);
}
END_TEST

START_TEST(without_a_limit_everything_is_granted)
{
    struct hub__quota quota;

    hub__quota_init(&quota, &key, 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(hub__quota_take(&quota, "x", 1), 0);
    hub__quota_give(&quota, "never taken", 11);
    hub__quota_fini(&quota);
}
END_TEST

START_TEST(names_are_bytes)
{
    static const struct {
        const char *name;
        size_t bytes;
    } names[] = {
        {"", 0},          {"\0", 1},         {"\0\0", 2},     {"a", 1},
        {"a\0", 2},       {"A", 1},          {"1234567", 7},  {"12345678", 8},
        {"123456789", 9}, {"12345678\0", 9}, {"\xff\xfe", 2}, {"\xff", 1},
    };
    struct hub__quota quota;
    size_t count = sizeof(names) / sizeof(names[0]);

    hub__quota_init(&quota, &key, 1);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(hub__quota_take(&quota, names[i].name, names[i].bytes),
                         0);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(hub__quota_take(&quota, names[i].name, names[i].bytes),
                         HUB_EFULL);
    for (size_t i = 0; i < count; i++) {
        hub__quota_give(&quota, names[i].name, names[i].bytes);
        ck_assert_int_eq(hub__quota_take(&quota, names[i].name, names[i].bytes),
                         0);
    }
    hub__quota_fini(&quota);
}
END_TEST

START_TEST(giving_what_was_not_taken_changes_nothing)
{
    struct hub__quota quota;

    hub__quota_init(&quota, &key, 1);
    hub__quota_give(&quota, "nobody", 6);
    ck_assert_int_eq(hub__quota_take(&quota, "nobody", 6), 0);
    hub__quota_give(&quota, "somebody", 8);
    ck_assert_int_eq(hub__quota_take(&quota, "nobody", 6), HUB_EFULL);
    hub__quota_give(&quota, "nobody", 6);
    hub__quota_give(&quota, "nobody", 6);
    ck_assert_int_eq(hub__quota_take(&quota, "nobody", 6), 0);
    ck_assert_int_eq(hub__quota_take(&quota, "nobody", 6), HUB_EFULL);
    hub__quota_fini(&quota);
}
END_TEST

static size_t name_of(char out[32], int i)
{
    return (size_t)snprintf(out, 32, "user-%d", i);
}

/* How many of the names, of every step-th, get something else than wanted. */
static int count_wrong(struct hub__quota *quota, int step, int wanted)
{
    char name[32];
    int wrong = 0;

    for (int i = 0; i < MANY; i += step)
        wrong += hub__quota_take(quota, name, name_of(name, i)) != wanted;
    return wrong;
}

static void give_back(struct hub__quota *quota, int step)
{
    char name[32];

    for (int i = 0; i < MANY; i += step)
        hub__quota_give(quota, name, name_of(name, i));
}

/* With linear chains this would run into the timeout. */
START_TEST(a_hundred_thousand_names_are_quick)
{
    struct hub__quota quota;

    hub__quota_init(&quota, &key, 1);
    ck_assert_int_eq(count_wrong(&quota, 1, 0), 0);
    ck_assert_int_eq(count_wrong(&quota, 1, HUB_EFULL), 0);
    give_back(&quota, 2);
    ck_assert_int_eq(count_wrong(&quota, 2, 0), 0);
    ck_assert_int_eq(count_wrong(&quota, 1, HUB_EFULL), 0);
    give_back(&quota, 1);
    ck_assert_int_eq(count_wrong(&quota, 1, 0), 0);
    hub__quota_fini(&quota);
}
END_TEST

struct worker {
    struct hub__quota *quota;
    int granted, wrong;
};

/* Three names for all threads: takes and gives meet on the same entries. */
static void *take_and_give(void *arg)
{
    struct worker *worker = arg;
    char name[32];

    for (int i = 0; i < ROUNDS; i++) {
        size_t bytes = name_of(name, i % 3);
        int result = hub__quota_take(worker->quota, name, bytes);

        if (result == 0) {
            worker->granted++;
            hub__quota_give(worker->quota, name, bytes);
        } else if (result != HUB_EFULL) {
            worker->wrong++;
        }
    }
    return NULL;
}

START_TEST(threads_may_take_and_give_at_once)
{
    struct hub__quota quota;
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    char name[32];

    hub__quota_init(&quota, &key, 2);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.quota = &quota};
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, take_and_give, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(workers[i].wrong, 0);
        ck_assert_int_gt(workers[i].granted, 0);
    }
    for (int i = 0; i < 3; i++) { /* nothing is left behind */
        size_t bytes = name_of(name, i);

        ck_assert_int_eq(hub__quota_take(&quota, name, bytes), 0);
        ck_assert_int_eq(hub__quota_take(&quota, name, bytes), 0);
        ck_assert_int_eq(hub__quota_take(&quota, name, bytes), HUB_EFULL);
    }
    hub__quota_fini(&quota);
}
END_TEST

START_TEST(without_memory_nothing_is_counted)
{
    struct hub__quota quota;
    unsigned nth = 0;
    int err;

    hub__quota_init(&quota, &key, 1);
    do {
        testing_fail_allocation(++nth);
        err = hub__quota_take(&quota, "ada", 3);
        testing_allow_memory();
        ck_assert(err == 0 || err == HUB_ENOMEM);
    } while (err != 0);
    ck_assert_uint_eq(nth, 3); /* the table, and the count */
    ck_assert_int_eq(hub__quota_take(&quota, "ada", 3), HUB_EFULL);
    hub__quota_fini(&quota);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_limit_is_reached_and_given_back,
        a_limit_of_one_holds,
        without_a_limit_everything_is_granted,
        names_are_bytes,
        giving_what_was_not_taken_changes_nothing,
        a_hundred_thousand_names_are_quick,
        threads_may_take_and_give_at_once,
        without_memory_nothing_is_counted,
    };

    return testing_run("quota", tests, TESTING_LENGTH(tests));
}
