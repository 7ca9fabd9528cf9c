/* check_loop_deaths.c - connections that die while posts for them wait for a
 * later turn: because of the peer, the host, a callback, or a timeout, one by
 * one and at random; and a hub that is destroyed meanwhile. Sanitizers find
 * connections that are released too early, or not at all.
 */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "loop/loop.h"
#include "testing.h"

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
    testing_settle(hub);
    ck_assert(!has_leftovers());
    ck_assert_ptr_null(hub->loops[0].dead);
    ck_assert_ptr_null(hub->loops[0].host.dying);
}

static void post_turns(hub_id id, unsigned turns)
{
    for (unsigned i = 0; i < turns * HUB__TURN_POSTS; i++)
        ck_assert_int_eq(hub_send(hub, HUB_TO_CONNECTION(id),
                                  HUB_BINARY_OF(&i, sizeof i), NULL),
                         1);
}

static void check_gone(const struct testing_peer *peer,
                       enum hub_close_cause cause)
{
    ck_assert_uint_eq(peer->opened, 1);
    ck_assert_uint_eq(peer->closed, 1);
    ck_assert_int_eq(peer->info.cause, cause);
    ck_assert_uint_eq(peer->wrong, 0);
}

/* One by one. ------------------------------------------------------------ */

START_TEST(a_peer_may_go_before_the_first_turn)
{
    struct testing_client client;
    struct testing_peer peer;

    hub = testing_stage(NULL);
    testing_join(hub, &client, &peer, "u", NULL);
    post_turns(peer.id, 3);
    testing_client_close(&client);
    for (int turn = 0; turn < 3; turn++) {
        poll_once();
        check_gone(&peer, HUB_CLOSED_LOST);
        ck_assert(has_leftovers() == (turn < 2));
    }
    check_at_rest();
    hub_destroy(hub);
}
END_TEST

/* What was posted between the turns waits behind what is left over. */
START_TEST(a_peer_may_go_between_turns)
{
    for (int at = 1; at < 5; at++) {
        struct testing_client client;
        struct testing_peer peer;

        hub = testing_stage(NULL);
        testing_join(hub, &client, &peer, "u", NULL);
        post_turns(peer.id, 3);
        for (int turn = 0; turn < 7; turn++) {
            if (turn < at)
                post_turns(peer.id, 1);
            if (turn == at)
                testing_client_close(&client);
            poll_once();
        }
        check_gone(&peer, HUB_CLOSED_LOST);
        check_at_rest();
        hub_destroy(hub);
    }
}
END_TEST

START_TEST(a_member_may_refuse_in_any_turn)
{
    for (unsigned turn = 1; turn < 4; turn++) {
        struct testing_peer peer;

        hub = testing_stage(NULL);
        testing_enter(hub, &peer, "u", NULL);
        post_turns(peer.id, 4);
        for (unsigned i = 0; i < turn; i++)
            poll_once();
        peer.refuse = 1;
        poll_once();
        check_gone(&peer, HUB_CLOSED_LOST);
        ck_assert_uint_eq(peer.delivered, turn * HUB__TURN_POSTS);
        check_at_rest();
        hub_destroy(hub);
    }
}
END_TEST

START_TEST(the_host_may_end_it_behind_what_waits)
{
    for (int how = 0; how < 2; how++) {
        struct testing_client client;
        struct testing_peer peers[2];

        hub = testing_stage(NULL);
        testing_join(hub, &client, &peers[0], "u", NULL);
        testing_enter(hub, &peers[1], "u", NULL);
        for (int i = 0; i < 2; i++) {
            post_turns(peers[i].id, 2);
            ck_assert_int_eq(how == 0 ? hub_unregister(hub, peers[i].id)
                                      : hub_close(hub, peers[i].id, 1000, NULL),
                             0);
        }
        poll_once();
        ck_assert_uint_eq(peers[0].closed, 0);
        testing_client_close(&client); /* it goes by itself, too */
        check_at_rest();
        check_gone(&peers[0], HUB_CLOSED_LOST);
        check_gone(&peers[1], HUB_CLOSED_BY_HOST);
        ck_assert_uint_eq(peers[1].delivered, 2 * HUB__TURN_POSTS);
        hub_destroy(hub);
    }
}
END_TEST

