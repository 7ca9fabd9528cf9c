/* check_reject.c - hub_reject(): what a rejected socket is sent, how long it
 * has to read that, and that it is not a connection.
 */
#include <string.h>
#include <sys/socket.h>

#include "reject_stage.h"

#define LIMIT_MS 2000
#define LONG_BYTES 300000

/* And the reject_hub has turned. */
static void set_up(void)
{
    reject_set_up(NULL);
    testing_settle(reject_hub);
}

/* What it is told. ----------------------------------------------------- */

START_TEST(it_is_told_why_and_closed_when_it_has_answered)
{
    set_up();
    reject_expect_close(3000, "unauthorized");
    ck_assert(reject_is_open(reject_fd));
    ck_assert(!testing_client_at_end(&reject_client));
    testing_client_send_close(&reject_client, 3000, "");
    testing_settle(reject_hub);
    ck_assert(testing_client_at_end(&reject_client));
    reject_check_over();
    reject_tear_down();
}
END_TEST

START_TEST(the_preamble_comes_first)
{
    char preamble[] = REJECT_PREAMBLE;

    reject_set_up(preamble);
    memset(preamble, 'x', sizeof preamble); /* it was copied */
    testing_settle(reject_hub);
    reject_expect_bytes(REJECT_PREAMBLE, strlen(REJECT_PREAMBLE));
    reject_expect_close(3000, "unauthorized");
    testing_client_expect_nothing(&reject_client);
    reject_tear_down();
}
END_TEST

START_TEST(there_need_not_be_a_reason)
{
    struct hub_rejection rejection = reject_with(1013, NULL);

    reject_start();
    ck_assert_int_eq(
        hub_reject(reject_hub, testing_client_open(&reject_client), &rejection),
        0);
    testing_settle(reject_hub);
    reject_expect_close(1013, "");
    reject_tear_down();
}
END_TEST

START_TEST(who_does_not_read_yet_gets_it_later)
{
    static char preamble[LONG_BYTES + 1];
    struct hub_rejection rejection = reject_with(3003, "forbidden");

    memset(preamble, 'p', LONG_BYTES);
    rejection.preamble = preamble;
    rejection.preamble_bytes = LONG_BYTES;
    reject_start();
    reject_fd = testing_client_open(&reject_client);
    testing_shrink_buffers(reject_fd, 4096);
    ck_assert_int_eq(hub_reject(reject_hub, reject_fd, &rejection), 0);
    testing_settle(reject_hub);
    testing_pass(reject_hub, LIMIT_MS - 100);
    reject_expect_bytes(preamble, LONG_BYTES);
    testing_settle(reject_hub);
    reject_expect_close(3003, "forbidden");
    reject_check_nobody(1);
    reject_tear_down();
}
END_TEST

START_TEST(nobody_can_reach_it)
{
    set_up();
    ck_assert_int_eq(hub_broadcast(reject_hub, HUB_TEXT_OF("x")), 0);
    ck_assert_int_eq(
        hub_send(reject_hub, HUB_TO_USER(""), HUB_TEXT_OF("x"), NULL), 0);
    testing_settle(reject_hub);
    reject_expect_close(3000, "unauthorized");
    testing_client_expect_nothing(&reject_client);
    reject_tear_down();
}
END_TEST

/* A broadcast to others that passes it by, in the same turn too. */
START_TEST(what_others_are_sent_passes_it_by)
{
    struct hub_member member = HUB_MEMBER_INIT;
    struct testing_client other;

    reject_set_up(NULL);
    member.user_id = "other";
    ck_assert_int_eq(
        hub_adopt(reject_hub, testing_client_open(&other), &member, NULL), 0);
    ck_assert_int_eq(hub_broadcast(reject_hub, HUB_TEXT_OF("1")), 1);
    testing_settle(reject_hub);
    ck_assert_int_eq(hub_broadcast(reject_hub, HUB_TEXT_OF("2")), 1);
    testing_settle(reject_hub);
    testing_client_expect_text(&other, "1");
    testing_client_expect_text(&other, "2");
    reject_expect_close(3000, "unauthorized");
    testing_client_expect_nothing(&reject_client);
    hub_destroy(reject_hub);
    testing_client_close(&other);
    testing_client_close(&reject_client);
}
END_TEST

