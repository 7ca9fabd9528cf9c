/* check_conn.c - one connection, from its peer's side of the socket: messages
 * both ways, the closing handshake in every order, and what `closed` reports.
 */
#include "loop/conn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

static struct testing_client client;
static struct testing_peer peer;
static hub_t *hub;

static void set_up(const struct hub_options *options)
{
    hub = testing_stage(options);
    testing_join(hub, &client, &peer, "user", "session");
}

static void tear_down(void)
{
    hub_destroy(hub);
    testing_client_close(&client);
    ck_assert_uint_eq(peer.opened, 1);
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

static uint64_t connections(void)
{
    struct hub_stats stats = HUB_STATS_INIT;

    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    return stats.connections;
}

/* Messages. ----------------------------------------------------------- */

START_TEST(messages_of_the_peer_reach_the_callback)
{
    set_up(NULL);
    testing_client_send(&client, TESTING_FIN_TEXT, "Hello", 5);
    testing_settle(hub);
    ck_assert_uint_eq(peer.messages, 1);
    ck_assert_int_eq(peer.kind, HUB_TEXT);
    ck_assert_uint_eq(peer.last_bytes, 5);
    ck_assert_mem_eq(peer.last, "Hello", 5);
    testing_client_send(&client, TESTING_FIN_BINARY, "\0\1", 2);
    testing_client_send(&client, 0x01, "", 0);
    testing_client_send(&client, 0x80, "", 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer.messages, 3);
    ck_assert_int_eq(peer.kind, HUB_TEXT);
    ck_assert_uint_eq(peer.last_bytes, 0);
    tear_down();
}
END_TEST

START_TEST(a_message_may_come_byte_by_byte)
{
    uint8_t frame[64];
    size_t bytes = testing_frame(frame, TESTING_FIN_TEXT, "slowly", 6);

    set_up(NULL);
    for (size_t i = 0; i < bytes; i++) {
        ck_assert_uint_eq(peer.messages, 0);
        testing_client_send_raw(&client, frame + i, 1);
        testing_settle(hub);
    }
    ck_assert_uint_eq(peer.messages, 1);
    ck_assert_mem_eq(peer.last, "slowly", 6);
    tear_down();
}
END_TEST

START_TEST(a_message_larger_than_the_buffer_comes_whole)
{
    size_t bytes = 512 * 1024;
    uint8_t *payload = malloc(bytes);
    uint8_t *frame = malloc(bytes + 14);
    size_t length, sent = 0;

    ck_assert(payload != NULL && frame != NULL);
    memset(payload, 'x', bytes);
    length = testing_frame(frame, TESTING_FIN_TEXT, payload, bytes);
    set_up(NULL);
    while (sent < length) {
        ssize_t part = send(client.fd, frame + sent, length - sent, 0);

        if (part > 0)
            sent += (size_t)part;
        testing_settle(hub);
    }
    ck_assert_uint_eq(peer.messages, 1);
    ck_assert_uint_eq(peer.last_bytes, bytes);
    tear_down();
    free(payload);
    free(frame);
}
END_TEST

START_TEST(messages_to_the_peer_are_single_frames_in_order)
{
    char text[200];

    set_up(NULL);
    for (int i = 0; i < 100; i++) {
        memset(text, 'a' + i % 26, sizeof text);
        text[100 + i] = '\0';
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_USER("user"), HUB_TEXT_OF(text), NULL), 1);
    }
    testing_settle(hub);
    for (int i = 0; i < 100; i++) {
        memset(text, 'a' + i % 26, sizeof text);
        text[100 + i] = '\0';
        testing_client_expect_text(&client, text);
    }
    ck_assert_int_eq(hub_send(hub, HUB_TO_CONNECTION(peer.id),
                              HUB_BINARY_OF("\0\xFF", 2), NULL),
                     1);
    ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(NULL, 0)), 1);
    testing_settle(hub);
    testing_client_expect(&client, TESTING_FIN_BINARY, "\0\xFF", 2);
    testing_client_expect(&client, TESTING_FIN_BINARY, "", 0);
    testing_client_expect_nothing(&client);
    tear_down();
}
END_TEST

