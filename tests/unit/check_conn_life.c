/* check_conn_life.c - orderly closing: what was queued for a peer before it
 * broke the protocol, or sent its own Close frame, comes first, as far as it is
 * read in time; then our Close frame.
 */
#include "loop/conn_life.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"
#include "testing.h"

#define LARGE ((size_t)256 * 1024) /* more than a socket pair holds */
#define CLOSE_MS 5000

static struct testing_client client;
static struct testing_peer peer;
static hub_t *hub;
static size_t answer_bytes; /* 0: the message comes back */

/* Answers each message at once, from inside the callback. */
static void answer(hub_t *from, const struct hub_connection *connection,
                   const struct hub_message *message)
{
    static char large[LARGE];
    struct hub_message reply =
        answer_bytes == 0 ? *message : hub_binary(large, answer_bytes);

    peer.messages++;
    /* It fails while there is no memory. */
    (void)hub_send(from, HUB_TO_CONNECTION(connection->id), &reply, NULL);
}

static void set_up_with(struct hub_options *options)
{
    testing_record(options);
    options->message = answer;
    options->close_timeout_ms = CLOSE_MS;
    answer_bytes = 0;
    hub = testing_stage(options);
    testing_join(hub, &client, &peer, "user", "session");
}

static void set_up(void)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    set_up_with(&options);
}

static void tear_down(void)
{
    hub_destroy(hub);
    testing_client_close(&client);
    ck_assert_uint_eq(peer.opened, 1);
    ck_assert_uint_eq(peer.closed, 1);
}

static void check_closed(enum hub_close_cause cause, int code)
{
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_str_eq(hub_close_cause_name(peer.info.cause),
                     hub_close_cause_name(cause));
    ck_assert_int_eq(peer.info.code, code);
}

/* A message and what follows it, which the hub gets in one read. */
static void send_together(const char *text, const void *rest, size_t bytes)
{
    uint8_t frame[256];
    size_t length = testing_frame(frame, TESTING_FIN_TEXT, text, strlen(text));

    ck_assert_uint_le(length + bytes, sizeof frame);
    memcpy(frame + length, rest, bytes);
    testing_client_send_raw(&client, frame, length + bytes);
}

static size_t close_frame(uint8_t *out, int code)
{
    const uint8_t body[] = {(uint8_t)(code >> 8), (uint8_t)code};

    return testing_frame(out, TESTING_FIN_CLOSE, body, sizeof body);
}

/* Turns until the next frame is there whole. */
static struct testing_received await_frame(void)
{
    struct testing_received frame;

    for (int i = 0; i < 10000; i++) {
        if (testing_client_receive(&client, &frame))
            return frame;
        testing_settle(hub);
    }
    ck_abort_msg("there is no frame");
}

/* An answer of LARGE bytes and a Close frame, both whole. */
static void expect_large_and_close(int code)
{
    struct testing_received frame = await_frame();

    ck_assert_uint_eq(frame.first_byte, TESTING_FIN_BINARY);
    ck_assert_uint_eq(frame.bytes, LARGE);
    frame = await_frame();
    ck_assert_uint_eq(frame.first_byte, TESTING_FIN_CLOSE);
    ck_assert_int_eq(frame.payload[0] << 8 | frame.payload[1], code);
}

/* In one read. -------------------------------------------------------- */

START_TEST(an_answer_comes_before_the_close_of_a_violation)
{
    set_up();
    send_together("first", "\xC1", 1);
    testing_settle(hub);
    testing_client_expect_text(&client, "first");
    testing_client_expect_close(&client, 1002);
    ck_assert(testing_client_at_end(&client)); /* our side is shut */
    ck_assert_uint_eq(peer.closed, 0);
    testing_client_close(&client);
    testing_settle(hub);
    check_closed(HUB_CLOSED_PROTOCOL_ERROR, 1002);
    tear_down();
}
END_TEST

START_TEST(each_fault_lets_the_answer_before_it_go_first)
{
    const struct {
        const char *bytes;
        size_t count;
        int code;
    } faults[] = {
        {"\x81\x81\0\0\0\0\xFF", 7, 1007},
        {"\x82\xFE\x01\x00mask", 8, 1009},
        {"\x88\x81\0\0\0\0\x03", 7, 1002},
        {"\x81\x05Hello", 7, 1002},
    };

    for (size_t i = 0; i < TESTING_LENGTH(faults); i++) {
        struct hub_options options = HUB_OPTIONS_INIT;

        options.max_message_bytes = 100;
        set_up_with(&options);
        send_together("one", faults[i].bytes, faults[i].count);
        testing_settle(hub);
        testing_client_expect_text(&client, "one");
        testing_client_expect_close(&client, faults[i].code);
        tear_down();
    }
}
END_TEST

