/* check_loop.c - turns: what wakes a loop, what the host sees of it through
 * hub_fd() and hub_poll(), more events than one turn takes, and the order in
 * which the dead are released.
 */
#include "loop/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop/batch.h"
#include "testing.h"

static bool becomes_readable(int fd, int timeout_ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    return poll(&ready, 1, timeout_ms) == 1;
}

/* hub_fd() and hub_poll(). ---------------------------------------------- */

START_TEST(the_descriptor_is_readable_for_posts)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_peer peer;
    hub_t *hub;

    options.ping_interval_ms = 3600000; /* no tick for a second */
    hub = testing_stage(&options);
    testing_enter(hub, &peer, "u", NULL);
    ck_assert(!becomes_readable(hub_fd(hub), 0));
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("x")), 1);
    ck_assert(becomes_readable(hub_fd(hub), 0));
    ck_assert_uint_eq(peer.delivered, 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer.delivered, 1);
    ck_assert(!becomes_readable(hub_fd(hub), 0));
    hub_destroy(hub);
}
END_TEST

START_TEST(the_descriptor_is_readable_for_sockets)
{
    struct testing_client client;
    struct testing_peer peer;
    hub_t *hub = testing_stage(NULL);

    testing_join(hub, &client, &peer, "u", NULL);
    testing_client_send(&client, TESTING_FIN_TEXT, "x", 1);
    ck_assert(becomes_readable(hub_fd(hub), 0));
    testing_settle(hub);
    ck_assert_uint_eq(peer.messages, 1);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

START_TEST(the_descriptor_is_readable_for_timers)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_client client;
    struct testing_peer peer;
    struct hub_member member = HUB_MEMBER_INIT;
    hub_t *hub;

    options.flags = HUB_HOST_LOOP;
    options.ping_interval_ms = 40;
    testing_record(&options);
    ck_assert_int_eq(hub_create(&hub, &options), 0); /* by the real clock */
    peer = (struct testing_peer){.id = {0}};
    member.user_id = "u";
    member.data = &peer;
    ck_assert_int_eq(
        hub_adopt(hub, testing_client_open(&client), &member, NULL), 0);
    while (!becomes_readable(client.fd, 0)) { /* until its ping came */
        ck_assert(becomes_readable(hub_fd(hub), 10000));
        ck_assert_int_eq(hub_poll(hub, 0), 0);
    }
    testing_client_expect(&client, TESTING_FIN_PING, "", 0);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

static void *broadcast_later(void *context)
{
    hub_broadcast(context, HUB_TEXT_OF("from elsewhere"));
    return NULL;
}

START_TEST(a_post_of_another_thread_ends_the_waiting)
{
    struct testing_peer peer;
    hub_t *hub = testing_stage(NULL);
    pthread_t thread;

    testing_enter(hub, &peer, "u", NULL);
    ck_assert_int_eq(pthread_create(&thread, NULL, broadcast_later, hub), 0);
    while (peer.delivered == 0)
        ck_assert_int_eq(hub_poll(hub, -1), 0);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(peer.delivered, 1);
    hub_destroy(hub);
}
END_TEST

START_TEST(polling_waits_no_longer_than_it_is_told)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    int64_t before_ms, waited_ms = 0;
    hub_t *hub;

    options.ping_interval_ms = options.pong_timeout_ms = 3600000;
    options.write_timeout_ms = options.close_timeout_ms = 3600000;
    options.message_timeout_ms = 3600000;
    hub = testing_stage(&options);
    testing_settle(hub);
    /* The end of an earlier hub's ring may interrupt it, like a signal. */
    for (int tries = 0; tries < 10 && waited_ms < 19; tries++) {
        before_ms = testing_real_ms();
        ck_assert_int_eq(hub_poll(hub, 20), 0);
        waited_ms = testing_real_ms() - before_ms;
    }
    ck_assert_int_ge(waited_ms, 19);
    ck_assert_int_eq(hub_poll(hub, 0), 0);
    hub_destroy(hub);
}
END_TEST