/* What it says. -------------------------------------------------------- */

START_TEST(what_it_says_is_thrown_away_until_its_close)
{
    char text[2000];

    set_up();
    memset(text, 'a', sizeof text);
    for (int i = 0; i < 20; i++) {
        testing_client_send(&reject_client, TESTING_FIN_TEXT, text,
                            sizeof text);
        testing_client_send(&reject_client, 0x01, "in ", 3);
        testing_client_send(&reject_client, TESTING_FIN_PING, "p", 1);
        testing_client_send(&reject_client, 0x80, "parts", 5);
        testing_settle(reject_hub);
    }
    reject_expect_close(3000, "unauthorized");
    testing_client_expect_nothing(&reject_client); /* no pong */
    ck_assert(reject_is_open(reject_fd));
    testing_client_send_close(&reject_client, 1000, "");
    testing_settle(reject_hub);
    reject_check_over();
    reject_tear_down();
}
END_TEST

START_TEST(its_close_may_come_in_pieces)
{
    uint8_t frame[32];
    size_t bytes = testing_frame(frame, TESTING_FIN_CLOSE, "\x0B\xB8", 2);

    set_up();
    for (size_t i = 0; i < bytes; i++) {
        ck_assert(reject_is_open(reject_fd));
        testing_client_send_raw(&reject_client, &frame[i], 1);
        testing_settle(reject_hub);
    }
    reject_check_over();
    reject_tear_down();
}
END_TEST

/* It is followed no more then, and told that there is nothing to come. */
START_TEST(who_says_too_much_has_to_hang_up)
{
    static char large[100000];

    set_up();
    reject_expect_close(3000, "unauthorized");
    testing_client_send(&reject_client, TESTING_FIN_BINARY, large,
                        sizeof large);
    testing_settle(reject_hub);
    ck_assert(testing_client_at_end(&reject_client));
    ck_assert_uint_eq(testing_stats(reject_hub).memory_bytes, 0);
    for (int i = 0; i < 5; i++) {
        testing_client_send(&reject_client, TESTING_FIN_BINARY, large,
                            sizeof large);
        testing_settle(reject_hub);
        ck_assert(reject_is_open(reject_fd));
    }
    testing_client_close(&reject_client);
    testing_settle(reject_hub);
    reject_check_over();
    reject_tear_down();
}
END_TEST

START_TEST(who_talks_nonsense_has_to_hang_up)
{
    set_up();
    reject_expect_close(3000, "unauthorized");
    testing_client_send_raw(&reject_client, "\xFF\xFF nonsense", 11);
    testing_settle(reject_hub);
    testing_client_expect_nothing(&reject_client); /* no second Close */
    ck_assert(testing_client_at_end(&reject_client));
    ck_assert(reject_is_open(reject_fd));
    testing_pass(reject_hub, LIMIT_MS + 1000);
    reject_check_over();
    reject_tear_down();
}
END_TEST

START_TEST(who_hangs_up_is_gone)
{
    set_up();
    testing_client_close(&reject_client);
    testing_settle(reject_hub);
    reject_check_over();
    reject_tear_down();
}
END_TEST

/* Its Close was on its way before it knew. */
START_TEST(who_has_closed_before_gets_the_rest)
{
    struct hub_rejection rejection = reject_with(3000, NULL);

    reject_start();
    reject_fd = testing_client_open(&reject_client);
    testing_client_send_close(&reject_client, 1001, "");
    rejection.preamble = REJECT_PREAMBLE;
    rejection.preamble_bytes = strlen(REJECT_PREAMBLE);
    ck_assert_int_eq(hub_reject(reject_hub, reject_fd, &rejection), 0);
    testing_settle(reject_hub);
    reject_expect_bytes(REJECT_PREAMBLE, strlen(REJECT_PREAMBLE));
    reject_expect_close(3000, "");
    ck_assert(testing_client_at_end(&reject_client));
    reject_check_over();
    reject_tear_down();
}
END_TEST

