/* check_conn_memory.c - the memory of messages: queued ones, the queues
 * themselves, and partly received ones. The reported values return to 0,
 * however the memory was released.
 */
#include "loop/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "testing.h"

#define MESSAGE 20000
#define LIMIT ((size_t)16 * MESSAGE)

static hub_t *hub;

static size_t used(void)
{
    return testing_stats(hub).memory_bytes;
}

static void set_up(enum hub_slow_consumer policy)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.max_message_bytes = MESSAGE;
    options.memory_bytes = 2 * LIMIT; /* one for each way */
    options.queue_bytes = 100 * LIMIT;
    options.slow_consumer = policy;
    hub = testing_stage(&options);
}

/* A client that does not read, behind a small buffer that is full. */
static void join_stalled(struct testing_client *client,
                         struct testing_peer *peer, const char *user)
{
    struct hub_member member = HUB_MEMBER_INIT;
    int fd = testing_client_open(client);

    testing_shrink_buffers(fd, 8192);
    *peer = (struct testing_peer){.id = {0}};
    member.user_id = user;
    member.data = peer;
    ck_assert_int_eq(hub_adopt(hub, fd, &member, &peer->id), 0);
    testing_settle(hub);
    testing_block(hub, peer, 1);
}

static int64_t send_bytes(const char *user, size_t bytes)
{
    char *payload = calloc(1, bytes);
    int64_t result =
        hub_send(hub, HUB_TO_USER(user), HUB_BINARY_OF(payload, bytes), NULL);

    ck_assert_ptr_nonnull(payload);
    free(payload);
    return result;
}

static size_t read_all(struct testing_client *client)
{
    struct testing_received frame;
    size_t frames = 0;
    bool more;

    do {
        size_t before = client->have;

        for (more = false; testing_client_receive(client, &frame); frames++)
            more = true;
        more = more || client->have != before;
        testing_settle(hub);
    } while (more);
    return frames;
}

START_TEST(what_does_not_fit_is_refused_whole)
{
    struct testing_client client;
    struct testing_peer peer;
    size_t before;

    set_up(HUB_SLOW_CLOSE);
    testing_join(hub, &client, &peer, "u", NULL);
    ck_assert_int_eq(send_bytes("u", LIMIT), HUB_EAGAIN);
    ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(NULL, 0)), 1);
    ck_assert_int_eq(send_bytes("u", LIMIT - 1000), 1);
    before = used();
    ck_assert_uint_gt(before, LIMIT - 1000);
    ck_assert_int_eq(send_bytes("u", 1000), HUB_EAGAIN);
    ck_assert_uint_eq(used(), before);
    ck_assert_int_eq(send_bytes("nobody", 1000), HUB_EAGAIN);
    testing_settle(hub);
    ck_assert_uint_eq(read_all(&client), 2);
    ck_assert_uint_eq(used(), 0);
    ck_assert_int_eq(send_bytes("u", LIMIT - 1000), 1);
    testing_settle(hub);
    ck_assert_uint_eq(read_all(&client), 1);
    ck_assert_uint_eq(used(), 0);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

START_TEST(what_is_refused_was_not_copied_before)
{
    set_up(HUB_SLOW_CLOSE);
    testing_fail_after(0);
    ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF("", LIMIT + 1)),
                     HUB_EAGAIN);
    ck_assert_uint_eq(testing_allow_memory(), 0);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_message_to_many_is_counted_once)
{
    struct testing_client clients[8];
    struct testing_peer peers[8];
    size_t before;

    set_up(HUB_SLOW_CLOSE);
    for (int i = 0; i < 8; i++)
        join_stalled(&clients[i], &peers[i], "u");
    before = used();
    ck_assert_int_eq(send_bytes("u", 2000), 8);
    testing_settle(hub);
    ck_assert_uint_ge(used(), before + 2000);
    ck_assert_uint_lt(used(), before + 2000 + 8 * 200); /* queues grow */
    hub_destroy(hub);
    for (int i = 0; i < 8; i++)
        testing_client_close(&clients[i]);
}
END_TEST

