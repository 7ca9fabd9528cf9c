/* check_expiry.c - a connection that expires, by a clock that only the test
 * moves: warned, extended, extended at the last moment, closed.
 */
#include <string.h>
#include <unistd.h>

#include "expiry_stage.h"

/* One connection. ------------------------------------------------------ */

START_TEST(it_is_warned_and_then_closed)
{
    expiry_set_up(5000);
    testing_pass(expiry_hub, 5000 - EXPIRY_WARNING - 1);
    ck_assert_uint_eq(expiry_warned.count, 0);
    testing_pass(expiry_hub, 1);
    ck_assert_uint_eq(expiry_warned.count, 1);
    ck_assert_uint_eq(expiry_warned.id, expiry_peer.id.value);
    ck_assert_int_eq(expiry_warned.remaining_ms, EXPIRY_WARNING);
    testing_pass(expiry_hub, EXPIRY_WARNING + EXPIRY_GRACE - 1);
    testing_client_expect_nothing(&expiry_client);
    ck_assert_uint_eq(testing_stats(expiry_hub).connections, 1);
    testing_pass(expiry_hub, 1);
    ck_assert_uint_eq(testing_stats(expiry_hub).connections, 0);
    expiry_expect_close("expired");
    ck_assert_int_eq(hub_extend(expiry_hub, expiry_peer.id, 5000), HUB_ENOENT);
    ck_assert_uint_eq(expiry_peer.closed, 0);
    testing_client_send_close(&expiry_client, 3000, "");
    testing_settle(expiry_hub);
    expiry_check_closed(&expiry_peer, HUB_CLOSED_EXPIRED, 3000);
    ck_assert(testing_client_at_end(&expiry_client));
    ck_assert_uint_eq(expiry_warned.count, 1);
    ck_assert_uint_eq(
        testing_stats(expiry_hub).closed_by_cause[HUB_CLOSED_EXPIRED], 1);
    expiry_tear_down();
}
END_TEST

START_TEST(a_member_leaves_without_a_close_frame)
{
    struct hub_options options = expiry_options();

    expiry_start(&options);
    expiry_enter(&expiry_peer, 2000);
    testing_pass(expiry_hub, 1000);
    ck_assert_uint_eq(expiry_warned.count, 1);
    testing_pass(expiry_hub, 1000 + EXPIRY_GRACE - 1);
    ck_assert_int_eq(hub_broadcast(expiry_hub, HUB_TEXT_OF("last")), 1);
    testing_pass(expiry_hub, 1);
    ck_assert_uint_eq(expiry_peer.delivered, 1);
    expiry_check_closed(&expiry_peer, HUB_CLOSED_EXPIRED, 3000);
    ck_assert_int_eq(hub_extend(expiry_hub, expiry_peer.id, 5000), HUB_ENOENT);
    expiry_client.fd = -1;
    expiry_tear_down();
}
END_TEST

START_TEST(without_an_end_there_is_none)
{
    expiry_set_up(0);
    testing_pass(expiry_hub, 20000);
    ck_assert_uint_eq(expiry_warned.count, 0);
    ck_assert_uint_eq(expiry_peer.closed, 0);
    ck_assert_int_eq(expiry_hub->loops[0].expiry.due_ms, INT64_MAX);
    ck_assert_ptr_null(expiry_hub->loops[0].host.warnings.items);
    expiry_tear_down();
}
END_TEST

START_TEST(what_was_queued_goes_first)
{
    expiry_set_up(2000);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE - 1);
    testing_clock_advance(1);
    ck_assert_int_eq(hub_broadcast(expiry_hub, HUB_TEXT_OF("to all")), 1);
    ck_assert_int_eq(
        hub_send(expiry_hub, HUB_TO_USER("user"), HUB_TEXT_OF("to one"), NULL),
        1);
    testing_settle(expiry_hub);
    testing_client_expect_text(&expiry_client, "to all");
    testing_client_expect_text(&expiry_client, "to one");
    expiry_expect_close("expired");
    expiry_tear_down();
}
END_TEST

