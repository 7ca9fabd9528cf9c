/* check_soak_judge.c - histories in which one thing is wrong, which the judge
 * has to find, and histories in which nothing is, in which it must find
 * nothing.
 */
#include <check.h>

#include "judge.h"
#include "suite.h"

#define CLIENTS 6
#define USERS 3
#define SESSIONS 2
#define LATE_NS 1000
#define ADA 0
#define BOB 1
#define EVE 2
#define ABSENT 7
#define NONE LETTER_ANY

static struct judge j;

static void set_up(void)
{
    ck_assert_int_eq(judge_init(&j, CLIENTS, USERS, SESSIONS, LATE_NS), 0);
}

static void tear_down(void)
{
    judge_fini(&j);
}

static void enter(uint32_t client, uint16_t user, uint16_t session)
{
    judge_coming(&j, client, user, session, true);
    judge_staying(&j, client);
}

/* Two of ada's, in sessions 0 and 1, and one of bob's in session 1. */
static void enter_three(void)
{
    enter(0, ADA, 0);
    enter(1, ADA, 1);
    enter(2, BOB, 1);
}

static struct letter launch_on(uint8_t lane, uint16_t user, uint16_t session,
                               bool forbidden)
{
    struct letter l = {
        .lane = lane, .bytes = 100, .user = user, .session = session};

    judge_launch(&j, &l, forbidden, 0);
    return l;
}

static struct letter launch(uint16_t user, uint16_t session)
{
    return launch_on(0, user, session, false);
}

static void answer(struct letter l, long recipients)
{
    judge_answer(&j, l.number, 200, recipients);
}

static void deliver(uint32_t client, struct letter l)
{
    judge_deliver(&j, client, &l, 1);
}

/* The one wrong there is. */
#define assert_wrong(name, times)                                              \
    do {                                                                       \
        judge_finish(&j);                                                      \
        ck_assert_uint_eq(j.counts.name, times);                               \
        ck_assert_uint_eq(judge_wrongs(&j), times);                            \
        ck_assert_uint_eq(j.fault_count, times);                               \
    } while (0)

static void assert_right(void)
{
    judge_finish(&j);
    ck_assert_msg(judge_wrongs(&j) == 0, "%s", j.faults[0]);
    ck_assert_uint_eq(j.waiting, 0);
    ck_assert_uint_eq(j.flying_bytes, 0);
}

START_TEST(a_history_without_a_flaw_is_right)
{
    struct letter all, user, session, both, nobody;

    enter_three();
    all = launch(NONE, NONE);
    user = launch_on(1, ADA, NONE, false);
    session = launch_on(2, NONE, 1, false);
    both = launch_on(3, ADA, 1, false);
    nobody = launch_on(4, ABSENT, NONE, false);
    ck_assert_uint_eq(j.waiting, 3 + 2 + 2 + 3);
    ck_assert_uint_eq(j.flying_bytes, 400);
    for (uint32_t i = 0; i < 3; i++) {
        deliver(i, both);
        deliver(i, all);
    }
    deliver(0, user);
    deliver(1, user);
    deliver(1, session);
    deliver(2, session);
    answer(all, 3);
    answer(user, 2);
    answer(session, 2);
    answer(both, 3);
    answer(nobody, 0);
    ck_assert_uint_eq(j.counts.exact, 5);
    ck_assert_uint_eq(j.counts.delivered, 10);
    ck_assert_uint_eq(j.counts.voluntary, 0);
    ck_assert_uint_eq(j.latency.count, 10);
    assert_right();
}
END_TEST

START_TEST(what_does_not_come_is_lost)
{
    struct letter l;

    enter_three();
    l = launch(NONE, NONE);
    answer(l, 3);
    deliver(0, l);
    deliver(2, l);
    assert_wrong(lost, 1);
}
END_TEST

START_TEST(what_does_not_come_in_time_is_lost_before_the_end)
{
    struct letter l;

    enter_three();
    l = launch(ADA, NONE);
    answer(l, 2);
    deliver(0, l);
    judge_expire(&j, 0);
    ck_assert_uint_eq(j.counts.lost, 0);
    judge_expire(&j, 1);
    ck_assert_uint_eq(j.counts.lost, 1);
    ck_assert_uint_eq(j.flying_bytes, 0);
    deliver(1, l);
    ck_assert_uint_eq(j.counts.late, 1);
}
END_TEST

