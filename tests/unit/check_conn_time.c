/* check_conn_time.c - heartbeat and deadlines by a clock that only the test
 * moves: just below and at each limit, and after the process was suspended.
 */
#include "loop/conn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "testing.h"

#define PING 1000
#define PONG 400
#define WRITE 500
#define MESSAGE 2000
#define CLOSE 300
#define SLACK 100 /* a tick, and a step of the clock */

static struct testing_client client;
static struct testing_peer peer;
static hub_t *hub;

static struct hub_options short_limits(void)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.ping_interval_ms = PING;
    options.pong_timeout_ms = PONG;
    options.write_timeout_ms = WRITE;
    options.message_timeout_ms = MESSAGE;
    options.close_timeout_ms = CLOSE;
    options.slow_consumer = HUB_SLOW_DROP_NEWEST;
    return options;
}

static void set_up(void)
{
    struct hub_options options = short_limits();

    hub = testing_stage(&options);
    testing_join(hub, &client, &peer, "user", NULL);
}

/* With a connection that is blocked behind a small buffer. */
static void set_up_blocked(void)
{
    struct hub_options options = short_limits();
    struct hub_member member = HUB_MEMBER_INIT;
    int fd = testing_client_open(&client);

    hub = testing_stage(&options);
    testing_shrink_buffers(fd, 8192);
    peer = (struct testing_peer){.id = {0}};
    member.user_id = "blocked";
    member.data = &peer;
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), 0);
    testing_settle(hub);
    testing_block(hub, &peer, 200000);
}

static void tear_down(void)
{
    hub_destroy(hub);
    testing_client_close(&client);
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_uint_eq(peer.wrong, 0);
}

static void check_closed(enum hub_close_cause cause, int code)
{
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_str_eq(hub_close_cause_name(peer.info.cause),
                     hub_close_cause_name(cause));
    ck_assert_int_eq(peer.info.code, code);
}

static void expect_ping(void)
{
    testing_client_expect(&client, TESTING_FIN_PING, "", 0);
}

static void send_pong(void)
{
    testing_client_send(&client, TESTING_FIN_PONG, "", 0);
    testing_settle(hub);
}

/* The heartbeat. ------------------------------------------------------ */

START_TEST(a_silent_connection_is_pinged_after_the_interval)
{
    set_up();
    testing_pass(hub, PING - SLACK);
    testing_client_expect_nothing(&client);
    testing_pass(hub, SLACK);
    expect_ping();
    testing_client_expect_nothing(&client);
    tear_down();
}
END_TEST

START_TEST(an_answer_keeps_it_for_another_interval)
{
    set_up();
    for (int round = 0; round < 5; round++) {
        testing_pass(hub, PING);
        expect_ping();
        testing_client_expect_nothing(&client);
        testing_pass(hub, PONG - SLACK);
        send_pong();
    }
    testing_pass(hub, PONG + SLACK);
    ck_assert_uint_eq(peer.closed, 0);
    tear_down();
}
END_TEST

START_TEST(no_byte_after_a_ping_ends_it)
{
    set_up();
    testing_pass(hub, PING);
    expect_ping();
    testing_pass(hub, PONG - SLACK);
    ck_assert_uint_eq(peer.closed, 0);
    testing_pass(hub, SLACK);
    check_closed(HUB_CLOSED_PONG_TIMEOUT, 1006);
    ck_assert(testing_client_at_end(&client)); /* without a Close frame */
    tear_down();
}
END_TEST

START_TEST(any_byte_is_an_answer)
{
    set_up();
    testing_pass(hub, PING);
    expect_ping();
    testing_client_send_raw(&client, "\x81", 1); /* the start of a frame */
    testing_settle(hub);
    testing_pass(hub, PONG + SLACK);
    ck_assert_uint_eq(peer.closed, 0);
    tear_down();
}
END_TEST

START_TEST(who_talks_is_not_pinged)
{
    set_up();
    for (int i = 0; i < 10; i++) {
        testing_pass(hub, PING / 2);
        testing_client_send(&client, TESTING_FIN_TEXT, "x", 1);
        testing_settle(hub);
    }
    testing_client_expect_nothing(&client);
    tear_down();
}
END_TEST

START_TEST(what_we_send_is_no_proof_of_life)
{
    set_up();
    for (int i = 0; i < 15 && peer.closed == 0; i++) {
        hub_broadcast(hub, HUB_TEXT_OF("are you there?"));
        testing_pass(hub, 100);
    }
    check_closed(HUB_CLOSED_PONG_TIMEOUT, 1006);
    tear_down();
}
END_TEST

START_TEST(a_member_with_a_callback_is_never_pinged)
{
    struct testing_peer member;

    set_up();
    testing_enter(hub, &member, "member", NULL);
    testing_pass(hub, 3 * (PING + PONG));
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_uint_eq(member.closed, 0);
    ck_assert_uint_eq(member.delivered, 0);
    tear_down();
}
END_TEST

