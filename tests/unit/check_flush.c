/* check_flush.c - the writing half of a loop: one write per turn and
 * connection, of as much as it holds, however little is taken; and a hub whose
 * ring fails.
 */
#include "loop/flush.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loop/batch.h"
#include "loop/loop.h"
#include "sender_judge.h"
#include "testing.h"
#include "testing_rings.h"

#define SOCKETS 6

static struct testing_client clients[SOCKETS];
static struct testing_peer peers[SOCKETS];
static hub_t *hub;

static void set_up(const struct hub_options *options)
{
    static const char *const users[SOCKETS] = {"0", "1", "2", "3", "4", "5"};

    sender_judge(NULL);
    hub = testing_stage(options);
    for (size_t i = 0; i < SOCKETS; i++)
        testing_join(hub, &clients[i], &peers[i], users[i], "all");
}

static void tear_down(void)
{
    sender_judge(NULL);
    hub_destroy(hub);
    for (size_t i = 0; i < SOCKETS; i++) {
        ck_assert_uint_eq(peers[i].closed, 1);
        ck_assert_uint_eq(peers[i].wrong, 0);
        testing_client_close(&clients[i]);
    }
}

static void poll_once(void)
{
    ck_assert_int_eq(hub_poll(hub, 0), 0);
}

static void send_to(const char *user, const char *text)
{
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER(user), HUB_TEXT_OF(text), NULL),
                     1);
}

static void send_to_all(const char *text)
{
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_SESSION("all"), HUB_TEXT_OF(text), NULL), SOCKETS);
}

/* Once a turn. ---------------------------------------------------------- */

START_TEST(all_that_came_in_a_turn_leaves_in_one_call)
{
    set_up(NULL);
    for (int i = 0; i < 5; i++)
        send_to_all("x");
    send_to("3", "y");
    sender_judge(NULL);
    poll_once();
    ck_assert_uint_eq(sender_judge_calls(), 1);
    ck_assert_uint_eq(sender_judge_writes(), SOCKETS);
    ck_assert_uint_eq(sender_judge_largest(), 6 * 3);
    poll_once();
    ck_assert_uint_eq(sender_judge_calls(), 1); /* no more to be done */
    for (size_t i = 0; i < SOCKETS; i++) {
        for (int text = 0; text < 5; text++)
            testing_client_expect_text(&clients[i], "x");
        if (i == 3)
            testing_client_expect_text(&clients[i], "y");
        testing_client_expect_nothing(&clients[i]);
    }
    tear_down();
}
END_TEST

START_TEST(broadcasts_that_are_alone_leave_in_one_call)
{
    set_up(NULL);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("x")), SOCKETS);
    sender_judge(NULL);
    poll_once();
    ck_assert_uint_eq(sender_judge_calls(), 1);
    ck_assert_uint_eq(sender_judge_writes(), SOCKETS);
    ck_assert_uint_eq(sender_judge_largest(), 100 * 3);
    ck_assert_uint_eq(testing_stats(hub).messages_out, 100 * SOCKETS);
    tear_down();
}
END_TEST

START_TEST(more_pieces_than_a_write_holds_leave_in_several_turns)
{
    char text[3] = "00";

    set_up(NULL);
    for (int i = 0; i < 2 * HUB__IOV + 1; i++) {
        text[0] = (char)('0' + i / 10);
        text[1] = (char)('0' + i % 10);
        send_to("2", text);
    }
    sender_judge(NULL);
    for (unsigned turn = 1; turn <= 4; turn++) {
        poll_once();
        ck_assert_uint_eq(sender_judge_writes(), turn < 3 ? turn : 3);
    }
    ck_assert_uint_eq(sender_judge_largest(), HUB__IOV * 4);
    for (int i = 0; i < 2 * HUB__IOV + 1; i++) {
        text[0] = (char)('0' + i / 10);
        text[1] = (char)('0' + i % 10);
        testing_client_expect_text(&clients[2], text);
    }
    testing_client_expect_nothing(&clients[2]);
    tear_down();
}
END_TEST

START_TEST(more_bytes_than_a_turn_may_write_leave_in_several)
{
    static char large[100000];
    struct testing_received frame;

    set_up(NULL);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(hub_send(hub, HUB_TO_USER("2"),
                                  HUB_BINARY_OF(large, sizeof large), NULL),
                         1);
    sender_judge(NULL);
    for (int i = 0; i < 8;) {
        poll_once();
        i += testing_client_receive(&clients[2], &frame);
    }
    ck_assert_uint_ge(sender_judge_writes(), 4);
    ck_assert_uint_le(sender_judge_largest(), HUB__TURN_BYTES);
    ck_assert_uint_eq(testing_stats(hub).messages_out, 8);
    tear_down();
}
END_TEST

