/* check_loop_turns.c - more posts than a turn handles: the rest waits for the
 * next turns, in order, everything else gets its turn in between, and a
 * connection that dies meanwhile is not released while a post refers to it.
 */
#include <poll.h>
#include <string.h>

#include "loop/loop.h"
#include "testing.h"

#define CREW 512 /* members of one user: a send to it is as many posts */

static struct testing_peer crew[CREW];
static hub_t *hub;

static void poll_once(void)
{
    ck_assert_int_eq(hub_poll(hub, 0), 0);
}

static bool has_leftovers(void)
{
    return hub->loops[0].posts.first != NULL;
}

static void check_at_rest(void)
{
    const struct hub__loop *loop = &hub->loops[0];

    testing_settle(hub);
    ck_assert(!has_leftovers());
    ck_assert_ptr_null(loop->dead);
    ck_assert_ptr_null(loop->host.dying);
    ck_assert_uint_eq(atomic_load(&loop->mailbox.bytes), 0);
}

static void enter_crew(void)
{
    for (size_t i = 0; i < CREW; i++)
        testing_enter(hub, &crew[i], "crew", NULL);
}

/* Posts as many as so many turns can take. */
static void post_turns(unsigned turns)
{
    for (unsigned i = 0; i < turns * (HUB__TURN_POSTS / CREW); i++)
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_USER("crew"), HUB_TEXT_OF("x"), NULL), CREW);
}

static void check_crew(unsigned delivered)
{
    for (size_t i = 0; i < CREW; i++) {
        ck_assert_uint_eq(crew[i].delivered, delivered);
        ck_assert_uint_eq(crew[i].wrong, 0);
        ck_assert_uint_eq(crew[i].closed, 0);
    }
}

/* How much. ------------------------------------------------------------- */

START_TEST(a_turn_takes_so_many_posts)
{
    hub = testing_stage(NULL);
    enter_crew();
    post_turns(3);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_CONNECTION(crew[0].id), HUB_TEXT_OF(""), NULL), 1);
    for (unsigned turn = 1; turn <= 3; turn++) {
        poll_once();
        check_crew(turn * (HUB__TURN_POSTS / CREW));
        ck_assert(has_leftovers());
    }
    poll_once();
    ck_assert_uint_eq(crew[0].last_bytes, 0);
    check_at_rest();
    hub_destroy(hub);
}
END_TEST

/* Returns how many bytes a turn delivers to each of so many members. */
static uint64_t share_of(size_t members, size_t bytes)
{
    static char text[10000];
    static struct testing_peer peers[6000];
    struct hub_options options = HUB_OPTIONS_INIT;
    uint64_t share = 0, last = 0;

    options.backlog_bytes = SIZE_MAX;
    hub = testing_stage(&options);
    for (size_t i = 0; i < members; i++)
        testing_enter(hub, &peers[i], "u", NULL);
    for (int i = 0; i < 80; i++)
        ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(text, bytes)),
                         (int64_t)members);
    while (peers[0].delivered < 80) {
        uint64_t before = testing_stats(hub).bytes_out;

        if (last > 0)
            share = last; /* not of the last turn, which has the rest */
        poll_once();
        last = (testing_stats(hub).bytes_out - before) / members;
        ck_assert_uint_gt(last, 0);
        ck_assert(share == 0 || last <= share);
    }
    ck_assert_uint_eq(testing_stats(hub).messages_out, members * 80);
    check_at_rest();
    hub_destroy(hub);
    return share;
}

/* A connection may have a quarter of a mebibyte, or what is its part of 64, but
 * 16 KiB in any case. Members are not sent the headers, of four bytes here. */
START_TEST(a_turn_takes_so_many_bytes)
{
    ck_assert_uint_eq(share_of(1, 10000), 27 * 10000);
    ck_assert_uint_eq(share_of(200, 10000), 27 * 10000);
    ck_assert_uint_eq(share_of(1000, 10000), 7 * 10000);
    ck_assert_uint_eq(share_of(6000, 1000), 17 * 1000);
}
END_TEST

