/* check_threads.c - counting existing threads, and those that could be started.
 */
#include "resources/threads.h"

#include <check.h>
#include <pthread.h>
#include <semaphore.h>

#include "suite.h"

#define STACK ((size_t)256 << 10)

static void *wait_for_end(void *end)
{
    while (sem_wait(end) != 0)
        ;
    return NULL;
}

START_TEST(a_thread_counts_while_it_runs)
{
    pthread_t thread;
    int before;
    sem_t end;

    ck_assert_uint_eq(threads_available(1, STACK),
                      1); /* a sanitizer's own may come */
    before = threads_count();
    ck_assert_int_ge(before, 1);
    ck_assert_int_eq(sem_init(&end, 0, 0), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_end, &end), 0);
    ck_assert_int_eq(threads_count(), before + 1);
    ck_assert_int_eq(sem_post(&end), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(sem_destroy(&end), 0);
}
END_TEST

START_TEST(looking_for_threads_leaves_none)
{
    int before;

    ck_assert_uint_eq(threads_available(1, STACK), 1); /* as above */
    before = threads_count();
    for (int round = 0; round < 50; round++) {
        ck_assert_uint_eq(threads_available(20, STACK), 20);
        ck_assert_int_eq(threads_count(), before);
    }
    ck_assert_uint_eq(threads_available(0, STACK), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *tests = tcase_create("threads");

    tcase_add_test(tests, a_thread_counts_while_it_runs);
    tcase_add_test(tests, looking_for_threads_leaves_none);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
