/* check_conn_queue.c - what waits for a client that does not read: the three
 * policies, messages that stay whole, and control frames meanwhile.
 */
#include "loop/conn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "testing.h"

#define QUEUE 20000

static struct testing_client client;
static struct testing_peer peer;
static hub_t *hub;

/* A client whose connection is blocked, with a small buffer in between. */
static void set_up(enum hub_slow_consumer policy)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_member member = HUB_MEMBER_INIT;
    int fd;

    options.slow_consumer = policy;
    options.queue_bytes = QUEUE;
    hub = testing_stage(&options);
    fd = testing_client_open(&client);
    testing_shrink_buffers(fd, 8192);
    peer = (struct testing_peer){.id = {0}};
    member.user_id = "slow";
    member.data = &peer;
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), 0);
    testing_settle(hub);
    testing_block(hub, &peer, 1);
}

static void tear_down(void)
{
    hub_destroy(hub);
    testing_client_close(&client);
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_uint_eq(peer.wrong, 0);
}

/* Sends numbered messages of `bytes` bytes each. */
static void send_numbered(int from, int to, size_t bytes)
{
    char *text = malloc(bytes + 1);

    ck_assert_ptr_nonnull(text);
    memset(text, '.', bytes);
    text[bytes] = '\0';
    for (int i = from; i < to; i++) {
        text[0] = (char)('A' + i);
        ck_assert_int_ge(
            hub_send(hub, HUB_TO_USER("slow"), HUB_TEXT_OF(text), NULL), 0);
        testing_settle(hub);
    }
    free(text);
}

/* Reads all there is. Writes the first characters of the text messages to
 * `numbers`, in their order, and returns the code of a Close frame or 0. Each
 * frame must be whole. */
static int read_all(char *numbers, size_t size)
{
    struct testing_received frame;
    size_t count = 0;
    int code = 0;
    bool more;

    do {
        size_t before = client.have;

        for (more = false; testing_client_receive(&client, &frame);) {
            ck_assert_int_eq(code, 0); /* nothing behind a Close */
            if (frame.first_byte == TESTING_FIN_TEXT && count + 1 < size)
                numbers[count++] = (char)frame.payload[0];
            else if (frame.first_byte == TESTING_FIN_CLOSE)
                code = frame.payload[0] << 8 | frame.payload[1];
            else
                ck_assert_uint_ne(frame.first_byte, TESTING_FIN_TEXT);
            more = true;
        }
        more = more || client.have != before; /* a part of a frame */
        testing_settle(hub);
    } while (more);
    numbers[count] = '\0';
    return code;
}

START_TEST(closing_a_slow_consumer_tells_it_to_try_later)
{
    char numbers[64];

    set_up(HUB_SLOW_CLOSE);
    send_numbered(0, 4, 4000);
    ck_assert_uint_eq(testing_stats(hub).slow_closed, 0);
    send_numbered(4, 8, 4000);
    ck_assert_uint_eq(testing_stats(hub).slow_closed, 1);
    ck_assert_uint_eq(testing_stats(hub).connections, 0);
    ck_assert_uint_eq(testing_stats(hub).dropped, 0);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("slow"), HUB_TEXT_OF("x"), NULL),
                     0);
    ck_assert_int_eq(read_all(numbers, sizeof numbers), 1013);
    testing_client_send_close(&client, 1013, "");
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_int_eq(peer.info.cause, HUB_CLOSED_SLOW_CONSUMER);
    ck_assert_int_eq(peer.info.code, 1013);
    tear_down();
}
END_TEST

START_TEST(dropping_the_oldest_keeps_the_latest)
{
    char numbers[64];

    set_up(HUB_SLOW_DROP_OLDEST);
    send_numbered(0, 20, 4000);
    ck_assert_uint_eq(peer.closed, 0);
    ck_assert_uint_gt(testing_stats(hub).dropped, 10);
    ck_assert_int_eq(read_all(numbers, sizeof numbers), 0);
    ck_assert_str_eq(numbers, "QRST"); /* four of 4,004 bytes in 20,000 */
    send_numbered(20, 22, 100);
    ck_assert_int_eq(read_all(numbers, sizeof numbers), 0);
    ck_assert_str_eq(numbers, "UV");
    tear_down();
}
END_TEST

