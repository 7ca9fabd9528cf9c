/* check_peer_socket.c - real sockets on loopback, found by their peers. */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "front/peer_socket.h"
#include "suite.h"

#define END 256

struct pair {
    int client, server;
    uint16_t client_port;
};

static int listener;
static uint16_t port;
static struct peer_sockets *sockets;
static struct netaddr loopback;

static uint16_t port_of(int fd)
{
    struct sockaddr_in name;
    socklen_t bytes = sizeof(name);

    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &bytes), 0);
    return ntohs(name.sin_port);
}

static int listen_anywhere(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    return fd;
}

static void start(void)
{
    listener = listen_anywhere();
    port = port_of(listener);
    sockets = peer_sockets_create(END);
    ck_assert_ptr_nonnull(sockets);
    ck_assert_int_eq(netaddr_parse(&loopback, "127.0.0.1", 9), 0);
}

static void stop(void)
{
    peer_sockets_free(sockets);
    (void)close(listener);
}

static struct pair connect_to(int to)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    struct pair pair;

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(port_of(to));
    pair.client = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(
        connect(pair.client, (struct sockaddr *)&name, sizeof(name)), 0);
    pair.server = accept(to, NULL, NULL);
    ck_assert_int_ge(pair.server, 0);
    pair.client_port = port_of(pair.client);
    return pair;
}

static void disconnect(struct pair pair)
{
    peer_socket_forget(sockets, pair.server);
    (void)close(pair.server);
    (void)close(pair.client);
}

static int find(uint16_t peer_port)
{
    return peer_socket_find(sockets, &loopback, peer_port, port);
}

START_TEST(a_socket_is_found_by_its_peer)
{
    struct pair a = connect_to(listener), b = connect_to(listener);

    ck_assert_int_eq(find(b.client_port), b.server);
    ck_assert_int_eq(find(a.client_port), a.server);
    ck_assert_int_eq(find(a.client_port), a.server);
    disconnect(a);
    ck_assert_int_eq(find(b.client_port), b.server);
    disconnect(b);
}
END_TEST

START_TEST(who_is_not_there_is_not_found)
{
    struct pair a = connect_to(listener);
    struct netaddr other;

    ck_assert_int_eq(netaddr_parse(&other, "127.0.0.2", 9), 0);
    ck_assert_int_eq(find((uint16_t)(a.client_port ^ 1)), -1);
    ck_assert_int_eq(peer_socket_find(sockets, &other, a.client_port, port),
                     -1);
    disconnect(a);
    ck_assert_int_eq(find(a.client_port), -1);
}
END_TEST

START_TEST(our_own_port_must_match_too)
{
    int other = listen_anywhere();
    struct pair a = connect_to(other);

    ck_assert_int_eq(find(a.client_port), -1);
    ck_assert_int_eq(
        peer_socket_find(sockets, &loopback, a.client_port, port_of(other)),
        a.server);
    disconnect(a);
    (void)close(other);
}
END_TEST

START_TEST(a_number_that_was_used_before_is_found_again)
{
    for (int i = 0; i < 20; i++) {
        struct pair a = connect_to(listener);

        ck_assert_int_eq(find(a.client_port), a.server);
        if (i % 2 == 0) {
            disconnect(a);
        } else { /* closed without a word: the memory is stale */
            (void)close(a.server);
            (void)close(a.client);
        }
    }
}
END_TEST

START_TEST(a_file_that_becomes_a_socket_is_found)
{
    int file = open("/dev/null", O_RDWR);
    struct pair a;

    ck_assert_int_eq(find(1), -1); /* learns that it is no socket */
    (void)close(file);
    a = connect_to(listener);
    ck_assert_int_eq(find(a.client_port), a.server);
    disconnect(a);
}
END_TEST

START_TEST(numbers_above_the_end_are_not_looked_at)
{
    struct pair a = connect_to(listener);
    int high = fcntl(a.server, F_DUPFD, END);

    ck_assert_int_ge(high, END);
    (void)close(a.server);
    ck_assert_int_eq(find(a.client_port), -1);
    peer_socket_forget(sockets, high);
    peer_socket_forget(sockets, -1);
    (void)close(high);
    (void)close(a.client);
}
END_TEST

START_TEST(the_listener_is_found_by_its_port)
{
    struct pair a = connect_to(listener);

    ck_assert_int_eq(peer_socket_listener(sockets, port), listener);
    ck_assert_int_eq(peer_socket_listener(sockets, a.client_port), -1);
    disconnect(a);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("peer_socket");
    TCase *tests = tcase_create("peer_socket");

    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, a_socket_is_found_by_its_peer);
    tcase_add_test(tests, who_is_not_there_is_not_found);
    tcase_add_test(tests, our_own_port_must_match_too);
    tcase_add_test(tests, a_number_that_was_used_before_is_found_again);
    tcase_add_test(tests, a_file_that_becomes_a_socket_is_found);
    tcase_add_test(tests, numbers_above_the_end_are_not_looked_at);
    tcase_add_test(tests, the_listener_is_found_by_its_port);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return suite_run(make_suite());
}
