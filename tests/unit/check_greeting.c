/* check_greeting.c - the first message of a connection: after the preamble and
 * before everything else, whole, once, and counted as a message.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

#define REPLY "HTTP/1.1 101 Switching Protocols\r\n\r\n"
#define LONG_BYTES 300000

static hub_t *hub;
static struct testing_peer peer;
static struct testing_client client = {.fd = -1};
static struct hub_message greeting;

static void start(const struct hub_options *options)
{
    peer = (struct testing_peer){.id = {0}};
    hub = testing_stage(options);
}

static void stop(void)
{
    hub_destroy(hub);
    testing_client_close(&client);
    ck_assert_uint_eq(peer.wrong, 0);
}

static struct hub_member member_with(const char *text)
{
    struct hub_member member = HUB_MEMBER_INIT;

    greeting = hub_text(text);
    member.user_id = "u";
    member.data = &peer;
    member.greeting = &greeting;
    return member;
}

static void adopt(int fd, const char *text, const char *preamble)
{
    struct hub_member member = member_with(text);

    member.preamble = preamble;
    member.preamble_bytes = preamble == NULL ? 0 : strlen(preamble);
    ck_assert_int_eq(hub_adopt(hub, fd, &member, &peer.id), 0);
}

static void send_to_it(const char *text)
{
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("u"), HUB_TEXT_OF(text), NULL),
                     1);
}

/* Takes the bytes that come next, which must be these. */
static void expect_bytes(const char *bytes)
{
    char got[256];
    size_t count = strlen(bytes);

    ck_assert_int_eq(recv(client.fd, got, count, 0), (ssize_t)count);
    ck_assert_mem_eq(got, bytes, count);
}

/* Counts. -------------------------------------------------------------- */

static uint64_t deliveries(void)
{
    struct hub_stats stats = testing_stats(hub);
    uint64_t sum = 0;

    for (int i = 0; i < HUB_HISTOGRAM_BUCKETS; i++)
        sum += stats.deliveries.counts[i];
    return sum;
}

static void check_out(uint64_t messages, uint64_t bytes)
{
    struct hub_stats stats = testing_stats(hub);

    ck_assert_uint_eq(stats.messages_out, messages);
    ck_assert_uint_eq(stats.bytes_out, bytes);
    ck_assert_uint_eq(stats.queued_bytes, 0);
    ck_assert_uint_eq(deliveries(), messages);
}

START_TEST(it_is_the_first_message)
{
    char text[] = "hello";

    start(NULL);
    adopt(testing_client_open(&client), text, NULL);
    memset(text, 'x', sizeof text); /* it was copied */
    send_to_it("one");
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("two")), 1);
    testing_settle(hub);
    testing_client_expect_text(&client, "hello");
    testing_client_expect_text(&client, "one");
    testing_client_expect_text(&client, "two");
    testing_client_expect_nothing(&client);
    check_out(3, 7 + 5 + 5);
    hub_unregister(hub, peer.id);
    testing_settle(hub);
    ck_assert_uint_eq(peer.info.messages_out, 3);
    ck_assert_uint_eq(peer.info.bytes_out, 7 + 5 + 5);
    stop();
}
END_TEST

START_TEST(it_comes_right_behind_the_preamble)
{
    start(NULL);
    adopt(testing_client_open(&client), "hello", REPLY);
    send_to_it("one");
    testing_settle(hub);
    expect_bytes(REPLY);
    testing_client_expect_text(&client, "hello");
    testing_client_expect_text(&client, "one");
    check_out(2, 7 + 5);
    stop();
}
END_TEST

START_TEST(it_needs_no_message_behind_it)
{
    start(NULL);
    adopt(testing_client_open(&client), "hello", REPLY);
    ck_assert_uint_gt(testing_stats(hub).queued_bytes, 0);
    testing_settle(hub);
    expect_bytes(REPLY);
    testing_client_expect_text(&client, "hello");
    testing_client_expect_nothing(&client);
    check_out(1, 7);
    stop();
}
END_TEST

START_TEST(it_may_be_empty_or_binary)
{
    struct hub_member member = member_with("");

    start(NULL);
    ck_assert_int_eq(
        hub_adopt(hub, testing_client_open(&client), &member, NULL), 0);
    testing_settle(hub);
    testing_client_expect_text(&client, "");
    check_out(1, 2);
    stop();

    start(NULL);
    greeting = hub_binary("\0\1", 2);
    ck_assert_int_eq(
        hub_adopt(hub, testing_client_open(&client), &member, NULL), 0);
    testing_settle(hub);
    testing_client_expect(&client, TESTING_FIN_BINARY, "\0\1", 2);
    check_out(1, 4);
    stop();
}
END_TEST

