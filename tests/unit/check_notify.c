/* check_notify.c - what is sent to a service manager, read from a socket like
 * its own, at times and with statistics set by the test.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "observe/notify.h"
#include "suite.h"

#define WATCHDOG_MS 3000
#define STUCK_MS 60000 /* more than any limit */
#define MESSAGE_BYTES 512

static struct notify notify;
static struct hub_stats stats;
static char path[64], message[MESSAGE_BYTES];
static int manager = -1;

static void bind_manager(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t bytes = strlen(name);

    memcpy(address.sun_path, name, bytes);
    if (*name == '@')
        address.sun_path[0] = '\0';
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(
        bind(manager, (struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes)),
        0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static void set_up(void)
{
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    stats = (struct hub_stats)HUB_STATS_INIT;
    (void)snprintf(path, sizeof(path), "/tmp/check_notify.%d", getpid());
    bind_manager(path);
}

static void tear_down(void)
{
    notify_fini(&notify);
    (void)close(manager);
    (void)unlink(path);
}

static void watch(void)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%d000", WATCHDOG_MS);
    (void)setenv("WATCHDOG_USEC", text, 1);
    notify_init(&notify);
}

/* The next message, or NULL. */
static const char *take(void)
{
    ssize_t n = recv(manager, message, sizeof(message) - 1, 0);

    if (n < 0) {
        ck_assert_int_eq(errno, EAGAIN);
        return NULL;
    }
    message[n] = '\0';
    return message;
}

static void takes(const char *text)
{
    const char *got = take();

    ck_assert_ptr_nonnull(got);
    ck_assert_str_eq(got, text);
}

static void takes_nothing(void)
{
    const char *got = take();

    ck_assert_msg(got == NULL, "got %s", got);
}

/* Whether the line is in the messages that wait. */
static bool was_told(const char *line)
{
    bool found = false;

    while (take() != NULL)
        found |= strstr(message, line) != NULL;
    return found;
}

/* Until the socket takes no more. Returns how many it took. */
static int fill(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), count = 0;

    while (sendto(fd, "x", 1, 0, (struct sockaddr *)&notify.address,
                  notify.address_bytes) == 1)
        count++;
    ck_assert_int_eq(errno, EAGAIN);
    (void)close(fd);
    return count;
}

START_TEST(states_are_told_in_their_order)
{
    notify_init(&notify);
    takes_nothing();
    notify_ready(&notify);
    takes("READY=1");
    notify_reloading(&notify);
    ck_assert_ptr_nonnull(strstr(take(), "RELOADING=1\nMONOTONIC_USEC="));
    notify_ready(&notify);
    takes("READY=1");
    notify_stopping(&notify);
    takes("STOPPING=1");
    takes_nothing();
}
END_TEST

START_TEST(a_reload_says_when_it_began)
{
    struct timespec t;
    uint64_t before, usec;

    notify_init(&notify);
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    before = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
    notify_reloading(&notify);
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    usec =
        strtoull(strchr(take(), '\n') + strlen("\nMONOTONIC_USEC="), NULL, 10);
    ck_assert_uint_ge(usec, before);
    ck_assert_uint_le(usec, (uint64_t)t.tv_sec * 1000000 +
                                (uint64_t)t.tv_nsec / 1000);
}
END_TEST

START_TEST(an_abstract_name_will_do)
{
    char name[64];

    tear_down();
    (void)snprintf(name, sizeof(name), "@check_notify.%d", getpid());
    bind_manager(name);
    notify_init(&notify);
    notify_ready(&notify);
    takes("READY=1");
}
END_TEST