START_TEST(pings_are_answered_with_their_payload)
{
    uint8_t payload[125];

    set_up(NULL);
    memset(payload, 'p', sizeof payload);
    testing_client_send(&client, TESTING_FIN_PING, "", 0);
    testing_client_send(&client, 0x02, "half", 4);
    testing_client_send(&client, TESTING_FIN_PING, payload, sizeof payload);
    testing_client_send(&client, TESTING_FIN_PONG, "unasked", 7);
    testing_settle(hub);
    testing_client_expect(&client, TESTING_FIN_PONG, "", 0);
    testing_client_expect(&client, TESTING_FIN_PONG, payload, sizeof payload);
    testing_client_expect_nothing(&client);
    ck_assert_uint_eq(peer.messages, 0);
    tear_down();
}
END_TEST

/* The peer closes. ---------------------------------------------------- */

START_TEST(a_close_of_the_peer_is_answered_with_its_code)
{
    set_up(NULL);
    testing_client_send_close(&client, 4321, "so long");
    testing_settle(hub);
    testing_client_expect_close(&client, 4321);
    ck_assert(testing_client_at_end(&client));
    check_closed(HUB_CLOSED_BY_PEER, 4321);
    ck_assert_uint_eq(connections(), 0);
    tear_down();
}
END_TEST

START_TEST(a_close_without_a_code_is_answered_without_one)
{
    set_up(NULL);
    testing_client_send(&client, TESTING_FIN_CLOSE, "", 0);
    testing_settle(hub);
    testing_client_expect_close(&client, HUB__WS_NO_STATUS);
    ck_assert(testing_client_at_end(&client));
    check_closed(HUB_CLOSED_BY_PEER, 1005);
    tear_down();
}
END_TEST

START_TEST(what_comes_behind_a_close_is_ignored)
{
    set_up(NULL);
    testing_client_send_close(&client, 1000, "");
    testing_client_send(&client, TESTING_FIN_TEXT, "late", 4);
    testing_client_send_raw(&client, "\xFF\xFF", 2);
    testing_settle(hub);
    check_closed(HUB_CLOSED_BY_PEER, 1000);
    ck_assert_uint_eq(peer.messages, 0);
    tear_down();
}
END_TEST

START_TEST(an_end_of_stream_is_a_lost_connection)
{
    set_up(NULL);
    shutdown(client.fd, SHUT_WR);
    testing_settle(hub);
    check_closed(HUB_CLOSED_LOST, 1006);
    ck_assert_uint_eq(connections(), 0);
    tear_down();
}
END_TEST

START_TEST(a_reset_is_a_lost_connection)
{
    set_up(NULL);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("unread")), 1);
    testing_settle(hub);
    testing_client_close(&client); /* with a message unread */
    testing_settle(hub);
    check_closed(HUB_CLOSED_LOST, 1006);
    tear_down();
}
END_TEST

START_TEST(an_end_in_the_middle_of_a_frame_leaves_nothing)
{
    uint8_t frame[64];

    set_up(NULL);
    testing_frame(frame, 0x01, "first fragment", 14);
    testing_client_send_raw(&client, frame, 10);
    testing_settle(hub);
    testing_client_close(&client);
    testing_settle(hub);
    check_closed(HUB_CLOSED_LOST, 1006);
    ck_assert_uint_eq(peer.messages, 0);
    tear_down();
}
END_TEST

/* The peer breaks the protocol. ---------------------------------------- */

static void break_protocol(const void *bytes, size_t count, int code)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.max_message_bytes = 100;
    set_up(&options);
    testing_client_send(&client, TESTING_FIN_TEXT, "good", 4);
    testing_client_send_raw(&client, bytes, count);
    testing_settle(hub);
    ck_assert_uint_eq(peer.messages, 1);
    testing_client_expect_close(&client, code);
    ck_assert(testing_client_at_end(&client)); /* our side is shut */
    ck_assert_uint_eq(peer.closed, 0);         /* theirs is not */
    ck_assert_uint_eq(connections(), 0);
    testing_client_send(&client, TESTING_FIN_TEXT, "more", 4);
    testing_settle(hub);
    ck_assert_uint_eq(peer.messages, 1);
    shutdown(client.fd, SHUT_WR);
    testing_settle(hub);
    check_closed(HUB_CLOSED_PROTOCOL_ERROR, code);
    tear_down();
}