START_TEST(a_member_gets_it_too)
{
    struct hub_member member = member_with("hello");

    start(NULL);
    member.deliver = testing_deliver;
    ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
    ck_assert_uint_gt(testing_stats(hub).queued_bytes, 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer.delivered, 1);
    ck_assert_mem_eq(peer.last, "hello", 5);
    ck_assert_uint_eq(testing_stats(hub).queued_bytes, 0);
    ck_assert_uint_eq(testing_stats(hub).messages_out, 1);
    ck_assert_uint_eq(testing_stats(hub).bytes_out, 5);
    stop();
}
END_TEST

static char heard[64];

static int hear(void *data, hub_id id, const struct hub_message *message)
{
    (void)data;
    (void)id;
    strncat(heard, message->payload, message->payload_bytes);
    return 0;
}

START_TEST(a_member_gets_it_first)
{
    struct hub_member member = member_with("a");

    start(NULL);
    heard[0] = '\0';
    member.deliver = hear;
    ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
    send_to_it("b");
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("c")), 1);
    send_to_it("d");
    testing_settle(hub);
    ck_assert_str_eq(heard, "abcd");
    stop();
}
END_TEST

/* In the same turn, before and behind it. */
START_TEST(broadcasts_around_it_do_not_overtake_it)
{
    struct testing_client other_client;
    struct testing_peer other;

    start(NULL);
    testing_join(hub, &other_client, &other, "other", NULL);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("before")), 1);
    adopt(testing_client_open(&client), "hello", REPLY);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("behind")), 2);
    testing_settle(hub);
    expect_bytes(REPLY);
    testing_client_expect_text(&client, "hello");
    testing_client_expect_text(&client, "behind");
    testing_client_expect_text(&other_client, "before");
    testing_client_expect_text(&other_client, "behind");
    stop();
    testing_client_close(&other_client);
}
END_TEST

static void send_in_opened(hub_t *from, const struct hub_connection *connection)
{
    ck_assert_int_eq(hub_send(from, HUB_TO_CONNECTION(connection->id),
                              HUB_TEXT_OF("opened"), NULL),
                     1);
}

START_TEST(what_opened_sends_comes_behind_it)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.opened = send_in_opened;
    start(&options);
    adopt(testing_client_open(&client), "hello", NULL);
    testing_settle(hub);
    testing_client_expect_text(&client, "hello");
    testing_client_expect_text(&client, "opened");
    stop();
}
END_TEST

/* The end. ------------------------------------------------------------- */

START_TEST(a_close_comes_behind_it)
{
    start(NULL);
    adopt(testing_client_open(&client), "hello", REPLY);
    ck_assert_int_eq(hub_close(hub, peer.id, 1000, "so soon"), 0);
    testing_settle(hub);
    expect_bytes(REPLY);
    testing_client_expect_text(&client, "hello");
    testing_client_expect_close(&client, 1000);
    stop();
}
END_TEST

START_TEST(a_member_that_is_taken_out_gets_it_still)
{
    struct hub_member member = member_with("hello");

    start(NULL);
    member.deliver = testing_deliver;
    ck_assert_int_eq(hub_register(hub, &member, &peer.id), 0);
    ck_assert_int_eq(hub_unregister(hub, peer.id), 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer.delivered, 1);
    ck_assert_uint_eq(peer.closed, 1);
    stop();
}
END_TEST

START_TEST(who_refuses_it_leaves)
{
    struct hub_member member = member_with("hello");

    start(NULL);
    peer.refuse = 1;
    member.deliver = testing_deliver;
    ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer.delivered, 0);
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_int_eq(peer.info.cause, HUB_CLOSED_LOST);
    stop();
}
END_TEST

/* A way that is full. -------------------------------------------------- */

