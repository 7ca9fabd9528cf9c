/* check_tap.c - what a tap notes of a real civetweb: the descriptor of each
 * connection, even where peers look alike, and how far it has read.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <civetweb.h>

#include "front/listen.h"
#include "front/tap.h"
#include "suite.h"

#define DESCRIPTORS 256
#define HEAD "GET /x HTTP/1.1\r\nHost: x\r\n"
#define SHORT_MS 20

static struct mg_context *http;
static unsigned port;

/* civetweb's side. ------------------------------------------------------ */

/* What each request saw, in the order in which they began. */
struct seen {
    uint16_t peer_port; /* of the descriptor */
    uint32_t local_address;
    bool known;  /* that anything was read for it */
    long behind; /* bytes behind its head */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct seen seen[64]; /* lock */
static unsigned seen_count;  /* lock */

static struct sockaddr_in name_of(int fd, bool peer)
{
    struct sockaddr_in name = {0};
    socklen_t bytes = sizeof(name);

    (void)(peer ? getpeername(fd, (struct sockaddr *)&name, &bytes)
                : getsockname(fd, (struct sockaddr *)&name, &bytes));
    return name;
}

static int init_connection(const struct mg_connection *conn, void **data)
{
    struct tap *tap = calloc(1, sizeof(*tap));

    (void)conn;
    atomic_init(&tap->fd, -1);
    tap_attach(tap);
    *data = tap;
    return 0;
}

static int begin_request(struct mg_connection *conn)
{
    struct tap *tap = mg_get_user_connection_data(conn);
    int fd = atomic_load(&tap->fd);
    char body[100];

    arrival_end(&tap->arrival);
    (void)pthread_mutex_lock(&lock);
    seen[seen_count++] = (struct seen){
        .peer_port = ntohs(name_of(fd, true).sin_port),
        .local_address = ntohl(name_of(fd, false).sin_addr.s_addr),
        .known = tap->arrival.head.end > 0,
        .behind = (long)(tap->arrival.bytes - tap->arrival.head.end),
    };
    (void)pthread_mutex_unlock(&lock);
    while (mg_read(conn, body, sizeof(body)) > 0)
        ;
    (void)mg_printf(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!");
    return 200;
}

static void end_request(const struct mg_connection *conn, int status)
{
    const struct mg_request_info *info = mg_get_request_info(conn);
    struct tap *tap = info->conn_data;

    (void)status;
    arrival_next(&tap->arrival,
                 info->content_length > 0 ? info->content_length : 0);
}

static void connection_close(const struct mg_connection *conn)
{
    tap_attach(NULL);
    free(mg_get_user_connection_data(conn));
}

static void start(void)
{
    static const char *options[] = {"listening_ports",
                                    "0.0.0.0:0",
                                    "num_threads",
                                    "4",
                                    "enable_keep_alive",
                                    "yes",
                                    "keep_alive_timeout_ms",
                                    "20000",
                                    NULL};
    static const struct mg_callbacks callbacks = {
        .init_connection = init_connection,
        .begin_request = begin_request,
        .end_request = end_request,
        .connection_close = connection_close,
    };
    struct mg_server_port bound = {0};

    seen_count = 0;
    http = mg_start(&callbacks, NULL, options);
    ck_assert_ptr_nonnull(http);
    ck_assert_int_eq(mg_get_server_ports(http, 1, &bound), 1);
    port = (unsigned)bound.port;
}

static void stop(void)
{
    /* Else it would look up from its poll() every two seconds only. */
    (void)shutdown(listen_find(port, DESCRIPTORS), SHUT_RDWR);
    mg_stop(http);
}

/* The clients' side. ---------------------------------------------------- */

static int dial(uint32_t address, uint16_t from)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(from);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)),
                     0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    name.sin_addr.s_addr = htonl(address);
    name.sin_port = htons((uint16_t)port);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

static void put(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL),
                     (ssize_t)strlen(text));
}

/* Waits for as many answers. */
static void await_answers(int fd, unsigned count)
{
    char c = ' ';

    while (count > 0) {
        ck_assert_int_eq(read(fd, &c, 1), 1);
        count -= c == '!';
    }
}

static struct seen take(unsigned at)
{
    struct seen copy;

    (void)pthread_mutex_lock(&lock);
    ck_assert_uint_lt(at, seen_count);
    copy = seen[at];
    (void)pthread_mutex_unlock(&lock);
    return copy;
}

static uint16_t own_port(int fd)
{
    return ntohs(name_of(fd, false).sin_port);
}

START_TEST(each_connection_has_its_descriptor)
{
    int fds[16];

    for (unsigned i = 0; i < 16; i++) {
        fds[i] = dial(INADDR_LOOPBACK, 0);
        put(fds[i], HEAD "Connection: close\r\n\r\n");
        await_answers(fds[i], 1);
        ck_assert_uint_eq(take(i).peer_port, own_port(fds[i]));
        ck_assert(take(i).known);
        ck_assert_int_eq(take(i).behind, 0);
    }
    for (unsigned i = 0; i < 16; i++)
        (void)close(fds[i]);
}
END_TEST