START_TEST(who_died_in_the_turn_is_written_nothing)
{
    set_up(NULL);
    send_to_all("x");
    ck_assert_int_eq(hub_unregister(hub, peers[2].id), 0);
    sender_judge(NULL);
    poll_once();
    ck_assert_uint_eq(peers[2].closed, 1);
    ck_assert_uint_eq(sender_judge_writes(), SOCKETS - 1);
    ck_assert(testing_client_at_end(&clients[2]));
    tear_down();
}
END_TEST

/* As little as is taken. ------------------------------------------------ */

START_TEST(pieces_may_be_cut_at_every_byte)
{
    static char long_text[131];
    const char *const texts[] = {"a", "", long_text, "xyz"};
    const size_t bytes = 3 + 2 + 134 + 5;
    int fd;

    memset(long_text, 'l', sizeof long_text - 1);
    set_up(NULL);
    fd = testing_conn(hub, peers[2].id)->fd;
    for (size_t cut = 0; cut <= bytes; cut++) {
        uint64_t before = testing_stats(hub).bytes_out;

        for (size_t i = 0; i < TESTING_LENGTH(texts); i++)
            send_to_all(texts[i]);
        sender_judge_next(fd, (ssize_t)cut);
        poll_once();
        ck_assert(testing_conn(hub, peers[2].id)->blocked == (cut < bytes));
        send_to("2", "behind");
        testing_settle(hub);
        for (size_t i = 0; i < SOCKETS; i++) {
            for (size_t t = 0; t < TESTING_LENGTH(texts); t++)
                testing_client_expect_text(&clients[i], texts[t]);
            if (i == 2)
                testing_client_expect_text(&clients[i], "behind");
            testing_client_expect_nothing(&clients[i]);
        }
        ck_assert_uint_eq(testing_stats(hub).bytes_out - before,
                          SOCKETS * bytes + 8);
    }
    ck_assert_uint_eq(testing_stats(hub).messages_out,
                      (bytes + 1) * (4 * SOCKETS + 1));
    tear_down();
}
END_TEST

/* Random verdicts on random messages: some for all, some for one. */

static uint64_t seed;

static unsigned pick(unsigned below)
{
    return (unsigned)(testing_random(&seed) % below);
}

static ssize_t take_some(const struct hub__write *write)
{
    switch (pick(4)) {
    case 0:
        return 0;
    case 1:
        return SENDER_ALL;
    default:
        return (ssize_t)pick((unsigned)write->bytes) + 1;
    }
}

#define NOTES 3000

/* Each has its number in front, and its length follows from that. */
static size_t note_bytes(uint32_t number)
{
    return sizeof number + (number % 7 == 0 ? number % 3001 : number % 101);
}

static void send_note(uint32_t number, uint32_t *expected)
{
    static uint8_t note[4000];
    struct hub_message message = hub_binary(note, note_bytes(number));
    unsigned whom = pick(2 * SOCKETS);

    memset(note, (int)(number % 251), sizeof note);
    memcpy(note, &number, sizeof number);
    if (whom < SOCKETS)
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_CONNECTION(peers[whom].id), &message, NULL),
            1);
    else
        ck_assert_int_eq(hub_broadcast(hub, &message), SOCKETS);
    for (unsigned i = 0; i < SOCKETS; i++)
        expected[i] += whom == i || whom >= SOCKETS;
}

/* Takes the notes that came. Returns how many. */
static uint32_t read_notes(struct testing_client *client, uint32_t *last)
{
    struct testing_received frame;
    uint32_t count = 0, number;

    for (; testing_client_receive(client, &frame); count++) {
        ck_assert_uint_eq(frame.first_byte, TESTING_FIN_BINARY);
        ck_assert_uint_ge(frame.bytes, sizeof number);
        memcpy(&number, frame.payload, sizeof number);
        ck_assert_uint_gt(number, *last);
        ck_assert_uint_eq(frame.bytes, note_bytes(number));
        for (size_t i = sizeof number; i < frame.bytes; i++) {
            if (frame.payload[i] != number % 251)
                ck_abort_msg("byte %zu of note %u is another's", i, number);
        }
        *last = number;
    }
    return count;
}