/* Lets time pass for a peer that shows life, but reads nothing. */
static void pass_talking(int64_t ms)
{
    for (; ms > 0 && peer.closed == 0; ms -= 50) {
        testing_client_send(&client, TESTING_FIN_PONG, "", 0);
        testing_pass(hub, 50);
    }
}

/* A pause of the process. --------------------------------------------- */

static void pause_for(int64_t ms)
{
    testing_clock_advance(ms);
    testing_settle(hub);
}

START_TEST(after_a_pause_there_is_a_ping_first)
{
    set_up();
    testing_pass(hub, PING / 2);
    pause_for(60000);
    ck_assert_uint_eq(peer.closed, 0);
    expect_ping();
    testing_pass(hub, PONG - SLACK);
    ck_assert_uint_eq(peer.closed, 0);
    send_pong();
    testing_pass(hub, PING - SLACK);
    ck_assert_uint_eq(peer.closed, 0);
    tear_down();
}
END_TEST

START_TEST(a_pause_behind_a_ping_is_followed_by_another)
{
    set_up();
    testing_pass(hub, PING + PONG - SLACK);
    expect_ping();
    testing_client_expect_nothing(&client);
    pause_for(60000);
    ck_assert_uint_eq(peer.closed, 0);
    expect_ping();
    testing_pass(hub, PONG - SLACK);
    ck_assert_uint_eq(peer.closed, 0);
    testing_pass(hub, SLACK);
    check_closed(HUB_CLOSED_PONG_TIMEOUT, 1006);
    tear_down();
}
END_TEST

START_TEST(a_pause_is_no_time_in_which_a_peer_took_nothing)
{
    set_up_blocked();
    testing_pass(hub, WRITE - SLACK);
    pause_for(60000);
    ck_assert_uint_eq(peer.closed, 0);
    pass_talking(WRITE + SLACK);
    check_closed(HUB_CLOSED_WRITE_TIMEOUT, 1006);
    tear_down();
}
END_TEST

/* Deadlines. ---------------------------------------------------------- */

START_TEST(who_takes_no_byte_for_long_is_cut)
{
    set_up_blocked();
    testing_pass(hub, WRITE - SLACK);
    ck_assert_uint_eq(peer.closed, 0);
    testing_pass(hub, SLACK);
    check_closed(HUB_CLOSED_WRITE_TIMEOUT, 1006);
    tear_down();
}
END_TEST

/* Reads what the kernel holds, of whatever frames. */
static void read_some(void)
{
    static uint8_t buffer[65536];

    ck_assert_int_gt(recv(client.fd, buffer, sizeof buffer, 0), 0);
    testing_settle(hub);
}

START_TEST(progress_of_a_blocked_write_counts_as_life)
{
    set_up_blocked();
    for (int i = 0; i < 8; i++) {
        testing_pass(hub, WRITE - SLACK);
        read_some();
        ck_assert_uint_eq(peer.closed, 0);
    }
    testing_pass(hub, WRITE);
    check_closed(HUB_CLOSED_WRITE_TIMEOUT, 1006);
    tear_down();
}
END_TEST

START_TEST(a_blocked_peer_that_talks_is_cut_all_the_same)
{
    set_up_blocked();
    pass_talking(WRITE + SLACK);
    check_closed(HUB_CLOSED_WRITE_TIMEOUT, 1006);
    tear_down();
}
END_TEST

START_TEST(a_message_has_to_come_in_time)
{
    set_up();
    testing_client_send(&client, 0x01, "begun", 5);
    testing_settle(hub);
    for (int i = 0; i < (MESSAGE - SLACK) / 100; i++) {
        testing_client_send(&client, 0x00, ".", 1);
        testing_pass(hub, 100);
    }
    testing_client_expect_nothing(&client);
    testing_pass(hub, SLACK);
    testing_client_expect_close(&client, 1008);
    testing_client_close(&client);
    testing_settle(hub);
    check_closed(HUB_CLOSED_PROTOCOL_ERROR, 1008);
    tear_down();
}
END_TEST

START_TEST(half_a_header_has_to_be_followed_in_time)
{
    set_up();
    for (int i = 0; i < MESSAGE / 100 + 2; i++) {
        testing_client_send(&client, TESTING_FIN_PONG, "", 0);
        testing_client_send_raw(&client, "\x8A\x80mas", 5);
        testing_pass(hub, 50);
        testing_client_send_raw(&client, "k", 1);
        testing_pass(hub, 50);
    }
    ck_assert_uint_eq(peer.closed, 0); /* each was completed */
    testing_client_send_raw(&client, "\x8A", 1);
    testing_settle(hub);
    testing_pass(hub, PING);
    expect_ping();
    testing_client_send_raw(&client, "\x80m", 2);
    testing_pass(hub, MESSAGE - PING);
    testing_client_expect_close(&client, 1008);
    tear_down();
}
END_TEST

