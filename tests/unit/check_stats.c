/* check_stats.c - statistics of a hub, and how the struct may grow. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"
#include "testing_rings.h"

static struct hub_stats stats_of(hub_t *hub)
{
    struct hub_stats stats = HUB_STATS_INIT;

    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    return stats;
}

/* Of so many loops, those that send by io_uring unless told otherwise. */
static uint64_t uring_loops(uint64_t loops)
{
    return testing_has_rings() && getenv("HUB_TEST_SENDMSG") == NULL ? loops
                                                                     : 0;
}

START_TEST(a_new_hub_has_nothing_to_report)
{
    hub_t *hub = testing_stage(NULL);
    struct hub_stats expected = HUB_STATS_INIT;
    struct hub_stats stats = stats_of(hub);

    expected.loops = 1;
    expected.uring_loops = uring_loops(1);
    ck_assert_int_eq(memcmp(&stats, &expected, sizeof stats), 0);
    hub_destroy(hub);
}
END_TEST

START_TEST(users_and_sessions_are_counted_once)
{
    hub_t *hub = testing_stage(NULL);
    struct testing_peer peers[5];
    struct hub_stats stats;

    testing_enter(hub, &peers[0], "a", NULL);
    testing_enter(hub, &peers[1], "a", "s");
    testing_enter(hub, &peers[2], "b", "s");
    testing_enter(hub, &peers[3], "b", "t");
    testing_enter(hub, &peers[4], "b", "t");
    stats = stats_of(hub);
    ck_assert_uint_eq(stats.connections, 5);
    ck_assert_uint_eq(stats.users, 2);
    ck_assert_uint_eq(stats.sessions, 2);
    ck_assert_uint_eq(stats.opened, 5);
    ck_assert_uint_eq(stats.closed, 0);
    ck_assert_int_eq(hub_unregister(hub, peers[1].id), 0);
    ck_assert_int_eq(hub_unregister(hub, peers[2].id), 0);
    stats = stats_of(hub); /* before the loop turns */
    ck_assert_uint_eq(stats.connections, 3);
    ck_assert_uint_eq(stats.users, 2);
    ck_assert_uint_eq(stats.sessions, 1);
    ck_assert_uint_eq(stats.closed, 0);
    testing_settle(hub);
    ck_assert_uint_eq(stats_of(hub).closed, 2);
    hub_destroy(hub);
}
END_TEST

START_TEST(the_end_of_each_connection_has_a_cause)
{
    hub_t *hub = testing_stage(NULL);
    struct testing_client clients[4];
    struct testing_peer peers[5];
    struct hub_stats stats;

    for (size_t i = 0; i < 4; i++)
        testing_join(hub, &clients[i], &peers[i], "u", NULL);
    testing_enter(hub, &peers[4], "u", NULL);
    testing_client_send_close(&clients[0], 1000, "");
    testing_client_send_raw(&clients[1], "\xC1", 1); /* RSV1 */
    testing_client_close(&clients[2]);
    ck_assert_int_eq(hub_unregister(hub, peers[4].id), 0);
    testing_settle(hub);
    ck_assert_int_eq(hub_unregister(hub, peers[3].id), 0);
    testing_settle(hub);
    testing_client_close(&clients[0]);
    testing_client_close(&clients[1]);
    testing_settle(hub);
    stats = stats_of(hub);
    ck_assert_uint_eq(stats.closed, 5);
    for (unsigned i = 0; i < HUB_CLOSE_CAUSES_MAX; i++) {
        uint64_t expected = i == HUB_CLOSED_BY_HOST          ? 2
                            : i == HUB_CLOSED_BY_PEER        ? 1
                            : i == HUB_CLOSED_PROTOCOL_ERROR ? 1
                            : i == HUB_CLOSED_LOST           ? 1
                                                             : 0;

        ck_assert_uint_eq(stats.closed_by_cause[i], expected);
    }
    hub_destroy(hub);
    testing_client_close(&clients[3]);
}
END_TEST

