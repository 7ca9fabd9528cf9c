/* check_body_stream.c - a body is passed on as it arrives, however it is framed
 * and split, and within its deadlines.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "front/body_stream.h"
#include "front/front.h"
#include "front/http_conn.h"
#include "suite.h"

#define FOREVER ((struct body_pace){INT64_MAX, INT64_MAX, INT64_MAX})
#define SOON_MS 50

static struct front front;
static struct exchange x;
static struct refusal why;
static int peer; /* the client's end */
static char out[4096];

static void set_up(void)
{
    const struct front_options options = {.workers = 10,
                                          .base = 10,
                                          .read_timeout_ms = 60000,
                                          .write_timeout_ms = 60000,
                                          .keepalive_timeout_ms = 60000};
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    peer = ends[0];
    ck_assert_int_eq(front_init(&front, &options), 0);
    x = (struct exchange){.method = "POST",
                          .path = "/",
                          .request = {.http11 = true},
                          .keep_alive = true,
                          .unread_body = true,
                          .held = "",
                          .front = &front};
    x.client = http_conn_create(&front.conns);
    ck_assert_ptr_nonnull(x.client);
    atomic_store(&x.client->tap.fd, ends[1]);
    arrival_end(&x.client->tap.arrival);
}

static void tear_down(void)
{
    (void)close(http_conn_fd(x.client));
    (void)close(peer);
    http_conn_destroy(x.client);
    front_fini(&front);
}

static void announce(int64_t content_length)
{
    x.request.chunked = content_length < 0;
    x.request.content_length = content_length;
    x.request.has_body = content_length != 0;
}

static void hold(const char *text)
{
    x.held = text;
    x.held_bytes = strlen(text);
}

static void come(const char *text)
{
    ck_assert_int_eq(send(peer, text, strlen(text), 0), (ssize_t)strlen(text));
}

static void opens(struct body_stream *stream, struct body_pace pace)
{
    ck_assert_int_eq(body_stream_open(stream, &x, &pace, &why), 0);
    ck_assert(!x.keep_alive);
}

/* The next bytes are these; "" is the end. */
static void reads(struct body_stream *stream, const char *expected)
{
    ssize_t got = body_stream_read(stream, out, sizeof(out), &why);

    ck_assert_msg(got >= 0, "%s", why.message);
    ck_assert_uint_eq((size_t)got, strlen(expected));
    ck_assert_mem_eq(out, expected, strlen(expected));
}

static void refuses(struct body_stream *stream, enum refusal_kind kind)
{
    ck_assert_int_eq(body_stream_read(stream, out, sizeof(out), &why), -1);
    ck_assert_int_eq(why.kind, kind);
    ck_assert(x.unread_body);
}

START_TEST(each_line_is_there_before_the_next_is_sent)
{
    struct body_stream stream;

    for (int chunked = 0; chunked < 2; chunked++) {
        announce(chunked ? -1 : 100 * 7);
        opens(&stream, FOREVER);
        if (chunked)
            come("2bc\r\n"); /* one chunk for all of them */
        for (int i = 0; i < 100; i++) {
            come("a line\n");
            reads(&stream, "a line\n");
            ck_assert(x.unread_body || (i == 99 && !chunked));
        }
        if (chunked)
            come("\r\n0\r\n\r\n");
        reads(&stream, "");
        ck_assert(!x.unread_body);
        reads(&stream, "");
    }
}
END_TEST

START_TEST(what_came_along_with_the_head_comes_first)
{
    struct body_stream stream;

    announce(-1);
    hold("5\r\nhello\r\n6\r\n wo");
    opens(&stream, FOREVER);
    reads(&stream, "hello wo");
    come("rld\r\n");
    reads(&stream, "rld");
    come("0\r\n\r\n");
    reads(&stream, "");
    ck_assert(!x.unread_body);
}
END_TEST

START_TEST(framing_alone_is_waited_past)
{
    struct body_stream stream;

    announce(-1);
    hold("5");
    opens(&stream, FOREVER);
    come(";ext=1\r\nh");
    reads(&stream, "h");
    come("ello\r\n0\r\nX: y\r\n\r\n");
    reads(&stream, "ello");
    reads(&stream, "");
}
END_TEST

START_TEST(a_length_is_read_to_its_end_and_no_further)
{
    struct body_stream stream;

    announce(10);
    hold("abc");
    opens(&stream, FOREVER);
    reads(&stream, "abc");
    come("defghijGET / HTTP/1.1\r\n");
    reads(&stream, "defghij");
    ck_assert_msg(x.unread_body, "what is behind it would reset the answer");
    reads(&stream, "");

    announce(3);
    hold("abcGET / HTTP/1.1\r\n");
    opens(&stream, FOREVER);
    reads(&stream, "abc");
    reads(&stream, "");
}
END_TEST

