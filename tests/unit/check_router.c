/* check_router.c - from one call to many loops: each recipient once, in the
 * order of each thread's calls, and all or none.
 */
#include "router.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testing.h"

#define LOOPS 4
#define CALLERS 3
#define CALLS 300
#define MEMBERS 7
#define SOCKETS 21

struct note {
    uint32_t caller, number;
};

/* Order. --------------------------------------------------------------- */

/* Belongs to the thread of the member's loop, until the gate is reached. */
struct listener {
    uint32_t next[CALLERS];
    unsigned wrong;
    struct testing_gate *gate;
};

static void hear(struct listener *listener, const void *payload, size_t bytes)
{
    struct note note;

    if (bytes != sizeof note) {
        listener->wrong++;
        return;
    }
    memcpy(&note, payload, sizeof note);
    if (note.caller >= CALLERS || note.number != listener->next[note.caller])
        listener->wrong++;
    else
        listener->next[note.caller]++;
}

static int deliver_note(void *data, hub_id id,
                        const struct hub_message *message)
{
    struct listener *listener = data;

    (void)id;
    hear(listener, message->payload, message->payload_bytes);
    testing_gate_pass(listener->gate, 1);
    return 0;
}

struct caller {
    hub_t *hub;
    uint32_t number;
    unsigned wrong; /* calls that did not reach all */
    pthread_t thread;
};

/* Every call reaches everybody, though each by another way. */
static int64_t call_all(hub_t *hub, uint32_t way, const struct note *note)
{
    struct hub_message message = hub_binary(note, sizeof *note);

    switch (way % 4) {
    case 0:
        return hub_broadcast(hub, &message);
    case 1:
        return hub_send(hub, HUB_TO_USER("all"), &message, NULL);
    case 2:
        return hub_send(hub, HUB_TO_SESSION("room"), &message, NULL);
    default:
        return hub_send(hub, HUB_TO_EITHER("all", "room"), &message, NULL);
    }
}

static void *make_calls(void *context)
{
    struct caller *caller = context;
    uint64_t seed = caller->number + 1;

    for (uint32_t i = 0; i < CALLS; i++) {
        struct note note = {caller->number, i};
        uint32_t way = (uint32_t)testing_random(&seed);

        if (call_all(caller->hub, way, &note) != MEMBERS + SOCKETS)
            caller->wrong++;
    }
    return NULL;
}

static void check_listener(const struct listener *listener)
{
    ck_assert_uint_eq(listener->wrong, 0);
    for (size_t i = 0; i < CALLERS; i++)
        ck_assert_uint_eq(listener->next[i], CALLS);
}

static void read_notes(struct testing_client *client, struct listener *listener)
{
    struct testing_received frame;

    for (int left = CALLERS * CALLS; left > 0; left--) {
        struct pollfd ready = {.fd = client->fd, .events = POLLIN};

        while (!testing_client_receive(client, &frame))
            ck_assert_int_eq(poll(&ready, 1, 20000), 1);
        ck_assert_uint_eq(frame.first_byte, TESTING_FIN_BINARY);
        hear(listener, frame.payload, frame.bytes);
    }
    testing_client_expect_nothing(client);
    check_listener(listener);
}

START_TEST(the_calls_of_a_thread_arrive_in_their_order)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_member member = HUB_MEMBER_INIT;
    struct testing_gate gate = TESTING_GATE_INIT;
    static struct listener listeners[MEMBERS + SOCKETS];
    struct testing_client clients[SOCKETS];
    struct caller callers[CALLERS];
    hub_t *hub;

    options.loops = LOOPS;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    memset(listeners, 0, sizeof listeners);
    member.user_id = "all";
    member.session_id = "room";
    for (size_t i = 0; i < MEMBERS + SOCKETS; i++) {
        listeners[i].gate = &gate;
        member.data = &listeners[i];
        member.deliver = i < MEMBERS ? deliver_note : NULL;
        if (i < MEMBERS)
            ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
        else
            ck_assert_int_eq(
                hub_adopt(hub, testing_client_open(&clients[i - MEMBERS]),
                          &member, NULL),
                0);
    }
    for (uint32_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.hub = hub, .number = i};
        ck_assert_int_eq(
            pthread_create(&callers[i].thread, NULL, make_calls, &callers[i]),
            0);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        ck_assert_uint_eq(callers[i].wrong, 0);
    }
    ck_assert(testing_gate_await(&gate, MEMBERS * CALLERS * CALLS));
    for (size_t i = 0; i < MEMBERS; i++)
        check_listener(&listeners[i]);
    for (size_t i = 0; i < SOCKETS; i++)
        read_notes(&clients[i], &listeners[MEMBERS + i]);
    hub_destroy(hub);
    for (size_t i = 0; i < SOCKETS; i++)
        testing_client_close(&clients[i]);
}
END_TEST

/* Recipients. ---------------------------------------------------------- */

