/* check_drain.c - Close frames at a shutdown: how they are spread over time,
 * what they say, and connections that leave meanwhile. By a clock that only the
 * test moves.
 */
#include "loop/drain.h"

#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

#include "testing.h"

#define PEERS 200
#define WINDOW_MS PEERS /* at a thousand a second */
#define LATE_MS 100000  /* a deadline that does not matter */

static struct testing_client clients[PEERS];
static struct testing_peer peers[PEERS];
static hub_t *hub;

static void set_up(void)
{
    hub = testing_stage(NULL);
    for (int i = 0; i < PEERS; i++)
        testing_join(hub, &clients[i], &peers[i], "user", NULL);
}

static void tear_down(void)
{
    hub_destroy(hub);
    for (int i = 0; i < PEERS; i++) {
        testing_client_close(&clients[i]);
        ck_assert_uint_eq(peers[i].closed, 1);
        ck_assert_int_eq(peers[i].info.cause, HUB_CLOSED_SHUTDOWN);
        ck_assert_uint_eq(peers[i].wrong, 0);
    }
}

static void begin(int64_t timeout_ms)
{
    hub__drain_begin(&hub->loops[0].drain,
                     hub->loops[0].host.clock_ms + timeout_ms);
    testing_settle(hub);
}

static unsigned waiting(void)
{
    return (unsigned)testing_stats(hub).connections;
}

/* The figure in a Close frame. */
static long hint_of(const struct testing_received *frame)
{
    static const char begin_text[] = "shutting down; retry-after-ms=";
    char reason[HUB_REASON_BYTES_MAX + 1];
    char *end;
    long ms;

    ck_assert_uint_eq(frame->first_byte, TESTING_FIN_CLOSE);
    ck_assert_uint_gt(frame->bytes, 2);
    ck_assert_int_eq(frame->payload[0] << 8 | frame->payload[1], 1001);
    memcpy(reason, frame->payload + 2, frame->bytes - 2);
    reason[frame->bytes - 2] = '\0';
    ck_assert_int_eq(strncmp(reason, begin_text, sizeof begin_text - 1), 0);
    ms = strtol(reason + sizeof begin_text - 1, &end, 10);
    ck_assert_int_eq(*end, '\0');
    return ms;
}

START_TEST(closes_come_at_a_steady_rate)
{
    set_up();
    begin(LATE_MS);
    ck_assert_uint_eq(waiting(), PEERS);
    for (unsigned ms = 20; ms < WINDOW_MS; ms += 20) {
        testing_pass(hub, 20);
        ck_assert_uint_eq(waiting(), PEERS - ms);
    }
    testing_pass(hub, 20);
    ck_assert_uint_eq(waiting(), 0);
    tear_down();
}
END_TEST

START_TEST(the_loop_wakes_by_itself_for_the_next_ones)
{
    set_up();
    begin(LATE_MS);
    ck_assert_int_le(hub__drain_wait_ms(&hub->loops[0].drain), 20);
    testing_pass(hub, WINDOW_MS);
    ck_assert_int_eq(hub__drain_wait_ms(&hub->loops[0].drain),
                     LATE_MS - WINDOW_MS);
    tear_down();
}
END_TEST

/* Nothing else would wake it before the next tick. */
START_TEST(a_shutdown_sets_the_timer)
{
    struct hub__loop *loop;
    struct hub__chain chain = {0};
    struct itimerspec left;

    set_up();
    loop = &hub->loops[0];
    loop->shutdown->deadline_ms = loop->host.clock_ms + LATE_MS;
    hub__chain_add(&chain, loop->shutdown);
    loop->shutdown = NULL;
    hub__mailbox_post(&loop->mailbox, &chain);
    testing_settle(hub);
    ck_assert(loop->drain.begun);
    ck_assert_int_eq(timerfd_gettime(loop->timer_fd, &left), 0);
    ck_assert_int_eq(left.it_value.tv_sec, 0);
    ck_assert_int_le(left.it_value.tv_nsec, 20000000);
    tear_down();
}
END_TEST

START_TEST(little_time_makes_them_faster_and_leaves_half_of_it)
{
    set_up();
    begin(100);
    testing_pass(hub, 40);
    ck_assert_uint_eq(waiting(), PEERS / 5);
    testing_pass(hub, 10);
    ck_assert_uint_eq(waiting(), 0);
    for (int i = 0; i < PEERS; i++)
        ck_assert_uint_eq(peers[i].closed, 0);
    tear_down();
}
END_TEST

START_TEST(no_time_at_all_cuts_everybody_off)
{
    set_up();
    begin(0);
    ck_assert(hub->loops[0].drain.cut_off);
    ck_assert(hub->loops[0].drain.done);
    for (int i = 0; i < PEERS; i++)
        ck_assert_uint_eq(peers[i].closed, 1);
    tear_down();
}
END_TEST

static int by_value(const void *a, const void *b)
{
    long left = *(const long *)a, right = *(const long *)b;

    return (left > right) - (left < right);
}

/* Each is told to stay away until the last has been closed and a second more;
 * within another second after that they come back evenly. */
