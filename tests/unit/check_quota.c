/* check_quota.c - counts by name: limits, names of any bytes, growth, and many
 * threads at once.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "access/quota.h"
#include "suite.h"

#define THREADS 4
#define ROUNDS 20000
#define MANY 100000

START_TEST(the_limit_is_reached_and_given_back)
{
    struct quota *quota = quota_create(2);

    ck_assert_ptr_nonnull(quota);
    ck_assert_int_eq(quota_take(quota, "ada", 3), 0);
    ck_assert_int_eq(quota_take(quota, "ada", 3), 0);
    ck_assert_int_eq(quota_take(quota, "ada", 3), 1);
    ck_assert_int_eq(quota_take(quota, "ada", 3), 1);
    ck_assert_int_eq(quota_take(quota, "bob", 3), 0);
    quota_give(quota, "ada", 3);
    ck_assert_int_eq(quota_take(quota, "ada", 3), 0);
    ck_assert_int_eq(quota_take(quota, "ada", 3), 1);
    quota_free(quota);
}
END_TEST

START_TEST(a_limit_of_one_holds)
{
    struct quota *quota = quota_create(1);

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(quota_take(quota, "x", 1), 0);
        ck_assert_int_eq(quota_take(quota, "x", 1), 1);
        quota_give(quota, "x", 1);
    }
    quota_free(quota);
}
END_TEST

START_TEST(without_a_limit_everything_is_granted)
{
    struct quota *quota = quota_create(0);

    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(quota_take(quota, "x", 1), 0);
    quota_give(quota, "never taken", 11);
    quota_free(quota);
    quota_free(NULL);
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
    struct quota *quota = quota_create(1);
    size_t count = sizeof(names) / sizeof(names[0]);

    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(quota_take(quota, names[i].name, names[i].bytes), 0);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(quota_take(quota, names[i].name, names[i].bytes), 1);
    for (size_t i = 0; i < count; i++) {
        quota_give(quota, names[i].name, names[i].bytes);
        ck_assert_int_eq(quota_take(quota, names[i].name, names[i].bytes), 0);
    }
    quota_free(quota);
}
END_TEST

START_TEST(giving_what_was_not_taken_changes_nothing)
{
    struct quota *quota = quota_create(1);

    quota_give(quota, "nobody", 6);
    ck_assert_int_eq(quota_take(quota, "nobody", 6), 0);
    quota_give(quota, "somebody", 8);
    ck_assert_int_eq(quota_take(quota, "nobody", 6), 1);
    quota_give(quota, "nobody", 6);
    quota_give(quota, "nobody", 6);
    ck_assert_int_eq(quota_take(quota, "nobody", 6), 0);
    ck_assert_int_eq(quota_take(quota, "nobody", 6), 1);
    quota_free(quota);
}
END_TEST

static size_t name_of(char out[32], int i)
{
    return (size_t)snprintf(out, 32, "user-%d", i);
}

/* How many of the names, of every step-th, get something else than wanted. */
static int count_wrong(struct quota *quota, int step, int wanted)
{
    char name[32];
    int wrong = 0;

    for (int i = 0; i < MANY; i += step)
        wrong += quota_take(quota, name, name_of(name, i)) != wanted;
    return wrong;
}

static void give_back(struct quota *quota, int step)
{
    char name[32];

    for (int i = 0; i < MANY; i += step)
        quota_give(quota, name, name_of(name, i));
}

/* With linear chains this would run into the timeout. */
START_TEST(a_hundred_thousand_names_are_quick)
{
    struct quota *quota = quota_create(1);

    ck_assert_int_eq(count_wrong(quota, 1, 0), 0);
    ck_assert_int_eq(count_wrong(quota, 1, 1), 0);
    give_back(quota, 2);
    ck_assert_int_eq(count_wrong(quota, 2, 0), 0);
    ck_assert_int_eq(count_wrong(quota, 1, 1), 0);
    give_back(quota, 1);
    ck_assert_int_eq(count_wrong(quota, 1, 0), 0);
    quota_free(quota);
}
END_TEST

struct worker {
    struct quota *quota;
    int granted, wrong;
};

/* Three names for all threads: takes and gives meet on the same entries. */
static void *take_and_give(void *arg)
{
    struct worker *worker = arg;
    char name[32];

    for (int i = 0; i < ROUNDS; i++) {
        size_t bytes = name_of(name, i % 3);
        int result = quota_take(worker->quota, name, bytes);

        if (result == 0) {
            worker->granted++;
            quota_give(worker->quota, name, bytes);
        } else if (result != 1) {
            worker->wrong++;
        }
    }
    return NULL;
}

START_TEST(threads_may_take_and_give_at_once)
{
    struct quota *quota = quota_create(2);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    char name[32];

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.quota = quota};
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

        ck_assert_int_eq(quota_take(quota, name, bytes), 0);
        ck_assert_int_eq(quota_take(quota, name, bytes), 0);
        ck_assert_int_eq(quota_take(quota, name, bytes), 1);
    }
    quota_free(quota);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quota");
    TCase *tc = tcase_create("quota");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_limit_is_reached_and_given_back);
    tcase_add_test(tc, a_limit_of_one_holds);
    tcase_add_test(tc, without_a_limit_everything_is_granted);
    tcase_add_test(tc, names_are_bytes);
    tcase_add_test(tc, giving_what_was_not_taken_changes_nothing);
    tcase_add_test(tc, a_hundred_thousand_names_are_quick);
    tcase_add_test(tc, threads_may_take_and_give_at_once);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