START_TEST(messages_to_members_are_counted_without_headers)
{
    hub_t *hub = testing_stage(NULL);
    struct testing_peer peers[2];

    testing_enter(hub, &peers[0], "a", NULL);
    testing_enter(hub, &peers[1], "b", NULL);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("12345")), 2);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("a"), HUB_TEXT_OF("678"), NULL),
                     1);
    ck_assert_uint_eq(stats_of(hub).messages_out, 0);
    testing_settle(hub);
    ck_assert_uint_eq(stats_of(hub).messages_out, 3);
    ck_assert_uint_eq(stats_of(hub).bytes_out, 13);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_loop_that_does_not_turn_shows)
{
    hub_t *hub = testing_stage(NULL);

    testing_settle(hub);
    ck_assert_uint_eq(stats_of(hub).slowest_loop_ms, 0);
    testing_clock_advance(1234);
    ck_assert_uint_eq(stats_of(hub).slowest_loop_ms, 1234);
    testing_settle(hub);
    ck_assert_uint_eq(stats_of(hub).slowest_loop_ms, 0);
    hub_destroy(hub);
}
END_TEST

START_TEST(the_number_of_loops_is_reported)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    hub_t *hub;

    options.loops = 5;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    ck_assert_uint_eq(stats_of(hub).loops, 5);
    ck_assert_uint_eq(stats_of(hub).uring_loops, uring_loops(5));
    hub_destroy(hub);
}
END_TEST

START_TEST(loops_that_send_by_io_uring_are_counted)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    hub_t *hub;

    options.loops = 3;
    options.sender = HUB_SENDER_SENDMSG;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    ck_assert_uint_eq(stats_of(hub).uring_loops, 0);
    hub_destroy(hub);
    options.sender = HUB_SENDER_URING;
    if (!testing_has_rings())
        return;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    ck_assert_uint_eq(stats_of(hub).uring_loops, 3);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_caller_gets_as_much_as_it_has_room_for)
{
    hub_t *hub = testing_stage(NULL);
    struct {
        struct hub_stats stats;
        unsigned char later[16];
    } room;
    struct testing_peer peer;

    testing_enter(hub, &peer, "a", "s");
    for (size_t size = sizeof(size_t); size <= sizeof room; size++) {
        const unsigned char *bytes = (const unsigned char *)&room;
        size_t known = size < sizeof room.stats ? size : sizeof room.stats;

        memset(&room, 0xEE, sizeof room);
        room.stats.struct_size = size;
        ck_assert_int_eq(hub_stats(hub, &room.stats), 0);
        ck_assert_uint_eq(room.stats.struct_size, size);
        for (size_t i = known; i < sizeof room; i++)
            ck_assert_uint_eq(bytes[i], 0xEE);
        if (size >= offsetof(struct hub_stats, users))
            ck_assert_uint_eq(room.stats.connections, 1);
    }
    hub_destroy(hub);
}
END_TEST

START_TEST(what_cannot_be_filled_in_is_refused)
{
    hub_t *hub = testing_stage(NULL);
    struct hub_stats stats = HUB_STATS_INIT;

    ck_assert_int_eq(hub_stats(NULL, &stats), HUB_EINVAL);
    ck_assert_int_eq(hub_stats(hub, NULL), HUB_EINVAL);
    stats.struct_size = sizeof(size_t) - 1;
    ck_assert_int_eq(hub_stats(hub, &stats), HUB_EINVAL);
    stats.struct_size = 0;
    ck_assert_int_eq(hub_stats(hub, &stats), HUB_EINVAL);
    hub_destroy(hub);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_new_hub_has_nothing_to_report,
        users_and_sessions_are_counted_once,
        the_end_of_each_connection_has_a_cause,
        messages_to_members_are_counted_without_headers,
        a_loop_that_does_not_turn_shows,
        the_number_of_loops_is_reported,
        loops_that_send_by_io_uring_are_counted,
        a_caller_gets_as_much_as_it_has_room_for,
        what_cannot_be_filled_in_is_refused,
    };

    return testing_run("stats", tests, TESTING_LENGTH(tests));
}