START_TEST(dropping_the_newest_keeps_the_earliest)
{
    char numbers[64];

    set_up(HUB_SLOW_DROP_NEWEST);
    send_numbered(0, 20, 4000);
    ck_assert_uint_eq(peer.closed, 0);
    ck_assert_uint_eq(testing_stats(hub).dropped, 16);
    ck_assert_int_eq(read_all(numbers, sizeof numbers), 0);
    ck_assert_str_eq(numbers, "ABCD");
    send_numbered(20, 22, 100);
    ck_assert_int_eq(read_all(numbers, sizeof numbers), 0);
    ck_assert_str_eq(numbers, "UV");
    tear_down();
}
END_TEST

START_TEST(a_message_larger_than_the_queue_may_wait_alone)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    char numbers[8];

    options.queue_bytes = 1000;
    hub = testing_stage(&options);
    testing_join(hub, &client, &peer, "slow", NULL);
    send_numbered(0, 1, 4000000);
    ck_assert_uint_eq(peer.closed, 0);
    ck_assert_int_eq(read_all(numbers, sizeof numbers), 0);
    ck_assert_str_eq(numbers, "A");
    ck_assert_uint_eq(testing_stats(hub).messages_out, 1);
    tear_down();
}
END_TEST

/* Nothing is slow here but the turn: it found more than a queue full. */
START_TEST(a_full_queue_alone_makes_no_slow_consumer)
{
    static char large[15000];
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_received frame;

    options.queue_bytes = QUEUE;
    hub = testing_stage(&options);
    testing_join(hub, &client, &peer, "quick", NULL);
    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("many small ones")), 1);
    memset(large, 'x', sizeof large);
    ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(large, sizeof large)), 1);
    testing_settle(hub);
    ck_assert_uint_eq(testing_stats(hub).slow_closed, 0);
    ck_assert_uint_eq(testing_stats(hub).messages_out, 501);
    for (int i = 0; i < 500; i++)
        testing_client_expect_text(&client, "many small ones");
    ck_assert(testing_client_receive(&client, &frame));
    ck_assert_uint_eq(frame.bytes, sizeof large);
    tear_down();
}
END_TEST

/* Its buffer is empty again by the time the message comes: both are found in
 * one turn. */
START_TEST(who_has_read_meanwhile_is_no_slow_consumer)
{
    struct testing_received frame;
    char numbers[8];

    set_up(HUB_SLOW_CLOSE);
    send_numbered(0, 4, 4000);
    while (testing_client_receive(&client, &frame))
        ck_assert_uint_eq(frame.first_byte, TESTING_FIN_BINARY);
    send_numbered(4, 5, 4000);
    ck_assert_uint_eq(testing_stats(hub).slow_closed, 0);
    ck_assert_int_eq(read_all(numbers, sizeof numbers), 0);
    ck_assert_str_eq(numbers, "ABCDE");
    tear_down();
}
END_TEST

START_TEST(while_it_is_blocked_only_the_latest_ping_is_answered)
{
    struct testing_received frame;
    char number[2] = "0";
    int pongs = 0;

    set_up(HUB_SLOW_DROP_NEWEST);
    for (int i = 0; i < 10; i++) {
        number[0] = (char)('0' + i);
        testing_client_send(&client, TESTING_FIN_PING, number, 1);
        testing_settle(hub);
    }
    for (int turns = 0; turns < 100; turns++) {
        while (testing_client_receive(&client, &frame)) {
            if (frame.first_byte == TESTING_FIN_PONG) {
                ck_assert_uint_eq(frame.payload[0], '9');
                pongs++;
            }
        }
        testing_settle(hub);
    }
    ck_assert_int_eq(pongs, 1);
    tear_down();
}
END_TEST

START_TEST(a_pong_that_waits_is_released_with_its_connection)
{
    set_up(HUB_SLOW_DROP_NEWEST);
    testing_client_send(&client, TESTING_FIN_PING, "x", 1);
    testing_settle(hub);
    tear_down();
}
END_TEST

