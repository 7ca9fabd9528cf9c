/* check_front.c - the front with the real civetweb and real sockets: requests
 * become exchanges, and what handlers do with them comes out at the other end.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "front/body_stream.h"
#include "front/front.h"
#include "front/reply.h"
#include "suite.h"

#define WORKERS 8
#define LONG_BYTES (3 << 20)
#define WRITE_MS 200

static struct front front;
static const struct netaddr_list nobody;
static sem_t handled; /* a handler has done its work */
static int result;    /* of that */
static _Atomic unsigned counted[REFUSAL_KINDS];
static char error[256];

/* Handlers. ------------------------------------------------------------- */

static const char *const roles[] = {
    [LISTENER_MAIN] = "a",
    [LISTENER_API] = "b",
    [LISTENER_METRICS] = "m",
};

static void answer_role(struct exchange *x)
{
    struct reply reply;

    reply_begin(&reply, x, REFUSAL_NONE, "text/plain");
    (void)reply_write(&reply, roles[x->listener], 1);
    reply_end(&reply);
}

static void answer_long(struct exchange *x)
{
    struct reply reply;
    char piece[1000];

    memset(piece, 'x', sizeof(piece));
    reply_begin(&reply, x, REFUSAL_NONE, "text/plain");
    for (size_t at = 0; at < LONG_BYTES; at += sizeof(piece))
        (void)reply_write(&reply, piece, sizeof(piece));
    reply_end(&reply);
}

/* Until nobody reads it any more. */
static void answer_endlessly(struct exchange *x)
{
    struct reply reply;
    char piece[1000];

    memset(piece, 'x', sizeof(piece));
    reply_begin(&reply, x, REFUSAL_NONE, "text/plain");
    do
        result = reply_write(&reply, piece, sizeof(piece));
    while (result == 0);
    reply_end(&reply);
    (void)sem_post(&handled);
}

/* Tells of each line as soon as it is there. */
static void read_lines(struct exchange *x)
{
    const struct body_pace pace = {INT64_MAX, INT64_MAX, INT64_MAX};
    struct body_stream stream;
    struct refusal why;
    char piece[5000];
    ssize_t got = body_stream_open(&stream, x, &pace, &why);

    if (got == 0)
        (void)sem_post(&handled);
    while (got == 0 &&
           (got = body_stream_read(&stream, piece, sizeof(piece), &why)) > 0) {
        for (; got > 0; got--) {
            if (piece[got - 1] == '\n')
                (void)sem_post(&handled);
        }
    }
    result = (int)got;
    if (got < 0)
        reply_refusal(x, &why);
    else
        answer_role(x);
    (void)sem_post(&handled);
}

static void handle(void *data, struct exchange *x)
{
    ck_assert_ptr_eq(data, &front);
    if (x->path == NULL)
        reply_refusal(x, x->malformed);
    else if (strcmp(x->path, "/role") == 0)
        answer_role(x);
    else if (strcmp(x->path, "/long") == 0)
        answer_long(x);
    else if (strcmp(x->path, "/endless") == 0)
        answer_endlessly(x);
    else if (strcmp(x->path, "/lines") == 0)
        read_lines(x);
}

static void count(void *data, unsigned endpoint, enum refusal_kind kind)
{
    (void)data;
    (void)endpoint;
    counted[kind]++;
}

static struct front_options options(void)
{
    return (struct front_options){
        .listeners = {{LISTENER_MAIN, "HUB_BIND", "PORT", "127.0.0.1", 0},
                      {LISTENER_API, "HUB_API_BIND", "HUB_API_PORT",
                       "127.0.0.1", 0},
                      {LISTENER_METRICS, "HUB_METRICS", "HUB_METRICS",
                       "127.0.0.1", 0}},
        .listener_count = 3,
        .workers = WORKERS,
        .queue = 10,
        .base = 200,
        .read_timeout_ms = 60000,
        .write_timeout_ms = WRITE_MS,
        .keepalive_timeout_ms = 60000,
        .trusted_proxies = &nobody,
        .handle = handle,
        .count = count,
        .data = &front,
    };
}