START_TEST(what_was_overtaken_is_lost_though_its_client_left)
{
    struct letter first, second;

    enter(0, ADA, NONE);
    first = launch(ADA, NONE);
    answer(first, 1);
    second = launch(ADA, NONE);
    answer(second, 1);
    deliver(0, second);
    judge_leaving(&j, 0);
    judge_away(&j, 0, NULL, false);
    assert_wrong(lost, 1);
}
END_TEST

START_TEST(what_comes_twice_is_duplicated)
{
    struct letter l;

    enter_three();
    l = launch(BOB, NONE);
    answer(l, 1);
    deliver(2, l);
    deliver(2, l);
    assert_wrong(duplicated, 1);
}
END_TEST

START_TEST(a_lane_out_of_order_is_misordered)
{
    struct letter first, second;

    enter_three();
    first = launch(BOB, NONE);
    answer(first, 1);
    second = launch(NONE, NONE);
    answer(second, 3);
    deliver(0, second);
    deliver(1, second);
    deliver(2, second);
    deliver(2, first);
    assert_wrong(misordered, 1);
}
END_TEST

START_TEST(nothing_is_promised_across_lanes)
{
    struct letter first, second;

    enter(0, ADA, NONE);
    first = launch_on(0, ADA, NONE, false);
    answer(first, 1);
    second = launch_on(1, ADA, NONE, false);
    answer(second, 1);
    deliver(0, second);
    deliver(0, first);
    assert_right();
}
END_TEST

START_TEST(what_was_never_posted_so_is_altered)
{
    struct letter l, changed[6];

    enter(0, ADA, NONE);
    l = launch(ADA, NONE);
    answer(l, 1);
    for (int i = 0; i < 6; i++)
        changed[i] = l;
    changed[0].number += 5;
    changed[1].lane++;
    changed[2].seq++;
    changed[3].bytes++;
    changed[4].user = NONE;
    changed[5].stamped = true;
    for (int i = 0; i < 6; i++)
        deliver(0, changed[i]);
    judge_altered(&j, 0);
    deliver(0, l);
    assert_wrong(altered, 7);
}
END_TEST

START_TEST(what_is_for_somebody_else_is_misrouted)
{
    struct letter user, session;

    enter_three();
    user = launch(ADA, NONE);
    answer(user, 2);
    session = launch(NONE, 1);
    answer(session, 2);
    deliver(0, user);
    deliver(1, user);
    deliver(2, user);
    deliver(1, session);
    deliver(2, session);
    deliver(0, session);
    assert_wrong(misrouted, 2);
}
END_TEST

START_TEST(what_was_over_before_a_client_came_is_misrouted)
{
    struct letter l;

    enter(0, ADA, NONE);
    l = launch(ADA, NONE);
    deliver(0, l);
    answer(l, 1);
    enter(1, ADA, NONE);
    deliver(1, l);
    assert_wrong(misrouted, 1);
}
END_TEST

START_TEST(who_comes_or_leaves_may_get_it_or_not)
{
    struct letter before, during, last;

    enter(0, ADA, NONE);
    before = launch_on(0, ADA, NONE, false);
    judge_coming(&j, 1, ADA, NONE, true);
    judge_coming(&j, 2, ADA, NONE, true);
    during = launch_on(1, ADA, NONE, false);
    judge_staying(&j, 1);
    judge_staying(&j, 2);
    deliver(1, before);
    deliver(1, during);
    answer(before, 2);
    answer(during, 1);
    deliver(0, before);
    deliver(0, during);
    judge_leaving(&j, 1);
    judge_leaving(&j, 2);
    last = launch(ADA, NONE);
    deliver(1, last);
    deliver(0, last);
    answer(last, 2);
    judge_away(&j, 1, NULL, false);
    judge_away(&j, 2, NULL, false);
    ck_assert_uint_eq(j.counts.voluntary, 3);
    ck_assert_uint_eq(j.counts.exact, 0);
    assert_right();
}
END_TEST

START_TEST(who_comes_gets_nothing_twice_either)
{
    struct letter l;

    judge_coming(&j, 0, ADA, NONE, true);
    l = launch(ADA, NONE);
    deliver(0, l);
    deliver(0, l);
    answer(l, 1);
    assert_wrong(duplicated, 1);
}
END_TEST

START_TEST(what_is_on_its_way_to_one_who_leaves_is_forgiven)
{
    struct letter l;

    enter(0, ADA, NONE);
    l = launch(ADA, NONE);
    answer(l, 1);
    judge_leaving(&j, 0);
    judge_away(&j, 0, NULL, true);
    ck_assert_uint_eq(j.counts.forgiven, 1);
    assert_right();
}
END_TEST

