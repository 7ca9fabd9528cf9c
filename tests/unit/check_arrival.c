/* check_arrival.c - tracking bytes that civetweb has read. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "front/arrival.h"
#include "suite.h"

#define SIZE 16384

static char buffer[SIZE], other[SIZE];
static struct arrival arrival;

static void begin(void)
{
    arrival_begin(&arrival);
}

/* As civetweb reads, to where it has room. */
static void receive(char *at, const char *text)
{
    memcpy(at, text, strlen(text));
    arrival_take(&arrival, at, strlen(text));
}

START_TEST(a_head_is_made_plain_on_its_way)
{
    receive(buffer, "\r\nOPTIONS * HTTP/1.1\r\n");
    receive(buffer + 22, "A:\tb\t\r\n");
    receive(buffer + 29, "\r\n");
    ck_assert_ptr_eq(arrival.buffer, buffer);
    ck_assert_uint_eq(arrival.bytes, 31);
    ck_assert_uint_eq(arrival.head.end, 31);
    ck_assert(arrival.head.asterisk);
    ck_assert_mem_eq(buffer, "\r\rOPTIONS / HTTP/1.1\r\nA:  b\r\n\r\n", 31);
}
END_TEST

START_TEST(a_body_is_read_as_it_is)
{
    receive(buffer, "POST / HTTP/1.1\r\n\r\n");
    arrival_end(&arrival);
    receive(buffer + 19, "\r\n\t ");
    ck_assert_mem_eq(buffer + 19, "\r\n\t ", 4);
    ck_assert_uint_eq(arrival.bytes, 19);
}
END_TEST

START_TEST(what_goes_elsewhere_is_no_head)
{
    receive(buffer, "GET / HTTP/1.1\r\nA:");
    receive(other, "\tb\r\n");
    ck_assert_mem_eq(other, "\tb\r\n", 4);
    ck_assert_uint_eq(arrival.bytes, 18);
}
END_TEST

/* Answers the request in the buffer, and moves the next one to its front.
 * -1: its body is chunked. */
static void next(int64_t length, const char *expected)
{
    size_t before = arrival.bytes;

    arrival_end(&arrival);
    if (length < 0)
        arrival_follow(&arrival);
    arrival_next(&arrival, length);
    ck_assert_uint_eq(arrival.bytes, strlen(expected));
    memmove(buffer, buffer + before - arrival.bytes, arrival.bytes);
    ck_assert_mem_eq(buffer, expected, strlen(expected));
}

START_TEST(the_next_request_may_have_come_with_the_one_before)
{
    receive(buffer, "POST / HTTP/1.1\r\n\r\nab\r\n\nGET http://a/ HTTP/1.1\r\n"
                    "A:\tb\r\n\r\n\r\nGET");
    next(2, "\r\r\r\r\r\r\r\r\r\r\rGET / HTTP/1.1\r\nA: b\r\n\r\n\r\nGET");
    next(0, "\r\rGET");
    receive(buffer + 5, " / HTTP/1.1\r\nA:\tb\r\n\r\n");
    ck_assert_uint_eq(arrival.head.start, 2);
    ck_assert_mem_eq(buffer + 5, " / HTTP/1.1\r\nA: b\r\n\r\n", 21);
}
END_TEST

START_TEST(a_body_may_end_behind_the_buffer)
{
    receive(buffer, "POST / HTTP/1.1\r\n\r\nab");
    next(1000, "");
    receive(buffer, "\nPOST / HTTP/1.1\r\n\r\n3\r\na");
    ck_assert_uint_eq(arrival.head.start, 1);
    next(-1, "");
    receive(buffer, "GET / HTTP/1.1\r\n\r\n");
    ck_assert_uint_eq(arrival.head.end, 18);
}
END_TEST

START_TEST(a_chunked_body_is_left_out_as_well)
{
    receive(buffer, "POST / HTTP/1.1\r\n\r\n3\r\nabc\r\n0\r\n\r\n\r\n\r\nGET * "
                    "HTTP/1.1\r\n\r\n");
    next(-1, "\r\r\r\rGET / HTTP/1.1\r\n\r\n");
    ck_assert(arrival.head.asterisk);
}
END_TEST

/* A chunked body, of which one part comes with the head and the other one goes
 * elsewhere, byte by byte. */
static void receive_chunks(const char *in_buffer, const char *behind)
{
    begin();
    receive(buffer, "POST / HTTP/1.1\r\n\r\n");
    if (*in_buffer != '\0')
        receive(buffer + 19, in_buffer);
    arrival_end(&arrival);
    arrival_follow(&arrival);
    for (; *behind != '\0'; behind++)
        receive(other, (char[]){*behind, '\0'});
}

static bool has_trailers(const char *in_buffer, const char *behind)
{
    receive_chunks(in_buffer, behind);
    ck_assert(!arrival_is_broken(&arrival));
    return arrival_has_trailers(&arrival);
}

START_TEST(trailers_show_behind_the_last_chunk)
{
    static const char plain[] = "1\r\na\r\n0\r\n\r\n";
    static const char more[] = "1\r\na\r\n0\r\nX:";
    char before[32];

    ck_assert(!has_trailers("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n", ""));
    ck_assert(has_trailers("1\r\na\r\n0\r\nX: y\r\n\r\n", ""));
    for (size_t i = 0; i < sizeof(plain); i++) {
        (void)snprintf(before, sizeof(before), "%.*s", (int)i, plain);
        ck_assert(!has_trailers(before, plain + i));
        (void)snprintf(before, sizeof(before), "%.*s", (int)i, more);
        ck_assert(has_trailers(before, more + i));
    }
}
END_TEST

/* Of what civetweb takes for the size of a chunk. */
START_TEST(a_size_with_more_behind_it_shows)
{
    static const char *const broken[] = {"1\r7\r\na\r\n0\r\n\r\n",
                                         "1\r\na\r\n0\rff\r\n\r\n"};
    char before[32];

    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        for (size_t at = 0; at <= strlen(broken[i]); at++) {
            (void)snprintf(before, sizeof(before), "%.*s", (int)at, broken[i]);
            receive_chunks(before, broken[i] + at);
            ck_assert(arrival_is_broken(&arrival));
        }
    }
    arrival_next(&arrival, 0);
    ck_assert(!arrival_is_broken(&arrival));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arrival");
    TCase *tc = tcase_create("arrival");

    tcase_add_checked_fixture(tc, begin, NULL);
    tcase_add_test(tc, a_head_is_made_plain_on_its_way);
    tcase_add_test(tc, a_body_is_read_as_it_is);
    tcase_add_test(tc, what_goes_elsewhere_is_no_head);
    tcase_add_test(tc, the_next_request_may_have_come_with_the_one_before);
    tcase_add_test(tc, a_body_may_end_behind_the_buffer);
    tcase_add_test(tc, a_chunked_body_is_left_out_as_well);
    tcase_add_test(tc, trailers_show_behind_the_last_chunk);
    tcase_add_test(tc, a_size_with_more_behind_it_shows);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
