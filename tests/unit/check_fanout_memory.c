/* check_fanout_memory.c - broadcasts while allocations fail: no connection
 * misses a message in the middle, and one that misses the rest is told so, or
 * is cut off if there is no memory even for that.
 */
#include "loop/conn.h"
#include "loop/fanout.h"
#include "sender_judge.h"
#include "testing.h"

#define RUN 9 /* more than an outbox has room for at first */

/* Who is there; all but the last are sockets. */
enum { CLEAR, OTHER, BUSY, BLOCKED, CUT, LEFT_OUT, MEMBER, PEERS };

/* What one of them has got. */
struct got {
    unsigned texts;
    unsigned extra; /* what not everybody gets */
    int code;       /* of its Close, or 0 */
};

static struct testing_client clients[MEMBER];
static struct testing_peer peers[PEERS];
static struct got got[PEERS];
static hub_t *hub;

static void set_up(void)
{
    sender_judge(NULL);
    hub = testing_stage(NULL);
    for (size_t i = 0; i < MEMBER; i++) {
        got[i] = (struct got){.texts = 0};
        testing_join(hub, &clients[i], &peers[i], i == BUSY ? "busy" : "u",
                     NULL);
    }
    testing_enter(hub, &peers[MEMBER], "member", NULL);
    testing_block(hub, &peers[BLOCKED], 1);
}

static void tear_down(void)
{
    sender_judge(NULL);
    hub_destroy(hub);
    for (size_t i = 0; i < PEERS; i++) {
        ck_assert_uint_eq(peers[i].closed, 1);
        ck_assert_uint_eq(peers[i].wrong, 0);
    }
    for (size_t i = 0; i < MEMBER; i++)
        testing_client_close(&clients[i]);
}

static void send_to_busy(void)
{
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("busy"), HUB_BINARY_OF("!", 1), NULL), 1);
}

static void post_extra(void)
{
    const hub_id left_out[] = {peers[LEFT_OUT].id, peers[MEMBER].id};
    struct hub_target to = hub_to_everybody(), except = HUB_TARGET_INIT;

    except.ids = left_out;
    except.id_count = TESTING_LENGTH(left_out);
    to.except = &except;
    ck_assert_int_eq(hub_send(hub, &to, HUB_BINARY_OF("?", 1), NULL),
                     PEERS - 2);
}

/* All of it is found in one turn. */
static void post_run(void)
{
    char text[2] = "0";

    send_to_busy();
    post_extra(); /* perhaps without memory to collect anything */
    for (int i = 0; i < RUN; i++) {
        text[0] = (char)('0' + i);
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF(text)), PEERS);
        if (i == RUN / 2)
            send_to_busy();
        if (i == RUN / 2)
            post_extra();
    }
    sender_judge_next(testing_conn(hub, peers[CUT].id)->fd, 10);
}

static void read_all(size_t i)
{
    struct testing_received frame;

    while (testing_client_receive(&clients[i], &frame)) {
        ck_assert_int_eq(got[i].code, 0); /* nothing behind a Close */
        if (frame.first_byte == TESTING_FIN_TEXT) {
            ck_assert_uint_eq(frame.payload[0], '0' + got[i].texts);
            got[i].texts++;
        } else if (frame.first_byte == TESTING_FIN_CLOSE) {
            ck_assert_uint_ge(frame.bytes, 2);
            got[i].code = frame.payload[0] << 8 | frame.payload[1];
        } else {
            ck_assert_uint_eq(frame.first_byte, TESTING_FIN_BINARY);
            got[i].extra += frame.payload[0] == '?';
        }
    }
}

/* Returns whether it has got everything. */
static bool check_peer(size_t i)
{
    if (i == MEMBER) {
        got[i].texts = peers[i].delivered;
        ck_assert(got[i].texts == 0 ||
                  peers[i].last[0] == '0' + got[i].texts - 1);
    }
    if (i == MEMBER || i == LEFT_OUT)
        ck_assert_uint_eq(got[i].extra, 0);
    else if (got[i].texts == RUN)
        ck_assert_uint_eq(got[i].extra, 2);
    if (got[i].texts == RUN && peers[i].closed == 0 && got[i].code == 0)
        return true;
    ck_assert_msg(got[i].code == 1011 || peers[i].closed == 1,
                  "peer %zu misses messages", i);
    ck_assert(peers[i].closed == 0 || peers[i].info.cause == HUB_CLOSED_ERROR);
    return false;
}

/* Returns how many allocations were refused. */
static unsigned spread_without(void (*refuse)(unsigned nth), unsigned nth)
{
    unsigned refused, whole = 0;

    set_up();
    post_run();
    refuse(nth);
    testing_settle(hub);
    refused = testing_allow_memory();
    for (int round = 0; round < 20;
         round++) { /* until the blocked one has it */
        for (size_t i = 0; i < MEMBER; i++)
            read_all(i);
        testing_settle(hub);
    }
    for (size_t i = 0; i < PEERS; i++)
        whole += check_peer(i);
    ck_assert(refused > 0 || whole == PEERS);
    tear_down();
    return refused;
}

START_TEST(one_failure_is_borne_or_told)
{
    unsigned nth = 0;

    while (spread_without(testing_fail_allocation, ++nth) > 0)
        ;
    ck_assert_uint_gt(nth, 5);
}
END_TEST

START_TEST(lasting_failure_is_borne_or_told)
{
    unsigned allowed = 0;

    while (spread_without(testing_fail_after, allowed) > 0)
        allowed++;
    ck_assert_uint_gt(allowed, 5);
}
END_TEST

/* Nothing is allocated for a connection that is clear, nor for the second run
 * at all. */
START_TEST(a_run_like_the_one_before_needs_no_memory)
{
    sender_judge(NULL);
    hub = testing_stage(NULL);
    for (size_t i = 0; i < MEMBER; i++) {
        got[i] = (struct got){.texts = 0};
        testing_join(hub, &clients[i], &peers[i], "u", NULL);
    }
    for (int run = 0; run < 3; run++) {
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("x")), MEMBER);
        testing_fail_after(run == 0 ? 2 : 0);
        testing_settle(hub);
        ck_assert_uint_eq(testing_allow_memory(), 0);
        for (size_t i = 0; i < MEMBER; i++) {
            for (int text = 0; text < 3; text++)
                testing_client_expect_text(&clients[i], "x");
        }
    }
    hub_destroy(hub);
    for (size_t i = 0; i < MEMBER; i++)
        testing_client_close(&clients[i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_failure_is_borne_or_told,
        lasting_failure_is_borne_or_told,
        a_run_like_the_one_before_needs_no_memory,
    };

    return testing_run("fanout_memory", tests, TESTING_LENGTH(tests));
}