START_TEST(an_answer_comes_before_the_close_of_a_flood)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.messages_per_s = 1;
    set_up_with(&options);
    for (int i = 0; i < 11; i++)
        testing_client_send(&client, TESTING_FIN_TEXT, "m", 1);
    testing_settle(hub);
    for (int i = 0; i < 10; i++)
        testing_client_expect_text(&client, "m");
    testing_client_expect_close(&client, 1008);
    tear_down();
}
END_TEST

START_TEST(an_answer_comes_before_the_answer_to_a_close)
{
    uint8_t bytes[32];

    set_up();
    send_together("first", bytes, close_frame(bytes, 3333));
    testing_settle(hub);
    testing_client_expect_text(&client, "first");
    testing_client_expect_close(&client, 3333);
    ck_assert(testing_client_at_end(&client));
    check_closed(HUB_CLOSED_BY_PEER, 3333);
    tear_down();
}
END_TEST

START_TEST(so_does_what_others_sent_before)
{
    set_up();
    testing_client_send_raw(&client, "\xC1", 1);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("user"), HUB_TEXT_OF("one"), NULL), 1);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("two")), 1);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_SESSION("session"), HUB_TEXT_OF("three"), NULL),
        1);
    testing_settle(hub);
    testing_client_expect_text(&client, "one");
    testing_client_expect_text(&client, "two");
    testing_client_expect_text(&client, "three");
    testing_client_expect_close(&client, 1002);
    ck_assert_uint_eq(peer.messages, 0);
    tear_down();
}
END_TEST

/* More than a loop handles in one turn: the violation is read in the first. */
START_TEST(however_many_they_are)
{
    enum { COUNT = 2 * HUB__TURN_POSTS };
    char text[16];

    set_up();
    testing_client_send_raw(&client, "\xC1", 1);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "%d", i);
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_USER("user"), HUB_TEXT_OF(text), NULL), 1);
    }
    ck_assert_int_eq(hub_poll(hub, 0), 0);
    ck_assert_uint_eq(testing_stats(hub).connections, 0);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("user"), HUB_TEXT_OF("late"), NULL), 0);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_CONNECTION(peer.id), HUB_TEXT_OF("late"), NULL),
        HUB_ENOENT);
    ck_assert_int_eq(hub_close(hub, peer.id, 1000, NULL), HUB_ENOENT);
    testing_settle(hub);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "%d", i);
        testing_client_expect_text(&client, text);
    }
    testing_client_expect_close(&client, 1002);
    tear_down();
}
END_TEST

/* More than the socket takes. ----------------------------------------- */

START_TEST(a_close_does_not_overtake_a_large_answer)
{
    uint8_t bytes[32];

    set_up();
    answer_bytes = LARGE;
    send_together("ask", bytes, close_frame(bytes, 1000));
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 0);
    expect_large_and_close(1000);
    testing_settle(hub);
    ck_assert(testing_client_at_end(&client));
    check_closed(HUB_CLOSED_BY_PEER, 1000);
    ck_assert_uint_eq(testing_stats(hub).memory_bytes, 0);
    tear_down();
}
END_TEST

START_TEST(nor_does_a_violation)
{
    set_up();
    answer_bytes = LARGE;
    send_together("ask", "\xC1 and much that is thrown away", 30);
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 0);
    testing_client_send_raw(&client, "\xFF\xFF", 2);
    expect_large_and_close(1002);
    ck_assert(testing_client_at_end(&client));
    testing_client_close(&client);
    testing_settle(hub);
    check_closed(HUB_CLOSED_PROTOCOL_ERROR, 1002);
    tear_down();
}
END_TEST

START_TEST(whoever_closed_only_its_own_side_gets_the_rest)
{
    uint8_t bytes[32];

    for (int violates = 0; violates < 2; violates++) {
        size_t count = close_frame(bytes, 1000);

        set_up();
        answer_bytes = LARGE;
        if (violates)
            send_together("ask", "\xC1", 1);
        else
            send_together("ask", bytes, count);
        ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
        testing_settle(hub);
        ck_assert_uint_eq(peer.closed, 0);
        expect_large_and_close(violates ? 1002 : 1000);
        testing_settle(hub);
        ck_assert(testing_client_at_end(&client));
        ck_assert_uint_eq(peer.closed, 1);
        tear_down();
    }
}
END_TEST

START_TEST(whoever_is_gone_is_not_waited_for)
{
    uint8_t bytes[32];

    set_up();
    answer_bytes = LARGE;
    send_together("ask", bytes, close_frame(bytes, 1000));
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 0);
    testing_client_close(&client);
    testing_settle(hub);
    check_closed(HUB_CLOSED_BY_PEER, 1000);
    ck_assert_uint_eq(testing_stats(hub).memory_bytes, 0);
    tear_down();
}
END_TEST