static void set_up(void)
{
    const struct front_options o = options();

    log_set_fd(-1);
    (void)sem_init(&handled, 0, 0);
    memset((void *)counted, 0, sizeof(counted));
    ck_assert_int_eq(front_init(&front, &o), 0);
    ck_assert_msg(front_start(&front, error, sizeof(error)) == 0, "%s", error);
}

static void tear_down(void)
{
    front_end(&front);
    front_wake(&front);
    front_stop(&front);
    front_fini(&front);
    (void)sem_destroy(&handled);
}

/* Clients. -------------------------------------------------------------- */

static int dial(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval patience = {.tv_sec = 60};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static int dial_main(void)
{
    return dial(front_port(&front, LISTENER_MAIN));
}

static void put(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL),
                     (ssize_t)strlen(text));
}

/* Everything up to the end of the stream, and a NUL. */
static size_t get_all(int fd, char *out, size_t size)
{
    size_t bytes = 0;
    ssize_t got;

    while ((got = recv(fd, out + bytes, size - 1 - bytes, 0)) > 0)
        bytes += (size_t)got;
    ck_assert_int_eq(got, 0);
    out[bytes] = '\0';
    return bytes;
}

/* One request on a connection of its own. */
static char *ask(unsigned port, const char *request)
{
    static char answer[LONG_BYTES + 100000];
    int fd = dial(port);

    put(fd, request);
    (void)get_all(fd, answer, sizeof(answer));
    (void)close(fd);
    return answer;
}

static char *ask_main(const char *request)
{
    return ask(front_port(&front, LISTENER_MAIN), request);
}

#define GET(path, more)                                                        \
    "GET " path " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" more "\r\n"

/* ------------------------------------------------------------------------ */

START_TEST(each_listener_has_a_port_and_a_role)
{
    unsigned ports[3];

    for (unsigned role = 0; role < 3; role++) {
        char expected[] = "\r\n\r\n?";

        ports[role] = front_port(&front, role);
        ck_assert_uint_ne(ports[role], 0);
        for (unsigned other = 0; other < role; other++)
            ck_assert_uint_ne(ports[other], ports[role]);
        expected[4] = *roles[role];
        ck_assert_ptr_nonnull(
            strstr(ask(ports[role], GET("/role", "")), expected));
    }
    ck_assert_uint_eq(counted[REFUSAL_NONE], 3);
}
END_TEST

START_TEST(two_listeners_cannot_share_an_address)
{
    struct front_options o = options();
    struct front another;

    o.listeners[2].port = front_port(&front, LISTENER_METRICS);
    ck_assert_int_eq(front_init(&another, &o), 0);
    ck_assert_int_eq(front_start(&another, error, sizeof(error)), -1);
    ck_assert_ptr_nonnull(strstr(error, "HUB_METRICS: cannot listen on "));
    o.listeners[1].port = front_port(&front, LISTENER_API);
    another.options = o;
    ck_assert_int_eq(front_start(&another, error, sizeof(error)), -1);
    ck_assert_ptr_nonnull(strstr(error, "HUB_API_PORT: cannot listen on "));
    front_fini(&another);
}
END_TEST

START_TEST(a_request_that_no_handler_answers_gets_a_500)
{
    const char *answer = ask_main(GET("/nobody", ""));

    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 500 ", 13), 0);
    ck_assert_ptr_nonnull(strstr(answer, "\"internal_error\""));
    ck_assert_uint_eq(counted[REFUSAL_INTERNAL_ERROR], 1);
}
END_TEST

START_TEST(what_civetweb_cannot_read_reaches_the_handler_too)
{
    const char *answer = ask_main("GET /role HTTP/3.0\r\nHost: h\r\n\r\n");

    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 505 ", 13), 0);
    ck_assert_uint_eq(counted[REFUSAL_HTTP_VERSION_NOT_SUPPORTED], 1);
}
END_TEST

