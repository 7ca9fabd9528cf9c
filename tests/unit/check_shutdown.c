/* check_shutdown.c - graceful shutdown, by the real clock: with peers that
 * answer, that are silent and that read nothing; and always in time.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

/* Reads whatever comes and answers a Close frame; on a thread of its own. */
struct answerer {
    int fd;
    pthread_t thread;
    unsigned texts;
    int code; /* of the Close frame, or 0 */
    bool ended;
};

/* Takes short frames from the front. Returns how many bytes are left. */
static size_t take_frames(struct answerer *a, uint8_t *data, size_t bytes)
{
    static const uint8_t answer[] = {0x88, 0x80, 0, 0, 0, 0};
    size_t at = 0;

    while (bytes - at >= 2 && bytes - at >= 2u + data[at + 1]) {
        if (data[at] == TESTING_FIN_TEXT)
            a->texts++;
        if (data[at] == TESTING_FIN_CLOSE) {
            a->code = data[at + 2] << 8 | data[at + 3];
            if (send(a->fd, answer, sizeof answer, MSG_NOSIGNAL) < 0)
                a->code = -1;
        }
        at += 2u + data[at + 1];
    }
    memmove(data, data + at, bytes - at);
    return bytes - at;
}

static void *answer(void *context)
{
    struct answerer *a = context;
    uint8_t data[4096];
    size_t have = 0;

    while (!a->ended) {
        ssize_t got = recv(a->fd, data + have, sizeof data - have, 0);

        if (got <= 0)
            a->ended = true;
        else
            have = take_frames(a, data, have + (size_t)got);
    }
    return NULL;
}

static hub_t *new_hub(unsigned loops, unsigned close_timeout_ms)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    hub_t *hub;

    options.loops = loops;
    options.flags = loops == 0 ? HUB_HOST_LOOP : 0;
    options.close_timeout_ms = close_timeout_ms;
    testing_record(&options);
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    return hub;
}

static void adopt(hub_t *hub, int fd, struct testing_peer *peer)
{
    struct hub_member member = HUB_MEMBER_INIT;

    *peer = (struct testing_peer){.id = {0}};
    member.user_id = "u";
    member.data = peer;
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), 0);
}

static void start(struct answerer *a, hub_t *hub, struct testing_peer *peer)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    *a = (struct answerer){.fd = fds[0]};
    adopt(hub, fds[1], peer);
    ck_assert_int_eq(pthread_create(&a->thread, NULL, answer, a), 0);
}

static void finish(struct answerer *a)
{
    pthread_join(a->thread, NULL);
    close(a->fd);
}

static void check_closed(const struct testing_peer *peer, int code)
{
    ck_assert_uint_eq(peer->opened, 1);
    ck_assert_uint_eq(peer->closed, 1);
    ck_assert_int_eq(peer->info.cause, HUB_CLOSED_SHUTDOWN);
    ck_assert_int_eq(peer->info.code, code);
    ck_assert_uint_eq(peer->wrong, 0);
}

static void shut_down_readers(unsigned loops)
{
    struct answerer readers[5];
    struct testing_peer peers[5];
    hub_t *hub = new_hub(loops, 0);
    int64_t before_ms;

    for (size_t i = 0; i < 5; i++)
        start(&readers[i], hub, &peers[i]);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("on its way")), 5);
    before_ms = testing_real_ms();
    ck_assert_int_eq(hub_shutdown(hub, 20000), 0);
    ck_assert_int_lt(testing_real_ms() - before_ms, 15000);
    for (size_t i = 0; i < 5; i++) {
        finish(&readers[i]);
        ck_assert_uint_eq(readers[i].texts, 100);
        ck_assert_int_eq(readers[i].code, 1001);
        check_closed(&peers[i], 1001);
    }
    hub_destroy(hub);
}

START_TEST(peers_that_answer_get_everything_and_a_close)
{
    shut_down_readers(3);
}
END_TEST

START_TEST(a_host_loop_is_driven_meanwhile)
{
    shut_down_readers(0);
}
END_TEST

START_TEST(members_get_what_is_queued_and_no_loop_waits_for_them)
{
    struct testing_peer peer = {.id = {0}};
    struct hub_member member = HUB_MEMBER_INIT;
    hub_t *hub = new_hub(2, 0);

    member.user_id = "u";
    member.data = &peer;
    member.deliver = testing_deliver;
    ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("x")), 1);
    ck_assert_int_eq(hub_shutdown(hub, 20000), 0);
    ck_assert_uint_eq(peer.delivered, 10);
    check_closed(&peer, 1001);
    hub_destroy(hub);
}
END_TEST