START_TEST(nothing_is_sent_where_nobody_asked)
{
    static const char *const unset[] = {NULL, ""};
    static const char *const wrong[] = {"/", "@", "relative", "vsock:2:1"};
    char longest[256];

    for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++) {
        if (unset[i] == NULL)
            (void)unsetenv("NOTIFY_SOCKET");
        else
            (void)setenv("NOTIFY_SOCKET", unset[i], 1);
        watch();
        ck_assert_int_lt(notify.fd, 0);
        ck_assert(!notify_is_due(&notify, INT64_MAX));
        ck_assert_int_eq(notify_wait_ms(&notify, 0, 77), 77);
        notify_ready(&notify);
        notify_reloading(&notify);
        notify_tick(&notify, 1, &stats);
        notify_stopping(&notify);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)setenv("NOTIFY_SOCKET", wrong[i], 1);
        notify_init(&notify);
        ck_assert_int_lt(notify.fd, 0);
    }
    memset(longest, 'x', sizeof(longest));
    longest[0] = '/';
    longest[sizeof(notify.address.sun_path)] = '\0'; /* no room for a NUL */
    (void)setenv("NOTIFY_SOCKET", longest, 1);
    notify_init(&notify);
    ck_assert_int_lt(notify.fd, 0);
    longest[0] = '@';
    (void)setenv("NOTIFY_SOCKET", longest, 1);
    notify_init(&notify);
    ck_assert_int_ge(notify.fd, 0);
}
END_TEST

START_TEST(signs_of_life_come_faster_than_managers_ask_for)
{
    int64_t now = 1000, last = now;

    watch();
    notify_tick(&notify, now, &stats);
    ck_assert(was_told("WATCHDOG=1\n"));
    for (int i = 0; i < 20; i++) {
        int64_t wait = notify_wait_ms(&notify, now, INT64_MAX);

        notify_tick(&notify, now + wait - 1, &stats);
        takes_nothing();
        now += wait;
        ck_assert(notify_is_due(&notify, now));
        notify_tick(&notify, now, &stats);
        takes("WATCHDOG=1\n");
        ck_assert_int_lt(now - last, WATCHDOG_MS / 2);
        last = now;
    }
}
END_TEST

START_TEST(the_shortest_watchdog_does_not_make_it_spin)
{
    (void)setenv("WATCHDOG_USEC", "1", 1);
    notify_init(&notify);
    notify_tick(&notify, 5, &stats);
    ck_assert_int_eq(notify_wait_ms(&notify, 5, 200), 1);
}
END_TEST

START_TEST(without_a_watchdog_there_are_no_signs_of_life)
{
    static const char *const wrong[] = {
        "", "0", "soon", "1s", "-1", " 1", "99999999999999999999999"};
    char other[32];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)setenv("WATCHDOG_USEC", wrong[i], 1);
        notify_init(&notify);
        notify_tick(&notify, 1, &stats);
        ck_assert_msg(!was_told("WATCHDOG"), "%s", wrong[i]);
        notify_fini(&notify);
    }
    (void)snprintf(other, sizeof(other), "%d", getppid());
    (void)setenv("WATCHDOG_PID", other, 1);
    watch();
    notify_tick(&notify, 1, &stats);
    ck_assert(!was_told("WATCHDOG"));
    notify_fini(&notify);
    (void)snprintf(other, sizeof(other), "%d", getpid());
    (void)setenv("WATCHDOG_PID", other, 1);
    watch();
    notify_tick(&notify, 1, &stats);
    ck_assert(was_told("WATCHDOG=1"));
}
END_TEST

START_TEST(a_stuck_loop_ends_the_signs_of_life)
{
    int64_t now = 1000;

    watch();
    stats.slowest_loop_ms = STUCK_MS;
    for (int i = 0; i < 20; i++) {
        now += notify_wait_ms(&notify, now, WATCHDOG_MS);
        notify_tick(&notify, now, &stats);
    }
    ck_assert_int_gt(now, 1000);
    takes("STATUS=an event loop is stuck, 0 connections of 0 users\n");
    takes_nothing();
}
END_TEST

/* As after SIGCONT, when the main thread runs first. */
START_TEST(a_loop_that_was_only_paused_is_seen_soon)
{
    int64_t wait;

    watch();
    stats.slowest_loop_ms = STUCK_MS;
    notify_tick(&notify, 1000, &stats);
    wait = notify_wait_ms(&notify, 1000, INT64_MAX);
    ck_assert_int_le(wait, 200);
    ck_assert(!was_told("WATCHDOG"));
    stats.slowest_loop_ms = 0;
    notify_tick(&notify, 1000 + wait, &stats);
    takes("WATCHDOG=1\nSTATUS=0 connections of 0 users\n");
}
END_TEST