START_TEST(time_may_end_it)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_client client;
    struct testing_peer peer;

    options.write_timeout_ms = 200;
    options.queue_bytes = (size_t)100 << 20;
    hub = testing_stage(&options);
    testing_join(hub, &client, &peer, "u", NULL);
    testing_block(hub, &peer, 1);
    post_turns(peer.id, 20);
    for (int ms = 0; ms < 400; ms += 50) {
        testing_clock_advance(50);
        poll_once();
    }
    ck_assert(has_leftovers());
    check_gone(&peer, HUB_CLOSED_WRITE_TIMEOUT);
    check_at_rest();
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

/* Nobody hears them, but they may be opened only in a later turn. */
START_TEST(who_comes_behind_a_backlog_may_be_gone_by_then)
{
    struct hub_member member = HUB_MEMBER_INIT;
    struct testing_client client;
    struct testing_peer first, late[3] = {{.id = {0}}};

    hub = testing_stage(NULL);
    testing_enter(hub, &first, "u", NULL);
    for (int i = 0; i < 3; i++) {
        post_turns(first.id, 1);
        member.user_id = "late";
        member.data = &late[i];
        ck_assert_int_eq(
            hub_adopt(hub, testing_client_open(&client), &member, &late[i].id),
            0);
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("x")), i == 0 ? 2 : 3);
        if (i == 0)
            testing_client_close(&client);
        else
            ck_assert_int_eq(i == 1 ? hub_unregister(hub, late[i].id)
                                    : hub_close(hub, late[i].id, 1000, NULL),
                             0);
        if (i == 1)
            testing_client_close(&client);
    }
    poll_once();
    ck_assert_uint_eq(late[0].opened, 0);
    check_at_rest();
    check_gone(&late[0], HUB_CLOSED_LOST);
    check_gone(&late[1], HUB_CLOSED_BY_HOST);
    testing_client_expect_text(&client, "x");
    testing_client_expect_close(&client, 1000);
    testing_client_close(&client);
    check_at_rest();
    check_gone(&late[2], HUB_CLOSED_BY_HOST);
    hub_destroy(hub);
}
END_TEST

/* At random. ------------------------------------------------------------ */

#define PLACES 12 /* every other one is for sockets */
#define ROUNDS 20

struct place {
    struct testing_peer peer; /* the first field: it is the member's data */
    struct testing_client client;
    bool taken, is_socket;
    uint32_t last; /* number heard */
};

static struct place places[PLACES];
static uint32_t number;

static unsigned pick(unsigned below)
{
    static uint64_t seed = 2718;

    return (unsigned)(testing_random(&seed) % below);
}

static void hear(struct place *p, const void *payload)
{
    uint32_t heard;

    memcpy(&heard, payload, sizeof heard);
    ck_assert_uint_gt(heard, p->last);
    p->last = heard;
}

static int deliver(void *data, hub_id id, const struct hub_message *message)
{
    struct place *p = data;

    hear(p, message->payload);
    if (p->peer.delivered % 3000 == 2999)
        p->peer.refuse = 1;
    return testing_deliver(data, id, message);
}

static void take(struct place *p)
{
    struct hub_member member = HUB_MEMBER_INIT;

    *p = (struct place){.taken = true, .is_socket = (p - places) % 2 == 0};
    member.user_id = "u";
    member.data = p;
    member.deliver = p->is_socket ? NULL : deliver;
    if (p->is_socket)
        ck_assert_int_eq(hub_adopt(hub, testing_client_open(&p->client),
                                   &member, &p->peer.id),
                         0);
    else
        ck_assert_int_eq(hub_register(hub, &member, &p->peer.id), 0);
}

static void leave(struct place *p)
{
    if (p->is_socket)
        testing_client_close(&p->client);
    check_gone(&p->peer, p->peer.info.cause);
    p->taken = false;
}