/* Fills the way to the client. Returns how many bytes it took. */
static size_t fill_up(int fd)
{
    static const char bytes[1000];
    size_t sum = 0;
    ssize_t n;

    testing_shrink_buffers(fd, 4096);
    while ((n = send(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        sum += (size_t)n;
    while (send(fd, bytes, 1, MSG_DONTWAIT) > 0)
        sum++;
    ck_assert_uint_gt(sum, 0);
    return sum;
}

static void drain(size_t bytes)
{
    char sink[1000];

    while (bytes > 0) {
        ssize_t n =
            recv(client.fd, sink, bytes < sizeof sink ? bytes : sizeof sink, 0);

        ck_assert_int_gt(n, 0);
        bytes -= (size_t)n;
    }
}

static void stay_first(const char *preamble, enum hub_slow_consumer policy)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    int fd = testing_client_open(&client);
    size_t before = fill_up(fd);
    struct testing_received frame;

    options.queue_bytes = 100;
    options.slow_consumer = policy;
    start(&options);
    adopt(fd, "hello", preamble);
    testing_settle(hub);
    testing_client_send(&client, TESTING_FIN_PING, "p", 1);
    testing_settle(hub);
    for (int i = 0; i < 50; i++) {
        (void)hub_broadcast(hub, HUB_TEXT_OF("many, many, many"));
        testing_settle(hub);
    }
    drain(before);
    testing_settle(hub);
    if (preamble != NULL)
        expect_bytes(preamble);
    testing_client_expect_text(&client, "hello");
    while (testing_client_receive(&client, &frame))
        ck_assert_uint_ne(frame.bytes, 5);
    ck_assert_uint_ge(testing_stats(hub).messages_out, 1);
    stop();
}

START_TEST(nothing_overtakes_it_and_no_policy_drops_it)
{
    static const enum hub_slow_consumer policies[] = {
        HUB_SLOW_CLOSE, HUB_SLOW_DROP_OLDEST, HUB_SLOW_DROP_NEWEST};

    for (size_t i = 0; i < TESTING_LENGTH(policies); i++) {
        stay_first(REPLY, policies[i]);
        stay_first(NULL, policies[i]);
    }
}
END_TEST

/* Half of the preamble, of the greeting. */
START_TEST(bytes_are_counted_as_they_leave)
{
    static char text[LONG_BYTES + 1], preamble[LONG_BYTES + 1];
    struct testing_received frame;
    uint64_t out = 0;
    int fd = testing_client_open(&client);
    static uint8_t sink[LONG_BYTES];
    size_t left = LONG_BYTES;

    memset(text, 't', LONG_BYTES);
    memset(preamble, 'p', LONG_BYTES);
    testing_shrink_buffers(fd, 4096);
    start(NULL);
    adopt(fd, text, preamble);
    testing_settle(hub);
    while (left > 0) {
        ssize_t n = recv(client.fd, sink, left, 0);

        ck_assert_int_gt(n, 0);
        left -= (size_t)n;
        ck_assert_uint_eq(testing_stats(hub).messages_out, 0);
        testing_settle(hub);
    }
    for (int i = 0; i < 10000 && !testing_client_receive(&client, &frame);
         i++) {
        ck_assert_uint_ge(testing_stats(hub).bytes_out, out);
        out = testing_stats(hub).bytes_out;
        ck_assert_uint_le(out, 10 + LONG_BYTES);
        testing_settle(hub);
    }
    ck_assert_uint_eq(frame.bytes, LONG_BYTES);
    check_out(1, 10 + LONG_BYTES);
    stop();
}
END_TEST

/* Misuse, failures. ---------------------------------------------------- */

START_TEST(it_has_to_be_a_message)
{
    struct hub_member member = member_with("hello");
    int fd = testing_client_open(&client);
    struct {
        struct hub_message message;
        unsigned char later[8];
    } longer = {.message = hub_text("x"), .later = {1}};

    start(NULL);
    greeting.payload = NULL;
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), HUB_EINVAL);
    greeting = hub_text("hello");
    greeting.kind = (enum hub_kind)3;
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), HUB_EINVAL);
    greeting = hub_text("hello");
    greeting.struct_size--;
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), HUB_EINVAL);
    longer.message.struct_size = sizeof longer;
    member.greeting = &longer.message;
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), HUB_EINVAL);
    member.deliver = testing_deliver;
    ck_assert_int_eq(hub_register(hub, &member, NULL), HUB_EINVAL);
    ck_assert_int_eq(hub_reserve(hub, &member, &member.place), 0);
    hub_release(hub, member.place);
    ck_assert_uint_eq(testing_stats(hub).opened, 0);
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    close(fd);
    stop();
}
END_TEST

