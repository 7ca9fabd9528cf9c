/* check_conn_rate.c - how much a peer may send: messages, pings and pongs by
 * the rate, a burst after silence, and what becomes of a flood.
 */
#include "loop/conn.h"

#include <string.h>

#include "testing.h"

#define RATE 20
#define BURST (10 * RATE)

static struct testing_client client;
static struct testing_peer peer;
static hub_t *hub;

static void set_up(unsigned rate)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.messages_per_s = rate;
    hub = testing_stage(&options);
    testing_join(hub, &client, &peer, "user", NULL);
}

static void tear_down(void)
{
    hub_destroy(hub);
    testing_client_close(&client);
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_uint_eq(peer.wrong, 0);
}

static void send_many(uint8_t first_byte, unsigned count)
{
    struct testing_received pong;

    for (unsigned i = 0; i < count; i++) {
        testing_client_send(&client, first_byte, "x", 1);
        if (i % 50 == 49)
            testing_settle(hub);
        while (first_byte == TESTING_FIN_PING && i % 50 == 49 &&
               testing_client_receive(&client, &pong) &&
               pong.first_byte == TESTING_FIN_PONG)
            ;
    }
    testing_settle(hub);
}

static void check_flood(void)
{
    struct testing_received frame;
    int code = 0;

    while (testing_client_receive(&client, &frame)) {
        if (frame.first_byte == TESTING_FIN_CLOSE)
            code = frame.payload[0] << 8 | frame.payload[1];
    }
    ck_assert_int_eq(code, 1008);
    ck_assert_int_eq(hub_close(hub, peer.id, 1000, NULL), HUB_ENOENT);
    testing_client_send_close(&client, 1008, "");
    testing_settle(hub);
    testing_pass(hub, 6000); /* deaf to it, and no longer than the limit */
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_int_eq(peer.info.cause, HUB_CLOSED_PROTOCOL_ERROR);
    ck_assert_int_eq(peer.info.code, 1008);
}

START_TEST(ten_seconds_worth_may_come_at_once)
{
    set_up(RATE);
    send_many(TESTING_FIN_TEXT, BURST);
    ck_assert_uint_eq(peer.messages, BURST);
    ck_assert_uint_eq(testing_stats(hub).connections, 1);
    tear_down();
}
END_TEST

START_TEST(one_more_ends_the_connection_and_is_not_handed_on)
{
    set_up(RATE);
    send_many(TESTING_FIN_TEXT, BURST + 1);
    ck_assert_uint_eq(peer.messages, BURST);
    check_flood();
    tear_down();
}
END_TEST

START_TEST(pings_and_pongs_count_too)
{
    const uint8_t first_bytes[] = {TESTING_FIN_PING, TESTING_FIN_PONG,
                                   TESTING_FIN_BINARY};

    for (size_t i = 0; i < TESTING_LENGTH(first_bytes); i++) {
        set_up(RATE);
        send_many(TESTING_FIN_TEXT, BURST / 2);
        send_many(first_bytes[i], BURST / 2);
        ck_assert_uint_eq(testing_stats(hub).connections, 1);
        send_many(first_bytes[i], 1);
        check_flood();
        tear_down();
    }
}
END_TEST

START_TEST(fragments_are_one_message)
{
    set_up(RATE);
    for (int i = 0; i < BURST; i++) {
        testing_client_send(&client, 0x01, "a", 1);
        testing_client_send(&client, 0x00, "b", 1);
        testing_client_send(&client, 0x80, "c", 1);
        testing_settle(hub);
    }
    ck_assert_uint_eq(peer.messages, BURST);
    ck_assert_uint_eq(testing_stats(hub).connections, 1);
    send_many(TESTING_FIN_TEXT, 1);
    check_flood();
    tear_down();
}
END_TEST

START_TEST(a_steady_rate_goes_on_for_ever)
{
    set_up(RATE);
    for (int second = 0; second < 100; second++) {
        send_many(TESTING_FIN_TEXT, RATE);
        testing_pass(hub, 1000);
    }
    ck_assert_uint_eq(peer.messages, 100 * RATE);
    tear_down();
}
END_TEST

START_TEST(a_little_over_the_rate_ends_when_the_burst_is_used_up)
{
    unsigned second = 0;

    set_up(RATE);
    while (testing_stats(hub).connections == 1 && second < 1000) {
        send_many(TESTING_FIN_TEXT, RATE + 1);
        testing_pass(hub, 1000);
        second++;
    }
    ck_assert_uint_ge(second, BURST - RATE);
    ck_assert_uint_le(second, BURST + RATE);
    check_flood();
    tear_down();
}
END_TEST

START_TEST(what_piled_up_while_the_process_stood_still_is_no_flood)
{
    set_up(RATE);
    send_many(TESTING_FIN_TEXT, BURST);
    testing_clock_advance(60000); /* in one step: a pause */
    testing_settle(hub);
    send_many(TESTING_FIN_TEXT, BURST);
    ck_assert_uint_eq(peer.messages, 2 * BURST);
    tear_down();
}
END_TEST

START_TEST(a_flood_costs_nobody_else_the_connection)
{
    struct testing_client other;
    struct testing_peer neighbour;

    set_up(RATE);
    testing_join(hub, &other, &neighbour, "other", NULL);
    testing_client_send(&other, TESTING_FIN_TEXT, "y", 1);
    send_many(TESTING_FIN_TEXT, BURST + 1);
    check_flood();
    ck_assert_uint_eq(neighbour.messages, 1);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("other"), HUB_TEXT_OF("hi"), NULL), 1);
    testing_settle(hub);
    testing_client_expect_text(&other, "hi");
    tear_down();
    testing_client_close(&other);
}
END_TEST

START_TEST(without_a_rate_nothing_is_too_much)
{
    set_up(0);
    send_many(TESTING_FIN_TEXT, 20000);
    ck_assert_uint_eq(peer.messages, 20000);
    tear_down();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        ten_seconds_worth_may_come_at_once,
        one_more_ends_the_connection_and_is_not_handed_on,
        pings_and_pongs_count_too,
        fragments_are_one_message,
        a_steady_rate_goes_on_for_ever,
        a_little_over_the_rate_ends_when_the_burst_is_used_up,
        what_piled_up_while_the_process_stood_still_is_no_flood,
        a_flood_costs_nobody_else_the_connection,
        without_a_rate_nothing_is_too_much,
    };

    return testing_run("conn_rate", tests, TESTING_LENGTH(tests));
}