START_TEST(whoever_reads_nothing_is_cut_by_the_close_timeout)
{
    uint8_t bytes[32];

    for (int violates = 0; violates < 2; violates++) {
        size_t count = close_frame(bytes, 1000);

        set_up();
        answer_bytes = LARGE;
        if (violates)
            send_together("ask", "\xC1", 1);
        else
            send_together("ask", bytes, count);
        testing_settle(hub);
        testing_pass(hub, CLOSE_MS - 1000);
        ck_assert_uint_eq(peer.closed, 0);
        testing_pass(hub, 2000);
        check_closed(violates ? HUB_CLOSED_PROTOCOL_ERROR : HUB_CLOSED_BY_PEER,
                     violates ? 1002 : 1000);
        ck_assert_uint_eq(testing_stats(hub).memory_bytes, 0);
        tear_down();
    }
}
END_TEST

START_TEST(whoever_reads_nothing_is_cut_by_the_write_timeout)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.write_timeout_ms = 1000;
    set_up_with(&options);
    answer_bytes = LARGE;
    send_together("ask", "\xC1", 1);
    testing_settle(hub);
    testing_pass(hub, 2000);
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_int_eq(peer.info.code, 1002);
    tear_down();
}
END_TEST

START_TEST(each_byte_that_is_read_gives_it_more_time)
{
    static uint8_t part[64 * 1024];

    set_up();
    answer_bytes = LARGE;
    send_together("ask", "\xC1", 1);
    testing_settle(hub);
    for (int i = 0; i < 3; i++) {
        testing_pass(hub, CLOSE_MS - 1000);
        ck_assert_uint_eq(peer.closed, 0);
        ck_assert_int_eq(recv(client.fd, part, sizeof part, 0), sizeof part);
        testing_settle(hub);
    }
    testing_pass(hub, CLOSE_MS - 1000);
    ck_assert_uint_eq(peer.closed, 0);
    testing_pass(hub, 2000);
    ck_assert_uint_eq(peer.closed, 1);
    tear_down();
}
END_TEST

/* What is bounded stays so. ------------------------------------------- */

/* What was posted before the violation is more than may wait. */
START_TEST(a_full_queue_is_dropped_all_the_same)
{
    static char text[4001];
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_received frame;
    int messages = 0;

    options.queue_bytes = 16384;
    set_up_with(&options);
    testing_shrink_buffers(testing_conn(hub, peer.id)->fd, 8192);
    testing_block(hub, &peer, 1);
    testing_client_send_raw(&client, "\xC1", 1);
    memset(text, '.', sizeof text - 1);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_USER("user"), HUB_TEXT_OF(text), NULL), 1);
    testing_settle(hub);
    ck_assert_uint_eq(testing_stats(hub).slow_closed, 1);
    do {
        frame = await_frame();
        messages += frame.first_byte == TESTING_FIN_TEXT;
    } while (frame.first_byte != TESTING_FIN_CLOSE);
    ck_assert_int_eq(frame.payload[0] << 8 | frame.payload[1], 1013);
    ck_assert_int_eq(messages, 0);
    testing_client_close(&client);
    testing_settle(hub);
    check_closed(HUB_CLOSED_SLOW_CONSUMER, 1013);
    tear_down();
}
END_TEST

/* It is read while more is being worked off than one turn can. */
START_TEST(a_hub_may_be_destroyed_in_between)
{
    set_up();
    for (int i = 0; i < 3 * HUB__TURN_POSTS; i++)
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_USER("user"), HUB_TEXT_OF("m"), NULL), 1);
    ck_assert_int_eq(hub_poll(hub, 0), 0);
    testing_client_send_raw(&client, "\xC1", 1);
    ck_assert_int_eq(hub_poll(hub, 0), 0);
    ck_assert_ptr_nonnull(hub->loops[0].posts.first);
    ck_assert_ptr_nonnull(hub->loops[0].host.leaving);
    ck_assert_uint_eq(peer.closed, 0);
    tear_down();
    check_closed(HUB_CLOSED_PROTOCOL_ERROR, 1006);
}
END_TEST

START_TEST(a_message_that_takes_too_long_is_a_fault_like_others)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    uint8_t frame[32];

    options.message_timeout_ms = 500;
    set_up_with(&options);
    testing_frame(frame, 0x01, "begun", 5);
    testing_client_send_raw(&client, frame, 8);
    testing_settle(hub);
    testing_clock_advance(600);
    ck_assert_int_eq(hub_poll(hub, 0), 0); /* its time is over, at the end */
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("user"), HUB_TEXT_OF("late"), NULL), 0);
    testing_settle(hub);
    testing_client_expect_close(&client, 1008);
    tear_down();
    check_closed(HUB_CLOSED_PROTOCOL_ERROR, 1008);
}
END_TEST