START_TEST(recipients_are_counted_once_each)
{
    hub_t *hub = testing_stage(NULL);
    struct testing_peer peers[4];
    struct hub_message x = hub_text("x");

    testing_enter(hub, &peers[0], "a", "s");
    testing_enter(hub, &peers[1], "a", NULL);
    testing_enter(hub, &peers[2], "b", "s");
    testing_enter(hub, &peers[3], "b", "t");
    ck_assert_int_eq(hub_broadcast(hub, &x), 4);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("a"), &x, NULL), 2);
    ck_assert_int_eq(hub_send(hub, HUB_TO_SESSION("s"), &x, NULL), 2);
    ck_assert_int_eq(hub_send(hub, HUB_TO_EITHER("a", "s"), &x, NULL), 3);
    ck_assert_int_eq(hub_send(hub, HUB_TO_EITHER("a", "nothing"), &x, NULL), 2);
    ck_assert_int_eq(hub_send(hub, HUB_TO_EITHER("nobody", "t"), &x, NULL), 1);
    ck_assert_int_eq(hub_send(hub, HUB_TO_CONNECTION(peers[3].id), &x, NULL),
                     1);
    testing_settle(hub);
    ck_assert_uint_eq(peers[0].delivered, 5);
    ck_assert_uint_eq(peers[1].delivered, 4);
    ck_assert_uint_eq(peers[2].delivered, 3);
    ck_assert_uint_eq(peers[3].delivered, 3);
    hub_destroy(hub);
}
END_TEST

START_TEST(connections_spread_over_the_loops)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_member member = HUB_MEMBER_INIT;
    hub_t *hub;

    options.loops = LOOPS;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    member.user_id = "u";
    member.deliver = testing_deliver;
    for (int i = 0; i < 10 * LOOPS; i++)
        ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
    for (size_t i = 0; i < LOOPS; i++)
        ck_assert_uint_eq(atomic_load(&hub->loops[i].host.open), 10);
    hub_destroy(hub);
}
END_TEST

/* All or nobody. ------------------------------------------------------- */

START_TEST(behind_its_backlog_a_loop_takes_nothing_more)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_peer peer;
    int64_t sent = 0, result;
    char text[101];
    hub_t *hub;

    memset(text, 'x', sizeof text);
    text[100] = '\0';
    options.backlog_bytes = 5000;
    hub = testing_stage(&options);
    testing_enter(hub, &peer, "u", NULL);
    while ((result =
                hub_send(hub, HUB_TO_USER("u"), HUB_TEXT_OF(text), NULL)) == 1)
        ck_assert_int_lt(++sent, 1000);
    ck_assert_int_eq(result, HUB_EAGAIN);
    ck_assert_int_ge(sent, 10);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF(text)), HUB_EAGAIN);
    testing_settle(hub);
    ck_assert_int_eq(peer.delivered, sent);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("u"), HUB_TEXT_OF(text), NULL),
                     1);
    testing_settle(hub);
    ck_assert_int_eq(peer.delivered, sent + 1);
    hub_destroy(hub);
}
END_TEST

/* A broadcast is one post, and yet as much work as it has recipients: whatever
 * its size, 16 may wait. */
START_TEST(broadcasts_that_wait_are_bounded_by_their_work)
{
    enum { COUNT = 200, SIZE = 1 << 20 };
    struct hub_message big = hub_binary(calloc(1, SIZE), SIZE);
    struct testing_peer peers[COUNT];
    hub_t *hub = testing_stage(NULL);

    ck_assert_ptr_nonnull(big.payload);
    for (size_t i = 0; i < COUNT; i++)
        testing_enter(hub, &peers[i], i == 0 ? "one" : "u", NULL);
    for (unsigned round = 1; round <= 3; round++) {
        for (int i = 0; i < 16; i++)
            ck_assert_int_eq(hub_broadcast(hub, &big), COUNT);
        ck_assert_int_eq(hub_broadcast(hub, &big), HUB_EAGAIN);
        /* Who is meant alone is not held up by that. */
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_USER("one"), HUB_TEXT_OF("x"), NULL), 1);
        testing_settle(hub);
        ck_assert_uint_eq(peers[COUNT - 1].delivered, 16 * round);
        ck_assert_uint_eq(peers[0].delivered, 17 * round);
    }
    ck_assert_uint_eq(atomic_load(&hub->loops[0].mailbox.bytes), 0);
    ck_assert_uint_eq(atomic_load(&hub->loops[0].mailbox.work), 0);
    hub_destroy(hub);
    free((void *)big.payload);
}
END_TEST

START_TEST(small_broadcasts_to_many_may_wait_in_numbers)
{
    enum { COUNT = 1000 };
    struct testing_peer *peers = calloc(COUNT, sizeof *peers);
    hub_t *hub = testing_stage(NULL);
    char text[171];

    ck_assert_ptr_nonnull(peers);
    memset(text, 'x', sizeof text);
    text[170] = '\0';
    for (size_t i = 0; i < COUNT; i++)
        testing_enter(hub, &peers[i], "u", NULL);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF(text)), COUNT);
    testing_settle(hub);
    ck_assert_uint_eq(peers[COUNT - 1].delivered, 1000);
    hub_destroy(hub);
    free(peers);
}
END_TEST

