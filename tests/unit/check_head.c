/* check_head.c - the normalization of heads, in whatever pieces they arrive,
 * and the errors for invalid ones.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "front/head.h"
#include "suite.h"

#define SIZE 16384
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct head head;
static char text[SIZE + 8];

/* Takes in the bytes, `piece` at a time. */
static void take(const char *given, size_t bytes, size_t piece)
{
    head = (struct head){0};
    for (size_t from = 0, to; from < bytes; from = to) {
        to = piece < bytes - from ? from + piece : bytes;
        memcpy(text + from, given + from, to - from);
        memset(text + to, '\t', 8); /* nothing that has not come is touched */
        head_take(&head, text, from, to);
        ck_assert(memcmp(text + to, "\t\t\t\t\t\t\t\t", 8) == 0);
    }
}

static void check_pieces(const char *given, const char *plain, size_t bytes)
{
    for (size_t piece = 1; piece <= bytes; piece++) {
        take(given, bytes, piece);
        text[bytes] = '\0';
        ck_assert_msg(memcmp(text, plain, bytes) == 0, "%zu: %s\n%s", piece,
                      given, text);
    }
}

static void becomes(const char *given, const char *plain)
{
    ck_assert_uint_eq(strlen(given), strlen(plain));
    check_pieces(given, plain, strlen(given));
}

static void stays(const char *given)
{
    becomes(given, given);
}

START_TEST(a_plain_head_stays_as_it_is)
{
    stays("GET /ws?userId=a HTTP/1.1\r\nHost: x\r\nA:\r\nB: c d\r\n\r\n");
    ck_assert_uint_eq(head.start, 0);
    ck_assert_uint_eq(head.fields, strlen("GET /ws?userId=a HTTP/1.1\r\n"));
    ck_assert_uint_eq(head.end, strlen(text));
    ck_assert(head.plain && !head.asterisk && !head.strange);
}
END_TEST

START_TEST(what_follows_the_head_is_not_touched)
{
    stays(
        "POST / HTTP/1.1\r\nHost: x\r\n\r\nA:\tb \r\n\r\n\tGET * HTTP/1.1\r\n");
    becomes("POST / HTTP/1.1\nHost: x\n\nA:\tb \r\n\r\n\tGET * HTTP/1.1\r\n",
            "POST!/ HTTP/1.1\nHost: x\n\nA:\tb \r\n\r\n\tGET * HTTP/1.1\r\n");
}
END_TEST

START_TEST(empty_lines_before_a_request_become_carriage_returns)
{
    becomes("\r\nGET / HTTP/1.1\r\n\r\n", "\r\rGET / HTTP/1.1\r\n\r\n");
    ck_assert_uint_eq(head.start, 2);
    becomes("\n\n\r\n\nGET / HTTP/1.1\r\n\r\n",
            "\r\r\r\r\rGET / HTTP/1.1\r\n\r\n");
    becomes("\r\n\r\n", "\r\r\r\r");
    ck_assert_uint_eq(head.start, 4);
    ck_assert_uint_eq(head.end, 0);
    becomes(" GET / HTTP/1.1\r\n\r\n", "!GET / HTTP/1.1\r\n\r\n");
    becomes("\r\n GET / HTTP/1.1\r\n\r\n", "\r\r!GET / HTTP/1.1\r\n\r\n");
    /* A CR alone is none of them, and does not look like one. */
    becomes("\rGET / HTTP/1.1\r\n\r\n", "!GET / HTTP/1.1\r\n\r\n");
    becomes("\r\n\r\r\nGET / HTTP/1.1\r\n\r\n",
            "\r\r!\r\nGET / HTTP/1.1\r\n\r\n");
}
END_TEST