static void on_alarm(int number)
{
    (void)number;
}

START_TEST(a_signal_is_no_error)
{
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval often = {{0, 5000}, {0, 5000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    struct sigaction before;
    hub_t *hub = testing_stage(NULL);

    ck_assert_int_eq(sigaction(SIGALRM, &action, &before), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(hub_poll(hub, 20), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    ck_assert_int_eq(sigaction(SIGALRM, &before, NULL), 0);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_hub_with_threads_is_not_polled)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    hub_t *hub;

    options.loops = 2;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    ck_assert_int_eq(hub_poll(hub, 0), HUB_EINVAL);
    ck_assert_int_eq(hub_fd(hub), HUB_EINVAL);
    ck_assert_int_eq(hub_poll(NULL, 0), HUB_EINVAL);
    ck_assert_int_eq(hub_fd(NULL), HUB_EINVAL);
    hub_destroy(hub);
}
END_TEST

/* Many at once. -------------------------------------------------------- */

#define CROWD (HUB__EVENTS + 50)

struct crowd {
    struct testing_client clients[CROWD];
    struct testing_peer peers[CROWD];
    hub_t *hub;
};

static struct crowd *gather_crowd(void)
{
    struct crowd *crowd = calloc(1, sizeof *crowd);

    ck_assert_ptr_nonnull(crowd);
    crowd->hub = testing_stage(NULL);
    for (size_t i = 0; i < CROWD; i++)
        testing_join(crowd->hub, &crowd->clients[i], &crowd->peers[i],
                     i % 2 ? "odd" : "even", NULL);
    return crowd;
}

static void dismiss(struct crowd *crowd)
{
    hub_destroy(crowd->hub);
    for (size_t i = 0; i < CROWD; i++) {
        ck_assert_uint_eq(crowd->peers[i].closed, 1);
        ck_assert_uint_eq(crowd->peers[i].wrong, 0);
        testing_client_close(&crowd->clients[i]);
    }
    free(crowd);
}

START_TEST(more_events_than_a_turn_takes_are_all_handled)
{
    struct crowd *crowd = gather_crowd();

    for (size_t i = 0; i < CROWD; i++)
        testing_client_send(&crowd->clients[i], TESTING_FIN_TEXT, "x", 1);
    testing_settle(crowd->hub);
    for (size_t i = 0; i < CROWD; i++)
        ck_assert_uint_eq(crowd->peers[i].messages, 1);
    dismiss(crowd);
}
END_TEST

START_TEST(more_writes_than_a_batch_takes_all_leave)
{
    struct crowd *crowd = gather_crowd();

    ck_assert_int_eq(hub_broadcast(crowd->hub, HUB_TEXT_OF("everybody")),
                     CROWD);
    ck_assert_int_eq(
        hub_send(crowd->hub, HUB_TO_USER("odd"), HUB_TEXT_OF("odd"), NULL),
        CROWD / 2);
    testing_settle(crowd->hub);
    for (size_t i = 0; i < CROWD; i++) {
        testing_client_expect_text(&crowd->clients[i], "everybody");
        if (i % 2)
            testing_client_expect_text(&crowd->clients[i], "odd");
        testing_client_expect_nothing(&crowd->clients[i]);
    }
    dismiss(crowd);
}
END_TEST

START_TEST(many_may_die_in_one_turn)
{
    struct crowd *crowd = gather_crowd();
    unsigned closed = 0;

    /* Some by themselves, some by the host, some while they are written to. */
    for (size_t i = 0; i < CROWD; i += 3)
        testing_client_close(&crowd->clients[i]);
    for (size_t i = 1; i < CROWD; i += 3)
        ck_assert_int_eq(hub_unregister(crowd->hub, crowd->peers[i].id), 0);
    ck_assert_int_gt(hub_broadcast(crowd->hub, HUB_TEXT_OF("x")), 0);
    testing_settle(crowd->hub);
    for (size_t i = 0; i < CROWD; i++)
        closed += crowd->peers[i].closed;
    ck_assert_uint_eq(closed, (CROWD + 2) / 3 + (CROWD + 1) / 3);
    testing_settle(crowd->hub);
    dismiss(crowd);
}
END_TEST

START_TEST(a_table_that_cannot_shrink_stays_large)
{
    struct crowd *crowd = gather_crowd();

    for (size_t i = 3; i < CROWD; i++)
        ck_assert_int_eq(hub_unregister(crowd->hub, crowd->peers[i].id), 0);
    testing_fail_after(0);
    testing_settle(crowd->hub);
    ck_assert_uint_gt(testing_allow_memory(), 0);
    ck_assert_int_eq(hub_broadcast(crowd->hub, HUB_TEXT_OF("three")), 3);
    testing_settle(crowd->hub);
    for (size_t i = 0; i < 3; i++)
        testing_client_expect_text(&crowd->clients[i], "three");
    dismiss(crowd);
}
END_TEST

/* Fairness and ends. --------------------------------------------------- */

START_TEST(more_than_a_turn_may_write_leaves_in_several)
{
    static char large[HUB__TURN_BYTES];
    struct testing_client client;
    struct testing_peer peer;
    hub_t *hub = testing_stage(NULL);
    struct testing_received frame;
    int got = 0;

    testing_join(hub, &client, &peer, "u", NULL);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(large, sizeof large)),
                         1);
    for (int turns = 0; turns < 1000 && got < 3; turns++) {
        testing_settle(hub);
        got += testing_client_receive(&client, &frame);
    }
    ck_assert_int_eq(got, 3);
    ck_assert_uint_eq(peer.closed, 0);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

/* Somebody else may hold a duplicate of the socket: then closing ours neither
 * ends the stream nor takes it out of an epoll set by itself. */
START_TEST(a_duplicate_elsewhere_brings_no_stale_event)
{
    struct testing_client client;
    struct testing_peer peer = {.id = {0}};
    struct hub_member member = HUB_MEMBER_INIT;
    hub_t *hub = testing_stage(NULL);
    int fd = testing_client_open(&client);
    int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    member.user_id = "u";
    member.data = &peer;
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), 0);
    testing_settle(hub);
    ck_assert_int_eq(hub_unregister(hub, peer.id), 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 1);
    testing_client_send(&client, TESTING_FIN_TEXT, "to nobody", 9);
    testing_settle(hub);
    ck_assert_uint_eq(peer.messages, 0);
    close(duplicate);
    testing_client_close(&client);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_drained_hub_does_not_keep_its_host_busy)
{
    struct itimerspec left;
    hub_t *hub = testing_stage(NULL);

    ck_assert_int_eq(hub_shutdown(hub, 100), 0);
    testing_clock_advance(200); /* the deadline lies behind */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(hub_poll(hub, 5), 0);
    ck_assert_int_eq(timerfd_gettime(hub->loops[0].timer_fd, &left), 0);
    ck_assert_msg(left.it_value.tv_sec > 0 || left.it_value.tv_nsec > 20000000,
                  "it wakes in %ld ns", left.it_value.tv_nsec);
    hub_destroy(hub);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_descriptor_is_readable_for_posts,
        the_descriptor_is_readable_for_sockets,
        the_descriptor_is_readable_for_timers,
        a_post_of_another_thread_ends_the_waiting,
        polling_waits_no_longer_than_it_is_told,
        a_signal_is_no_error,
        a_hub_with_threads_is_not_polled,
        more_events_than_a_turn_takes_are_all_handled,
        more_writes_than_a_batch_takes_all_leave,
        many_may_die_in_one_turn,
        a_table_that_cannot_shrink_stays_large,
        more_than_a_turn_may_write_leaves_in_several,
        a_duplicate_elsewhere_brings_no_stale_event,
        a_drained_hub_does_not_keep_its_host_busy,
    };

    return testing_run("loop", tests, TESTING_LENGTH(tests));
}
