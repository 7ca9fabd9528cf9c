/* check_fd_plan.c - the shares of descriptors, from the smallest sufficient
 * limit to the largest.
 */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "resources/fd_plan.h"
#include "suite.h"

static void is_sound(const struct fd_plan *plan, int64_t descriptors,
                     int in_use)
{
    uint64_t http = 2 * (uint64_t)plan->workers + plan->queue;

    ck_assert_uint_ge(plan->workers, FD_PLAN_WORKERS_MIN);
    ck_assert_uint_le(plan->workers, FD_PLAN_WORKERS_MAX);
    ck_assert_uint_ge(plan->queue, 1);
    ck_assert_uint_le(plan->queue, FD_PLAN_QUEUE_MAX);
    /* What is below base has room for all that civetweb may open. */
    ck_assert_uint_ge((uint64_t)plan->base, (uint64_t)in_use + http);
    ck_assert_int_le(plan->base, descriptors / 2);
    ck_assert_uint_lt((uint64_t)plan->base + plan->sockets,
                      (uint64_t)descriptors);
}

START_TEST(every_limit_is_shared_soundly)
{
    static const int64_t limits[] = {96,   112,   128,   256,     1024,   4096,
                                     8192, 20000, 65536, 1048576, INT_MAX};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct fd_plan plan;

        ck_assert_int_eq(fd_plan_make(&plan, limits[i], 8, 0), 0);
        is_sound(&plan, limits[i], 8);
    }
}
END_TEST

START_TEST(a_usual_limit_has_room_for_slow_clients_and_swarms)
{
    struct fd_plan plan;

    ck_assert_int_eq(fd_plan_make(&plan, 20000, 12, 0), 0);
    ck_assert_uint_eq(plan.workers, FD_PLAN_WORKERS_MAX);
    ck_assert_uint_eq(plan.queue, FD_PLAN_QUEUE_MAX);
    ck_assert_uint_ge(plan.sockets, 15000);
}
END_TEST

START_TEST(a_small_limit_leaves_nearly_half_to_websockets)
{
    struct fd_plan plan;

    ck_assert_int_eq(fd_plan_make(&plan, 1024, 12, 0), 0);
    ck_assert_uint_ge(plan.sockets, 440);
    ck_assert_int_eq(fd_plan_make(&plan, 256, 12, 0), 0);
    ck_assert_uint_ge(plan.sockets, 110);
}
END_TEST

START_TEST(too_few_are_refused)
{
    struct fd_plan plan;

    ck_assert_int_eq(fd_plan_make(&plan, 64, 8, 0), -1);
    ck_assert_int_eq(fd_plan_make(&plan, 95, 8, 0), -1);
    ck_assert_int_eq(fd_plan_make(&plan, 96, 8, 0), 0);
    ck_assert_int_eq(fd_plan_make(&plan, 1024, 500, 0), -1);
    ck_assert_int_eq(fd_plan_least(8), 96);
    ck_assert_int_eq(fd_plan_make(&plan, fd_plan_least(500) - 1, 500, 0), -1);
    ck_assert_int_eq(fd_plan_make(&plan, fd_plan_least(500), 500, 0), 0);
}
END_TEST

START_TEST(a_cap_that_was_asked_for_holds_if_it_is_lower)
{
    struct fd_plan plan, most;

    ck_assert_int_eq(fd_plan_make(&most, 1024, 12, 0), 0);
    ck_assert_int_eq(fd_plan_make(&plan, 1024, 12, 10), 0);
    ck_assert_uint_eq(plan.sockets, 10);
    ck_assert_int_eq(fd_plan_make(&plan, 1024, 12, most.sockets + 1), 0);
    ck_assert_uint_eq(plan.sockets, most.sockets);
}
END_TEST

START_TEST(open_descriptors_are_counted)
{
    int before = fd_plan_in_use();
    int fd = fcntl(STDERR_FILENO, F_DUPFD, 50);

    ck_assert_int_ge(before, 3);
    ck_assert_int_ge(fd, 50);
    ck_assert_int_eq(fd_plan_in_use(), before + 1);
    (void)close(fd);
    ck_assert_int_eq(fd_plan_in_use(), before);
}
END_TEST

START_TEST(the_soft_limit_is_raised)
{
    ck_assert_int_gt(fd_plan_raise(), 0);
    ck_assert_int_eq(fd_plan_raise(), fd_plan_raise());
}
END_TEST

START_TEST(missing_standard_descriptors_are_opened)
{
    int saved = dup(STDIN_FILENO), next;

    ck_assert_int_ge(saved, 0);
    (void)close(STDIN_FILENO);
    ck_assert_int_eq(fd_plan_guard_standard(), 0);
    next = dup(saved);
    ck_assert_int_gt(next, STDERR_FILENO);
    (void)dup2(saved, STDIN_FILENO);
    (void)close(next);
    (void)close(saved);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("fd_plan");
    TCase *tests = tcase_create("fd_plan");

    tcase_add_test(tests, every_limit_is_shared_soundly);
    tcase_add_test(tests, a_usual_limit_has_room_for_slow_clients_and_swarms);
    tcase_add_test(tests, a_small_limit_leaves_nearly_half_to_websockets);
    tcase_add_test(tests, too_few_are_refused);
    tcase_add_test(tests, a_cap_that_was_asked_for_holds_if_it_is_lower);
    tcase_add_test(tests, open_descriptors_are_counted);
    tcase_add_test(tests, the_soft_limit_is_raised);
    tcase_add_test(tests, missing_standard_descriptors_are_opened);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return suite_run(make_suite());
}