START_TEST(one_message_may_be_larger_than_that)
{
    static char large[400000];
    struct testing_peer peer;

    hub = testing_stage(NULL);
    testing_enter(hub, &peer, "u", NULL);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(large, sizeof large)),
                         1);
    for (unsigned turn = 1; turn <= 3; turn++) {
        poll_once();
        ck_assert_uint_eq(peer.delivered, turn);
    }
    check_at_rest();
    hub_destroy(hub);
}
END_TEST

/* In order. ------------------------------------------------------------- */

#define NUMBERS 20000

/* Somebody who hears numbers, each one more than the last. */
struct listener {
    struct testing_peer peer; /* the first field: it is the member's data */
    struct testing_client client;
    bool is_socket;
    uint32_t heard, last;
};

static void hear(struct listener *listener, const void *payload, size_t bytes)
{
    uint32_t number;

    ck_assert_uint_eq(bytes, sizeof number);
    memcpy(&number, payload, sizeof number);
    ck_assert(listener->heard == 0 || number > listener->last);
    listener->heard++;
    listener->last = number;
}

static int deliver(void *data, hub_id id, const struct hub_message *message)
{
    struct listener *listener = data;
    int refused = testing_deliver(data, id, message);

    if (refused == 0)
        hear(listener, message->payload, message->payload_bytes);
    return refused;
}

static void let_in(struct listener *listener, bool is_socket, const char *user)
{
    struct hub_member member = HUB_MEMBER_INIT;

    *listener = (struct listener){.is_socket = is_socket};
    member.user_id = user;
    member.data = listener;
    member.deliver = is_socket ? NULL : deliver;
    if (is_socket)
        ck_assert_int_eq(hub_adopt(hub, testing_client_open(&listener->client),
                                   &member, &listener->peer.id),
                         0);
    else
        ck_assert_int_eq(hub_register(hub, &member, &listener->peer.id), 0);
}

static void listen_to(struct listener *listener)
{
    struct testing_received frame;

    while (testing_client_receive(&listener->client, &frame)) {
        ck_assert_uint_eq(frame.first_byte, TESTING_FIN_BINARY);
        hear(listener, frame.payload, frame.bytes);
    }
}

static int64_t send_number(const char *user, uint32_t number)
{
    struct hub_message message = hub_binary(&number, sizeof number);

    return user == NULL ? hub_broadcast(hub, &message)
                        : hub_send(hub, HUB_TO_USER(user), &message, NULL);
}

START_TEST(what_takes_several_turns_keeps_its_order)
{
    static const char *const users[] = {"0", "1", NULL};
    struct listener listeners[2];
    uint32_t expected[2] = {0, 0};
    uint64_t seed = 31;
    int turns = 0;

    hub = testing_stage(NULL);
    for (size_t i = 0; i < 2; i++)
        let_in(&listeners[i], i == 0, users[i]);
    testing_settle(hub);
    for (uint32_t i = 0; i < NUMBERS; i++) {
        size_t whom = (size_t)(testing_random(&seed) % 3);

        ck_assert_int_eq(send_number(users[whom], i), whom == 2 ? 2 : 1);
        for (size_t l = 0; l < 2; l++)
            expected[l] += whom == 2 || whom == l;
    }
    do {
        poll_once();
        turns++;
        listen_to(&listeners[0]);
    } while (has_leftovers());
    ck_assert_int_eq(turns, (NUMBERS + HUB__TURN_POSTS - 1) / HUB__TURN_POSTS);
    for (int more = 0; more < 1000; more++) { /* its socket was full, perhaps */
        check_at_rest();
        listen_to(&listeners[0]);
    }
    ck_assert_uint_eq(listeners[0].heard, expected[0]);
    ck_assert_uint_eq(listeners[1].heard, expected[1]);
    hub_destroy(hub);
    testing_client_close(&listeners[0].client);
}
END_TEST

/* Among the rest. ------------------------------------------------------- */