START_TEST(a_target_loses_scheme_and_host)
{
    becomes("GET http://a.b:80/c?d:e HTTP/1.1\r\n\r\n",
            "\r\r\r\r\r\r\r\r\r\r\r\r\rGET /c?d:e HTTP/1.1\r\n\r\n");
    ck_assert_uint_eq(head.start, 13);
    ck_assert(head.plain && !head.asterisk && !head.strange);
    becomes("\nPOST HTTPS://[::1]/ HTTP/1.0\r\n\r\n",
            "\r\r\r\r\r\r\r\r\r\r\r\r\r\rPOST / HTTP/1.0\r\n\r\n");
    becomes("GET http://a HTTP/1.1\r\n\r\n",
            "\r\r\r\r\r\r\rGET / HTTP/1.1\r\n\r\n");
    ck_assert(!head.asterisk);
    becomes("GET http://a?b HTTP/1.1\r\n\r\n",
            "\r\r\r\r\r\r\rGET /?b HTTP/1.1\r\n\r\n");
}
END_TEST

START_TEST(an_asterisk_becomes_a_path)
{
    becomes("OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS / HTTP/1.1\r\n\r\n");
    ck_assert(head.asterisk);
    becomes("GET * HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n");
    ck_assert(head.asterisk);
    becomes("OPTIONS http://a HTTP/1.1\r\n\r\n",
            "\r\r\r\r\r\r\rOPTIONS / HTTP/1.1\r\n\r\n");
    ck_assert(head.asterisk);
    stays("OPTIONS / HTTP/1.1\r\n\r\n");
    ck_assert(!head.asterisk);
    becomes("OPTIONS http://a/ HTTP/1.1\r\n\r\n",
            "\r\r\r\r\r\r\r\rOPTIONS / HTTP/1.1\r\n\r\n");
    ck_assert(!head.asterisk);
}
END_TEST