/* The mailbox is worked off in turns, and it is reset meanwhile. */
START_TEST(it_may_die_in_between)
{
    set_up();
    testing_client_send_raw(&client, "\xC1", 1);
    for (int i = 0; i < 2 * HUB__TURN_POSTS; i++)
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_USER("user"), HUB_TEXT_OF("m"), NULL), 1);
    ck_assert_int_eq(hub_poll(hub, 0), 0);
    ck_assert_uint_eq(peer.closed, 0);
    testing_client_close(&client);
    testing_settle(hub);
    check_closed(HUB_CLOSED_PROTOCOL_ERROR, 1006);
    ck_assert_ptr_null(hub->loops[0].host.leaving);
    ck_assert_uint_eq(testing_stats(hub).memory_bytes, 0);
    tear_down();
}
END_TEST

/* Both at once. ------------------------------------------------------- */

START_TEST(a_host_that_closed_before_has_its_way)
{
    set_up();
    testing_client_send_raw(&client, "\xC1", 1);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("user"), HUB_TEXT_OF("bye"), NULL), 1);
    ck_assert_int_eq(hub_close(hub, peer.id, 4000, "enough"), 0);
    testing_settle(hub);
    testing_client_expect_text(&client, "bye");
    testing_client_expect_close(&client, 4000);
    ck_assert(testing_client_at_end(&client));
    testing_client_close(&client);
    testing_settle(hub);
    check_closed(HUB_CLOSED_BY_HOST, 4000);
    tear_down();
}
END_TEST

START_TEST(so_has_one_that_unregistered)
{
    set_up();
    testing_client_send_close(&client, 1000, "");
    ck_assert_int_eq(hub_unregister(hub, peer.id), 0);
    testing_settle(hub);
    ck_assert(testing_client_at_end(&client));
    check_closed(HUB_CLOSED_BY_HOST, 1006);
    tear_down();
}
END_TEST

START_TEST(a_shutdown_waits_for_what_is_queued)
{
    set_up();
    testing_client_send_close(&client, 1000, "");
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("user"), HUB_TEXT_OF("last"), NULL), 1);
    ck_assert_int_eq(hub_shutdown(hub, 1000), 0);
    testing_client_expect_text(&client, "last");
    testing_client_expect_close(&client, peer.info.code);
    tear_down();
}
END_TEST

/* One allocation after the other fails: there is an answer or there is none,
 * but never a Close frame before it. */
START_TEST(without_memory_the_order_is_the_same)
{
    bool refused;
    unsigned nth = 1;

    do {
        struct testing_received frame;
        uint8_t last = 0;

        set_up();
        send_together("first", "\xC1", 1);
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("zero")), 1);
        testing_fail_allocation(nth++);
        for (int i = 0; i < 3; i++)
            (void)hub_poll(hub, 0);
        refused = testing_allow_memory() > 0;
        testing_settle(hub);
        while (testing_client_receive(&client, &frame)) {
            ck_assert_uint_ne(last, TESTING_FIN_CLOSE);
            last = frame.first_byte;
        }
        ck_assert_uint_eq(testing_stats(hub).connections, 0);
        tear_down();
    } while (refused);
    ck_assert_uint_gt(nth, 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_answer_comes_before_the_close_of_a_violation,
        each_fault_lets_the_answer_before_it_go_first,
        an_answer_comes_before_the_close_of_a_flood,
        an_answer_comes_before_the_answer_to_a_close,
        so_does_what_others_sent_before,
        however_many_they_are,
        a_close_does_not_overtake_a_large_answer,
        nor_does_a_violation,
        whoever_closed_only_its_own_side_gets_the_rest,
        whoever_is_gone_is_not_waited_for,
        whoever_reads_nothing_is_cut_by_the_close_timeout,
        whoever_reads_nothing_is_cut_by_the_write_timeout,
        each_byte_that_is_read_gives_it_more_time,
        a_full_queue_is_dropped_all_the_same,
        a_hub_may_be_destroyed_in_between,
        a_message_that_takes_too_long_is_a_fault_like_others,
        it_may_die_in_between,
        a_host_that_closed_before_has_its_way,
        so_has_one_that_unregistered,
        a_shutdown_waits_for_what_is_queued,
        without_memory_the_order_is_the_same,
    };

    return testing_run("conn_life", tests, TESTING_LENGTH(tests));
}
