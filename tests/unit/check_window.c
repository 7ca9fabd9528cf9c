/* check_window.c - few log lines about many events. */
#include <check.h>

#include "base/clock.h"
#include "base/window.h"
#include "suite.h"

static struct window window;

static void happen(int times)
{
    while (times-- > 0)
        window_count(&window);
}

static void let_it_pass(void)
{
    atomic_store(&window.next_ms, clock_now_ms() - 1);
}

START_TEST(the_first_is_told_at_once_and_others_later)
{
    ck_assert_uint_eq(window_due(&window), 0);
    happen(1);
    ck_assert_uint_eq(window_due(&window), 1);
    ck_assert_uint_eq(window_due(&window), 0);
    happen(41);
    ck_assert_uint_eq(window_due(&window), 0);
    happen(1);
    let_it_pass();
    ck_assert_uint_eq(window_due(&window), 42);
    let_it_pass();
    ck_assert_uint_eq(window_due(&window), 0);
}
END_TEST

START_TEST(a_window_lasts_ten_seconds)
{
    int64_t left;

    happen(1);
    (void)window_due(&window);
    left = atomic_load(&window.next_ms) - clock_now_ms();
    ck_assert_int_gt(left, 0);
    ck_assert_int_le(left, 10000);
}
END_TEST

START_TEST(the_end_tells_the_rest)
{
    happen(3);
    (void)window_due(&window);
    happen(2);
    ck_assert_uint_eq(window_rest(&window), 2);
    ck_assert_uint_eq(window_rest(&window), 0);
}
END_TEST

static void begin(void)
{
    window = (struct window){0};
}

int main(void)
{
    Suite *suite = suite_create("window");
    TCase *tc = tcase_create("window");

    tcase_add_checked_fixture(tc, begin, NULL);
    tcase_add_test(tc, the_first_is_told_at_once_and_others_later);
    tcase_add_test(tc, a_window_lasts_ten_seconds);
    tcase_add_test(tc, the_end_tells_the_rest);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