START_TEST(peers_that_look_alike_are_told_apart)
{
    int one = dial(INADDR_LOOPBACK, 0);
    int two = dial(INADDR_LOOPBACK + 1, own_port(one));

    ck_assert_uint_eq(own_port(one), own_port(two));
    put(two, HEAD "\r\n");
    await_answers(two, 1);
    put(one, HEAD "\r\n");
    await_answers(one, 1);
    put(two, HEAD "\r\n");
    await_answers(two, 1);
    ck_assert_uint_eq(take(0).local_address, INADDR_LOOPBACK + 1);
    ck_assert_uint_eq(take(1).local_address, INADDR_LOOPBACK);
    ck_assert_uint_eq(take(2).local_address, INADDR_LOOPBACK + 1);
    (void)close(one);
    (void)close(two);
}
END_TEST

START_TEST(bytes_behind_the_head_are_told)
{
    int fd = dial(INADDR_LOOPBACK, 0);

    put(fd, HEAD "\r\n12345");
    await_answers(fd, 1);
    ck_assert(take(0).known);
    ck_assert_int_eq(take(0).behind, 5);
    (void)close(fd);
}
END_TEST

/* Each way in which a request can come after another one. */
START_TEST(requests_of_a_kept_connection)
{
    int fd = dial(INADDR_LOOPBACK, 0);
    char body[101] = "";

    memset(body, 'b', 100);
    put(fd, HEAD "\r\n");
    await_answers(fd, 1);
    put(fd, HEAD "Content-Length: 300\r\n\r\n");
    for (unsigned i = 0; i < 3; i++)
        put(fd, body);
    await_answers(fd, 1);
    put(fd, "\r\n" HEAD "\r\n");
    await_answers(fd, 1);
    put(fd, HEAD "\r\n" HEAD "\r\n");
    await_answers(fd, 2);
    put(fd, HEAD "\r\n" HEAD);
    await_answers(fd, 1);
    put(fd, "\r\n");
    await_answers(fd, 1);
    ck_assert(take(2).known && take(2).behind == 0);
    ck_assert(take(3).known && take(3).behind > 0);
    ck_assert(take(4).known && take(4).behind == 0);
    ck_assert(take(5).known && take(5).behind > 0);
    ck_assert(take(6).known && take(6).behind == 0);
    for (unsigned i = 0; i < 7; i++)
        ck_assert_uint_eq(take(i).peer_port, own_port(fd));
    (void)close(fd);
}
END_TEST

/* Everybody else's calls. ------------------------------------------------ */

START_TEST(poll_does_what_poll_does)
{
    struct pollfd pair[2] = {{.events = POLLIN}, {.events = POLLIN}};
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pair[0].fd = fds[0];
    pair[1].fd = fds[1];
    ck_assert_int_eq(poll(pair, 2, 0), 0);
    ck_assert_int_eq(poll(pair, 2, SHORT_MS), 0);
    put(fds[1], "x");
    ck_assert_int_eq(poll(pair, 2, -1), 1);
    ck_assert_int_eq(pair[0].revents, POLLIN);
    ck_assert_int_eq(pair[1].revents, 0);
    ck_assert_int_eq(poll(NULL, 0, 0), 0);
    (void)close(fds[1]);
    pair[1].fd = -1;
    ck_assert_int_eq(poll(pair, 2, 0), 1);
    ck_assert_int_eq(pair[0].revents, POLLIN | POLLHUP);
    (void)close(fds[0]);
}
END_TEST