START_TEST(a_full_backlog_keeps_nobody_from_closing)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_peer peers[3];
    hub_t *hub;

    options.backlog_bytes = 1;
    hub = testing_stage(&options);
    for (size_t i = 0; i < 2; i++)
        testing_enter(hub, &peers[i], "u", NULL);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("x")), 2);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("x")), HUB_EAGAIN);
    ck_assert_int_eq(hub_close(hub, peers[0].id, 1000, NULL), 0);
    ck_assert_int_eq(hub_unregister(hub, peers[1].id), 0);
    testing_enter(hub, &peers[2], "new", NULL);
    ck_assert_uint_eq(peers[0].closed, 1);
    ck_assert_uint_eq(peers[1].closed, 1);
    ck_assert_uint_eq(peers[0].delivered, 1);
    ck_assert_uint_eq(peers[2].delivered, 0);
    hub_destroy(hub);
}
END_TEST

/* A member whose callback waits holds up its loop, and no other. */
struct holdup {
    struct testing_gate *entered, *leave, *heard;
};

static int hold_up(void *data, hub_id id, const struct hub_message *message)
{
    struct holdup *h = data;

    (void)id;
    if (message->payload_bytes == 4) { /* "hold" */
        testing_gate_pass(h->entered, 1);
        testing_gate_await(h->leave, 1);
    }
    testing_gate_pass(h->heard, 1);
    return 0;
}

START_TEST(if_one_loop_is_behind_the_others_get_nothing_either)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_member member = HUB_MEMBER_INIT;
    struct testing_gate entered = TESTING_GATE_INIT;
    struct testing_gate leave = TESTING_GATE_INIT;
    struct testing_gate heard[2] = {TESTING_GATE_INIT, TESTING_GATE_INIT};
    struct holdup holdups[2];
    hub_t *hub;
    uint64_t sent = 1;

    options.loops = 2;
    options.backlog_bytes = 500;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    member.deliver = hold_up;
    for (size_t i = 0; i < 2; i++) {
        holdups[i] = (struct holdup){&entered, &leave, &heard[i]};
        member.user_id = i == 0 ? "slow" : "quick";
        member.data = &holdups[i];
        ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
    }
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("slow"), HUB_TEXT_OF("hold"), NULL), 1);
    ck_assert(testing_gate_await(&entered, 1));
    while (hub_send(hub, HUB_TO_USER("slow"), HUB_TEXT_OF("one more"), NULL) ==
           1)
        sent++;
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("to both")), HUB_EAGAIN);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("quick"), HUB_TEXT_OF("it"), NULL), 1);
    ck_assert(testing_gate_await(&heard[1], 1));
    testing_gate_pass(&leave, 1);
    ck_assert(testing_gate_await(&heard[0], sent));
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("to both")), 2);
    ck_assert(testing_gate_await(&heard[0], sent + 1));
    ck_assert(testing_gate_await(&heard[1], 2));
    hub_destroy(hub);
    ck_assert_uint_eq(testing_gate_count(&heard[0]), sent + 1);
    ck_assert_uint_eq(testing_gate_count(&heard[1]), 2);
}
END_TEST

static int deliver_count(void *data, hub_id id,
                         const struct hub_message *message)
{
    (void)id;
    (void)message;
    testing_gate_pass(data, 1);
    return 0;
}

/* One allocation after the other fails; with more loops than fit on the stack,
 * so that their parcels are allocated too. */
static void check_memory(unsigned loops, bool broadcast)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_member member = HUB_MEMBER_INIT;
    struct testing_gate heard = TESTING_GATE_INIT;
    struct note note = {0, 0};
    unsigned nth = 0;
    int64_t result;
    hub_t *hub;

    options.loops = loops;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    member.user_id = "all";
    member.data = &heard;
    member.deliver = deliver_count;
    for (unsigned i = 0; i < loops; i++)
        ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
    ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(&note, sizeof note)),
                     loops);
    ck_assert(testing_gate_await(&heard, loops)); /* they all are idle now */
    do {
        testing_fail_allocation(++nth);
        result = call_all(hub, broadcast ? 0 : 1, &note);
        testing_allow_memory();
        ck_assert(result == loops || result == HUB_ENOMEM);
    } while (result < 0);
    ck_assert_uint_eq(nth, loops + (loops > 16 ? 3 : 2));
    ck_assert(testing_gate_await(&heard, 2 * loops));
    hub_destroy(hub);
    ck_assert_uint_eq(testing_gate_count(&heard), 2 * loops);
}

START_TEST(without_memory_nobody_gets_anything)
{
    check_memory(3, true);
    check_memory(3, false);
    check_memory(20, true);
    check_memory(20, false);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_calls_of_a_thread_arrive_in_their_order,
        recipients_are_counted_once_each,
        connections_spread_over_the_loops,
        behind_its_backlog_a_loop_takes_nothing_more,
        broadcasts_that_wait_are_bounded_by_their_work,
        small_broadcasts_to_many_may_wait_in_numbers,
        a_full_backlog_keeps_nobody_from_closing,
        if_one_loop_is_behind_the_others_get_nothing_either,
        without_memory_nobody_gets_anything,
    };

    return testing_run("router", tests, TESTING_LENGTH(tests));
}
