/* check_fanout_write.c - a run of broadcasts that a socket takes in part, or
 * not at all, or that it fails in: afterwards the stream continues with the
 * next byte, and the other connections get everything.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loop/conn.h"
#include "loop/fanout.h"
#include "sender_judge.h"
#include "testing.h"

#define SOCKETS 6
#define VICTIM 2 /* the one that is cut */

static struct testing_client clients[SOCKETS];
static struct testing_peer peers[SOCKETS];
static hub_t *hub;

static void join(size_t i)
{
    testing_join(hub, &clients[i], &peers[i], i == VICTIM ? "victim" : "other",
                 NULL);
}

static void set_up(const struct hub_options *options)
{
    sender_judge(NULL);
    hub = testing_stage(options);
    for (size_t i = 0; i < SOCKETS; i++)
        join(i);
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

static void broadcast(const char *text)
{
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF(text)), SOCKETS);
}

static struct hub__conn *victim(void)
{
    return testing_conn(hub, peers[VICTIM].id);
}

/* Cut at every byte. ---------------------------------------------------- */

#define RUN 4

/* With a frame without payload, and one with a longer header. */
static char long_text[131];
static const char *const texts[RUN] = {"a", "", long_text, "xyz"};

static size_t frame_bytes(const char *text)
{
    return strlen(text) + (strlen(text) < 126 ? 2 : 4);
}

static size_t run_bytes(void)
{
    size_t bytes = 0;

    memset(long_text, 'l', sizeof long_text - 1);
    for (size_t i = 0; i < RUN; i++)
        bytes += frame_bytes(texts[i]);
    return bytes;
}

/* What happens to the victim before it can be written to again. */
enum meanwhile { NOTHING, BROADCASTS, SEND, PING, CLOSE, MEANWHILES };

static void happen(enum meanwhile what)
{
    switch (what) {
    case BROADCASTS:
        broadcast("m");
        broadcast("n");
        break;
    case SEND:
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_USER("victim"), HUB_TEXT_OF("m"), NULL), 1);
        break;
    case PING:
        testing_client_send(&clients[VICTIM], TESTING_FIN_PING, "p", 1);
        break;
    case CLOSE:
        ck_assert_int_eq(hub_close(hub, peers[VICTIM].id, 1000, NULL), 0);
        break;
    case NOTHING:
    case MEANWHILES:
        break;
    }
}

/* Frames that can be out by the time they are cut, the half one included. */
static size_t frames_begun(size_t cut)
{
    size_t begun = 0;

    for (size_t end = 0; begun < RUN && end < cut; begun++)
        end += frame_bytes(texts[begun]);
    return begun;
}

static void expect_run(size_t i, size_t cut, enum meanwhile what)
{
    struct testing_client *client = &clients[i];
    size_t pong_at = i == VICTIM && what == PING ? frames_begun(cut) : SIZE_MAX;

    for (size_t frame = 0; frame <= RUN; frame++) {
        if (frame == pong_at)
            testing_client_expect(client, TESTING_FIN_PONG, "p", 1);
        if (frame < RUN)
            testing_client_expect_text(client, texts[frame]);
    }
    if (what == BROADCASTS || (what == SEND && i == VICTIM))
        testing_client_expect_text(client, "m");
    if (what == BROADCASTS)
        testing_client_expect_text(client, "n");
    if (what == CLOSE && i == VICTIM)
        testing_client_expect_close(client, 1000);
    testing_client_expect_nothing(client);
}

static void let_victim_back(size_t messages, size_t bytes)
{
    testing_client_send_close(&clients[VICTIM], 1000, "");
    testing_settle(hub);
    ck_assert_uint_eq(peers[VICTIM].closed, 1);
    ck_assert_int_eq(peers[VICTIM].info.cause, HUB_CLOSED_BY_HOST);
    ck_assert_uint_eq(peers[VICTIM].info.messages_out, messages);
    ck_assert_uint_eq(peers[VICTIM].info.bytes_out, bytes + 4);
    testing_client_close(&clients[VICTIM]);
    join(VICTIM);
}