/* Time. ---------------------------------------------------------------- */

START_TEST(it_has_two_seconds)
{
    int64_t tick_ms;

    set_up();
    tick_ms = reject_hub->loops[0].host.tick_ms;
    testing_pass(reject_hub, LIMIT_MS - 1);
    ck_assert(reject_is_open(reject_fd));
    testing_pass(reject_hub, tick_ms + 50);
    reject_check_over();
    reject_expect_close(3000, "unauthorized");
    ck_assert(testing_client_at_end(&reject_client));
    reject_tear_down();
}
END_TEST

START_TEST(talking_gives_it_no_more)
{
    set_up();
    for (int i = 0; i < 60 && reject_is_open(reject_fd); i++) {
        testing_client_send(&reject_client, TESTING_FIN_TEXT, "still here", 10);
        testing_pass(reject_hub, 50);
    }
    reject_check_over();
    reject_tear_down();
}
END_TEST

/* By little and little, so that it is never out. */
START_TEST(reading_gives_it_no_more)
{
    static char preamble[LONG_BYTES];
    struct hub_rejection rejection = reject_with(3000, NULL);
    char sink[2000];

    rejection.preamble = preamble;
    rejection.preamble_bytes = sizeof preamble;
    reject_start();
    reject_fd = testing_client_open(&reject_client);
    testing_shrink_buffers(reject_fd, 4096);
    ck_assert_int_eq(hub_reject(reject_hub, reject_fd, &rejection), 0);
    testing_settle(reject_hub);
    for (int i = 0; i < 60 && reject_is_open(reject_fd); i++) {
        ck_assert_int_gt(recv(reject_client.fd, sink, sizeof sink, 0), 0);
        testing_pass(reject_hub, 50);
    }
    reject_check_over();
    reject_tear_down();
}
END_TEST

START_TEST(a_shutdown_ends_it_at_once)
{
    reject_set_up(REJECT_PREAMBLE);
    ck_assert_int_eq(hub_shutdown(reject_hub, 60000), 0);
    reject_check_over();
    reject_expect_bytes(
        REJECT_PREAMBLE,
        strlen(REJECT_PREAMBLE)); /* it was not too late for that */
    reject_expect_close(3000, "unauthorized");
    ck_assert(testing_client_at_end(&reject_client));
    reject_tear_down();

    set_up();
    ck_assert_int_eq(hub_shutdown(reject_hub, 60000), 0);
    reject_check_over();
    reject_tear_down();
}
END_TEST

START_TEST(so_does_the_end_of_the_hub)
{
    reject_set_up(NULL);
    reject_tear_down();
    ck_assert(!reject_is_open(reject_fd));
    set_up();
    reject_tear_down();
    ck_assert(!reject_is_open(reject_fd));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        it_is_told_why_and_closed_when_it_has_answered,
        the_preamble_comes_first,
        there_need_not_be_a_reason,
        who_does_not_read_yet_gets_it_later,
        nobody_can_reach_it,
        what_others_are_sent_passes_it_by,
        what_it_says_is_thrown_away_until_its_close,
        its_close_may_come_in_pieces,
        who_says_too_much_has_to_hang_up,
        who_talks_nonsense_has_to_hang_up,
        who_hangs_up_is_gone,
        who_has_closed_before_gets_the_rest,
        it_has_two_seconds,
        talking_gives_it_no_more,
        reading_gives_it_no_more,
        a_shutdown_ends_it_at_once,
        so_does_the_end_of_the_hub,
    };

    return testing_run("reject", tests, TESTING_LENGTH(tests));
}