START_TEST(peers_are_told_to_come_back_one_after_the_other)
{
    struct testing_received frame;
    long back[PEERS];
    int count = 0;

    set_up();
    begin(LATE_MS);
    for (int ms = 10; ms <= WINDOW_MS; ms += 10) {
        testing_pass(hub, 10);
        for (int i = 0; i < PEERS; i++) {
            if (testing_client_receive(&clients[i], &frame))
                back[count++] = ms + hint_of(&frame);
        }
    }
    ck_assert_int_eq(count, PEERS);
    qsort(back, PEERS, sizeof back[0], by_value);
    ck_assert_int_ge(back[0], WINDOW_MS + 1000);
    ck_assert_int_le(back[PEERS - 1], WINDOW_MS + 2000);
    for (int i = 10; i < PEERS; i++)
        ck_assert_int_ge(back[i] - back[i - 10], 10); /* of 50 on average */
    tear_down();
}
END_TEST

START_TEST(who_waits_for_its_turn_gets_what_is_queued)
{
    set_up();
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("last")), PEERS);
    testing_settle(hub);
    begin(LATE_MS);
    testing_pass(hub, WINDOW_MS);
    for (int i = 0; i < PEERS; i++) {
        struct testing_received frame;

        testing_client_expect_text(&clients[i], "last");
        ck_assert(testing_client_receive(&clients[i], &frame));
        hint_of(&frame);
    }
    tear_down();
}
END_TEST

/* Peers leave at either side of the cursor, before and after their turn. */
START_TEST(nobody_is_missed_when_others_leave)
{
    uint64_t seed = 5;
    unsigned told = 0, left = 0;

    set_up();
    begin(LATE_MS);
    for (int step = 0; step < WINDOW_MS / 10; step++) {
        for (int i = 0; i < 5; i++) {
            unsigned who = (unsigned)(testing_random(&seed) % PEERS);

            if (peers[who].closed == 0)
                testing_client_send_close(&clients[who], 1000, "");
        }
        testing_pass(hub, 10);
    }
    ck_assert_uint_eq(waiting(), 0);
    for (int i = 0; i < PEERS; i++) {
        struct testing_received frame;

        ck_assert(testing_client_receive(&clients[i], &frame));
        ck_assert_uint_eq(frame.first_byte, TESTING_FIN_CLOSE);
        if (frame.bytes == 2)
            left++;
        else
            told++;
        ck_assert_uint_eq(peers[i].opened, 1);
    }
    ck_assert_uint_eq(told + left, PEERS);
    ck_assert_uint_gt(left, 10);
    ck_assert_uint_gt(told, 10);
    hub_destroy(hub);
    for (int i = 0; i < PEERS; i++) {
        testing_client_close(&clients[i]);
        ck_assert_uint_eq(peers[i].closed, 1);
    }
}
END_TEST

/* Nor do they take time from those who are to be spread. */
START_TEST(members_of_the_process_wait_for_no_turn)
{
    struct testing_peer members[PEERS] = {{.id = {0}}};

    set_up();
    for (int i = 0; i < PEERS; i++)
        testing_enter(hub, &members[i], "member", NULL);
    begin(LATE_MS);
    for (int i = 0; i < PEERS; i++) {
        ck_assert_uint_eq(members[i].closed, 1);
        ck_assert_int_eq(members[i].info.cause, HUB_CLOSED_SHUTDOWN);
        ck_assert_int_eq(members[i].info.code, 1001);
    }
    ck_assert_uint_eq(waiting(), PEERS);
    testing_pass(hub, WINDOW_MS / 2);
    ck_assert_uint_eq(waiting(), PEERS / 2);
    testing_pass(hub, WINDOW_MS / 2);
    ck_assert_uint_eq(waiting(), 0);
    tear_down();
}
END_TEST

START_TEST(most_leave_at_once_before_their_turn)
{
    const struct hub__loop *loop;

    set_up();
    loop = &hub->loops[0];
    begin(LATE_MS);
    for (int i = 20; i < PEERS; i++)
        testing_client_close(&clients[i]);
    testing_pass(hub, 10);
    ck_assert_uint_eq(loop->host.conn_count, 20);
    ck_assert_uint_eq(loop->drain.cursor, 20); /* nobody is beyond it */
    testing_pass(hub, WINDOW_MS);
    ck_assert_uint_eq(waiting(), 0);
    hub_destroy(hub);
    for (int i = 0; i < PEERS; i++) {
        ck_assert_uint_eq(peers[i].closed, 1);
        if (i < 20)
            testing_client_close(&clients[i]);
    }
}
END_TEST

START_TEST(an_empty_loop_is_done_at_once)
{
    hub = testing_stage(NULL);
    begin(LATE_MS);
    ck_assert(hub->loops[0].drain.done);
    ck_assert(!hub->loops[0].drain.cut_off);
    ck_assert_int_eq(hub__drain_wait_ms(&hub->loops[0].drain), INT64_MAX);
    hub_destroy(hub);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        closes_come_at_a_steady_rate,
        the_loop_wakes_by_itself_for_the_next_ones,
        a_shutdown_sets_the_timer,
        little_time_makes_them_faster_and_leaves_half_of_it,
        no_time_at_all_cuts_everybody_off,
        peers_are_told_to_come_back_one_after_the_other,
        who_waits_for_its_turn_gets_what_is_queued,
        nobody_is_missed_when_others_leave,
        members_of_the_process_wait_for_no_turn,
        most_leave_at_once_before_their_turn,
        an_empty_loop_is_done_at_once,
    };

    return testing_run("drain", tests, TESTING_LENGTH(tests));
}