static void cut_run(size_t cut, enum meanwhile what)
{
    static const size_t more[MEANWHILES][2] = {
        /* messages and bytes */
        [BROADCASTS] = {2 * SOCKETS, 2 * SOCKETS * 3},
        [SEND] = {1, 3},
        [PING] = {0, 3},
        [CLOSE] = {0, 4},
    };
    struct hub_stats before = testing_stats(hub), after;

    for (size_t i = 0; i < RUN; i++)
        broadcast(texts[i]);
    sender_judge_next(victim()->fd, (ssize_t)cut);
    ck_assert_int_eq(hub_poll(hub, 0), 0);
    ck_assert_uint_eq(sender_judge_writes(), SOCKETS);
    ck_assert(victim()->blocked == (cut < run_bytes()));
    ck_assert_uint_eq(victim()->outbox.bytes, run_bytes() - cut);
    happen(what);
    testing_settle(hub);
    for (size_t i = 0; i < SOCKETS; i++)
        expect_run(i, cut, what);
    after = testing_stats(hub);
    ck_assert_uint_eq(after.messages_out - before.messages_out,
                      RUN * SOCKETS + more[what][0]);
    ck_assert_uint_eq(after.bytes_out - before.bytes_out,
                      run_bytes() * SOCKETS + more[what][1]);
    if (what == CLOSE)
        let_victim_back(RUN, run_bytes());
    else
        ck_assert(hub__conn_is_clear(victim()));
}

START_TEST(a_run_may_be_cut_at_every_byte)
{
    set_up(NULL);
    for (unsigned what = NOTHING; what < MEANWHILES; what++) {
        /* What was counted for the victim is counted for a new one here. */
        if (what == CLOSE) {
            happen(CLOSE);
            testing_settle(hub);
            testing_client_expect_close(&clients[VICTIM], 1000);
            testing_client_close(&clients[VICTIM]);
            testing_settle(hub);
            join(VICTIM);
        }
        for (size_t cut = 0; cut <= run_bytes(); cut++)
            cut_run(cut, (enum meanwhile)what);
    }
    ck_assert_uint_eq(testing_stats(hub).slow_closed, 0);
    ck_assert_uint_eq(testing_stats(hub).dropped, 0);
    tear_down();
}
END_TEST

/* Broken. --------------------------------------------------------------- */

START_TEST(one_that_breaks_takes_nobody_along)
{
    static const struct {
        int error;
        enum hub_close_cause cause;
    } cases[] = {
        {EPIPE, HUB_CLOSED_LOST},
        {ECONNRESET, HUB_CLOSED_LOST},
        {ENOBUFS, HUB_CLOSED_ERROR},
        {ENOMEM, HUB_CLOSED_ERROR},
    };

    for (size_t c = 0; c < TESTING_LENGTH(cases); c++) {
        set_up(NULL);
        broadcast("one");
        broadcast("two");
        sender_judge_next(victim()->fd, -cases[c].error);
        testing_settle(hub);
        for (size_t i = 0; i < SOCKETS; i++) {
            if (i != VICTIM) {
                testing_client_expect_text(&clients[i], "one");
                testing_client_expect_text(&clients[i], "two");
            }
        }
        ck_assert(testing_client_at_end(&clients[VICTIM]));
        ck_assert_int_eq(peers[VICTIM].info.cause, cases[c].cause);
        ck_assert_uint_eq(testing_stats(hub).messages_out, 2 * (SOCKETS - 1));
        ck_assert_uint_eq(testing_stats(hub).connections, SOCKETS - 1);
        tear_down();
    }
}
END_TEST

#define CROWD (HUB__SENDER_BATCH + 44)

/* Of three neighbours, one breaks and one is full. */
static ssize_t break_thirds(const struct hub__write *write)
{
    static const ssize_t verdicts[] = {-EPIPE, 0, SENDER_ALL};
    static unsigned asked;

    (void)write;
    return verdicts[asked++ % 3];
}