static void listen_to(struct place *p)
{
    struct testing_received frame;

    while (p->is_socket && p->client.fd >= 0 &&
           testing_client_receive(&p->client, &frame)) {
        if (frame.first_byte == TESTING_FIN_BINARY)
            hear(p, frame.payload);
    }
}

static void post_some(struct place *p)
{
    unsigned count = pick(HUB__TURN_POSTS), what = pick(3);

    for (unsigned i = 0; i < count; i++) {
        struct hub_message message = hub_binary(&number, sizeof number);
        int64_t result =
            what == 0 ? hub_broadcast(hub, &message)
            : what == 1
                ? hub_send(hub, HUB_TO_USER("u"), &message, NULL)
                : hub_send(hub, HUB_TO_CONNECTION(p->peer.id), &message, NULL);

        number++;
        ck_assert(result >= 0 || result == HUB_ENOENT);
        if (result > 4)
            i += 4; /* as many posts, about */
    }
}

static void act(struct place *p)
{
    switch (pick(9)) {
    case 0:
    case 1:
    case 2:
        post_some(p);
        break;
    case 3:
        if (p->is_socket)
            testing_client_close(&p->client);
        break;
    case 4:
        hub_unregister(hub, p->peer.id);
        break;
    case 5:
        hub_close(hub, p->peer.id, 1000, NULL);
        break;
    case 6:
        p->peer.refuse = 1;
        break;
    default:
        listen_to(p);
    }
}

START_TEST(whoever_dies_at_random_is_released_in_time)
{
    memset(places, 0, sizeof places);
    number = 1;
    for (int round = 0; round < ROUNDS; round++) {
        struct hub_options options = HUB_OPTIONS_INIT;

        options.slow_consumer = (enum hub_slow_consumer)pick(3);
        options.queue_bytes = 3000;
        hub = testing_stage(&options);
        for (int step = 0; step < 100; step++) {
            struct place *p = &places[pick(PLACES)];

            if (!p->taken)
                take(p);
            else if (p->peer.closed > 0)
                leave(p);
            else
                act(p);
            if (pick(5) == 0)
                poll_once();
        }
        if (round % 3 != 0)
            check_at_rest();
        if (round % 3 == 1)
            ck_assert_int_ne(hub_shutdown(hub, 0), HUB_EINVAL);
        hub_destroy(hub);
        for (size_t i = 0; i < PLACES; i++) {
            if (places[i].taken)
                leave(&places[i]);
        }
    }
}
END_TEST

/* A hub that goes. ------------------------------------------------------ */

/* The newcomer waits in the mailbox, behind what is left over of a turn. */
START_TEST(a_hub_that_goes_ends_who_had_not_come_yet)
{
    for (int how = 0; how < 2; how++) {
        struct hub_member member = HUB_MEMBER_INIT;
        struct testing_client client;
        struct testing_peer first, late = {.id = {0}};
        struct hub_stats stats = HUB_STATS_INIT;
        int fd = testing_client_open(&client);

        hub = testing_stage(NULL);
        testing_enter(hub, &first, "u", NULL);
        post_turns(first.id, 2);
        if (how == 1)
            poll_once();
        member.user_id = "late";
        member.data = &late;
        ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), 0);
        ck_assert_int_eq(hub_stats(hub, &stats), 0);
        ck_assert_uint_eq(stats.connections, 2);
        hub_destroy(hub);
        check_gone(&first, HUB_CLOSED_SHUTDOWN);
        check_gone(&late, HUB_CLOSED_SHUTDOWN);
        ck_assert(testing_client_at_end(&client));
        testing_client_close(&client);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_peer_may_go_before_the_first_turn,
        a_peer_may_go_between_turns,
        a_member_may_refuse_in_any_turn,
        the_host_may_end_it_behind_what_waits,
        time_may_end_it,
        who_comes_behind_a_backlog_may_be_gone_by_then,
        whoever_dies_at_random_is_released_in_time,
        a_hub_that_goes_ends_who_had_not_come_yet,
    };

    return testing_run("loop_deaths", tests, TESTING_LENGTH(tests));
}