static void shut_down_silent(unsigned loops)
{
    struct testing_client client;
    struct testing_peer peer;
    hub_t *hub = new_hub(loops, 100);
    int64_t before_ms;

    adopt(hub, testing_client_open(&client), &peer);
    before_ms = testing_real_ms();
    ck_assert_int_eq(hub_shutdown(hub, 20000), 0); /* its time is up first */
    ck_assert_int_ge(testing_real_ms() - before_ms, 100);
    ck_assert_int_lt(testing_real_ms() - before_ms, 15000);
    check_closed(&peer, 1001);
    testing_client_expect_close(&client, 1001);
    ck_assert(testing_client_at_end(&client));
    testing_client_close(&client);
    hub_destroy(hub);
}

START_TEST(a_peer_that_does_not_answer_has_the_close_timeout)
{
    shut_down_silent(2);
    shut_down_silent(0);
}
END_TEST

static void shut_down_late(unsigned loops, unsigned timeout_ms)
{
    struct testing_client client;
    struct testing_peer peer;
    hub_t *hub = new_hub(loops, 60000);
    int64_t before_ms, took_ms;

    adopt(hub, testing_client_open(&client), &peer);
    before_ms = testing_real_ms();
    ck_assert_int_eq(hub_shutdown(hub, timeout_ms), HUB_ETIMEDOUT);
    took_ms = testing_real_ms() - before_ms;
    ck_assert_int_ge(took_ms, timeout_ms);
    ck_assert_int_lt(took_ms, timeout_ms + 900);
    ck_assert_uint_eq(peer.closed, 1); /* cut off, before it returned */
    hub_destroy(hub);
    testing_client_close(&client);
}

/* So few that all are closed at once: what they are told does not depend on
 * when that was. */
START_TEST(peers_of_several_loops_are_told_different_times)
{
    struct testing_client clients[8];
    struct testing_peer peers[8];
    char reasons[8][HUB_REASON_BYTES_MAX + 1];
    hub_t *hub = new_hub(2, 100);

    for (int i = 0; i < 8; i++)
        adopt(hub, testing_client_open(&clients[i]), &peers[i]);
    ck_assert_int_eq(hub_shutdown(hub, 20000), 0);
    for (int i = 0; i < 8; i++) {
        struct testing_received frame;

        ck_assert(testing_client_receive(&clients[i], &frame));
        ck_assert_uint_gt(frame.bytes, 2);
        memcpy(reasons[i], frame.payload + 2, frame.bytes - 2);
        reasons[i][frame.bytes - 2] = '\0';
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(reasons[i], reasons[j]);
        testing_client_close(&clients[i]);
    }
    hub_destroy(hub);
}
END_TEST

START_TEST(the_rate_of_closes_is_of_all_loops_together)
{
    struct testing_client clients[40];
    struct testing_peer peers[40];
    hub_t *hub = new_hub(2, 100);

    for (int i = 0; i < 40; i++)
        adopt(hub, testing_client_open(&clients[i]), &peers[i]);
    ck_assert_int_eq(hub_shutdown(hub, 20000), 0);
    for (int i = 0; i < 2; i++) {
        const struct hub__drain *drain = &hub->loops[i].drain;

        ck_assert_uint_gt(drain->total, 10);
        ck_assert_int_eq(drain->window_ms, 2 * (int64_t)drain->total);
    }
    hub_destroy(hub);
    for (int i = 0; i < 40; i++)
        testing_client_close(&clients[i]);
}
END_TEST

START_TEST(the_deadline_cuts_off_who_is_left)
{
    shut_down_late(2, 150);
    shut_down_late(0, 150);
    shut_down_late(2, 0);
    shut_down_late(0, 0);
}
END_TEST