START_TEST(one_whom_the_hub_ends_was_closed_early)
{
    enter(0, ADA, NONE);
    judge_away(&j, 0, "Close 1013", false);
    assert_wrong(closed_early, 1);
}
END_TEST

START_TEST(what_was_due_to_one_whom_the_hub_ends_is_lost)
{
    struct letter l;

    enter(0, ADA, NONE);
    l = launch(ADA, NONE);
    answer(l, 1);
    judge_away(&j, 0, "end of stream", false);
    ck_assert_uint_eq(j.counts.lost, 1);
    ck_assert_uint_eq(j.counts.closed_early, 1);
}
END_TEST

START_TEST(one_who_provokes_the_hub_may_be_ended_but_not_served_wrongly)
{
    struct letter first, second;

    judge_coming(&j, 0, EVE, NONE, false);
    judge_staying(&j, 0);
    first = launch(EVE, NONE);
    answer(first, 1);
    second = launch(EVE, NONE);
    answer(second, 0);
    ck_assert_uint_eq(j.flying_bytes, 0);
    deliver(0, first);
    judge_away(&j, 0, "Close 1013", false);
    ck_assert_uint_eq(judge_wrongs(&j), 0);

    judge_coming(&j, 0, EVE, NONE, false);
    judge_staying(&j, 0);
    first = launch(EVE, NONE);
    answer(first, 1);
    second = launch(EVE, NONE);
    answer(second, 1);
    deliver(0, second);
    judge_away(&j, 0, "Close 1013", false);
    assert_wrong(lost, 1);
}
END_TEST

START_TEST(a_message_that_had_to_be_refused_must_not_be_accepted_nor_come)
{
    struct letter accepted, delivered, fine;

    enter(0, ADA, NONE);
    accepted = launch_on(0, ADA, NONE, true);
    answer(accepted, 1);
    delivered = launch_on(1, ADA, NONE, true);
    judge_answer(&j, delivered.number, 400, 0);
    deliver(0, delivered);
    fine = launch_on(2, ADA, NONE, true);
    judge_answer(&j, fine.number, 413, 0);
    assert_wrong(unasked, 2);
}
END_TEST

START_TEST(what_is_refused_though_it_is_good_must_not_come_either)
{
    struct letter before, after, fine;

    enter(0, ADA, NONE);
    before = launch_on(0, ADA, NONE, false);
    deliver(0, before);
    judge_answer(&j, before.number, 503, 0);
    after = launch_on(1, ADA, NONE, false);
    judge_answer(&j, after.number, 503, 0);
    deliver(0, after);
    fine = launch_on(2, ADA, NONE, false);
    judge_answer(&j, fine.number, 503, 0);
    assert_wrong(unasked, 2);
}
END_TEST

START_TEST(recipients_must_be_as_many_as_there_are)
{
    static const long wrong[] = {0, 1, 3, -1};

    enter_three();
    for (int i = 0; i < 4; i++) {
        struct letter l = launch(NONE, 1);

        deliver(1, l);
        deliver(2, l);
        answer(l, wrong[i]);
    }
    assert_wrong(miscounted, 4);
}
END_TEST

START_TEST(recipients_may_include_those_who_come_or_leave)
{
    enter(0, ADA, NONE);
    enter(1, ADA, NONE);
    for (long recipients = 0; recipients <= 5; recipients++) {
        struct letter l;

        judge_coming(&j, 2, ADA, NONE, true); /* present before */
        l = launch(ADA, NONE);
        judge_leaving(&j, 1);
        judge_coming(&j, 3, ADA, NONE, true); /* and after */
        answer(l, recipients);
        ck_assert_uint_eq(j.counts.miscounted, recipients < 5 ? 1 : 2);
        judge_away(&j, 1, NULL, false);
        judge_away(&j, 2, NULL, false);
        judge_away(&j, 3, NULL, false);
        deliver(0, l);
        enter(1, ADA, NONE);
    }
    assert_wrong(miscounted, 2);
}
END_TEST

START_TEST(one_who_vanished_may_be_counted_until_it_is_forgotten)
{
    struct letter l;

    enter(0, ADA, NONE);
    judge_leaving(&j, 0);
    judge_away(&j, 0, NULL, true);
    l = launch(ADA, NONE);
    answer(l, 1);
    judge_forget(&j, (struct judge_audience){ADA, NONE});
    l = launch(ADA, NONE);
    answer(l, 0);
    ck_assert_uint_eq(judge_wrongs(&j), 0);
    l = launch(ADA, NONE);
    answer(l, 1);
    assert_wrong(miscounted, 1);
}
END_TEST

