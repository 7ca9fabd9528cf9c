/* check_counters.c - what loops count, by the test's clock: how long messages
 * took to their sockets, on every path, and how long turns took.
 */
#include "base/counters.h"

#include <string.h>

#include "testing.h"

#define LAST (HUB_HISTOGRAM_BUCKETS - 1)

static hub_t *hub;

/* The bounds. ----------------------------------------------------------- */

START_TEST(a_bound_belongs_to_its_bucket)
{
    ck_assert_uint_eq(hub__histogram_bucket(0), 0);
    ck_assert_uint_eq(hub__histogram_bucket(1), 0);
    for (unsigned i = 0; i < LAST; i++) {
        uint64_t bound = hub_histogram_bound_us(i);

        ck_assert_uint_eq(hub__histogram_bucket(bound), i);
        ck_assert_uint_eq(hub__histogram_bucket(bound + 1), i + 1);
        if (i > 0)
            ck_assert_uint_eq(bound, 2 * hub_histogram_bound_us(i - 1));
    }
    ck_assert_uint_eq(hub_histogram_bound_us(0), 16);
    ck_assert_uint_eq(hub_histogram_bound_us(LAST - 1), 16777216);
    ck_assert_uint_eq(hub__histogram_bucket(UINT64_MAX), LAST);
}
END_TEST

START_TEST(times_are_added_up_and_none_is_below_nothing)
{
    static struct hub__histogram h;

    hub__histogram_add(&h, 100, 3);
    hub__histogram_add(&h, 17, 1);
    hub__histogram_add(&h, -5, 1);
    hub__histogram_add(&h, 20000000, 2);
    ck_assert_uint_eq(atomic_load(&h.counts[3]), 3);
    ck_assert_uint_eq(atomic_load(&h.counts[1]), 1);
    ck_assert_uint_eq(atomic_load(&h.counts[0]), 1);
    ck_assert_uint_eq(atomic_load(&h.counts[LAST]), 2);
    ck_assert_uint_eq(atomic_load(&h.sum_us), 3 * 100 + 17 + 2 * 20000000);
}
END_TEST

/* Deliveries. ----------------------------------------------------------- */

static uint64_t total(const struct hub_histogram *h)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < HUB_HISTOGRAM_BUCKETS; i++)
        count += h->counts[i];
    return count;
}

static void expect(uint64_t count, uint64_t sum_us)
{
    struct hub_stats stats = testing_stats(hub);

    ck_assert_uint_eq(total(&stats.deliveries), count);
    ck_assert_uint_eq(stats.deliveries.sum_us, sum_us);
    ck_assert_uint_eq(stats.messages_out, count);
}

/* So many took longer than half of `us`, and up to `us`. */
static void expect_around(uint64_t us, uint64_t count)
{
    struct hub_stats stats = testing_stats(hub);

    ck_assert_uint_eq(stats.deliveries.counts[hub__histogram_bucket(us)],
                      count);
}

START_TEST(a_send_takes_from_its_call_to_the_last_byte)
{
    struct testing_client client;
    struct testing_peer peer;

    hub = testing_stage(NULL);
    testing_join(hub, &client, &peer, "a", NULL);
    expect(0, 0);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("a"), HUB_TEXT_OF("1"), NULL),
                     1);
    testing_clock_advance_us(300);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("a"), HUB_TEXT_OF("2"), NULL),
                     1);
    testing_clock_advance_us(50);
    testing_settle(hub);
    expect(2, 350 + 50);
    expect_around(512, 1);
    expect_around(64, 1);
    testing_client_close(&client);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_broadcast_counts_for_each_socket)
{
    struct testing_client clients[3];
    struct testing_peer peers[3];

    hub = testing_stage(NULL);
    for (int i = 0; i < 3; i++)
        testing_join(hub, &clients[i], &peers[i], "a", NULL);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("1")), 3);
    testing_clock_advance_us(1000);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("2")), 3);
    testing_clock_advance_us(16);
    testing_settle(hub);
    expect(6, 3 * 1016 + 3 * 16);
    expect_around(1024, 3);
    expect_around(16, 3);
    for (int i = 0; i < 3; i++)
        testing_client_close(&clients[i]);
    hub_destroy(hub);
}
END_TEST

/* By the time it reads, the half that was out counts for nothing. */
START_TEST(what_waits_for_a_slow_reader_counts_when_it_is_whole)
{
    static char large[400000];
    struct testing_client client;
    struct testing_received frame;
    struct testing_peer peer;
    uint64_t before, late;

    hub = testing_stage(NULL);
    testing_join(hub, &client, &peer, "a", NULL);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("small")), 1);
    ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(large, sizeof large)), 1);
    ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(large, sizeof large)), 1);
    testing_settle(hub);
    ck_assert(testing_conn(hub, peer.id)->blocked);
    before = testing_stats(hub).messages_out;
    ck_assert_uint_ge(before, 1);
    ck_assert_uint_lt(before, 3);
    expect(before, 0);
    testing_pass(hub, 2000);
    late = 3 - before;
    testing_client_expect_text(&client, "small");
    while (!testing_client_receive(&client, &frame))
        testing_settle(hub);
    while (!testing_client_receive(&client, &frame))
        testing_settle(hub);
    ck_assert_uint_eq(frame.bytes, sizeof large);
    testing_settle(hub);
    expect(3, late * 2000000);
    expect_around(2000000, late);
    testing_client_close(&client);
    hub_destroy(hub);
}
END_TEST