START_TEST(a_long_answer_arrives_whole)
{
    char *answer = ask_main("GET /long HTTP/1.0\r\n\r\n");
    const char *body = strstr(answer, "\r\n\r\n");
    size_t bytes = (LONG_BYTES + 999) / 1000 * 1000;

    ck_assert_ptr_nonnull(body);
    ck_assert_uint_eq(strlen(body + 4), bytes);
    ck_assert_uint_eq(strspn(body + 4, "x"), bytes);
    answer = ask_main(GET("/long", ""));
    ck_assert_ptr_nonnull(strstr(answer, "Transfer-Encoding: chunked\r\n"));
    ck_assert_str_eq(answer + strlen(answer) - 5, "0\r\n\r\n");
}
END_TEST

START_TEST(who_does_not_read_ends_an_endless_answer)
{
    int fd = dial_main();

    put(fd, GET("/endless", ""));
    while (sem_trywait(&handled) != 0)
        front_sweep(&front);
    ck_assert_int_eq(result, -1);
    (void)close(fd);
}
END_TEST

START_TEST(who_hangs_up_ends_an_endless_answer)
{
    int fd = dial_main();

    put(fd, GET("/endless", ""));
    (void)close(fd);
    ck_assert_int_eq(sem_wait(&handled), 0);
    ck_assert_int_eq(result, -1);
}
END_TEST

/* Bodies as they come. -------------------------------------------------- */

#define LINES 160
#define LINE_BYTES 65536
#define POST(more) "POST /lines HTTP/1.1\r\nHost: h\r\n" more "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static void await_handler(void)
{
    while (sem_wait(&handled) != 0)
        ;
}

/* Each line is sent when the handler has the one before it. */
static void put_lines(int fd, unsigned lines)
{
    static char line[LINE_BYTES + 1];

    memset(line, 'x', LINE_BYTES - 1);
    line[LINE_BYTES - 1] = '\n';
    for (unsigned i = 0; i < lines; i++) {
        put(fd, line);
        await_handler();
    }
}

/* To the end of the stream. */
static void ends_with(int fd, const char *start, const char *end)
{
    static char answer[10000];
    size_t bytes = get_all(fd, answer, sizeof(answer));

    ck_assert_msg(strncmp(answer, start, strlen(start)) == 0, "%s", answer);
    ck_assert_ptr_nonnull(strstr(answer, "Connection: close\r\n"));
    ck_assert_msg(bytes >= strlen(end) &&
                      strcmp(answer + bytes - strlen(end), end) == 0,
                  "%s", answer);
    (void)close(fd);
}

START_TEST(lines_of_one_chunk_of_many_megabytes_come_one_by_one)
{
    int fd = dial_main();

    put(fd, POST(CHUNKED));
    await_handler();       /* which waits for bytes now */
    put(fd, "a00000\r\n"); /* 160 lines */
    put_lines(fd, LINES);
    put(fd, "\r\n0\r\n\r\n");
    await_handler();
    ck_assert_int_eq(result, 0);
    ends_with(fd, "HTTP/1.1 200 ", "\r\n\r\na");
}
END_TEST

START_TEST(what_comes_along_with_the_head_comes_first)
{
    int fd = dial_main();

    put(fd, POST(CHUNKED) "a00004;x=y\r\none\n");
    await_handler();
    await_handler();
    put_lines(fd, LINES);
    put(fd, "\r\n5\r\nlast\n\r\n0\r\nSum: 1\r\n\r\n");
    await_handler();
    await_handler();
    ck_assert_int_eq(result, 0);
    ends_with(fd, "HTTP/1.1 200 ", "\r\n\r\na");
}
END_TEST

START_TEST(a_length_is_read_line_by_line_too)
{
    int fd = dial_main();

    put(fd, POST("Content-Length: 1310723\r\n") "a\nb");
    await_handler();
    await_handler();
    put_lines(fd, 20);
    await_handler();
    ck_assert_int_eq(result, 0);
    ends_with(fd, "HTTP/1.1 200 ", "\r\n\r\na");
}
END_TEST