START_TEST(a_peer_that_reads_nothing_is_cut_off_in_time)
{
    static char large[1000000];
    struct testing_client client;
    struct answerer reader;
    struct testing_peer peers[2];
    hub_t *hub = new_hub(2, 60000);
    int64_t before_ms, took_ms;

    adopt(hub, testing_client_open(&client), &peers[0]);
    ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(large, sizeof large)), 1);
    start(&reader, hub, &peers[1]);
    before_ms = testing_real_ms();
    ck_assert_int_eq(hub_shutdown(hub, 200), HUB_ETIMEDOUT);
    took_ms = testing_real_ms() - before_ms;
    ck_assert_int_ge(took_ms, 200);
    ck_assert_int_lt(took_ms, 1100);
    finish(&reader);
    ck_assert_int_eq(reader.code, 1001);
    check_closed(&peers[1], 1001);
    ck_assert_uint_eq(peers[0].closed, 1);
    ck_assert_int_eq(peers[0].info.cause, HUB_CLOSED_SHUTDOWN);
    ck_assert_uint_eq(peers[0].info.messages_out, 0);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

START_TEST(a_peer_that_is_closing_already_is_waited_for)
{
    struct testing_client client;
    struct testing_peer peer;
    hub_t *hub = new_hub(0, 100);

    adopt(hub, testing_client_open(&client), &peer);
    testing_settle(hub);
    ck_assert_int_eq(hub_close(hub, peer.id, 4000, NULL), 0);
    testing_settle(hub);
    ck_assert_int_eq(hub_shutdown(hub, 20000), 0);
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_int_eq(peer.info.cause, HUB_CLOSED_BY_HOST);
    testing_client_expect_close(&client, 4000);
    testing_client_expect_nothing(&client);
    testing_client_close(&client);
    hub_destroy(hub);
}
END_TEST

START_TEST(after_it_every_call_says_so)
{
    hub_t *hub = new_hub(2, 0);
    struct hub_stats stats = HUB_STATS_INIT;

    ck_assert_int_eq(hub_shutdown(NULL, 0), HUB_EINVAL);
    ck_assert_int_eq(hub_shutdown(hub, 1000), 0);
    ck_assert_int_eq(hub_shutdown(hub, 1000), HUB_ESHUTDOWN);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("x")), HUB_ESHUTDOWN);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("u"), HUB_TEXT_OF("x"), NULL),
                     HUB_ESHUTDOWN);
    ck_assert_int_eq(hub_close(hub, (hub_id){1}, 1000, NULL), HUB_ENOENT);
    ck_assert_int_eq(hub_unregister(hub, (hub_id){1}), HUB_ENOENT);
    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    hub_destroy(hub);
}
END_TEST

/* Callers that are under way when it begins. --------------------------- */

static void *send_until_refused(void *context)
{
    while (hub_broadcast(context, HUB_TEXT_OF("x")) != HUB_ESHUTDOWN)
        ;
    return NULL;
}

static void *come_until_refused(void *context)
{
    struct hub_member member = HUB_MEMBER_INIT;
    hub_id id;

    member.user_id = "u";
    member.deliver = testing_deliver;
    while (hub_register(context, &member, &id) != HUB_ESHUTDOWN)
        hub_unregister(context, id);
    return NULL;
}

START_TEST(calls_that_are_under_way_are_waited_for)
{
    for (int round = 0; round < 20; round++) {
        struct hub_stats stats = HUB_STATS_INIT;
        hub_t *hub = new_hub(2, 0);
        pthread_t threads[3];

        for (size_t i = 0; i < 3; i++)
            ck_assert_int_eq(
                pthread_create(&threads[i], NULL,
                               i == 0 ? send_until_refused : come_until_refused,
                               hub),
                0);
        ck_assert_int_eq(hub_shutdown(hub, 20000), 0);
        ck_assert_int_eq(hub_stats(hub, &stats), 0);
        ck_assert_uint_eq(stats.connections, 0);
        ck_assert_uint_eq(stats.opened, stats.closed);
        for (size_t i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        hub_destroy(hub);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        peers_that_answer_get_everything_and_a_close,
        a_host_loop_is_driven_meanwhile,
        members_get_what_is_queued_and_no_loop_waits_for_them,
        a_peer_that_does_not_answer_has_the_close_timeout,
        peers_of_several_loops_are_told_different_times,
        the_rate_of_closes_is_of_all_loops_together,
        the_deadline_cuts_off_who_is_left,
        a_peer_that_reads_nothing_is_cut_off_in_time,
        a_peer_that_is_closing_already_is_waited_for,
        after_it_every_call_says_so,
        calls_that_are_under_way_are_waited_for,
    };

    return testing_run("shutdown", tests, TESTING_LENGTH(tests));
}