/* A turn takes so much of the mailbox and no more; what is left was accepted
 * before the end, and comes before it. */
START_TEST(what_the_turn_had_no_time_for_goes_first_too)
{
    struct testing_received frame;
    int got = 0;

    expiry_set_up(2000);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE - 1);
    testing_clock_advance(1);
    for (int i = 0; i < HUB__TURN_POSTS + 500; i++)
        ck_assert_int_eq(hub_send(expiry_hub, HUB_TO_CONNECTION(expiry_peer.id),
                                  HUB_TEXT_OF("m"), NULL),
                         1);
    testing_settle(expiry_hub);
    while (testing_client_receive(&expiry_client, &frame) &&
           frame.first_byte == TESTING_FIN_TEXT) {
        got++;
        testing_settle(expiry_hub);
    }
    ck_assert_int_eq(got, HUB__TURN_POSTS + 500);
    ck_assert_uint_eq(frame.first_byte, TESTING_FIN_CLOSE);
    expiry_tear_down();
}
END_TEST

START_TEST(who_hangs_up_first_has_done_so_itself)
{
    expiry_set_up(2000);
    testing_pass(expiry_hub, 1500);
    testing_client_send_close(&expiry_client, 1000, "");
    testing_settle(expiry_hub);
    expiry_check_closed(&expiry_peer, HUB_CLOSED_BY_PEER, 1000);
    testing_pass(expiry_hub, 5000);
    expiry_tear_down();
}
END_TEST

START_TEST(what_it_says_while_it_is_closed_does_not_count)
{
    uint8_t frames[64];
    size_t bytes = testing_frame(frames, TESTING_FIN_TEXT, "late", 4);

    expiry_set_up(2000);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE);
    testing_client_send_raw(&expiry_client, frames, bytes);
    testing_settle(expiry_hub);
    ck_assert_uint_eq(expiry_peer.messages, 0);
    expiry_expect_close("expired");
    testing_client_send_raw(&expiry_client, "\xFF", 1); /* nor what is none */
    testing_settle(expiry_hub);
    testing_client_close(&expiry_client);
    testing_settle(expiry_hub);
    expiry_check_closed(&expiry_peer, HUB_CLOSED_EXPIRED, 3000);
    expiry_tear_down();
}
END_TEST

START_TEST(who_is_closed_by_its_host_before_keeps_that_cause)
{
    expiry_set_up(2000);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE - 1);
    testing_clock_advance(1);
    ck_assert_int_eq(hub_close(expiry_hub, expiry_peer.id, 4000, NULL), 0);
    testing_settle(expiry_hub);
    testing_client_expect_close(&expiry_client, 4000);
    testing_client_close(&expiry_client);
    testing_settle(expiry_hub);
    expiry_check_closed(&expiry_peer, HUB_CLOSED_BY_HOST, 4000);
    expiry_tear_down();
}
END_TEST

/* The loop finds it due in the turn that has no time for the host's post. */
START_TEST(who_is_out_of_the_hub_when_its_time_is_over_waits_for_the_hosts_post)
{
    expiry_set_up(2000);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE - 1);
    testing_clock_advance(1);
    for (int i = 0; i < HUB__TURN_POSTS; i++)
        ck_assert_int_eq(hub_send(expiry_hub, HUB_TO_CONNECTION(expiry_peer.id),
                                  HUB_TEXT_OF("m"), NULL),
                         1);
    ck_assert_int_eq(hub_close(expiry_hub, expiry_peer.id, 4000, NULL), 0);
    testing_settle(expiry_hub);
    testing_client_close(&expiry_client);
    testing_settle(expiry_hub);
    ck_assert_uint_eq(expiry_peer.closed, 1);
    ck_assert_int_eq(expiry_peer.info.cause, HUB_CLOSED_BY_HOST);
    expiry_tear_down();
}
END_TEST