/* Those before it have left their traces in civetweb's buffer. */
START_TEST(a_connection_that_was_used_before_does_as_well)
{
    static const char get[] = "GET /role HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = dial_main();
    char answer[1000];

    for (int i = 0; i < 3; i++) {
        put(fd, get);
        ck_assert_int_gt(recv(fd, answer, sizeof(answer), 0), 0);
    }
    put(fd, POST(CHUNKED) "3\r\na\nb\r\n");
    await_handler();
    await_handler();
    put(fd, "1\r\n\n\r\n0\r\n\r\n");
    await_handler();
    await_handler();
    ck_assert_int_eq(result, 0);
    ends_with(fd, "HTTP/1.1 200 ", "\r\n\r\na");
}
END_TEST

START_TEST(one_that_is_sent_before_the_answer_to_another_comes_too)
{
    int fd = dial_main();

    put(fd, "GET /role HTTP/1.1\r\nHost: h\r\n\r\n" POST(
                CHUNKED) "2\r\na\n\r\n1\r\n");
    await_handler();
    await_handler();
    put(fd, "\n\r\n0\r\n\r\n");
    await_handler();
    await_handler();
    ck_assert_int_eq(result, 0);
    ends_with(fd, "HTTP/1.1 200 ", "\r\n\r\na");
}
END_TEST

START_TEST(it_is_asked_for_where_that_is_waited_for)
{
    static const char go[] = "HTTP/1.1 100 Continue\r\n\r\n";
    int fd = dial_main();
    char answer[sizeof(go)] = "";

    put(fd, POST(CHUNKED "Expect: 100-continue\r\n"));
    ck_assert_int_eq(recv(fd, answer, sizeof(go) - 1, MSG_WAITALL),
                     sizeof(go) - 1);
    ck_assert_str_eq(answer, go);
    put(fd, "0\r\n\r\n");
    ends_with(fd, "HTTP/1.1 200 ", "\r\n\r\na");
}
END_TEST

START_TEST(broken_chunks_end_it)
{
    int fd = dial_main();

    put(fd, POST(CHUNKED) "2\r\na\n\r\nnonsense\r\n");
    await_handler();
    await_handler();
    await_handler();
    ck_assert_int_eq(result, -1);
    ends_with(fd, "HTTP/1.1 400 ", "chunked\"}");
}
END_TEST

START_TEST(the_end_of_the_front_wakes_who_waits_for_bytes)
{
    int fd = dial_main();

    put(fd, POST(CHUNKED));
    await_handler();
    front_wake(&front);
    await_handler();
    ck_assert_int_eq(result, -1);
    (void)close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("front");
    TCase *tests = tcase_create("front");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, each_listener_has_a_port_and_a_role);
    tcase_add_test(tests, two_listeners_cannot_share_an_address);
    tcase_add_test(tests, a_request_that_no_handler_answers_gets_a_500);
    tcase_add_test(tests, what_civetweb_cannot_read_reaches_the_handler_too);
    tcase_add_test(tests, a_long_answer_arrives_whole);
    tcase_add_test(tests, who_does_not_read_ends_an_endless_answer);
    tcase_add_test(tests, who_hangs_up_ends_an_endless_answer);
    tcase_add_test(tests, lines_of_one_chunk_of_many_megabytes_come_one_by_one);
    tcase_add_test(tests, what_comes_along_with_the_head_comes_first);
    tcase_add_test(tests, a_length_is_read_line_by_line_too);
    tcase_add_test(tests, a_connection_that_was_used_before_does_as_well);
    tcase_add_test(tests,
                   one_that_is_sent_before_the_answer_to_another_comes_too);
    tcase_add_test(tests, it_is_asked_for_where_that_is_waited_for);
    tcase_add_test(tests, broken_chunks_end_it);
    tcase_add_test(tests, the_end_of_the_front_wakes_who_waits_for_bytes);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