/* The table of connections changes while it is gone through. */
START_TEST(many_may_break_in_one_run)
{
    struct testing_client *crowd = calloc(CROWD, sizeof *crowd);
    struct testing_peer *their = calloc(CROWD, sizeof *their);
    unsigned left = 0;

    ck_assert(crowd != NULL && their != NULL);
    hub = testing_stage(NULL);
    for (size_t i = 0; i < CROWD; i++)
        testing_join(hub, &crowd[i], &their[i], "u", NULL);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("1")), CROWD);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("2")), CROWD);
    sender_judge(break_thirds);
    ck_assert_int_eq(hub_poll(hub, 0), 0);
    sender_judge(NULL);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("3")), CROWD - CROWD / 3);
    testing_settle(hub);
    for (size_t i = 0; i < CROWD; i++) {
        if (their[i].closed == 0) {
            left++;
            testing_client_expect_text(&crowd[i], "1");
            testing_client_expect_text(&crowd[i], "2");
            testing_client_expect_text(&crowd[i], "3");
            testing_client_expect_nothing(&crowd[i]);
        } else {
            ck_assert(testing_client_at_end(&crowd[i]));
        }
    }
    ck_assert_uint_eq(left, CROWD - CROWD / 3);
    ck_assert_uint_eq(testing_stats(hub).messages_out, 3 * left);
    hub_destroy(hub);
    for (size_t i = 0; i < CROWD; i++)
        testing_client_close(&crowd[i]);
    free(crowd);
    free(their);
}
END_TEST

/* Slow consumers. ------------------------------------------------------- */

#define MESSAGES 7
#define FRAME 102 /* bytes */
#define QUEUE 330 /* three of them, and a part */

/* What ought to come of a run that is cut: which messages go out, and how many
 * are dropped. */
struct outcome {
    char numbers[MESSAGES + 1];
    uint64_t dropped;
    bool closed;
};

static void drop_first(struct outcome *o, size_t from)
{
    memmove(o->numbers + from, o->numbers + from + 1, MESSAGES - from);
    o->dropped++;
}

static struct outcome foresee(enum hub_slow_consumer policy, size_t cut)
{
    struct outcome o = {.dropped = 0};
    size_t half = cut % FRAME, out = cut / FRAME; /* frames */
    size_t fixed = out + (half > 0); /* what cannot be taken back */

    for (size_t i = 0; i < MESSAGES && !o.closed; i++) {
        size_t count = strlen(o.numbers);
        bool waits = i > out && count > out; /* there is one before it */

        if (waits && (count - out + 1) * FRAME - half > QUEUE) {
            if (policy == HUB_SLOW_DROP_NEWEST) {
                o.dropped++;
                continue;
            }
            if (policy == HUB_SLOW_CLOSE) {
                o.closed = true;
                o.numbers[fixed] = '\0';
                break;
            }
            drop_first(&o, fixed);
        }
        o.numbers[strlen(o.numbers)] = (char)('0' + i);
    }
    return o;
}

static void check_outcome(const struct outcome *o)
{
    struct testing_received frame;

    for (size_t i = 0; o->numbers[i] != '\0'; i++) {
        ck_assert(testing_client_receive(&clients[VICTIM], &frame));
        ck_assert_uint_eq(frame.first_byte, TESTING_FIN_TEXT);
        ck_assert_uint_eq(frame.bytes, FRAME - 2);
        ck_assert_uint_eq(frame.payload[0], (uint8_t)o->numbers[i]);
    }
    if (o->closed)
        testing_client_expect_close(&clients[VICTIM], 1013);
    testing_client_expect_nothing(&clients[VICTIM]);
}