/* The messages are counted once, and a queue of them for each. */
START_TEST(queues_of_shared_messages_are_charged)
{
    struct testing_client clients[8];
    struct testing_peer peers[8];
    size_t before;

    set_up(HUB_SLOW_CLOSE);
    for (int i = 0; i < 8; i++)
        join_stalled(&clients[i], &peers[i], "u");
    before = used();
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(hub_send(hub, HUB_TO_USER("u"), HUB_TEXT_OF(""), NULL),
                         8);
    testing_settle(hub);
    ck_assert_uint_ge(used(), before + (size_t)8 * 100 * sizeof(void *));
    hub_destroy(hub);
    for (int i = 0; i < 8; i++)
        testing_client_close(&clients[i]);
}
END_TEST

/* Long before its own bound, and with as much left for the others. */
START_TEST(who_holds_a_share_is_a_slow_consumer)
{
    struct testing_client client;
    struct testing_peer peer;

    set_up(HUB_SLOW_CLOSE);
    join_stalled(&client, &peer, "slow");
    for (int i = 0; i < 40 && testing_stats(hub).slow_closed == 0; i++) {
        ck_assert_int_eq(send_bytes("slow", 1000), 1);
        testing_settle(hub);
        ck_assert_uint_le(used(), LIMIT / 16 + 1000);
    }
    ck_assert_uint_eq(testing_stats(hub).slow_closed, 1);
    hub_destroy(hub);
    testing_client_close(&client);
    ck_assert_int_eq(peer.info.cause, HUB_CLOSED_SLOW_CONSUMER);
    ck_assert_int_eq(peer.info.code, 1013);
}
END_TEST

START_TEST(many_stalled_clients_leave_something_to_the_others)
{
    static struct testing_client stalled[60];
    static struct testing_peer peers[60];
    struct testing_client client;
    struct testing_peer peer;
    char user[16];

    set_up(HUB_SLOW_DROP_NEWEST);
    testing_join(hub, &client, &peer, "ada", NULL);
    for (int i = 0; i < 60; i++) {
        snprintf(user, sizeof user, "slow%d", i);
        join_stalled(&stalled[i], &peers[i], user);
    }
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 60; i++) {
            snprintf(user, sizeof user, "slow%d", i);
            ck_assert_int_eq(send_bytes(user, 1000), 1);
        }
        testing_settle(hub);
    }
    ck_assert_uint_gt(testing_stats(hub).dropped, 1000);
    ck_assert_uint_gt(used(), LIMIT / 2);
    ck_assert_int_eq(send_bytes("ada", 4000), 1);
    testing_settle(hub);
    ck_assert_uint_eq(read_all(&client), 1);
    for (int i = 0; i < 60; i++)
        ck_assert_uint_eq(peers[i].closed, 0);
    hub_destroy(hub);
    testing_client_close(&client);
    for (int i = 0; i < 60; i++)
        testing_client_close(&stalled[i]);
}
END_TEST

/* A hundred thousand messages without a byte are queues of pointers. */
START_TEST(the_queue_itself_counts)
{
    struct testing_client client;
    struct testing_peer peer;

    set_up(HUB_SLOW_DROP_NEWEST);
    join_stalled(&client, &peer, "slow");
    for (int i = 0; i < 100000; i++) {
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_USER("slow"), HUB_TEXT_OF(""), NULL), 1);
        if (i % 500 == 0)
            testing_settle(hub);
    }
    testing_settle(hub);
    ck_assert_uint_gt(testing_stats(hub).dropped, 90000);
    ck_assert_uint_lt(testing_conn(hub, peer.id)->outbox.bytes, LIMIT / 64);
    ck_assert_uint_lt(used(), LIMIT / 12); /* a sixteenth, about */
    read_all(&client);
    ck_assert_uint_eq(used(), 0);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

/* Sends a message of `bytes` bytes but for the last one. */
static void begin_message(struct testing_client *client, size_t bytes)
{
    uint8_t *payload = calloc(1, bytes), *frame = malloc(bytes + 14);
    size_t length;

    ck_assert_ptr_nonnull(payload);
    ck_assert_ptr_nonnull(frame);
    length = testing_frame(frame, TESTING_FIN_BINARY, payload, bytes);
    testing_client_send_raw(client, frame, length - 1);
    free(payload);
    free(frame);
    testing_settle(hub);
}