START_TEST(whoever_breaks_the_protocol_is_told_how)
{
    break_protocol("\x81\x05Hello", 7, 1002);            /* no mask */
    break_protocol("\xC1", 1, 1002);                     /* a reserved bit */
    break_protocol("\x80\x80mask", 6, 1002);             /* continues nothing */
    break_protocol("\x81\x81\0\0\0\0\xFF", 7, 1007);     /* not UTF-8 */
    break_protocol("\x82\xFE\x01\x00mask", 8, 1009);     /* 256 bytes */
    break_protocol("\x88\x81\0\0\0\0\x03", 7, 1002);     /* half a code */
    break_protocol("\x88\x82\0\0\0\0\x03\xED", 8, 1002); /* 1005 */
    break_protocol("\x88\x83\0\0\0\0\x03\xE8\xC3", 9, 1007);
}
END_TEST

START_TEST(too_many_fragments_are_against_the_policy)
{
    set_up(NULL);
    testing_client_send(&client, 0x02, "", 0);
    for (int i = 0; i < HUB__FRAGMENTS_FREE; i++) {
        testing_client_send(&client, 0x00, "", 0);
        testing_settle(hub);
    }
    testing_client_expect_close(&client, 1008);
    testing_client_close(&client);
    testing_settle(hub);
    check_closed(HUB_CLOSED_PROTOCOL_ERROR, 1008);
    tear_down();
}
END_TEST

START_TEST(what_was_sent_before_a_violation_was_seen_comes_first)
{
    set_up(NULL);
    testing_client_send_raw(&client, "\xC1", 1);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("in time")), 1);
    testing_settle(hub);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("too late")), 0);
    testing_settle(hub);
    testing_client_expect_text(&client, "in time");
    testing_client_expect_close(&client, 1002);
    ck_assert(testing_client_at_end(&client));
    tear_down();
}
END_TEST

/* Fails the nth allocation while half a message comes in. */
static bool run_out_of_memory(unsigned nth)
{
    bool refused;

    set_up(NULL);
    testing_client_send(&client, TESTING_FIN_PING, "p", 1);
    testing_client_send(&client, 0x01, "one", 3);
    testing_fail_allocation(nth);
    testing_settle(hub);
    testing_client_send(&client, 0x00, "two and so on", 13);
    testing_settle(hub);
    refused = testing_allow_memory() > 0;
    testing_client_send(&client, 0x80, "", 0);
    testing_settle(hub);
    if (connections() == 0) {
        ck_assert(refused);
        ck_assert_uint_eq(peer.messages, 0);
        testing_client_close(&client);
        testing_settle(hub);
        check_closed(HUB_CLOSED_ERROR, 1011);
    } else {
        ck_assert_uint_eq(peer.messages, 1); /* at most a pong was lost */
    }
    tear_down();
    return refused;
}

START_TEST(without_memory_for_a_message_the_fault_is_ours)
{
    unsigned nth = 1;

    while (run_out_of_memory(nth))
        nth++;
    ck_assert_uint_eq(nth, 5); /* pong, reader, message, its growth */
}
END_TEST

START_TEST(without_memory_for_a_close_frame_there_is_none)
{
    set_up(NULL);
    testing_client_send_close(&client, 1000, "");
    testing_fail_allocation(1);
    testing_settle(hub);
    ck_assert_uint_eq(testing_allow_memory(), 1);
    ck_assert(testing_client_at_end(&client));
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_int_eq(peer.info.cause, HUB_CLOSED_BY_PEER);
    tear_down();
}
END_TEST

/* The host closes. ---------------------------------------------------- */

START_TEST(a_close_of_the_host_comes_behind_what_is_queued)
{
    set_up(NULL);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("one")), 1);
    ck_assert_int_eq(hub_close(hub, peer.id, 4000, "enough"), 0);
    ck_assert_uint_eq(connections(), 0);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("two")), 0);
    testing_settle(hub);
    testing_client_expect_text(&client, "one");
    testing_client_expect(&client, TESTING_FIN_CLOSE,
                          "\x0F\xA0"
                          "enough",
                          8);
    ck_assert_uint_eq(peer.closed, 0);
    testing_client_send_close(&client, 4000, "");
    testing_settle(hub);
    ck_assert(testing_client_at_end(&client));
    check_closed(HUB_CLOSED_BY_HOST, 4000);
    tear_down();
}
END_TEST