static void exchange(sender_judge_fn *judge, int buffer_bytes)
{
    uint32_t expected[SOCKETS] = {0}, got[SOCKETS] = {0}, last[SOCKETS] = {0};

    seed = 99;
    set_up(NULL);
    for (size_t i = 0; i < SOCKETS && buffer_bytes > 0; i++)
        testing_shrink_buffers(testing_conn(hub, peers[i].id)->fd,
                               buffer_bytes);
    sender_judge(judge);
    for (uint32_t number = 1; number <= NOTES; number++) {
        send_note(number, expected);
        if (pick(20) == 0)
            poll_once();
        if (pick(10) == 0) {
            size_t i = pick(SOCKETS);

            got[i] += read_notes(&clients[i], &last[i]);
        }
    }
    for (int more = 0; more < 5000; more++) {
        poll_once();
        for (size_t i = 0; i < SOCKETS; i++)
            got[i] += read_notes(&clients[i], &last[i]);
    }
    for (size_t i = 0; i < SOCKETS; i++) {
        ck_assert_uint_eq(got[i], expected[i]);
        ck_assert_uint_eq(peers[i].closed, 0);
        ck_assert(hub__conn_is_clear(testing_conn(hub, peers[i].id)));
    }
    tear_down();
}

START_TEST(whatever_part_is_taken_the_streams_are_whole)
{
    exchange(take_some, 0);
}
END_TEST

START_TEST(so_they_are_with_small_buffers)
{
    exchange(NULL, 4000);
    exchange(take_some, 4000);
}
END_TEST

/* One in between. ------------------------------------------------------- */

/* A full queue is written out while a batch of the others is put together. */
START_TEST(one_is_written_to_while_a_batch_is_put_together)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    char text[1001];

    memset(text, 'x', sizeof text - 1);
    text[1000] = '\0';
    options.queue_bytes = 1500;
    for (size_t busy = 0; busy < SOCKETS; busy++) {
        char user[2] = {(char)('0' + busy), '\0'};

        set_up(&options);
        send_to(user, text);
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF(text)), SOCKETS);
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("y")), SOCKETS);
        sender_judge(NULL);
        poll_once();
        ck_assert_uint_eq(sender_judge_writes(), SOCKETS + 1);
        for (size_t i = 0; i < SOCKETS; i++) {
            testing_client_expect_text(&clients[i], text);
            if (i == busy)
                testing_client_expect_text(&clients[i], text);
            testing_client_expect_text(&clients[i], "y");
            testing_client_expect_nothing(&clients[i]);
        }
        ck_assert_uint_eq(testing_stats(hub).slow_closed, 0);
        tear_down();
    }
}
END_TEST

/* A ring that fails. ---------------------------------------------------- */

static unsigned warnings;
static char warning[200];

static void keep_warning(void *data, enum hub_log_level level, const char *text)
{
    (void)data;
    if (level == HUB_LOG_INFO)
        return;
    ck_assert_int_eq(level, HUB_LOG_WARN);
    strncpy(warning, text, sizeof warning - 1);
    warnings++;
}

static void break_ring(bool broadcasts)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    warnings = 0;
    options.sender = HUB_SENDER_URING;
    options.log = keep_warning;
    set_up(&options);
    ck_assert_uint_eq(testing_stats(hub).uring_loops, 1);
    ck_assert_uint_eq(testing_break_rings(), 1);
    send_to("1", "one is written without");
    testing_settle(hub);
    ck_assert_uint_eq(testing_stats(hub).uring_loops, 1);
    ck_assert_uint_eq(warnings, 0);
    for (int i = 0; i < 3; i++) {
        if (broadcasts)
            ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("all")), SOCKETS);
        else
            send_to_all("all");
        testing_settle(hub);
        ck_assert_uint_eq(testing_stats(hub).uring_loops, 0);
        ck_assert_uint_eq(warnings, 1);
    }
    ck_assert_ptr_nonnull(strstr(warning, "sendmsg"));
    testing_client_expect_text(&clients[1], "one is written without");
    for (size_t i = 0; i < SOCKETS; i++) {
        for (int text = 0; text < 3; text++)
            testing_client_expect_text(&clients[i], "all");
        testing_client_expect_nothing(&clients[i]);
    }
    tear_down();
}

START_TEST(a_hub_outlives_its_ring)
{
    if (!testing_has_rings())
        return;
    break_ring(true);
    break_ring(false);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        all_that_came_in_a_turn_leaves_in_one_call,
        broadcasts_that_are_alone_leave_in_one_call,
        more_pieces_than_a_write_holds_leave_in_several_turns,
        more_bytes_than_a_turn_may_write_leave_in_several,
        who_died_in_the_turn_is_written_nothing,
        pieces_may_be_cut_at_every_byte,
        whatever_part_is_taken_the_streams_are_whole,
        so_they_are_with_small_buffers,
        one_is_written_to_while_a_batch_is_put_together,
        a_hub_outlives_its_ring,
    };

    return testing_run("flush", tests, TESTING_LENGTH(tests));
}