/* Extending. ----------------------------------------------------------- */

START_TEST(it_is_extended_before_it_is_warned)
{
    expiry_set_up(5000);
    testing_pass(expiry_hub, 3000);
    expiry_extend(9000);
    testing_pass(expiry_hub, 7999);
    ck_assert_uint_eq(expiry_warned.count, 0);
    testing_pass(expiry_hub, 1);
    ck_assert_uint_eq(expiry_warned.count, 1);
    testing_pass(expiry_hub, 1000 + EXPIRY_GRACE - 1);
    ck_assert(expiry_is_in(&expiry_peer));
    testing_pass(expiry_hub, 1);
    ck_assert(!expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

START_TEST(it_is_shortened)
{
    expiry_set_up(50000);
    testing_pass(expiry_hub, 1000);
    expiry_extend(3000);
    testing_pass(expiry_hub, 1999);
    ck_assert_uint_eq(expiry_warned.count, 0);
    testing_pass(expiry_hub, 1);
    ck_assert_uint_eq(expiry_warned.count, 1);
    ck_assert_int_eq(expiry_warned.remaining_ms, 1000);
    testing_pass(expiry_hub, 1000 + EXPIRY_GRACE);
    ck_assert(!expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

START_TEST(who_had_no_end_is_given_one)
{
    expiry_set_up(0);
    testing_pass(expiry_hub, 3000);
    expiry_extend(3000);
    testing_pass(expiry_hub, 2000);
    ck_assert_uint_eq(expiry_warned.count, 1);
    testing_pass(expiry_hub, 1000 + EXPIRY_GRACE);
    ck_assert(!expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

START_TEST(the_end_is_taken_away)
{
    expiry_set_up(3000);
    expiry_extend(0);
    testing_pass(expiry_hub, 20000);
    ck_assert_uint_eq(expiry_warned.count, 0);
    expiry_extend(2000);
    testing_pass(expiry_hub, 1500);
    ck_assert_uint_eq(expiry_warned.count, 1);
    expiry_extend(0); /* after the warning */
    testing_pass(expiry_hub, 20000);
    ck_assert_uint_eq(expiry_warned.count, 1);
    ck_assert(expiry_is_in(&expiry_peer));
    ck_assert_int_eq(expiry_hub->loops[0].expiry.due_ms, INT64_MAX);
    expiry_tear_down();
}
END_TEST

START_TEST(after_a_warning_it_is_armed_again)
{
    expiry_set_up(2000);
    for (unsigned i = 1; i <= 5; i++) {
        testing_pass(expiry_hub, 1500);
        ck_assert_uint_eq(expiry_warned.count, i);
        expiry_extend(2000);
        ck_assert_uint_eq(expiry_warned.count, i);
    }
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE - 1);
    ck_assert_uint_eq(expiry_warned.count, 6);
    ck_assert(expiry_is_in(&expiry_peer));
    testing_pass(expiry_hub, 1);
    ck_assert(!expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

START_TEST(in_its_grace_it_is_saved)
{
    expiry_set_up(2000);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE - 1);
    expiry_extend(10000);
    testing_pass(expiry_hub, 8999);
    ck_assert_uint_eq(expiry_warned.count, 1);
    testing_pass(expiry_hub, 1);
    ck_assert_uint_eq(expiry_warned.count, 2);
    testing_pass(expiry_hub, 1000 + EXPIRY_GRACE - 1);
    ck_assert(expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

/* Both are to be done in one turn. */
START_TEST(who_is_extended_in_the_last_moment_stays)
{
    expiry_set_up(2000);
    testing_pass(expiry_hub, 2000 + EXPIRY_GRACE - 1);
    testing_clock_advance(1);
    expiry_extend(10000);
    ck_assert(expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

START_TEST(to_less_than_the_warning_it_is_warned_soon)
{
    expiry_set_up(60000);
    expiry_extend(EXPIRY_WARNING - 300);
    ck_assert_uint_eq(expiry_warned.count, 1);
    ck_assert_int_eq(expiry_warned.remaining_ms, EXPIRY_WARNING - 300);
    testing_pass(expiry_hub, 100);
    ck_assert_uint_eq(expiry_warned.count, 1);
    expiry_extend(1);
    ck_assert_uint_eq(expiry_warned.count, 2);
    ck_assert_int_eq(expiry_warned.remaining_ms, 1);
    testing_pass(expiry_hub, EXPIRY_GRACE + 1);
    ck_assert(!expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

START_TEST(who_comes_with_less_than_the_warning_is_warned_at_once)
{
    expiry_set_up(10);
    ck_assert_uint_eq(expiry_warned.count, 1);
    ck_assert_int_eq(expiry_warned.remaining_ms, 10);
    testing_pass(expiry_hub, 9 + EXPIRY_GRACE);
    ck_assert(expiry_is_in(&expiry_peer));
    testing_pass(expiry_hub, 1);
    ck_assert(!expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

static int answer_by_extending(hub_t *hub, hub_id id)
{
    return hub_extend(hub, id, 5000);
}

START_TEST(a_warning_may_extend)
{
    expiry_set_up(2000);
    expiry_warned.answer = answer_by_extending;
    testing_pass(expiry_hub, 1000);
    ck_assert_uint_eq(expiry_warned.count, 1);
    ck_assert_int_eq(expiry_warned.answered, 0);
    testing_pass(expiry_hub, 3999);
    ck_assert_uint_eq(expiry_warned.count, 1);
    testing_pass(expiry_hub, 1);
    ck_assert_uint_eq(expiry_warned.count, 2);
    expiry_tear_down();
}
END_TEST

static int answer_by_closing(hub_t *hub, hub_id id)
{
    return hub_close(hub, id, 4000, NULL);
}

START_TEST(a_warning_may_close)
{
    expiry_set_up(2000);
    expiry_warned.answer = answer_by_closing;
    testing_pass(expiry_hub, 1000);
    ck_assert_int_eq(expiry_warned.answered, 0);
    testing_client_expect_close(&expiry_client, 4000);
    testing_pass(expiry_hub, 1000 + EXPIRY_GRACE);
    testing_client_close(&expiry_client);
    testing_settle(expiry_hub);
    expiry_check_closed(&expiry_peer, HUB_CLOSED_BY_HOST, 4000);
    expiry_tear_down();
}
END_TEST

START_TEST(a_stale_id_is_not_found)
{
    struct testing_client other_client;
    struct testing_peer other;
    hub_id stale;

    expiry_set_up(5000);
    stale = expiry_peer.id;
    ck_assert_int_eq(hub_unregister(expiry_hub, expiry_peer.id), 0);
    ck_assert_int_eq(hub_extend(expiry_hub, stale, 1), HUB_ENOENT);
    testing_settle(expiry_hub);
    expiry_join(&other_client, &other, 0); /* in the same slot */
    ck_assert_int_eq(hub_extend(expiry_hub, stale, 1), HUB_ENOENT);
    testing_pass(expiry_hub, 10000);
    ck_assert_uint_eq(expiry_warned.count, 0);
    ck_assert_uint_eq(other.closed, 0);
    ck_assert_int_eq(hub_extend(expiry_hub, (hub_id){0}, 1), HUB_ENOENT);
    expiry_tear_down();
    testing_client_close(&other_client);
}
END_TEST

START_TEST(arguments_have_to_make_sense)
{
    struct hub_member member = expiry_member(NULL, -1);
    int fd;

    expiry_set_up(0);
    ck_assert_int_eq(hub_extend(NULL, expiry_peer.id, 1), HUB_EINVAL);
    ck_assert_int_eq(hub_extend(expiry_hub, expiry_peer.id, -1), HUB_EINVAL);
    ck_assert_int_eq(hub_extend(expiry_hub, expiry_peer.id, INT64_MIN),
                     HUB_EINVAL);
    fd = dup(expiry_client.fd);
    ck_assert_int_eq(hub_adopt(expiry_hub, fd, &member, NULL), HUB_EINVAL);
    ck_assert_int_eq(close(fd), 0);
    member.deliver = testing_deliver;
    ck_assert_int_eq(hub_register(expiry_hub, &member, NULL), HUB_EINVAL);
    ck_assert_int_eq(hub_reserve(expiry_hub, &member, &member.place), 0);
    ck_assert_int_eq(hub_register(expiry_hub, &member, NULL), HUB_EINVAL);
    hub_release(expiry_hub, member.place);
    testing_pass(expiry_hub, 10000);
    ck_assert_uint_eq(expiry_warned.count, 0);
    expiry_tear_down();
}
END_TEST

START_TEST(the_longest_time_is_no_time_at_all)
{
    expiry_set_up(INT64_MAX);
    testing_pass(expiry_hub, 5000);
    expiry_extend(INT64_MAX);
    testing_pass(expiry_hub, 5000);
    ck_assert_uint_eq(expiry_warned.count, 0);
    ck_assert(expiry_is_in(&expiry_peer));
    expiry_tear_down();
}
END_TEST

START_TEST(a_place_has_no_time)
{
    struct hub_options options = expiry_options();
    struct hub_member member = expiry_member(&expiry_peer, 10);

    expiry_start(&options);
    member.deliver = testing_deliver;
    ck_assert_int_eq(hub_reserve(expiry_hub, &member, &member.place), 0);
    testing_pass(expiry_hub, 5000);
    member.expires_ms = 3000;
    ck_assert_int_eq(hub_register(expiry_hub, &member, NULL), 0);
    testing_pass(expiry_hub, 1999);
    ck_assert_uint_eq(expiry_warned.count, 0);
    testing_pass(expiry_hub, 1);
    ck_assert_uint_eq(expiry_warned.count, 1);
    expiry_client.fd = -1;
    expiry_tear_down();
}
END_TEST

START_TEST(a_hub_that_shuts_down_extends_nobody)
{
    expiry_set_up(5000);
    testing_client_send_close(&expiry_client, 1000, "");
    ck_assert_int_eq(hub_shutdown(expiry_hub, 1000), 0);
    ck_assert_int_eq(hub_extend(expiry_hub, expiry_peer.id, 1), HUB_ENOENT);
    expiry_tear_down();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        it_is_warned_and_then_closed,
        a_member_leaves_without_a_close_frame,
        without_an_end_there_is_none,
        what_was_queued_goes_first,
        what_the_turn_had_no_time_for_goes_first_too,
        who_hangs_up_first_has_done_so_itself,
        what_it_says_while_it_is_closed_does_not_count,
        who_is_closed_by_its_host_before_keeps_that_cause,
        who_is_out_of_the_hub_when_its_time_is_over_waits_for_the_hosts_post,
        it_is_extended_before_it_is_warned,
        it_is_shortened,
        who_had_no_end_is_given_one,
        the_end_is_taken_away,
        after_a_warning_it_is_armed_again,
        in_its_grace_it_is_saved,
        who_is_extended_in_the_last_moment_stays,
        to_less_than_the_warning_it_is_warned_soon,
        who_comes_with_less_than_the_warning_is_warned_at_once,
        a_warning_may_extend,
        a_warning_may_close,
        a_stale_id_is_not_found,
        arguments_have_to_make_sense,
        the_longest_time_is_no_time_at_all,
        a_place_has_no_time,
        a_hub_that_shuts_down_extends_nobody,
    };

    return testing_run("expiry", tests, TESTING_LENGTH(tests));
}