START_TEST(what_takes_longer_than_it_may_is_late)
{
    struct letter l;

    enter(0, ADA, NONE);
    l = launch(ADA, NONE);
    answer(l, 1);
    judge_deliver(&j, 0, &l, LATE_NS);
    ck_assert_uint_eq(judge_wrongs(&j), 0);
    l = launch(ADA, NONE);
    answer(l, 1);
    judge_deliver(&j, 0, &l, LATE_NS + 1);
    assert_wrong(late, 1);
}
END_TEST

START_TEST(a_drain_may_close_everybody_behind_what_was_accepted)
{
    struct letter in, out;

    enter(0, ADA, NONE);
    enter(1, ADA, NONE);
    judge_drain(&j);
    in = launch_on(0, ADA, NONE, false);
    out = launch_on(1, ADA, NONE, false);
    judge_away(&j, 0, "Close 1001", false);
    deliver(1, in);
    answer(in, 1); /* without the one that it had closed */
    judge_answer(&j, out.number, 503, 0);
    judge_away(&j, 1, "Close 1001", false);
    assert_right();
}
END_TEST

START_TEST(what_a_drain_accepted_and_did_not_deliver_is_lost)
{
    struct letter l;

    enter(0, ADA, NONE);
    enter(1, ADA, NONE);
    enter(2, ADA, NONE);
    judge_drain(&j);
    l = launch(ADA, NONE);
    answer(l, 3);
    deliver(0, l);
    for (uint32_t i = 0; i < 3; i++)
        judge_away(&j, i, "Close 1001", false);
    judge_finish(&j);
    ck_assert_uint_eq(j.counts.lost, 2);
    ck_assert_uint_eq(judge_wrongs(&j), 2);
}
END_TEST

START_TEST(many_messages_to_one_who_does_not_read_are_remembered)
{
    struct letter letters[1000];

    judge_coming(&j, 0, EVE, NONE, false);
    judge_staying(&j, 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 1000; i++)
            answer(letters[i] = launch(EVE, NONE), 1);
        for (int i = 0; i < 1000; i++)
            deliver(0, letters[i]);
    }
    ck_assert_uint_eq(j.clients[0].waiting, 0);
    assert_right();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("soak_judge");
    TCase *tc = tcase_create("soak_judge");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_history_without_a_flaw_is_right);
    tcase_add_test(tc, what_does_not_come_is_lost);
    tcase_add_test(tc, what_does_not_come_in_time_is_lost_before_the_end);
    tcase_add_test(tc, what_was_overtaken_is_lost_though_its_client_left);
    tcase_add_test(tc, what_comes_twice_is_duplicated);
    tcase_add_test(tc, a_lane_out_of_order_is_misordered);
    tcase_add_test(tc, nothing_is_promised_across_lanes);
    tcase_add_test(tc, what_was_never_posted_so_is_altered);
    tcase_add_test(tc, what_is_for_somebody_else_is_misrouted);
    tcase_add_test(tc, what_was_over_before_a_client_came_is_misrouted);
    tcase_add_test(tc, who_comes_or_leaves_may_get_it_or_not);
    tcase_add_test(tc, who_comes_gets_nothing_twice_either);
    tcase_add_test(tc, what_is_on_its_way_to_one_who_leaves_is_forgiven);
    tcase_add_test(tc, one_whom_the_hub_ends_was_closed_early);
    tcase_add_test(tc, what_was_due_to_one_whom_the_hub_ends_is_lost);
    tcase_add_test(
        tc, one_who_provokes_the_hub_may_be_ended_but_not_served_wrongly);
    tcase_add_test(
        tc, a_message_that_had_to_be_refused_must_not_be_accepted_nor_come);
    tcase_add_test(tc, what_is_refused_though_it_is_good_must_not_come_either);
    tcase_add_test(tc, recipients_must_be_as_many_as_there_are);
    tcase_add_test(tc, recipients_may_include_those_who_come_or_leave);
    tcase_add_test(tc, one_who_vanished_may_be_counted_until_it_is_forgotten);
    tcase_add_test(tc, what_takes_longer_than_it_may_is_late);
    tcase_add_test(tc, a_drain_may_close_everybody_behind_what_was_accepted);
    tcase_add_test(tc, what_a_drain_accepted_and_did_not_deliver_is_lost);
    tcase_add_test(tc, many_messages_to_one_who_does_not_read_are_remembered);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