static void be_slow(enum hub_slow_consumer policy, size_t cut)
{
    struct outcome o = foresee(policy, cut);
    struct hub_stats before = testing_stats(hub), after;
    char text[FRAME - 1];

    memset(text, '.', sizeof text);
    text[FRAME - 2] = '\0';
    for (int i = 0; i < MESSAGES; i++) {
        text[0] = (char)('0' + i);
        broadcast(text);
    }
    sender_judge_next(victim()->fd, (ssize_t)cut);
    testing_settle(hub);
    check_outcome(&o);
    after = testing_stats(hub);
    ck_assert_uint_eq(after.dropped - before.dropped, o.dropped);
    ck_assert_uint_eq(after.slow_closed - before.slow_closed, o.closed);
    ck_assert_uint_eq(after.messages_out - before.messages_out,
                      MESSAGES * (SOCKETS - 1) + strlen(o.numbers));
    if (o.closed) {
        ck_assert_uint_eq(after.connections, SOCKETS - 1);
        testing_client_close(&clients[VICTIM]);
        testing_settle(hub);
        ck_assert_int_eq(peers[VICTIM].info.cause, HUB_CLOSED_SLOW_CONSUMER);
        ck_assert_uint_eq(peers[VICTIM].info.messages_out, strlen(o.numbers));
        join(VICTIM);
    }
    for (size_t i = 0; i < SOCKETS; i++) {
        struct testing_received frame;

        while (i != VICTIM && testing_client_receive(&clients[i], &frame))
            ck_assert_uint_eq(frame.bytes, FRAME - 2);
    }
}

static void check_policy(enum hub_slow_consumer policy)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.slow_consumer = policy;
    options.queue_bytes = QUEUE;
    set_up(&options);
    for (size_t cut = 0; cut <= MESSAGES * FRAME; cut++)
        be_slow(policy, cut);
    tear_down();
}

START_TEST(a_slow_consumer_is_closed_behind_what_is_half_out)
{
    check_policy(HUB_SLOW_CLOSE);
}
END_TEST

START_TEST(the_oldest_that_are_not_begun_are_dropped)
{
    check_policy(HUB_SLOW_DROP_OLDEST);
}
END_TEST

START_TEST(the_newest_are_dropped_whole)
{
    check_policy(HUB_SLOW_DROP_NEWEST);
}
END_TEST

/* Pongs. ---------------------------------------------------------------- */

/* Both found in one turn: so many pings that one pong waits for the others to
 * be out, and broadcasts. */
START_TEST(pongs_that_wait_do_not_mix_with_a_run)
{
    static uint8_t flood[60000];
    struct testing_received frame;
    size_t bytes = 0;
    unsigned heard = 0;
    bool last_pong = false;

    set_up(NULL);
    for (uint32_t i = 0; bytes + 20 < sizeof flood; i++)
        bytes += testing_frame(flood + bytes, TESTING_FIN_PING, &i, sizeof i);
    bytes += testing_frame(flood + bytes, TESTING_FIN_PING, "last", 4);
    testing_client_send_raw(&clients[VICTIM], flood, bytes);
    broadcast("0");
    broadcast("1");
    broadcast("2");
    testing_settle(hub);
    while (testing_client_receive(&clients[VICTIM], &frame)) {
        if (frame.first_byte == TESTING_FIN_TEXT) {
            ck_assert_uint_eq(frame.payload[0], '0' + heard++);
        } else {
            ck_assert_uint_eq(frame.first_byte, TESTING_FIN_PONG);
            last_pong |= memcmp(frame.payload, "last", 4) == 0;
        }
    }
    ck_assert_uint_eq(heard, 3);
    ck_assert(last_pong);
    ck_assert(hub__conn_is_clear(victim()));
    tear_down();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_run_may_be_cut_at_every_byte,
        one_that_breaks_takes_nobody_along,
        many_may_break_in_one_run,
        a_slow_consumer_is_closed_behind_what_is_half_out,
        the_oldest_that_are_not_begun_are_dropped,
        the_newest_are_dropped_whole,
        pongs_that_wait_do_not_mix_with_a_run,
    };

    return testing_run("fanout_write", tests, TESTING_LENGTH(tests));
}