START_TEST(messages_that_are_not_whole_are_bounded_together)
{
    static struct testing_client clients[64];
    static struct testing_peer peers[64];
    unsigned refused = 0;

    set_up(HUB_SLOW_CLOSE);
    for (int i = 0; i < 64; i++) {
        testing_join(hub, &clients[i], &peers[i], "u", NULL);
        begin_message(&clients[i], MESSAGE - 100);
        ck_assert_uint_le(used(), LIMIT);
    }
    ck_assert_uint_gt(used(), LIMIT / 100);
    /* What is sent has a half of its own. */
    ck_assert_int_eq(send_bytes("nobody", LIMIT - 1000), 0);
    for (int i = 0; i < 64; i++) {
        struct testing_received frame;

        if (!testing_client_receive(&clients[i], &frame))
            continue;
        ck_assert_uint_eq(frame.first_byte, TESTING_FIN_CLOSE);
        ck_assert_int_eq(frame.payload[0] << 8 | frame.payload[1], 1013);
        testing_client_close(&clients[i]);
        testing_settle(hub);
        ck_assert_int_eq(peers[i].info.cause, HUB_CLOSED_ERROR); /* ours */
        refused++;
    }
    ck_assert_uint_gt(refused, 32);
    ck_assert_uint_lt(refused, 64);
    for (int i = 0; i < 64; i++)
        testing_client_close(&clients[i]);
    testing_settle(hub);
    ck_assert_uint_eq(used(), 0);
    hub_destroy(hub);
}
END_TEST

/* Also when it comes bit by bit, and has a part of the budget already. */
START_TEST(the_largest_message_fits_into_the_least_limit)
{
    static uint8_t payload[MESSAGE], frame[MESSAGE + 14];
    struct testing_client client;
    struct testing_peer peer;
    size_t length;

    set_up(HUB_SLOW_CLOSE);
    testing_join(hub, &client, &peer, "u", NULL);
    length = testing_frame(frame, TESTING_FIN_BINARY, payload, MESSAGE);
    for (size_t at = 0; at < length; at += MESSAGE / 3) {
        size_t left = length - at;

        testing_client_send_raw(&client, frame + at,
                                left < MESSAGE / 3 ? left : MESSAGE / 3);
        testing_settle(hub);
    }
    ck_assert_uint_eq(peer.messages, 1);
    ck_assert_uint_eq(used(), 0);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

START_TEST(a_message_that_becomes_whole_is_given_back)
{
    struct testing_client client;
    struct testing_peer peer;

    set_up(HUB_SLOW_CLOSE);
    testing_join(hub, &client, &peer, "u", NULL);
    testing_client_send(&client, 0x01, "half of it", 10);
    testing_settle(hub);
    ck_assert_uint_ge(used(), 10);
    testing_client_send(&client, 0x80, " and the rest", 13);
    testing_settle(hub);
    ck_assert_uint_eq(peer.messages, 1);
    ck_assert_uint_eq(used(), 0);
    testing_client_send(&client, 0x01, "again", 5);
    testing_client_send(&client, 0x80, "\xff", 1); /* not UTF-8 */
    testing_settle(hub);
    testing_client_expect_close(&client, 1007);
    ck_assert_uint_eq(used(), 0);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

START_TEST(without_a_limit_it_is_counted_all_the_same)
{
    struct testing_client client;
    struct testing_peer peer;

    hub = testing_stage(NULL);
    join_stalled(&client, &peer, "u");
    ck_assert_int_eq(send_bytes("u", 700000), 1);
    testing_settle(hub);
    ck_assert_uint_gt(used(), 700000);
    read_all(&client);
    ck_assert_uint_eq(used(), 0);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_does_not_fit_is_refused_whole,
        what_is_refused_was_not_copied_before,
        a_message_to_many_is_counted_once,
        queues_of_shared_messages_are_charged,
        who_holds_a_share_is_a_slow_consumer,
        many_stalled_clients_leave_something_to_the_others,
        the_queue_itself_counts,
        messages_that_are_not_whole_are_bounded_together,
        the_largest_message_fits_into_the_least_limit,
        a_message_that_becomes_whole_is_given_back,
        without_a_limit_it_is_counted_all_the_same,
    };

    return testing_run("conn_memory", tests, TESTING_LENGTH(tests));
}
