/* check_http_conn.c - how long a connection may be idle, by the test's clock:
 * that depends on the client and on how many workers are free.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <civetweb.h>

#include "base/clock.h"
#include "front/http_conn.h"
#include "suite.h"

#define WORKERS 16
#define READ_MS 60000
#define WRITE_MS 10000
#define KEPT_MS 100000

static int64_t now_ms;

int64_t __wrap_clock_now_ms(void);

int64_t __wrap_clock_now_ms(void)
{
    return now_ms;
}

static struct http_conns conns;
static struct http_conn *conn;
static int peer, mine;

static void start_with(int64_t keepalive_ms)
{
    int ends[2];

    now_ms = 1000000;
    http_conns_init(&conns, WORKERS, READ_MS, WRITE_MS, keepalive_ms);
    conn = http_conn_create(&conns);
    ck_assert_ptr_nonnull(conn);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    peer = ends[0];
    mine = ends[1];
    atomic_store(&conn->tap.fd, mine);
}

static void start(void)
{
    start_with(KEPT_MS);
}

static void stop(void)
{
    (void)close(peer);
    (void)close(mine);
    http_conn_destroy(conn);
    http_conns_fini(&conns);
}

static void restart_with(int64_t keepalive_ms)
{
    stop();
    start_with(keepalive_ms);
}

/* As if so many workers had a client. */
static void take(unsigned workers)
{
    atomic_store(&conns.open, workers);
}

static bool is_shut(void)
{
    char byte;

    return recv(mine, &byte, 1, MSG_DONTWAIT) == 0;
}

/* It is idle from now on, and is not ended before that time, but then. */
static void idles_for(int64_t ms)
{
    int64_t began = now_ms;

    ck_assert(!is_shut());
    http_conn_idle(conn);
    for (; now_ms < began + ms; now_ms += 500) {
        http_conns_sweep(&conns);
        ck_assert_msg(!is_shut(), "ended after %lld ms",
                      (long long)(now_ms - began));
    }
    now_ms = began + ms;
    http_conns_sweep(&conns);
    ck_assert(is_shut());
    ck_assert(http_conn_done(conn));
}

START_TEST(a_stranger_idles_for_15_seconds)
{
    ck_assert_int_eq(http_conn_idle_s(conn), 14);
    idles_for(15000);
}
END_TEST

START_TEST(who_is_trusted_idles_for_as_long_as_is_set)
{
    conn->trusted = true;
    ck_assert_int_eq(http_conn_idle_s(conn), 99);
    idles_for(KEPT_MS);
}
END_TEST

START_TEST(nobody_idles_for_longer_than_is_set)
{
    restart_with(5000);
    ck_assert_int_eq(http_conn_idle_s(conn), 4);
    idles_for(5000);
    restart_with(5000);
    conn->trusted = true;
    ck_assert_int_eq(http_conn_idle_s(conn), 4);
    idles_for(5000);
}
END_TEST

START_TEST(half_of_the_workers_are_left_to_others)
{
    conn->trusted = true;
    take(WORKERS / 2);
    ck_assert_int_eq(http_conn_idle_s(conn), 99);
    take(WORKERS / 2 + 1);
    ck_assert_int_eq(http_conn_idle_s(conn), 14);
    ck_assert(!http_conns_crowded(&conns));
    idles_for(15000);
}
END_TEST

START_TEST(where_workers_are_scarce_all_idle_for_a_second)
{
    conn->trusted = true;
    take(WORKERS - 1);
    ck_assert(http_conns_crowded(&conns));
    idles_for(1000);
    restart_with(KEPT_MS);
    take(WORKERS);
    idles_for(1000);
}
END_TEST

/* Who became idle when there was room makes some when there is none. */
START_TEST(what_counts_is_how_many_are_left_now)
{
    conn->trusted = true;
    http_conn_idle(conn);
    now_ms += 20000;
    http_conns_sweep(&conns);
    ck_assert(!is_shut());
    take(WORKERS / 2 + 1);
    http_conns_sweep(&conns);
    ck_assert(is_shut());
}
END_TEST

START_TEST(a_request_on_its_way_ends_no_connection_early)
{
    char byte;

    conn->trusted = true;
    http_conn_idle(conn);
    ck_assert_int_eq(write(peer, "G", 1), 1);
    now_ms += 20000;
    take(WORKERS);
    http_conns_sweep(&conns);
    ck_assert(!http_conn_done(conn));
    ck_assert_int_eq(recv(mine, &byte, 1, MSG_DONTWAIT), 1);
}
END_TEST

/* A busy machine may not have run the worker yet. */
START_TEST(a_connection_without_a_descriptor_is_not_ended)
{
    atomic_store(&conn->tap.fd, -1);
    http_conn_idle(conn);
    now_ms += 2 * KEPT_MS;
    http_conns_sweep(&conns);
    atomic_store(&conn->tap.fd, mine);
    ck_assert(!is_shut());
    http_conns_sweep(&conns);
    ck_assert(is_shut());
}
END_TEST

/* civetweb names the interface too, of which others know nothing. */
START_TEST(a_link_local_peer_has_an_address)
{
    const struct mg_request_info info = {.remote_addr = "fe80::1%eth0"};
    char text[NETADDR_TEXT_MAX];

    http_conn_meet(conn, &info);
    netaddr_format(&conn->peer, text);
    ck_assert_str_eq(text, "fe80::1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_conn");
    TCase *tests = tcase_create("http_conn");

    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, a_stranger_idles_for_15_seconds);
    tcase_add_test(tests, who_is_trusted_idles_for_as_long_as_is_set);
    tcase_add_test(tests, nobody_idles_for_longer_than_is_set);
    tcase_add_test(tests, half_of_the_workers_are_left_to_others);
    tcase_add_test(tests, where_workers_are_scarce_all_idle_for_a_second);
    tcase_add_test(tests, what_counts_is_how_many_are_left_now);
    tcase_add_test(tests, a_request_on_its_way_ends_no_connection_early);
    tcase_add_test(tests, a_connection_without_a_descriptor_is_not_ended);
    tcase_add_test(tests, a_link_local_peer_has_an_address);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
