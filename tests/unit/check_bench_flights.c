/* check_bench_flights.c - messages in flight: counted down, given up, never
 * confused with another one in the same place; and the order within a lane.
 */
#include <check.h>
#include <sys/eventfd.h>

#include "flights.h"
#include "order.h"
#include "suite.h"

static struct flights f;

static uint64_t launch(uint32_t recipients, int64_t now, bool measured)
{
    struct flight_view view = {.since_ns = now + 5,
                               .position = 3,
                               .target = FLIGHTS_EVERYBODY,
                               .lane = 7,
                               .measured = measured};
    uint64_t number;

    ck_assert(flights_launch(&f, &view, recipients, now, &number));
    return number;
}

static uint32_t under_way(void)
{
    return atomic_load(&f.under_way);
}

START_TEST(a_flight_ends_with_its_last_delivery)
{
    struct flight_view view;
    uint64_t number;

    ck_assert_int_eq(flights_init(&f, 4), 0);
    number = launch(2, 100, true);
    ck_assert(flights_is_ours(&f, number));
    ck_assert(flights_look(&f, number, &view));
    ck_assert_int_eq(view.since_ns, 105);
    ck_assert_uint_eq(view.position, 3);
    ck_assert_uint_eq(view.lane, 7);
    ck_assert(view.measured);
    ck_assert_uint_eq(view.target, FLIGHTS_EVERYBODY);
    ck_assert(flights_land(&f, number));
    ck_assert_uint_eq(under_way(), 1);
    ck_assert(flights_land(&f, number));
    ck_assert_uint_eq(under_way(), 0);
    ck_assert(!flights_land(&f, number));
    ck_assert(!flights_look(&f, number, &view));
    flights_fini(&f);
}
END_TEST

START_TEST(numbers_of_another_run_are_not_ours)
{
    struct flight_view view;
    uint64_t number;

    ck_assert_int_eq(flights_init(&f, 4), 0);
    number = launch(1, 0, true);
    ck_assert(!flights_is_ours(&f, number ^ UINT64_C(1) << 40));
    ck_assert(!flights_look(&f, number ^ UINT64_C(1) << 40, &view));
    ck_assert(!flights_look(&f, number + 1, &view));
    flights_fini(&f);
}
END_TEST

START_TEST(a_taken_place_is_left_out)
{
    uint64_t stuck, numbers[3], number;
    struct flight_view view = {.lane = 0};

    ck_assert_int_eq(flights_init(&f, 4), 0);
    stuck = launch(1, 0, true);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 3; i++)
            numbers[i] = launch(1, 0, true);
        ck_assert(!flights_launch(&f, &view, 1, 0, &number));
        for (int i = 0; i < 3; i++)
            ck_assert(flights_land(&f, numbers[i]));
    }
    ck_assert(flights_land(&f, stuck));
    ck_assert_uint_eq(under_way(), 0);
    flights_fini(&f);
}
END_TEST

START_TEST(a_late_delivery_does_not_count_for_the_next_in_its_place)
{
    uint64_t old, numbers[4];

    ck_assert_int_eq(flights_init(&f, 4), 0);
    old = launch(1, 0, true);
    flights_expire(&f, 1);
    for (int i = 0; i < 4; i++)
        numbers[i] = launch(1, 10, true);
    ck_assert(!flights_land(&f, old));
    for (int i = 0; i < 4; i++)
        ck_assert(flights_land(&f, numbers[i]));
    flights_fini(&f);
}
END_TEST

START_TEST(what_takes_too_long_is_missing)
{
    uint64_t numbers[3];

    ck_assert_int_eq(flights_init(&f, 8), 0);
    numbers[0] = launch(5, 100, true);
    numbers[1] = launch(7, 200, false);
    numbers[2] = launch(9, 300, true);
    ck_assert(flights_land(&f, numbers[0]));
    flights_expire(&f, 100);
    ck_assert_uint_eq(under_way(), 3);
    flights_expire(&f, 300);
    ck_assert_uint_eq(under_way(), 1);
    ck_assert_uint_eq(atomic_load(&f.missing), 4);
    ck_assert(flights_lose(&f, numbers[2]));
    ck_assert_uint_eq(atomic_load(&f.missing), 5);
    ck_assert_uint_eq(under_way(), 1);
    flights_expire(&f, INT64_MAX);
    ck_assert_uint_eq(atomic_load(&f.missing), 13);
    ck_assert_uint_eq(under_way(), 0);
    ck_assert(!flights_lose(&f, numbers[2]));
    flights_fini(&f);
}
END_TEST