START_TEST(a_small_buffer_loses_nothing)
{
    struct body_stream stream;
    char whole[32];
    size_t bytes = 0;
    ssize_t got;

    announce(-1);
    hold("3\r\nabc\r\n3\r\nde");
    opens(&stream, FOREVER);
    come("f\r\n1\r\ng\r\n0\r\n\r\n");
    while ((got = body_stream_read(&stream, whole + bytes, 1, &why)) > 0)
        bytes += (size_t)got;
    ck_assert_int_eq(got, 0);
    ck_assert_uint_eq(bytes, 7);
    ck_assert_mem_eq(whole, "abcdefg", 7);
}
END_TEST

START_TEST(no_body_is_one_that_is_complete)
{
    struct body_stream stream;

    announce(0);
    x.held = NULL;
    opens(&stream, FOREVER);
    reads(&stream, "");
    x.request.content_length = -1;
    opens(&stream, FOREVER);
    reads(&stream, "");
}
END_TEST

START_TEST(too_many_bytes_are_refused)
{
    struct body_stream stream;
    struct body_pace pace = FOREVER;

    pace.bytes = 5;
    announce(6);
    ck_assert_int_eq(body_stream_open(&stream, &x, &pace, &why), -1);
    ck_assert_int_eq(why.kind, REFUSAL_TOO_LARGE);
    ck_assert_str_eq(why.message, "the body is larger than 5 bytes");

    announce(-1);
    opens(&stream, pace);
    come("3\r\nabc\r\n2\r\nde\r\n");
    reads(&stream, "abcde");
    come("1\r\nf");
    refuses(&stream, REFUSAL_TOO_LARGE);
}
END_TEST

START_TEST(an_early_end_is_told_from_a_complete_body)
{
    struct body_stream stream;

    announce(10);
    opens(&stream, FOREVER);
    come("abc");
    reads(&stream, "abc");
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    refuses(&stream, REFUSAL_INVALID_BODY);
}
END_TEST

START_TEST(bad_chunks_are_refused_behind_the_good_ones)
{
    struct body_stream stream;

    announce(-1);
    hold("3\r\nabc\r\n");
    opens(&stream, FOREVER);
    reads(&stream, "abc");
    come("zz\r\n");
    refuses(&stream, REFUSAL_INVALID_BODY);

    hold("3\r\nabc\r\nzz");
    opens(&stream, FOREVER);
    reads(&stream, "abc");
    refuses(&stream, REFUSAL_INVALID_BODY);
}
END_TEST

START_TEST(silence_has_its_time)
{
    struct body_stream stream;
    struct body_pace pace = FOREVER;

    pace.piece_ms = SOON_MS;
    announce(-1);
    opens(&stream, pace);
    come("1\r\na");
    reads(&stream, "a");
    refuses(&stream, REFUSAL_REQUEST_TIMEOUT);
}
END_TEST

START_TEST(framing_without_a_byte_is_silence)
{
    struct body_stream stream;
    struct body_pace pace = FOREVER;

    pace.piece_ms = SOON_MS;
    announce(-1);
    hold("1;");
    opens(&stream, pace);
    come("xxx");
    refuses(&stream, REFUSAL_REQUEST_TIMEOUT);
}
END_TEST

START_TEST(all_of_it_has_its_time_however_briskly_it_comes)
{
    struct body_stream stream;
    struct body_pace pace = FOREVER;
    ssize_t got;

    pace.whole_ms = SOON_MS;
    announce(-1);
    opens(&stream, pace);
    come("ffffffff\r\n");
    do {
        come("x");
        got = body_stream_read(&stream, out, sizeof(out), &why);
    } while (got > 0);
    ck_assert_int_eq(got, -1);
    ck_assert_int_eq(why.kind, REFUSAL_REQUEST_TIMEOUT);
}
END_TEST

START_TEST(a_request_that_came_along_with_another_is_refused)
{
    struct body_stream stream;
    struct body_pace pace = FOREVER;

    announce(5);
    x.held = NULL;
    ck_assert_int_eq(body_stream_open(&stream, &x, &pace, &why), -1);
    ck_assert_int_eq(why.kind, REFUSAL_INVALID_REQUEST);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("body_stream");
    TCase *tests = tcase_create("body_stream");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_line_is_there_before_the_next_is_sent);
    tcase_add_test(tests, what_came_along_with_the_head_comes_first);
    tcase_add_test(tests, framing_alone_is_waited_past);
    tcase_add_test(tests, a_length_is_read_to_its_end_and_no_further);
    tcase_add_test(tests, a_small_buffer_loses_nothing);
    tcase_add_test(tests, no_body_is_one_that_is_complete);
    tcase_add_test(tests, too_many_bytes_are_refused);
    tcase_add_test(tests, an_early_end_is_told_from_a_complete_body);
    tcase_add_test(tests, bad_chunks_are_refused_behind_the_good_ones);
    tcase_add_test(tests, silence_has_its_time);
    tcase_add_test(tests, framing_without_a_byte_is_silence);
    tcase_add_test(tests, all_of_it_has_its_time_however_briskly_it_comes);
    tcase_add_test(tests, a_request_that_came_along_with_another_is_refused);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