START_TEST(a_backlog_lets_peers_speak)
{
    struct testing_client client;
    struct testing_peer peer;

    hub = testing_stage(NULL);
    testing_join(hub, &client, &peer, "u", NULL);
    enter_crew();
    post_turns(20);
    poll_once();
    for (unsigned turn = 2; turn <= 19; turn++) {
        testing_client_send(&client, TESTING_FIN_PING, "?", 1);
        testing_client_send(&client, TESTING_FIN_TEXT, "!", 1);
        poll_once();
        ck_assert_uint_eq(peer.messages, turn - 1);
        testing_client_expect(&client, TESTING_FIN_PONG, "?", 1);
        ck_assert(has_leftovers());
    }
    check_at_rest();
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

/* So that the host's own loop is not kept from its other work either. */
START_TEST(a_backlog_keeps_the_descriptor_readable)
{
    hub = testing_stage(NULL);
    enter_crew();
    post_turns(5);
    for (int turn = 0; turn < 4; turn++) {
        struct pollfd ready = {.fd = hub_fd(hub), .events = POLLIN};

        ck_assert_int_eq(poll(&ready, 1, 0), 1);
        ck_assert_int_eq(hub_poll(hub, 60000), 0); /* does not wait */
    }
    check_at_rest();
    hub_destroy(hub);
}
END_TEST

START_TEST(a_backlog_stops_no_clock)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_client client;
    struct testing_peer peer;

    options.ping_interval_ms = options.pong_timeout_ms = 1000;
    hub = testing_stage(&options);
    testing_join(hub, &client, &peer, "silent", NULL);
    enter_crew();
    post_turns(50);
    for (int ms = 0; ms < 2200; ms += 50) {
        testing_clock_advance(50);
        poll_once();
        ck_assert_uint_eq(testing_stats(hub).slowest_loop_ms, 0);
    }
    ck_assert(has_leftovers());
    testing_client_expect(&client, TESTING_FIN_PING, "", 0);
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_int_eq(peer.info.cause, HUB_CLOSED_PONG_TIMEOUT);
    check_at_rest();
    check_crew(50 * (HUB__TURN_POSTS / CREW));
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

/* Every message makes another: the mailbox is never empty. */
static int go_round(void *data, hub_id id, const struct hub_message *message)
{
    hub_send(hub, HUB_TO_USER("round"), message, NULL);
    return testing_deliver(data, id, message);
}

START_TEST(who_keeps_a_loop_busy_does_not_have_it_alone)
{
    struct hub_member member = HUB_MEMBER_INIT;
    struct testing_peer round = {.id = {0}}, other;
    int turns = 0;

    hub = testing_stage(NULL);
    testing_enter(hub, &other, "other", NULL);
    member.user_id = "round";
    member.data = &round;
    member.deliver = go_round;
    ck_assert_int_eq(hub_register(hub, &member, &round.id), 0);
    for (int i = 0; i < 3 * HUB__TURN_POSTS; i++)
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_USER("round"), HUB_TEXT_OF(""), NULL), 1);
    for (int i = 0; i < 10; i++)
        poll_once();
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("other"), HUB_TEXT_OF("x"), NULL), 1);
    for (; other.delivered == 0; turns++)
        poll_once();
    ck_assert_int_le(turns, 7); /* those before it, twice */
    ck_assert_uint_gt(round.delivered, 10 * HUB__TURN_POSTS);
    ck_assert_int_eq(hub_shutdown(hub, 20000), 0);
    ck_assert_uint_eq(round.closed, 1);
    ck_assert_uint_eq(round.wrong, 0);
    hub_destroy(hub);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_turn_takes_so_many_posts,
        a_turn_takes_so_many_bytes,
        one_message_may_be_larger_than_that,
        what_takes_several_turns_keeps_its_order,
        a_backlog_lets_peers_speak,
        a_backlog_keeps_the_descriptor_readable,
        a_backlog_stops_no_clock,
        who_keeps_a_loop_busy_does_not_have_it_alone,
    };

    return testing_run("loop_turns", tests, TESTING_LENGTH(tests));
}
