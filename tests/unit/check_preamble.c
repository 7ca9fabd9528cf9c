/* check_preamble.c - the bytes that hub_adopt() sends ahead of all messages:
 * whole, first, and once, whatever else happens meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

#define REPLY "HTTP/1.1 101 Switching Protocols\r\n\r\n"
#define LONG_BYTES 300000

static hub_t *hub;
static struct testing_peer peer;
static struct testing_client client;

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

static struct hub_member member_with(const void *preamble, size_t bytes)
{
    struct hub_member member = HUB_MEMBER_INIT;

    member.user_id = "u";
    member.data = &peer;
    member.preamble = preamble;
    member.preamble_bytes = bytes;
    return member;
}

static void adopt(int fd, const char *preamble)
{
    struct hub_member member = member_with(preamble, strlen(preamble));

    ck_assert_int_eq(hub_adopt(hub, fd, &member, &peer.id), 0);
}

/* Takes the bytes that come next, which must be these. */
static void expect(const char *bytes, size_t count)
{
    while (count > 0) {
        char got[4096];
        size_t most = count < sizeof got ? count : sizeof got;
        ssize_t n = recv(client.fd, got, most, 0);

        if (n < 0 && errno == EAGAIN) {
            testing_settle(hub);
            n = recv(client.fd, got, most, 0);
        }
        ck_assert_int_gt(n, 0);
        ck_assert_mem_eq(got, bytes, (size_t)n);
        bytes += n;
        count -= (size_t)n;
    }
}

START_TEST(it_comes_before_what_is_sent_to_the_connection)
{
    char preamble[] = REPLY;

    start(NULL);
    adopt(testing_client_open(&client), preamble);
    memset(preamble, 'x', sizeof preamble); /* it was copied */
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("u"), HUB_TEXT_OF("one"), NULL),
                     1);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("two")), 1);
    testing_settle(hub);
    expect(REPLY, strlen(REPLY));
    testing_client_expect_text(&client, "one");
    testing_client_expect_text(&client, "two");
    testing_client_expect_nothing(&client);
    ck_assert_uint_eq(testing_stats(hub).messages_out, 2);
    ck_assert_uint_eq(testing_stats(hub).bytes_out, 2 * (2 + 3));
    stop();
}
END_TEST

START_TEST(it_needs_no_message_behind_it_and_is_none)
{
    struct hub_stats stats;

    start(NULL);
    adopt(testing_client_open(&client), REPLY);
    testing_settle(hub);
    expect(REPLY, strlen(REPLY));
    testing_client_expect_nothing(&client);
    stats = testing_stats(hub);
    ck_assert_uint_eq(stats.messages_out, 0);
    ck_assert_uint_eq(stats.bytes_out, 0);
    testing_client_send(&client, TESTING_FIN_PING, "p", 1);
    testing_settle(hub);
    testing_client_expect(&client, TESTING_FIN_PONG, "p", 1);
    stop();
}
END_TEST

START_TEST(a_close_comes_behind_it)
{
    start(NULL);
    adopt(testing_client_open(&client), REPLY);
    ck_assert_int_eq(hub_close(hub, peer.id, 1000, "so soon"), 0);
    testing_settle(hub);
    expect(REPLY, strlen(REPLY));
    testing_client_expect_close(&client, 1000);
    stop();
}
END_TEST

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

/* None of it could be written when they came. */
START_TEST(nothing_gets_ahead_of_it_while_it_waits)
{
    int fd = testing_client_open(&client);
    size_t before = fill_up(fd);

    start(NULL);
    adopt(fd, REPLY);
    testing_settle(hub);
    testing_client_send(&client, TESTING_FIN_PING, "p", 1);
    testing_settle(hub);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("u"), HUB_TEXT_OF("m"), NULL),
                     1);
    testing_settle(hub);
    drain(before);
    testing_settle(hub);
    expect(REPLY, strlen(REPLY));
    testing_client_expect(&client, TESTING_FIN_PONG, "p", 1);
    testing_client_expect_text(&client, "m");
    stop();
}
END_TEST

START_TEST(who_breaks_the_protocol_while_it_waits_gets_it_before_a_close)
{
    int fd = testing_client_open(&client);
    size_t before = fill_up(fd);

    start(NULL);
    adopt(fd, REPLY);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("u"), HUB_TEXT_OF("m"), NULL),
                     1);
    testing_settle(hub);
    testing_client_send_raw(&client, "\x81\x01x", 3); /* no mask */
    testing_settle(hub);
    drain(before);
    testing_settle(hub);
    expect(REPLY, strlen(REPLY));
    testing_client_expect_text(&client, "m");
    testing_client_expect_close(&client, 1002);
    stop();
}
END_TEST

START_TEST(who_is_too_slow_for_it_gets_it_whole)
{
    static char preamble[LONG_BYTES + 1];
    struct hub_options options = HUB_OPTIONS_INIT;
    int fd = testing_client_open(&client);

    memset(preamble, 'p', LONG_BYTES);
    preamble[LONG_BYTES - 1] = '!';
    testing_shrink_buffers(fd, 4096);
    options.queue_bytes = 1000;
    options.slow_consumer = HUB_SLOW_DROP_NEWEST;
    start(&options);
    adopt(fd, preamble);
    testing_settle(hub);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("u"), HUB_TEXT_OF("dropped"), NULL), 1);
    testing_settle(hub);
    expect(preamble, LONG_BYTES);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("u"), HUB_TEXT_OF("m"), NULL),
                     1);
    testing_settle(hub);
    testing_client_expect_text(&client, "m");
    ck_assert_uint_eq(testing_stats(hub).bytes_out, 2 + 1);
    stop();
}
END_TEST

START_TEST(it_has_to_be_there_and_is_for_sockets)
{
    struct hub_member member = member_with(NULL, 1);
    int fd = testing_client_open(&client);

    start(NULL);
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), HUB_EINVAL);
    member = member_with(REPLY, 1);
    member.deliver = testing_deliver;
    ck_assert_int_eq(hub_register(hub, &member, NULL), HUB_EINVAL);
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    ck_assert_uint_eq(testing_stats(hub).opened, 0);
    member = member_with("", 0);
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), 0);
    testing_settle(hub);
    testing_client_expect_nothing(&client);
    stop();
}
END_TEST

START_TEST(without_memory_for_it_nobody_enters)
{
    struct hub_member member = member_with(REPLY, strlen(REPLY));
    int fd = testing_client_open(&client), err;
    unsigned nth = 0;

    start(NULL);
    do {
        testing_fail_allocation(++nth);
        err = hub_adopt(hub, fd, &member, NULL);
        if (testing_allow_memory() > 0) {
            ck_assert_int_eq(err, HUB_ENOMEM);
            ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
            ck_assert_uint_eq(testing_stats(hub).connections, 0);
        }
    } while (err != 0);
    ck_assert_uint_ge(nth, 3); /* the connection, the bytes, its post */
    testing_settle(hub);
    expect(REPLY, strlen(REPLY));
    testing_client_expect_nothing(&client);
    stop();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        it_comes_before_what_is_sent_to_the_connection,
        it_needs_no_message_behind_it_and_is_none,
        a_close_comes_behind_it,
        nothing_gets_ahead_of_it_while_it_waits,
        who_breaks_the_protocol_while_it_waits_gets_it_before_a_close,
        who_is_too_slow_for_it_gets_it_whole,
        it_has_to_be_there_and_is_for_sockets,
        without_memory_for_it_nobody_enters,
    };

    return testing_run("preamble", tests, TESTING_LENGTH(tests));
}