/* Each piece holds the end of one message and the start of the next. */
START_TEST(a_steady_stream_of_messages_is_not_one_long_message)
{
    uint8_t frame[64];
    size_t bytes = testing_frame(frame, TESTING_FIN_TEXT, "steady", 6);

    set_up();
    testing_client_send_raw(&client, frame, 5);
    for (int i = 0; i < 2 * MESSAGE / 100; i++) {
        testing_pass(hub, 100);
        testing_client_send_raw(&client, frame + 5, bytes - 5);
        testing_client_send_raw(&client, frame, 5);
        testing_settle(hub);
    }
    ck_assert_uint_eq(peer.messages, 2 * MESSAGE / 100);
    testing_client_expect_nothing(&client);
    ck_assert_uint_eq(peer.closed, 0);
    tear_down();
}
END_TEST

START_TEST(a_close_has_to_be_answered_in_time)
{
    set_up();
    ck_assert_int_eq(hub_close(hub, peer.id, 4000, NULL), 0);
    testing_settle(hub);
    testing_pass(hub, CLOSE - SLACK);
    ck_assert_uint_eq(peer.closed, 0);
    testing_pass(hub, SLACK);
    check_closed(HUB_CLOSED_BY_HOST, 4000);
    testing_client_expect_close(&client, 4000);
    ck_assert(testing_client_at_end(&client));
    tear_down();
}
END_TEST

/* What was queued before a close is promised: whoever keeps reading gets it,
 * however long that takes. */
START_TEST(who_reads_on_is_not_cut_while_closing)
{
    set_up_blocked();
    ck_assert_int_eq(hub_close(hub, peer.id, 4000, NULL), 0);
    testing_settle(hub);
    for (int i = 0; i < 4; i++) {
        testing_pass(hub, CLOSE - SLACK);
        read_some();
        ck_assert_uint_eq(peer.closed, 0);
    }
    testing_pass(hub, CLOSE);
    check_closed(HUB_CLOSED_BY_HOST, 4000);
    tear_down();
}
END_TEST

/* The same when all of it is in the kernel's hands already. */
START_TEST(who_takes_what_the_kernel_holds_is_not_cut_while_closing)
{
    static char text[10001], frame[10004]; /* a header of 4 bytes */

    memset(text, 'x', sizeof text - 1);
    set_up();
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF(text)), 1);
        testing_settle(hub);
    }
    ck_assert_int_eq(hub_close(hub, peer.id, 4000, NULL), 0);
    testing_settle(hub);
    for (int i = 0; i < 4; i++) {
        testing_pass(hub, CLOSE - SLACK);
        ck_assert_int_gt(recv(client.fd, frame, sizeof frame, 0), 0);
        ck_assert_uint_eq(peer.closed, 0);
    }
    testing_pass(hub, CLOSE);
    testing_pass(hub, SLACK);
    check_closed(HUB_CLOSED_BY_HOST, 4000);
    tear_down();
}
END_TEST

START_TEST(who_broke_the_protocol_has_to_hang_up_in_time)
{
    set_up();
    testing_client_send_raw(&client, "\xFF", 1);
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 0);
    for (int i = 0; i < 10 && peer.closed == 0; i++) {
        testing_client_send_raw(&client, "more", 4);
        testing_pass(hub, 50);
    }
    check_closed(HUB_CLOSED_PROTOCOL_ERROR, 1002);
    tear_down();
}
END_TEST

START_TEST(limits_of_any_size_are_taken)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.ping_interval_ms = options.pong_timeout_ms = ~0u;
    options.write_timeout_ms = options.message_timeout_ms = ~0u;
    options.close_timeout_ms = ~0u;
    hub = testing_stage(&options);
    testing_join(hub, &client, &peer, "patient", NULL);
    for (int i = 0; i < 100; i++) {
        testing_clock_advance(1000);
        testing_settle(hub);
    }
    testing_client_expect_nothing(&client);
    tear_down();

    options.ping_interval_ms = options.pong_timeout_ms = 1;
    hub = testing_stage(&options);
    testing_join(hub, &client, &peer, "impatient", NULL);
    testing_pass(hub, 100);
    check_closed(HUB_CLOSED_PONG_TIMEOUT, 1006);
    tear_down();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_silent_connection_is_pinged_after_the_interval,
        an_answer_keeps_it_for_another_interval,
        no_byte_after_a_ping_ends_it,
        any_byte_is_an_answer,
        who_talks_is_not_pinged,
        what_we_send_is_no_proof_of_life,
        a_member_with_a_callback_is_never_pinged,
        after_a_pause_there_is_a_ping_first,
        a_pause_behind_a_ping_is_followed_by_another,
        a_pause_is_no_time_in_which_a_peer_took_nothing,
        who_takes_no_byte_for_long_is_cut,
        progress_of_a_blocked_write_counts_as_life,
        a_blocked_peer_that_talks_is_cut_all_the_same,
        a_message_has_to_come_in_time,
        half_a_header_has_to_be_followed_in_time,
        a_steady_stream_of_messages_is_not_one_long_message,
        a_close_has_to_be_answered_in_time,
        who_reads_on_is_not_cut_while_closing,
        who_takes_what_the_kernel_holds_is_not_cut_while_closing,
        who_broke_the_protocol_has_to_hang_up_in_time,
        limits_of_any_size_are_taken,
    };

    return testing_run("conn_time", tests, TESTING_LENGTH(tests));
}