static void fail_each(bool is_socket)
{
    struct hub_member member = member_with("hello");
    unsigned nth = 0;
    int fd = -1, err;

    if (is_socket) {
        fd = testing_client_open(&client);
        member.preamble = REPLY;
        member.preamble_bytes = strlen(REPLY);
    } else {
        member.deliver = testing_deliver;
    }
    start(NULL);
    do {
        testing_fail_allocation(++nth);
        err = is_socket ? hub_adopt(hub, fd, &member, NULL)
                        : hub_register(hub, &member, NULL);
        if (testing_allow_memory() > 0) {
            ck_assert_int_eq(err, HUB_ENOMEM);
            ck_assert_uint_eq(testing_stats(hub).connections, 0);
            ck_assert_uint_eq(testing_stats(hub).queued_bytes, 0);
            ck_assert(!is_socket || fcntl(fd, F_GETFD) >= 0);
        }
    } while (err != 0);
    ck_assert_uint_ge(nth, 3);
    testing_settle(hub);
    ck_assert_uint_eq(testing_stats(hub).messages_out, 1);
    stop();
}

START_TEST(without_memory_for_it_nobody_enters)
{
    fail_each(true);
    fail_each(false);
}
END_TEST

/* However full the hub is: it takes its share like any message. */
START_TEST(it_is_not_refused_for_the_limit_of_memory)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_peer busy;
    struct testing_client busy_client;
    static char large[10000];

    options.max_message_bytes = 1000;
    options.memory_bytes = 32 * 1000;
    start(&options);
    testing_join(hub, &busy_client, &busy, "busy", NULL);
    while (hub_send(hub, HUB_TO_USER("busy"), HUB_BINARY_OF(large, 1000),
                    NULL) == 1)
        ;
    ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(large, 1000)),
                     HUB_EAGAIN);
    memset(large, 'l', sizeof large - 1);
    adopt(testing_client_open(&client), large, NULL);
    ck_assert_uint_gt(testing_stats(hub).queued_bytes, 16 * 1000);
    testing_settle(hub);
    testing_client_expect_text(&client, large);
    ck_assert_uint_eq(testing_stats(hub).queued_bytes, 0);
    stop();
    testing_client_close(&busy_client);
}
END_TEST

/* Threads. ------------------------------------------------------------- */

static atomic_bool done;

static void *broadcast(void *context)
{
    while (!atomic_load(&done))
        (void)hub_broadcast(hub, HUB_TEXT_OF("broadcast"));
    return context;
}

START_TEST(it_is_first_while_others_send_without_a_pause)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_client clients[200];
    struct testing_received frame;
    pthread_t thread;

    options.loops = 2;
    options.slow_consumer = HUB_SLOW_DROP_OLDEST;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    atomic_store(&done, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, broadcast, NULL), 0);
    for (size_t i = 0; i < TESTING_LENGTH(clients); i++) {
        struct hub_member member = member_with("hello");
        int fd = testing_client_open(&clients[i]);

        member.data = NULL;
        testing_shrink_buffers(fd, 4096);
        ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), 0);
    }
    for (size_t i = 0; i < TESTING_LENGTH(clients); i++) {
        while (!testing_client_receive(&clients[i], &frame))
            ck_assert(!clients[i].ended);
        ck_assert_uint_eq(frame.bytes, 5);
        ck_assert_mem_eq(frame.payload, "hello", 5);
    }
    atomic_store(&done, true);
    pthread_join(thread, NULL);
    hub_destroy(hub);
    for (size_t i = 0; i < TESTING_LENGTH(clients); i++)
        testing_client_close(&clients[i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        it_is_the_first_message,
        it_comes_right_behind_the_preamble,
        it_needs_no_message_behind_it,
        it_may_be_empty_or_binary,
        a_member_gets_it_too,
        a_member_gets_it_first,
        broadcasts_around_it_do_not_overtake_it,
        what_opened_sends_comes_behind_it,
        a_close_comes_behind_it,
        a_member_that_is_taken_out_gets_it_still,
        who_refuses_it_leaves,
        nothing_overtakes_it_and_no_policy_drops_it,
        bytes_are_counted_as_they_leave,
        it_has_to_be_a_message,
        without_memory_for_it_nobody_enters,
        it_is_not_refused_for_the_limit_of_memory,
        it_is_first_while_others_send_without_a_pause,
    };

    return testing_run("greeting", tests, TESTING_LENGTH(tests));
}