/* Loops end in a drain, which has a deadline of its own. */
START_TEST(a_drain_is_not_mistaken_for_stuck_loops)
{
    watch();
    notify_stopping(&notify);
    takes("STOPPING=1");
    stats.slowest_loop_ms = STUCK_MS;
    stats.connections = 3, stats.users = 2;
    notify_tick(&notify, 1000, &stats);
    takes("WATCHDOG=1\nSTATUS=draining, 3 connections of 2 users\n");
}
END_TEST

START_TEST(figures_are_told_when_they_change)
{
    notify_init(&notify);
    notify_tick(&notify, 0, &stats);
    takes("STATUS=0 connections of 0 users\n");
    notify_tick(&notify, 10000, &stats);
    takes_nothing();
    stats.connections = UINT64_MAX, stats.users = UINT64_MAX;
    notify_stopping(&notify);
    takes("STOPPING=1");
    notify_tick(&notify, 20000, &stats);
    takes("STATUS=draining, 18446744073709551615 connections of "
          "18446744073709551615 users\n");
}
END_TEST

START_TEST(a_state_that_did_not_get_through_is_sent_again)
{
    int waiting;

    watch();
    waiting = fill();
    notify_ready(&notify); /* returns */
    notify_tick(&notify, 1000, &stats);
    ck_assert_int_le(notify_wait_ms(&notify, 1000, INT64_MAX), 200);
    while (waiting-- > 0)
        takes("x");
    takes_nothing();
    notify_tick(&notify, 1200, &stats);
    takes("READY=1\nWATCHDOG=1\nSTATUS=0 connections of 0 users\n");
    notify_tick(&notify, 10000, &stats);
    takes("WATCHDOG=1\n");
}
END_TEST

/* A manager that has asked for it waits for both. */
START_TEST(a_reload_that_did_not_get_through_is_told_whole)
{
    int waiting;

    watch();
    for (int i = 0; i < 2; i++) {
        waiting = fill();
        notify_reloading(&notify);
        notify_ready(&notify);
        while (waiting-- > 0)
            takes("x");
        takes_nothing();
        notify_tick(&notify, 1000, &stats);
        ck_assert_ptr_nonnull(take());
        ck_assert_int_eq(strncmp(message, "RELOADING=1\nMONOTONIC_USEC=", 27),
                         0);
        ck_assert_ptr_nonnull(strstr(message, "\nREADY=1\nWATCHDOG=1\n"));
    }
    notify_reloading(&notify);
    ck_assert_ptr_nonnull(strstr(take(), "RELOADING=1\nMONOTONIC_USEC="));
    notify_ready(&notify);
    takes("READY=1");
    waiting = fill();
    notify_ready(&notify);
    notify_reloading(&notify); /* in the place of a state that waits */
    while (waiting-- > 0)
        takes("x");
    notify_ready(&notify);
    ck_assert_ptr_nonnull(strstr(take(), "\nREADY=1"));
}
END_TEST

START_TEST(a_manager_that_is_gone_comes_back)
{
    watch();
    (void)close(manager);
    notify_ready(&notify);
    notify_tick(&notify, 1000, &stats);
    (void)unlink(path);
    notify_tick(&notify, 2000, &stats);
    notify_stopping(&notify);
    bind_manager(path);
    notify_tick(&notify, 3000, &stats);
    takes("STOPPING=1\nWATCHDOG=1\n"
          "STATUS=draining, 0 connections of 0 users\n");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        states_are_told_in_their_order,
        a_reload_says_when_it_began,
        an_abstract_name_will_do,
        nothing_is_sent_where_nobody_asked,
        signs_of_life_come_faster_than_managers_ask_for,
        the_shortest_watchdog_does_not_make_it_spin,
        without_a_watchdog_there_are_no_signs_of_life,
        a_stuck_loop_ends_the_signs_of_life,
        a_loop_that_was_only_paused_is_seen_soon,
        a_drain_is_not_mistaken_for_stuck_loops,
        figures_are_told_when_they_change,
        a_state_that_did_not_get_through_is_sent_again,
        a_reload_that_did_not_get_through_is_told_whole,
        a_manager_that_is_gone_comes_back,
    };
    Suite *suite = suite_create("notify");
    TCase *tcase = tcase_create("notify");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