START_TEST(recv_does_what_recv_does)
{
    char bytes[4];
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(recv(fds[0], bytes, 4, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
    put(fds[1], "abcdef");
    ck_assert_int_eq(recv(fds[0], bytes, 4, MSG_PEEK), 4);
    ck_assert_int_eq(recv(fds[0], bytes, 4, 0), 4);
    ck_assert_mem_eq(bytes, "abcd", 4);
    ck_assert_int_eq(recv(fds[0], bytes, 4, 0), 2);
    (void)close(fds[1]);
    ck_assert_int_eq(recv(fds[0], bytes, 4, 0), 0);
    ck_assert_int_eq(recv(-1, bytes, 4, 0), -1);
    ck_assert_int_eq(errno, EBADF);
    (void)close(fds[0]);
}
END_TEST

/* A handler may have sockets of its own. */
START_TEST(only_the_first_descriptor_counts)
{
    struct tap tap = {.fd = -1};
    char bytes[4];
    int mine[2], other[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, mine), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    put(mine[1], "mine");
    put(other[1], "other");
    tap_attach(&tap);
    ck_assert_int_eq(recv(mine[0], bytes, 3, 0), 3);
    ck_assert_ptr_eq(tap.arrival.buffer, bytes);
    ck_assert_uint_eq(tap.arrival.bytes, 3);
    ck_assert_int_eq(recv(other[0], bytes, 1, 0), 1);
    ck_assert_uint_eq(tap.arrival.bytes, 3);
    ck_assert_int_eq(tap.fd, mine[0]);
    tap_attach(NULL);
    ck_assert_int_eq(recv(mine[0], bytes, 1, 0), 1);
    ck_assert_uint_eq(tap.arrival.bytes, 3);
    for (int i = 0; i < 2; i++) {
        (void)close(mine[i]);
        (void)close(other[i]);
    }
}
END_TEST

/* What gcc makes of poll() and recv() where it knows how large the buffers are,
 * and is told to look. */
int fortified_poll(struct pollfd *fds, nfds_t count, int timeout_ms,
                   size_t fds_bytes) __asm__("__poll_chk");
ssize_t fortified_recv(int fd, void *buffer, size_t size, size_t buffer_bytes,
                       int flags) __asm__("__recv_chk");

START_TEST(fortified_callers_are_seen_as_well)
{
    struct tap tap = {.fd = -1}, other = {.fd = -1};
    struct pollfd poller = {.events = POLLIN};
    char bytes[4];
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    poller.fd = fds[0];
    put(fds[1], "GET ");
    tap_attach(&tap);
    ck_assert_int_eq(fortified_poll(&poller, 1, -1, sizeof(poller)), 1);
    ck_assert_int_eq(tap.fd, fds[0]);
    tap_attach(&other);
    ck_assert_int_eq(fortified_recv(fds[0], bytes, 4, sizeof(bytes), 0), 4);
    tap_attach(NULL);
    ck_assert_int_eq(other.fd, fds[0]);
    ck_assert_uint_eq(other.arrival.bytes, 4);
    ck_assert_mem_eq(bytes, "GET ", 4);
    (void)close(fds[0]);
    (void)close(fds[1]);
}
END_TEST

static void recv_too_much(void)
{
    char bytes[4];

    (void)fortified_recv(-1, bytes, 5, sizeof(bytes), 0);
}

static void poll_too_many(void)
{
    struct pollfd poller = {.fd = -1};

    (void)fortified_poll(&poller, 2, 0, sizeof(poller));
}

static void check_aborts(void (*call)(void))
{
    int status = 0;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        call();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

START_TEST(fortified_calls_that_would_write_too_far_abort)
{
    check_aborts(recv_too_much);
    check_aborts(poll_too_many);
}
END_TEST

START_TEST(this_civetweb_can_be_tapped)
{
    char error[256] = "";

    ck_assert_int_eq(tap_check(error, sizeof(error)), 0);
    ck_assert_str_eq(error, "");
}
END_TEST

START_TEST(heads_are_made_plain_in_a_tap_and_nowhere_else)
{
    static const char head[] = "\nOPTIONS * HTTP/1.1\r\nA:\tb\t\r\n\r\n";
    struct tap tap = {.fd = -1};
    char bytes[64];
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    put(fds[1], head);
    ck_assert_int_eq(recv(fds[0], bytes, sizeof(bytes), 0), 30);
    ck_assert_mem_eq(bytes, head, 30);
    put(fds[1], head);
    tap_attach(&tap);
    ck_assert_int_eq(recv(fds[0], bytes, sizeof(bytes), 0), 30);
    tap_attach(NULL);
    ck_assert_mem_eq(bytes, "\rOPTIONS / HTTP/1.1\r\nA:  b\r\n\r\n", 30);
    ck_assert(tap.arrival.head.asterisk);
    (void)close(fds[0]);
    (void)close(fds[1]);
}
END_TEST

START_TEST(a_listener_is_found_by_its_port)
{
    int fd = listen_find(port, DESCRIPTORS), other = dial(INADDR_LOOPBACK, 0);
    int listening = 0;
    socklen_t bytes = sizeof(listening);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &bytes), 0);
    ck_assert_int_eq(listening, 1);
    ck_assert_uint_eq(own_port(fd), port);
    ck_assert_int_eq(listen_find(own_port(other), DESCRIPTORS), -1);
    ck_assert_int_eq(listen_find(port, fd), -1);
    (void)close(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tap");
    TCase *tests = tcase_create("tap");

    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, each_connection_has_its_descriptor);
    tcase_add_test(tests, peers_that_look_alike_are_told_apart);
    tcase_add_test(tests, bytes_behind_the_head_are_told);
    tcase_add_test(tests, requests_of_a_kept_connection);
    tcase_add_test(tests, poll_does_what_poll_does);
    tcase_add_test(tests, recv_does_what_recv_does);
    tcase_add_test(tests, only_the_first_descriptor_counts);
    tcase_add_test(tests, fortified_callers_are_seen_as_well);
    tcase_add_test(tests, fortified_calls_that_would_write_too_far_abort);
    tcase_add_test(tests, this_civetweb_can_be_tapped);
    tcase_add_test(tests, heads_are_made_plain_in_a_tap_and_nowhere_else);
    tcase_add_test(tests, a_listener_is_found_by_its_port);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
