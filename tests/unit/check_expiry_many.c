/* check_expiry_many.c - expiring connections: many at once, while the process
 * is suspended, while allocations fail, and with other options.
 */
#include <limits.h>
#include <string.h>
#include <sys/timerfd.h>

#include "expiry_stage.h"

#define MANY 300

/* Options. ------------------------------------------------------------- */

START_TEST(nobody_has_to_be_warned)
{
    struct hub_options options = expiry_options();

    options.expiring = NULL;
    expiry_start(&options);
    expiry_join(&expiry_client, &expiry_peer, 2000);
    testing_pass(expiry_hub, 1000);
    expiry_extend(2000);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE - 1);
    ck_assert(expiry_is_in(&expiry_peer));
    testing_pass(expiry_hub, 1);
    ck_assert(!expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

START_TEST(there_are_defaults)
{
    struct hub_options options = expiry_options();

    options.expiry_warning_ms = options.expiry_grace_ms = 0;
    expiry_start(&options);
    expiry_enter(&expiry_peer, 70000);
    testing_pass(expiry_hub, 9999);
    ck_assert_uint_eq(expiry_warned.count, 0);
    testing_pass(expiry_hub, 1);
    ck_assert_uint_eq(expiry_warned.count, 1);
    ck_assert_int_eq(expiry_warned.remaining_ms, 60000);
    testing_pass(expiry_hub, 60000 + 25000 - 1);
    ck_assert_uint_eq(expiry_peer.closed, 0);
    testing_pass(expiry_hub, 1);
    expiry_check_closed(&expiry_peer, HUB_CLOSED_EXPIRED, 3000);
    expiry_client.fd = -1;
    expiry_tear_down();
}
END_TEST

START_TEST(the_reason_is_the_hosts)
{
    struct hub_options options = expiry_options();
    char reason[] = "token expired";

    options.expiry_reason = reason;
    expiry_start(&options);
    memset(reason, '\xFF', sizeof reason - 1); /* it was copied */
    expiry_join(&expiry_client, &expiry_peer, 10);
    testing_pass(expiry_hub, 10 + EXPIRY_GRACE);
    expiry_expect_close("token expired");
    expiry_tear_down();
}
END_TEST

START_TEST(limits_of_any_size_are_taken)
{
    struct hub_options options = expiry_options();

    options.expiry_warning_ms = options.expiry_grace_ms = UINT_MAX;
    expiry_start(&options);
    expiry_join(&expiry_client, &expiry_peer, 1000);
    ck_assert_uint_eq(expiry_warned.count, 1);
    testing_pass(expiry_hub, 20000);
    ck_assert_uint_eq(expiry_warned.count, 1);
    ck_assert(expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

/* Time. ---------------------------------------------------------------- */

START_TEST(the_loop_wakes_by_itself)
{
    struct itimerspec left;

    expiry_set_up(0);
    ck_assert_int_gt(expiry_armed_ms(), 100);
    expiry_extend(EXPIRY_WARNING + 50);
    ck_assert_int_eq(expiry_armed_ms(), 50);
    ck_assert_int_eq(timerfd_gettime(expiry_hub->loops[0].timer_fd, &left), 0);
    ck_assert_int_eq(left.it_value.tv_sec, 0);
    ck_assert_int_le(left.it_value.tv_nsec, 50000000);
    expiry_extend(60000);
    testing_pass(expiry_hub, 60000 + EXPIRY_GRACE - 20);
    ck_assert_int_eq(expiry_armed_ms(), 20);
    expiry_tear_down();
}
END_TEST

START_TEST(time_goes_on_while_the_process_does_not_run)
{
    expiry_set_up(100000);
    testing_clock_advance(100000 + EXPIRY_GRACE - 1);
    testing_settle(expiry_hub);
    ck_assert_uint_eq(expiry_warned.count, 1);
    ck_assert_int_eq(expiry_warned.remaining_ms, 0);
    ck_assert(expiry_is_in(&expiry_peer));
    testing_clock_advance(1);
    testing_settle(expiry_hub);
    ck_assert(!expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

START_TEST(it_is_warned_even_if_all_of_it_is_over)
{
    expiry_set_up(100000);
    testing_clock_advance(500000);
    testing_settle(expiry_hub);
    ck_assert_uint_eq(expiry_warned.count, 1);
    ck_assert_int_eq(expiry_warned.remaining_ms, 0);
    ck_assert(!expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

/* Many. ---------------------------------------------------------------- */

static struct testing_peer peers[MANY];

static void enter_many(int64_t expires_ms)
{
    struct hub_options options = expiry_options();

    expiry_start(&options);
    for (int i = 0; i < MANY; i++)
        expiry_enter(&peers[i], expires_ms);
}

static unsigned count_in(void)
{
    return (unsigned)testing_stats(expiry_hub).connections;
}

static void leave_many(void)
{
    hub_destroy(expiry_hub);
    for (int i = 0; i < MANY; i++) {
        ck_assert_uint_eq(peers[i].closed, 1);
        ck_assert_uint_eq(peers[i].wrong, 0);
    }
}

START_TEST(closes_are_spread)
{
    enter_many(2000);
    testing_pass(expiry_hub, 1000);
    ck_assert_uint_eq(expiry_warned.count, MANY);
    testing_pass(expiry_hub, 1000 + EXPIRY_GRACE - 1);
    ck_assert_uint_eq(count_in(), MANY);
    testing_clock_advance(1);
    testing_settle(expiry_hub);
    ck_assert_uint_eq(count_in(), MANY - 1);
    for (unsigned ms = 10; ms < MANY; ms += 10) {
        ck_assert_int_le(expiry_armed_ms(), 10);
        testing_pass(expiry_hub, 10);
        ck_assert_uint_eq(count_in(), MANY - 1 - ms);
    }
    testing_pass(expiry_hub, 10);
    ck_assert_uint_eq(count_in(), 0);
    ck_assert_uint_eq(
        testing_stats(expiry_hub).closed_by_cause[HUB_CLOSED_EXPIRED], MANY);
    ck_assert_uint_eq(expiry_warned.count, MANY);
    leave_many();
}
END_TEST

START_TEST(a_loop_without_time_makes_up_for_some_of_it)
{
    enter_many(2000);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE - 1);
    testing_clock_advance(60);
    testing_settle(expiry_hub);
    ck_assert_uint_eq(count_in(), MANY - 60);
    testing_clock_advance(1000);
    testing_settle(expiry_hub);
    ck_assert_uint_eq(count_in(), MANY - 60 - 101);
    leave_many();
}
END_TEST

/* However often the loop turns for other things meanwhile. */
START_TEST(a_busy_loop_closes_no_more)
{
    unsigned before;

    enter_many(2000);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE);
    before = count_in();
    for (int i = 0; i < 9; i++) {
        testing_clock_advance(1);
        hub_broadcast(expiry_hub, HUB_TEXT_OF("x"));
        testing_settle(expiry_hub);
    }
    ck_assert_uint_eq(count_in(), before);
    leave_many();
}
END_TEST

START_TEST(who_waits_for_its_close_can_be_saved)
{
    unsigned saved = 0;

    enter_many(2000);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE + 100);
    ck_assert_uint_ge(count_in(), MANY / 2);
    for (int i = 0; i < MANY; i++)
        saved += hub_extend(expiry_hub, peers[i].id, 20000) == 0;
    ck_assert_uint_eq(saved, count_in());
    testing_pass(expiry_hub, 5000);
    ck_assert_uint_eq(saved, count_in());
    leave_many();
}
END_TEST

/* Warnings do not wait for closes, nor the first one for the rate of those
 * before. */
START_TEST(one_that_is_late_is_closed_at_once)
{
    enter_many(2000);
    for (int i = 1; i < MANY; i++)
        ck_assert_int_eq(hub_extend(expiry_hub, peers[i].id, 2000 + 40 * i), 0);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE - 1);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_uint_eq(count_in(), MANY - i);
        testing_clock_advance(1);
        testing_settle(expiry_hub);
        ck_assert_uint_eq(count_in(), MANY - i - 1);
        testing_pass(expiry_hub, 39);
    }
    leave_many();
}
END_TEST

/* They are told all at once, but a turn tells no more than some. */
START_TEST(a_turn_tells_a_part_of_them)
{
    enter_many(2000);
    testing_clock_advance(1000);
    ck_assert_int_eq(hub_poll(expiry_hub, 0), 0);
    ck_assert_uint_lt(expiry_warned.count, MANY);
    ck_assert_uint_gt(expiry_warned.count, 100);
    testing_settle(expiry_hub);
    ck_assert_uint_eq(expiry_warned.count, MANY);
    leave_many();
}
END_TEST

START_TEST(loops_share_the_rate)
{
    struct hub_options options = expiry_options();
    struct hub_member member = expiry_member(NULL, 1);
    struct hub_stats stats;
    int64_t began_ms;

    testing_record(&options);
    options.loops = 4;
    options.expiring = NULL;
    options.expiry_grace_ms = 1;
    began_ms = testing_real_ms();
    ck_assert_int_eq(hub_create(&expiry_hub, &options), 0);
    member.deliver = testing_deliver;
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(hub_register(expiry_hub, &member, NULL), 0);
    do {
        stats = testing_stats(expiry_hub);
        ck_assert_int_le((int64_t)stats.closed,
                         testing_real_ms() - began_ms + 4);
    } while (stats.closed < MANY);
    ck_assert_uint_eq(stats.closed_by_cause[HUB_CLOSED_EXPIRED], MANY);
    hub_destroy(expiry_hub);
}
END_TEST

START_TEST(memory_is_released_again)
{
    const struct hub__host *host;

    enter_many(2000);
    host = &expiry_hub->loops[0].host;
    ck_assert_uint_ge(host->warnings.size, MANY);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE + MANY + 100);
    ck_assert_uint_eq(count_in(), 0);
    ck_assert_uint_le(host->warnings.size + host->closes.size, 128);
    leave_many();
}
END_TEST

/* Failures. ------------------------------------------------------------ */

START_TEST(without_memory_nothing_is_extended)
{
    unsigned nth = 0;
    int err;

    expiry_set_up(5000);
    do {
        testing_fail_allocation(++nth);
        err = hub_extend(expiry_hub, expiry_peer.id, 50000);
        if (testing_allow_memory() > 0)
            ck_assert_int_eq(err, HUB_ENOMEM);
    } while (err != 0);
    ck_assert_uint_eq(nth, 2);
    testing_settle(expiry_hub);
    testing_pass(expiry_hub, 20000);
    ck_assert_uint_eq(expiry_warned.count, 0);
    expiry_tear_down();
}
END_TEST

/* It would stay for ever otherwise. */
START_TEST(who_cannot_be_remembered_is_closed)
{
    expiry_set_up(0);
    ck_assert_int_eq(hub_extend(expiry_hub, expiry_peer.id, 5000), 0);
    testing_fail_allocation(1);
    testing_settle(expiry_hub);
    ck_assert_uint_eq(testing_allow_memory(), 1);
    testing_client_expect_close(&expiry_client, 1011);
    testing_client_send_close(&expiry_client, 1011, "");
    testing_settle(expiry_hub);
    expiry_check_closed(&expiry_peer, HUB_CLOSED_ERROR, 1011);
    expiry_tear_down();

    expiry_set_up(1500);
    testing_pass(expiry_hub, 499);
    testing_clock_advance(1);
    testing_fail_allocation(1);
    testing_settle(expiry_hub);
    ck_assert_uint_eq(testing_allow_memory(), 1);
    ck_assert_uint_eq(expiry_warned.count, 0);
    testing_client_expect_close(&expiry_client, 1011);
    expiry_tear_down();
}
END_TEST

START_TEST(who_is_remembered_can_be_extended_without_memory)
{
    expiry_set_up(1500);
    ck_assert_int_eq(hub_extend(expiry_hub, expiry_peer.id, 5000), 0);
    testing_fail_after(0);
    testing_settle(expiry_hub);
    testing_pass(expiry_hub, 3000);
    (void)testing_allow_memory();
    ck_assert_uint_eq(expiry_peer.closed, 0);
    ck_assert_uint_eq(testing_stats(expiry_hub).connections, 1);
    expiry_tear_down();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nobody_has_to_be_warned,
        there_are_defaults,
        the_reason_is_the_hosts,
        limits_of_any_size_are_taken,
        the_loop_wakes_by_itself,
        time_goes_on_while_the_process_does_not_run,
        it_is_warned_even_if_all_of_it_is_over,
        closes_are_spread,
        a_loop_without_time_makes_up_for_some_of_it,
        a_busy_loop_closes_no_more,
        who_waits_for_its_close_can_be_saved,
        one_that_is_late_is_closed_at_once,
        a_turn_tells_a_part_of_them,
        loops_share_the_rate,
        memory_is_released_again,
        without_memory_nothing_is_extended,
        who_cannot_be_remembered_is_closed,
        who_is_remembered_can_be_extended_without_memory,
    };

    return testing_run("expiry_many", tests, TESTING_LENGTH(tests));
}