START_TEST(what_was_refused_is_neither_missing_nor_delivered)
{
    uint64_t number;

    ck_assert_int_eq(flights_init(&f, 4), 0);
    number = launch(3, 0, true);
    ck_assert(flights_land(&f, number));
    flights_cancel(&f, number);
    flights_cancel(&f, number);
    ck_assert_uint_eq(under_way(), 0);
    ck_assert_uint_eq(atomic_load(&f.missing), 0);
    ck_assert(!flights_land(&f, number));
    flights_fini(&f);
}
END_TEST

START_TEST(a_message_to_nobody_takes_no_place)
{
    ck_assert_int_eq(flights_init(&f, 2), 0);
    for (int i = 0; i < 100; i++)
        (void)launch(0, 0, true);
    ck_assert_uint_eq(under_way(), 0);
    flights_expire(&f, 1);
    ck_assert_uint_eq(atomic_load(&f.missing), 0);
    flights_fini(&f);
}
END_TEST

START_TEST(only_a_sleeper_is_woken)
{
    uint64_t number;
    eventfd_t value;

    ck_assert_int_eq(flights_init(&f, 4), 0);
    number = launch(1, 0, true);
    ck_assert(flights_land(&f, number));
    ck_assert_int_eq(eventfd_read(f.wake, &value), -1);
    number = launch(2, 0, true);
    atomic_store(&f.asleep, true);
    ck_assert(flights_land(&f, number));
    ck_assert_int_eq(eventfd_read(f.wake, &value), -1);
    ck_assert(flights_land(&f, number));
    ck_assert_int_eq(eventfd_read(f.wake, &value), 0);
    ck_assert(!atomic_load(&f.asleep));
    flights_fini(&f);
}
END_TEST

START_TEST(a_lane_in_order_is_fine_with_and_without_gaps)
{
    struct order o = {0};

    for (uint32_t i = 0; i < 100; i++)
        ck_assert_int_eq(order_take(&o, i), ORDER_FINE);
    for (uint32_t i = 100; i < 10000; i += 7)
        ck_assert_int_eq(order_take(&o, i), ORDER_FINE);
    ck_assert_int_eq(order_take(&o, 1000000), ORDER_FINE);
}
END_TEST

START_TEST(what_comes_late_is_told_from_what_comes_twice)
{
    struct order o = {0};

    ck_assert_int_eq(order_take(&o, 0), ORDER_FINE);
    ck_assert_int_eq(order_take(&o, 0), ORDER_TWICE);
    ck_assert_int_eq(order_take(&o, 3), ORDER_FINE);
    ck_assert(order_has(&o, 0) && !order_has(&o, 1) && !order_has(&o, 4));
    ck_assert_int_eq(order_take(&o, 1), ORDER_LATE);
    ck_assert(order_has(&o, 1));
    ck_assert_int_eq(order_take(&o, 1), ORDER_TWICE);
    ck_assert_int_eq(order_take(&o, 2), ORDER_LATE);
    ck_assert_int_eq(order_take(&o, 34), ORDER_FINE);
    ck_assert_int_eq(order_take(&o, 2), ORDER_TWICE);
    ck_assert_int_eq(order_take(&o, 4), ORDER_LATE);
    ck_assert_int_eq(order_take(&o, 35), ORDER_FINE);
    ck_assert_int_eq(order_take(&o, 35), ORDER_TWICE);
    ck_assert_int_eq(order_take(&o, 33), ORDER_LATE);
}
END_TEST

START_TEST(a_first_message_need_not_be_number_zero)
{
    struct order o = {0};

    ck_assert(!order_has(&o, 500));
    ck_assert_int_eq(order_take(&o, 500), ORDER_FINE);
    ck_assert_int_eq(order_take(&o, 499), ORDER_LATE);
    ck_assert_int_eq(order_take(&o, 500), ORDER_TWICE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_flights");
    TCase *tc = tcase_create("bench_flights");

    tcase_add_test(tc, a_flight_ends_with_its_last_delivery);
    tcase_add_test(tc, numbers_of_another_run_are_not_ours);
    tcase_add_test(tc, a_taken_place_is_left_out);
    tcase_add_test(tc,
                   a_late_delivery_does_not_count_for_the_next_in_its_place);
    tcase_add_test(tc, what_takes_too_long_is_missing);
    tcase_add_test(tc, what_was_refused_is_neither_missing_nor_delivered);
    tcase_add_test(tc, a_message_to_nobody_takes_no_place);
    tcase_add_test(tc, only_a_sleeper_is_woken);
    tcase_add_test(tc, a_lane_in_order_is_fine_with_and_without_gaps);
    tcase_add_test(tc, what_comes_late_is_told_from_what_comes_twice);
    tcase_add_test(tc, a_first_message_need_not_be_number_zero);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