START_TEST(while_it_closes_only_the_close_of_the_peer_counts)
{
    set_up(NULL);
    ck_assert_int_eq(hub_close(hub, peer.id, 1000, NULL), 0);
    testing_settle(hub);
    testing_client_send(&client, TESTING_FIN_TEXT, "still here", 10);
    testing_client_send(&client, TESTING_FIN_PING, "still here", 10);
    testing_settle(hub);
    testing_client_expect_close(&client, 1000);
    testing_client_expect_nothing(&client);
    ck_assert_uint_eq(peer.messages, 0);
    testing_client_send_close(&client, 3999, "another code");
    testing_settle(hub);
    check_closed(HUB_CLOSED_BY_HOST, 1000);
    tear_down();
}
END_TEST

START_TEST(closes_that_cross_are_both_answered_by_the_other)
{
    set_up(NULL);
    testing_client_send_close(&client, 3001, "");
    ck_assert_int_eq(hub_close(hub, peer.id, 4000, NULL), 0);
    testing_settle(hub);
    ck_assert(peer.info.cause == HUB_CLOSED_BY_HOST ||
              peer.info.cause == HUB_CLOSED_BY_PEER);
    ck_assert_uint_eq(peer.closed, 1);
    testing_client_expect_close(&client, peer.info.code);
    ck_assert(testing_client_at_end(&client));
    tear_down();
}
END_TEST

START_TEST(an_end_instead_of_an_answer_is_an_answer)
{
    set_up(NULL);
    ck_assert_int_eq(hub_close(hub, peer.id, 1001, NULL), 0);
    testing_settle(hub);
    testing_client_close(&client);
    testing_settle(hub);
    check_closed(HUB_CLOSED_BY_HOST, 1001);
    tear_down();
}
END_TEST

START_TEST(garbage_while_it_closes_changes_nothing_but_ends_the_listening)
{
    set_up(NULL);
    ck_assert_int_eq(hub_close(hub, peer.id, 1001, NULL), 0);
    testing_settle(hub);
    testing_client_send_raw(&client, "\xFF\xFF\xFF\xFF", 4);
    testing_settle(hub);
    testing_client_expect_close(&client, 1001);
    ck_assert(testing_client_at_end(&client));
    testing_client_close(&client);
    testing_settle(hub);
    check_closed(HUB_CLOSED_BY_HOST, 1001);
    tear_down();
}
END_TEST

START_TEST(unregistering_closes_at_once_and_without_a_frame)
{
    set_up(NULL);
    ck_assert_int_eq(hub_unregister(hub, peer.id), 0);
    testing_settle(hub);
    ck_assert(testing_client_at_end(&client));
    check_closed(HUB_CLOSED_BY_HOST, 1006);
    tear_down();
}
END_TEST

START_TEST(destroying_the_hub_closes_at_once)
{
    set_up(NULL);
    tear_down();
    check_closed(HUB_CLOSED_SHUTDOWN, 1006);
}
END_TEST

/* Figures. ------------------------------------------------------------ */

START_TEST(closed_is_told_the_figures)
{
    struct hub_stats stats = HUB_STATS_INIT;

    set_up(NULL);
    testing_client_send(&client, TESTING_FIN_TEXT, "12345", 5);      /* 11 */
    testing_client_send(&client, 0x01, "123", 3);                    /* 9 */
    testing_client_send(&client, TESTING_FIN_PING, "", 0);           /* 6 */
    testing_client_send(&client, 0x80, "45", 2);                     /* 8 */
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("1234567")), 1); /* 9 */
    testing_pass(hub, 700);
    testing_client_send(&client, TESTING_FIN_CLOSE, "", 0); /* 6 */
    testing_settle(hub);
    check_closed(HUB_CLOSED_BY_PEER, 1005);
    ck_assert_uint_eq(peer.info.messages_in, 2);
    ck_assert_uint_eq(peer.info.bytes_in, 40);
    ck_assert_uint_eq(peer.info.messages_out, 1);
    ck_assert_uint_eq(peer.info.bytes_out, 9 + 2 + 2);
    ck_assert_int_eq(peer.info.duration_ms, 700);
    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    ck_assert_uint_eq(stats.messages_in, 2);
    ck_assert_uint_eq(stats.bytes_in, 40);
    ck_assert_uint_eq(stats.messages_out, 1);
    ck_assert_uint_eq(stats.bytes_out, 13);
    tear_down();
}
END_TEST