START_TEST(other_targets_can_be_taken_for_nothing_else)
{
    static const char *const rows[][2] = {
        {"GET http:///a HTTP/1.1\r\n\r\n", "GET !ttp:///a HTTP/1.1\r\n\r\n"},
        {"GET http://u@a/ HTTP/1.1\r\n\r\n",
         "GET !ttp://u@a/ HTTP/1.1\r\n\r\n"},
        {"GET http: HTTP/1.1\r\n\r\n", "GET !ttp: HTTP/1.1\r\n\r\n"},
        {"GET http://a#b HTTP/1.1\r\n\r\n", "GET !ttp://a#b HTTP/1.1\r\n\r\n"},
        {"GET ws://a/ HTTP/1.1\r\n\r\n", "GET !s://a/ HTTP/1.1\r\n\r\n"},
        {"CONNECT a:1 HTTP/1.1\r\n\r\n", "CONNECT !:1 HTTP/1.1\r\n\r\n"},
        {"GET a HTTP/1.1\r\n\r\n", "GET ! HTTP/1.1\r\n\r\n"},
        {"GET ** HTTP/1.1\r\n\r\n", "GET !* HTTP/1.1\r\n\r\n"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        becomes(rows[i][0], rows[i][1]);
        ck_assert(head.strange && !head.asterisk);
    }
}
END_TEST

/* civetweb must not find anything in it, in this line or the next. */
START_TEST(another_request_line_loses_its_method)
{
    static const char *const rows[][2] = {
        {"GET  * HTTP/1.1\r\n\r\n", "GET! * HTTP/1.1\r\n\r\n"},
        {"GET *  HTTP/1.1\r\n\r\n", "GET!*  HTTP/1.1\r\n\r\n"},
        {"GET * HTTP/1.1 \r\n\r\n", "GET!* HTTP/1.1 \r\n\r\n"},
        {"GET * HTTP/1.1\n\r\n", "GET!* HTTP/1.1\n\r\n"},
        {"GET * HTTP/1\r\n\r\n", "GET!* HTTP/1\r\n\r\n"},
        {"GET * HTTX/1.1\r\n\r\n", "GET!* HTTX/1.1\r\n\r\n"},
        {"GET *\tHTTP/1.1\r\n\r\n", "GET!*\tHTTP/1.1\r\n\r\n"},
        {"GET \r\n* HTTP/1.1\r\n\r\n", "GET!\r\n* HTTP/1.1\r\n\r\n"},
        {"GET http://a/ b HTTP/1.1\r\n\r\n",
         "GET!http://a/ b HTTP/1.1\r\n\r\n"},
        {"GET http://a/\x7f HTTP/1.1\r\n\r\n",
         "GET!http://a/\x7f HTTP/1.1\r\n\r\n"},
        {"GET http://a/\xc3\xa4 HTTP/1.1\r\n\r\n",
         "GET!http://a/\xc3\xa4 HTTP/1.1\r\n\r\n"},
        {" * HTTP/1.1\r\n\r\n", "!* HTTP/1.1\r\n\r\n"},
        {"* HTTP/1.1\r\n\r\n", "*!HTTP/1.1\r\n\r\n"},
        {"GET *\r\n\r\n", "GET!*\r\n\r\n"},
        {"GET\t* HTTP/1.1\r\n\r\n", "GET\t*!HTTP/1.1\r\n\r\n"},
        {"GET\r\n\r\n", "GET\r\n\r\n"},
        {"HTTP/1.1\r\n\r\n", "HTTP/1.1\r\n\r\n"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        becomes(rows[i][0], rows[i][1]);
        ck_assert(!head.plain && !head.asterisk && !head.strange);
    }
}
END_TEST

#define LINE "GET / HTTP/1.1\r\n"

START_TEST(tabs_in_fields_become_spaces)
{
    becomes(LINE "A:\tb\tc\r\nB: \t d\r\n\r\n",
            LINE "A: b c\r\nB:   d\r\n\r\n");
    /* None of these is let in by that. */
    becomes(LINE "A\t: b\r\n\tc\r\n\r\n", LINE "A : b\r\n c\r\n\r\n");
    becomes(LINE "\t\r\n\r\n", LINE " \r\n\r\n");
}
END_TEST

START_TEST(white_space_behind_a_value_moves_before_it)
{
    becomes(LINE "A: b \t\r\nB:c  \r\n\r\n", LINE "A:   b\r\nB:  c\r\n\r\n");
    becomes(LINE "A: \t \r\nB: c d \r\n\r\n", LINE "A:   \r\nB:  c d\r\n\r\n");
    stays(LINE "A b\r \r\n\r\n");
    check_pieces(LINE "A: b\0 \r\n\r\n", LINE "A:  b\0\r\n\r\n",
                 strlen(LINE) + 10);
    stays(LINE "A b \r\n\r\n");
    stays(LINE "A: b \r\r\n\r\n");
}
END_TEST

/* In the first it comes too late for civetweb's end of the head, and what lies
 * behind that looks like another end. */
START_TEST(a_line_feed_alone_breaks_the_request)
{
    check_pieces(LINE "Host:\n\n\r\0", "GET!/ HTTP/1.1\r\nHost:\n\n\r\0",
                 strlen(LINE) + 9);
    ck_assert(head.bare_lf);
    becomes(LINE "A: b \nB: c\r\n\r\n",
            "GET!/ HTTP/1.1\r\nA: b \nB: c\r\n\r\n");
    becomes(LINE "A: b\r\n\n", "GET!/ HTTP/1.1\r\nA: b\r\n\n");
    becomes(LINE "A:\r \n\r\n", "GET!/ HTTP/1.1\r\nA:\r \n\r\n");
    becomes("GET http://a/ HTTP/1.1\r\nA: b\n\n",
            "\r\r\r\r\r\r\r\rGET!/ HTTP/1.1\r\nA: b\n\n");
    stays(LINE "A: b\r\n\r\n\n");
    ck_assert(!head.bare_lf);
}
END_TEST

#define CODING "Transfer-Encoding:"

START_TEST(empty_members_of_a_coding_are_left_out)
{
    becomes(LINE CODING ", ,\tchunked ,\r\n\r\n",
            LINE CODING "      chunked\r\n\r\n");
    becomes(LINE "transfer-encoding:chunked,\r\n\r\n",
            LINE "transfer-encoding: chunked\r\n\r\n");
    becomes(LINE CODING ",\r\n\r\n", LINE CODING " \r\n\r\n");
    stays(LINE CODING " gzip,,chunked\r\n\r\n");
    stays(LINE "Transfer-Encodings: ,a,\r\n\r\n");
    stays(LINE "A: ,a,\r\n\r\n");
}
END_TEST

/* Faults. --------------------------------------------------------------- */

/* What is said of so many bytes that civetweb could not parse. */
static bool fault_of(const char *given, size_t bytes, enum head_parsed parsed,
                     struct refusal *why)
{
    *why = (struct refusal){0};
    take(given, bytes, bytes);
    return head_fault(&head, text, bytes, SIZE, parsed, why);
}

START_TEST(a_fault_is_told_by_what_came)
{
#define ROW(given, parsed, said)                                               \
    {                                                                          \
        given, sizeof(given) - 1, parsed, said                                 \
    }
    static const struct {
        const char *given;
        size_t bytes;
        enum head_parsed parsed;
        const char *said;
    } rows[] = {
        ROW("\x16\x03\x01\x02", HEAD_UNPARSED, "looks like TLS"),
        ROW("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n\r\n", HEAD_LINE_FAILED,
            "looks like the PROXY protocol"),
        ROW("\r\n\r\n\0\r\nQUIT\n\x21", HEAD_UNPARSED,
            "looks like the PROXY protocol"),
        ROW("PRI * HTTP/2.0\r\n\r\n", HEAD_LINE_FAILED, "looks like HTTP/2"),
        ROW(LINE "A: b\n\n", HEAD_LINE_FAILED, "does not end with CR LF"),
        ROW("GET /\n\n", HEAD_LINE_FAILED, "does not end with CR LF"),
        ROW("\x01\x02", HEAD_UNPARSED, "not an HTTP request: byte 0x01"),
        ROW("\x16", HEAD_UNPARSED, "looks like TLS"),
        ROW("\x16\x02", HEAD_UNPARSED, "not an HTTP request: byte 0x16"),
        ROW("\0\r\nQUIT\n", HEAD_UNPARSED, "not an HTTP request: byte 0x00"),
        ROW("GET\t/ HTTP/1.1\r\n", HEAD_UNPARSED,
            "the request line contains a control character: byte 0x09"),
        ROW(LINE "A: b\r\nCookie: c\x7f", HEAD_UNPARSED,
            "a header contains a control character: byte 0x7f in \"Cookie\""),
        ROW(LINE "A\"b: \x01", HEAD_UNPARSED, "byte 0x01 in \"A\""),
        ROW("GET /\xc3\xa4 HTTP/1.1\r\n\r\n", HEAD_LINE_FAILED,
            "non-ASCII bytes"),
        ROW("GET /a b HTTP/1.1\r\n\r\n", HEAD_LINE_FAILED,
            "the request line is malformed"),
        ROW("get / HTTP/1.1\r\n\r\n", HEAD_LINE_FAILED,
            "the request method is unknown"),
        ROW("GETS / HTTP/1.1\r\n\r\n", HEAD_LINE_FAILED,
            "the request method is unknown"),
        ROW("CONNECT a:1 HTTP/1.1\r\nA: b\r\n\r\n", HEAD_CODING_FAILED,
            "the request target is neither a path nor http://host/path"),
        ROW(LINE "A b\r\n\r\n", HEAD_FIELD_FAILED,
            "a header line is malformed"),
        ROW(LINE CODING " gzip\r\n\r\n", HEAD_CODING_FAILED,
            "Transfer-Encoding must be \"chunked\", on one line"),
        ROW(LINE "Content-Length: x\r\n\r\n", HEAD_LENGTH_FAILED,
            "Content-Length is not a number"),
        ROW(LINE "Host: x\r\n", HEAD_UNPARSED,
            "the connection closed before the request head was complete"),
        ROW("G", HEAD_UNPARSED,
            "the connection closed before the request head was complete"),
    };
    struct refusal why;

    for (size_t i = 0; i < COUNT(rows); i++) {
        ck_assert(fault_of(rows[i].given, rows[i].bytes, rows[i].parsed, &why));
        ck_assert_msg(strstr(why.message, rows[i].said) != NULL, "%s: %s",
                      rows[i].given, why.message);
        ck_assert(why.fault == NULL ||
                  strncmp(why.message, why.fault, strlen(why.fault)) == 0);
        ck_assert_int_eq(why.status, 400);
        ck_assert_str_eq(why.code, "invalid_request");
    }
}
END_TEST

START_TEST(empty_lines_alone_are_no_fault)
{
    struct refusal why;

    ck_assert(!fault_of("\r\n", 2, HEAD_UNPARSED, &why));
    ck_assert(!fault_of("\n\r\n\r\n", 5, HEAD_UNPARSED, &why));
    ck_assert(fault_of("\r\n ", 3, HEAD_UNPARSED, &why));
}
END_TEST

START_TEST(a_head_without_end_names_its_longest_header)
{
    static char given[SIZE];
    struct refusal why;

    memset(given, 'a', sizeof(given));
    memcpy(given, LINE "X: y\r\nCookie: ", strlen(LINE "X: y\r\nCookie: "));
    (void)fault_of(given, SIZE, HEAD_UNPARSED, &why);
    ck_assert_int_eq(why.status, 431);
    ck_assert_str_eq(why.code, "headers_too_large");
    ck_assert_str_eq(why.message, "the request head is larger than 16384 bytes;"
                                  " its longest header is Cookie");
    memset(given, 'a', sizeof(given));
    memcpy(given, "GET /", 5);
    (void)fault_of(given, SIZE, HEAD_UNPARSED, &why);
    ck_assert_str_eq(why.message,
                     "the request head is larger than 16384 bytes");
    /* The head was small; it is the body that fills the buffer. */
    memcpy(given, LINE "A: \x01\r\n\r\n", strlen(LINE "A: \x01\r\n\r\n"));
    (void)fault_of(given, SIZE, HEAD_UNPARSED, &why);
    ck_assert_int_eq(why.status, 400);
}
END_TEST

START_TEST(no_value_of_a_header_is_repeated)
{
    struct refusal why;

    (void)fault_of(LINE "secret\x01", strlen(LINE) + 7, HEAD_UNPARSED, &why);
    ck_assert_ptr_null(strstr(why.message, "secret\x01"));
    (void)fault_of(LINE "A: secret\x01", strlen(LINE) + 10, HEAD_UNPARSED,
                   &why);
    ck_assert_ptr_null(strstr(why.message, "secret"));
    (void)fault_of(LINE "A: b\r\n: secret\x01", strlen(LINE) + 15,
                   HEAD_UNPARSED, &why);
    ck_assert_ptr_null(strstr(why.message, "secret"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("head");
    TCase *tc = tcase_create("head");

    tcase_add_test(tc, a_plain_head_stays_as_it_is);
    tcase_add_test(tc, what_follows_the_head_is_not_touched);
    tcase_add_test(tc, empty_lines_before_a_request_become_carriage_returns);
    tcase_add_test(tc, a_target_loses_scheme_and_host);
    tcase_add_test(tc, an_asterisk_becomes_a_path);
    tcase_add_test(tc, other_targets_can_be_taken_for_nothing_else);
    tcase_add_test(tc, another_request_line_loses_its_method);
    tcase_add_test(tc, tabs_in_fields_become_spaces);
    tcase_add_test(tc, white_space_behind_a_value_moves_before_it);
    tcase_add_test(tc, a_line_feed_alone_breaks_the_request);
    tcase_add_test(tc, empty_members_of_a_coding_are_left_out);
    tcase_add_test(tc, a_fault_is_told_by_what_came);
    tcase_add_test(tc, empty_lines_alone_are_no_fault);
    tcase_add_test(tc, a_head_without_end_names_its_longest_header);
    tcase_add_test(tc, no_value_of_a_header_is_repeated);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