START_TEST(pings_and_members_are_no_deliveries_to_sockets)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_client client;
    struct testing_peer peer, member;
    struct hub_stats stats;

    options.ping_interval_ms = 1000;
    hub = testing_stage(&options);
    testing_join(hub, &client, &peer, "a", NULL);
    testing_enter(hub, &member, "b", NULL);
    testing_client_send(&client, TESTING_FIN_PING, "x", 1);
    testing_settle(hub);
    testing_client_expect(&client, TESTING_FIN | 10, "x", 1);
    testing_pass(hub, 1000);
    testing_client_expect(&client, TESTING_FIN_PING, "", 0);
    expect(0, 0);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("b"), HUB_TEXT_OF("1"), NULL),
                     1);
    testing_settle(hub);
    stats = testing_stats(hub);
    ck_assert_uint_eq(stats.messages_out, 1);
    ck_assert_uint_eq(total(&stats.deliveries), 0);
    testing_client_close(&client);
    hub_destroy(hub);
}
END_TEST

/* Turns. ---------------------------------------------------------------- */

static void dawdle(hub_t *h, const struct hub_connection *connection,
                   const struct hub_message *message)
{
    (void)h;
    (void)connection;
    (void)message;
    testing_clock_advance_us(700);
}

START_TEST(a_turn_takes_as_long_as_its_callbacks)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_client client;
    struct testing_peer peer = {.id = {0}};
    struct hub_stats before, after;
    struct hub_member member = HUB_MEMBER_INIT;

    options.message = dawdle;
    hub = testing_stage(&options);
    member.user_id = "a";
    member.data = &peer;
    ck_assert_int_eq(
        hub_adopt(hub, testing_client_open(&client), &member, NULL), 0);
    testing_settle(hub);
    before = testing_stats(hub);
    ck_assert_uint_gt(before.turns.counts[0], 0);
    ck_assert_uint_eq(before.turns.sum_us, 0);
    testing_clock_advance_us(5000); /* nobody turns it: that is no turn */
    testing_client_send(&client, TESTING_FIN_TEXT, "x", 1);
    testing_client_send(&client, TESTING_FIN_TEXT, "y", 1);
    ck_assert_int_eq(hub_poll(hub, 0), 0);
    after = testing_stats(hub);
    ck_assert_uint_eq(total(&after.turns), total(&before.turns) + 1);
    ck_assert_uint_eq(after.turns.sum_us, 1400);
    ck_assert_uint_eq(after.turns.counts[hub__histogram_bucket(1400)], 1);
    testing_client_close(&client);
    hub_destroy(hub);
}
END_TEST

/* Bytes. ---------------------------------------------------------------- */

START_TEST(what_is_queued_and_what_is_half_received_are_told_apart)
{
    struct testing_client client;
    struct testing_peer peer;
    struct hub_stats stats;

    hub = testing_stage(NULL);
    testing_join(hub, &client, &peer, "a", NULL);
    testing_client_send(&client, 0x01, "half of a message", 17);
    testing_settle(hub);
    stats = testing_stats(hub);
    ck_assert_uint_eq(stats.queued_bytes, 0);
    ck_assert_uint_eq(stats.memory_bytes, 17);
    testing_block(hub, &peer, 5000);
    ck_assert_uint_gt(testing_stats(hub).queued_bytes, 5000);
    ck_assert_uint_eq(testing_stats(hub).memory_bytes -
                          testing_stats(hub).queued_bytes,
                      stats.memory_bytes);
    testing_client_close(&client);
    testing_settle(hub);
    ck_assert_uint_eq(testing_stats(hub).queued_bytes, 0);
    ck_assert_uint_eq(testing_stats(hub).memory_bytes, 0);
    hub_destroy(hub);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_bound_belongs_to_its_bucket,
        times_are_added_up_and_none_is_below_nothing,
        a_send_takes_from_its_call_to_the_last_byte,
        a_broadcast_counts_for_each_socket,
        what_waits_for_a_slow_reader_counts_when_it_is_whole,
        pings_and_members_are_no_deliveries_to_sockets,
        a_turn_takes_as_long_as_its_callbacks,
        what_is_queued_and_what_is_half_received_are_told_apart,
    };

    return testing_run("counters", tests, TESTING_LENGTH(tests));
}