/* Members with a callback. --------------------------------------------- */

START_TEST(a_member_gets_messages_through_its_callback)
{
    struct testing_peer member;

    set_up(NULL);
    testing_enter(hub, &member, "user", NULL);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("user"), HUB_TEXT_OF("both"), NULL), 2);
    testing_settle(hub);
    testing_client_expect_text(&client, "both");
    ck_assert_uint_eq(member.delivered, 1);
    ck_assert_int_eq(member.kind, HUB_TEXT);
    ck_assert_mem_eq(member.last, "both", 4);
    ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF("\1\2", 2)), 2);
    ck_assert_int_eq(hub_unregister(hub, member.id), 0);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("without it")), 1);
    testing_settle(hub);
    ck_assert_uint_eq(member.delivered, 2); /* queued before it left */
    ck_assert_uint_eq(member.closed, 1);
    ck_assert_int_eq(member.info.cause, HUB_CLOSED_BY_HOST);
    ck_assert_uint_eq(member.info.messages_out, 2);
    ck_assert_uint_eq(member.info.bytes_out, 6);
    ck_assert_uint_eq(member.wrong, 0);
    tear_down();
}
END_TEST

START_TEST(a_member_that_refuses_a_message_is_lost)
{
    struct testing_peer member;

    set_up(NULL);
    testing_enter(hub, &member, "member", NULL);
    member.refuse = 1;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_USER("member"), HUB_TEXT_OF("x"), NULL), 1);
    testing_settle(hub);
    ck_assert_uint_eq(member.delivered, 0);
    ck_assert_uint_eq(member.closed, 1);
    ck_assert_int_eq(member.info.cause, HUB_CLOSED_LOST);
    ck_assert_uint_eq(member.info.messages_out, 0);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_CONNECTION(member.id), HUB_TEXT_OF(""), NULL),
        HUB_ENOENT);
    ck_assert_uint_eq(member.wrong, 0);
    tear_down();
}
END_TEST

START_TEST(closing_a_member_delivers_what_is_queued)
{
    struct testing_peer member;

    set_up(NULL);
    testing_enter(hub, &member, "member", "s");
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_SESSION("s"), HUB_TEXT_OF("x"), NULL), 1);
    ck_assert_int_eq(hub_close(hub, member.id, 1000, "done"), 0);
    testing_settle(hub);
    ck_assert_uint_eq(member.delivered, 50);
    ck_assert_uint_eq(member.closed, 1);
    ck_assert_int_eq(member.info.cause, HUB_CLOSED_BY_HOST);
    ck_assert_int_eq(member.info.code, 1000);
    tear_down();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        messages_of_the_peer_reach_the_callback,
        a_message_may_come_byte_by_byte,
        a_message_larger_than_the_buffer_comes_whole,
        messages_to_the_peer_are_single_frames_in_order,
        pings_are_answered_with_their_payload,
        a_close_of_the_peer_is_answered_with_its_code,
        a_close_without_a_code_is_answered_without_one,
        what_comes_behind_a_close_is_ignored,
        an_end_of_stream_is_a_lost_connection,
        a_reset_is_a_lost_connection,
        an_end_in_the_middle_of_a_frame_leaves_nothing,
        whoever_breaks_the_protocol_is_told_how,
        too_many_fragments_are_against_the_policy,
        what_was_sent_before_a_violation_was_seen_comes_first,
        without_memory_for_a_message_the_fault_is_ours,
        without_memory_for_a_close_frame_there_is_none,
        a_close_of_the_host_comes_behind_what_is_queued,
        while_it_closes_only_the_close_of_the_peer_counts,
        closes_that_cross_are_both_answered_by_the_other,
        an_end_instead_of_an_answer_is_an_answer,
        garbage_while_it_closes_changes_nothing_but_ends_the_listening,
        unregistering_closes_at_once_and_without_a_frame,
        destroying_the_hub_closes_at_once,
        closed_is_told_the_figures,
        a_member_gets_messages_through_its_callback,
        a_member_that_refuses_a_message_is_lost,
        closing_a_member_delivers_what_is_queued,
    };

    return testing_run("conn", tests, TESTING_LENGTH(tests));
}