START_TEST(a_flood_of_pings_is_not_queued_without_end)
{
    static uint8_t flood[60000];
    struct testing_received frame;
    size_t bytes = 0, pongs = 0;
    struct hub_options options = HUB_OPTIONS_INIT;

    hub = testing_stage(&options);
    testing_join(hub, &client, &peer, "flood", NULL);
    while (bytes + 20 < sizeof flood)
        bytes += testing_frame(flood + bytes, TESTING_FIN_PING, "ping", 4);
    testing_client_send_raw(&client, flood, bytes);
    testing_settle(hub);
    while (testing_client_receive(&client, &frame)) {
        ck_assert_uint_eq(frame.first_byte, TESTING_FIN_PONG);
        pongs++;
    }
    ck_assert_uint_ge(pongs, 1);
    ck_assert_uint_lt(pongs, 1000);
    tear_down();
}
END_TEST

START_TEST(a_close_of_a_blocked_peer_keeps_the_stream_whole)
{
    char numbers[64];

    set_up(HUB_SLOW_CLOSE);
    send_numbered(0, 3, 4000);
    testing_client_send_close(&client, 1000, "");
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 0);
    ck_assert_int_eq(read_all(numbers, sizeof numbers), 1000);
    ck_assert_str_eq(numbers, "ABC");
    ck_assert(testing_client_at_end(&client));
    ck_assert_int_eq(peer.info.cause, HUB_CLOSED_BY_PEER);
    tear_down();
}
END_TEST

START_TEST(what_comes_behind_a_close_is_not_even_kept)
{
    struct hub__conn *conn;
    uint8_t large[1024 + 14], text[1024] = "text";

    set_up(HUB_SLOW_DROP_NEWEST);
    conn = testing_conn(hub, peer.id);
    testing_client_send_close(&client, 1000, "");
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 0);
    (void)testing_frame(large, TESTING_FIN_TEXT, text, sizeof text);
    testing_client_send_raw(&client, large, 1000);
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 0);
    ck_assert_ptr_null(conn->reader);
    tear_down();
    ck_assert_uint_eq(peer.messages, 0);
}
END_TEST

START_TEST(a_host_that_closes_a_blocked_peer_still_sends_what_waits)
{
    char numbers[64];

    set_up(HUB_SLOW_CLOSE);
    send_numbered(0, 3, 4000);
    testing_client_send(&client, TESTING_FIN_PING, "p", 1);
    testing_settle(hub);
    ck_assert_int_eq(hub_close(hub, peer.id, 1000, NULL), 0);
    testing_settle(hub);
    ck_assert_int_eq(read_all(numbers, sizeof numbers), 1000);
    ck_assert_str_eq(numbers, "ABC");
    tear_down();
}
END_TEST

/* One allocation after the other fails while the queue grows. */
START_TEST(without_memory_the_connection_ends_with_1011_or_at_once)
{
    bool refused;
    unsigned nth = 0;

    do {
        set_up(HUB_SLOW_CLOSE);
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("a")), 1);
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("b")), 1);
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("c")), 1);
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("d")), 1);
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("e")), 1);
        testing_fail_after(nth++);
        testing_settle(hub);
        refused = testing_allow_memory() > 0;
        if (refused) {
            ck_assert_uint_eq(testing_stats(hub).connections, 0);
            ck_assert(peer.closed == 0 || peer.info.cause == HUB_CLOSED_ERROR);
        } else {
            ck_assert_uint_eq(testing_stats(hub).connections, 1);
        }
        tear_down();
    } while (refused);
    ck_assert_uint_gt(nth, 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        closing_a_slow_consumer_tells_it_to_try_later,
        dropping_the_oldest_keeps_the_latest,
        dropping_the_newest_keeps_the_earliest,
        a_message_larger_than_the_queue_may_wait_alone,
        a_full_queue_alone_makes_no_slow_consumer,
        who_has_read_meanwhile_is_no_slow_consumer,
        while_it_is_blocked_only_the_latest_ping_is_answered,
        a_pong_that_waits_is_released_with_its_connection,
        a_flood_of_pings_is_not_queued_without_end,
        a_close_of_a_blocked_peer_keeps_the_stream_whole,
        what_comes_behind_a_close_is_not_even_kept,
        a_host_that_closes_a_blocked_peer_still_sends_what_waits,
        without_memory_the_connection_ends_with_1011_or_at_once,
    };

    return testing_run("conn_queue", tests, TESTING_LENGTH(tests));
}
