/* check_request.c - the framing of requests, from what civetweb's parser leaves
 * behind.
 */
#include <check.h>
#include <stdio.h>

#include "fake_request.h"
#include "front/request.h"
#include "suite.h"

#define HOST "Host: x\r\n"

static struct fake_request fake;
static struct request request;
static struct refusal why;

static int check(const char *text)
{
    return fake_check(&fake, &request, text, &why);
}

static void refuses(const char *text, int status, const char *code)
{
    ck_assert_msg(check(text) < 0, "accepted: %s", text);
    ck_assert_int_eq(why.status, status);
    ck_assert_str_eq(why.code, code);
    ck_assert_str_ne(why.message, "");
    ck_assert(why.headers == NULL);
    ck_assert(!request.keep_alive);
}

static void is_invalid(const char *text)
{
    refuses(text, 400, "invalid_request");
}

static void accepts(const char *text)
{
    ck_assert_msg(check(text) == 0, "%s: %s", text, why.message);
}

START_TEST(a_plain_request_is_accepted)
{
    accepts("GET /health HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(request.http11);
    ck_assert(request.keep_alive);
    ck_assert(!request.has_body);
    ck_assert(!request.chunked);
    ck_assert(!request.expects_continue);
    ck_assert_int_eq(request.content_length, -1);
}
END_TEST

START_TEST(a_query_is_part_of_the_request_line)
{
    accepts("GET /ws?userId=a%20b&x HTTP/1.1\r\n" HOST "\r\n");
    accepts("GET /ws? HTTP/1.1\r\n" HOST "\r\n");
    accepts("GET /a?b?c HTTP/1.1\r\n" HOST "\r\n");
}
END_TEST

START_TEST(http_1_0_needs_no_host_and_no_headers)
{
    accepts("GET / HTTP/1.0\r\n\r\n");
    ck_assert(!request.http11);
    ck_assert(!request.keep_alive);
    accepts("GET / HTTP/1.0\r\nA: b\r\n\r\n");
}
END_TEST

/* civetweb hands these out without any headers. */
START_TEST(http_1_0_with_a_malformed_first_header_is_refused)
{
    is_invalid("GET / HTTP/1.0\r\n: b\r\nContent-Length: 5\r\n\r\n");
    is_invalid("GET / HTTP/1.0\r\n\x80 A: b\r\n\r\n");
}
END_TEST

START_TEST(a_host_is_required_once)
{
    is_invalid("GET / HTTP/1.1\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\nA: b\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\n" HOST HOST "\r\n");
    is_invalid("GET / HTTP/1.0\r\n" HOST "host: y\r\n\r\n");
}
END_TEST

START_TEST(a_host_is_a_host)
{
    accepts("GET / HTTP/1.1\r\nHost:\r\n\r\n");
    accepts("GET / HTTP/1.1\r\nHost: [::1]:8081\r\n\r\n");
    accepts("GET / HTTP/1.1\r\nHost: a-b.example.com:80\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n");
}
END_TEST

START_TEST(more_than_one_space_in_the_request_line_is_refused)
{
    is_invalid("GET  / HTTP/1.1\r\n" HOST "\r\n");
    is_invalid("GET /  HTTP/1.1\r\n" HOST "\r\n");
    is_invalid("GET /?a  HTTP/1.1\r\n" HOST "\r\n");
    is_invalid("GET \r\n/ HTTP/1.1\r\n" HOST "\r\n");
}
END_TEST

START_TEST(white_space_before_a_request_is_refused)
{
    is_invalid(" GET / HTTP/1.1\r\n" HOST "\r\n");
    is_invalid("\tGET / HTTP/1.1\r\n" HOST "\r\n");
    is_invalid("\rGET / HTTP/1.1\r\n" HOST "\r\n");
    is_invalid("\r\n GET / HTTP/1.1\r\n" HOST "\r\n");
    is_invalid(" \r\nGET / HTTP/1.1\r\n" HOST "\r\n");
    is_invalid("\r\n\rGET / HTTP/1.1\r\n" HOST "\r\n");
}
END_TEST

START_TEST(empty_lines_before_a_request_are_ignored)
{
    accepts("\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
    accepts("\nGET / HTTP/1.1\r\n" HOST "\r\n");
    accepts("\n\nGET / HTTP/1.1\r\n" HOST "\r\n");
    accepts("\r\n\r\n\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
}
END_TEST

/* civetweb would make a request of what the buffer held before. */
START_TEST(what_has_not_come_through_us_is_refused)
{
    static const char text[] = "GET / HTTP/1.1\r\n" HOST "\r\n";
    static char elsewhere[REQUEST_HEAD_MAX];

    fake_parse(&fake, text, strlen(text));
    ck_assert_int_lt(request_check(&request, &fake.info, NULL, &why), 0);
    ck_assert_int_lt(request_check(&request, &fake.info, elsewhere, &why), 0);
    ck_assert_int_eq(request_check(&request, &fake.info, fake.bytes, &why), 0);
    memset(fake.bytes, 'x', sizeof(fake.bytes));
    memcpy(fake.bytes, "\r\n\r\n", 4);
    memcpy(fake.bytes + 4, text, sizeof(text));
    ck_assert(fake_civetweb(fake.bytes, sizeof(fake.bytes), &fake.info));
    ck_assert_int_lt(request_check(&request, &fake.info, fake.bytes, &why), 0);
}
END_TEST

START_TEST(a_bare_line_feed_is_refused)
{
    is_invalid("GET / HTTP/1.1\n" HOST "\r\n");
    is_invalid("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\nHost: x\r\nA: b\n\n");
}
END_TEST

START_TEST(a_space_before_a_colon_is_refused)
{
    is_invalid("GET / HTTP/1.1\r\nHost : x\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\n" HOST "A  : b\r\n\r\n");
}
END_TEST

START_TEST(white_space_around_a_value_is_fine)
{
    accepts("POST / HTTP/1.1\r\nHost:x\r\nContent-Length: \t 5 \t\r\n\r\n");
    ck_assert_int_eq(request.content_length, 5);
}
END_TEST

START_TEST(a_folded_line_is_refused)
{
    is_invalid("GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\n" HOST " A: b\r\nB: c\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\n A: b\r\n" HOST "\r\n");
    is_invalid("GET / HTTP/1.1\r\n" HOST ": b\r\nB: c\r\n\r\n");
}
END_TEST

START_TEST(a_header_name_is_a_token)
{
    accepts("GET / HTTP/1.1\r\n" HOST "!#$%&'*+-.^_`|~09: b\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\n" HOST "A(b): c\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\n" HOST "\"A\": c\r\n\r\n");
    is_invalid("GET / HTTP/1.1\r\n" HOST "A/b: c\r\n\r\n");
}
END_TEST

static void make_headers(char *text, int count)
{
    text += sprintf(text, "GET / HTTP/1.1\r\nHost: x\r\n");
    for (int i = 1; i < count; i++)
        text += sprintf(text, "A%d: b\r\n", i);
    (void)sprintf(text, "\r\n");
}

START_TEST(sixty_four_headers_are_the_most)
{
    char text[1024];

    make_headers(text, MG_MAX_HEADERS - 1);
    accepts(text);
    make_headers(text, MG_MAX_HEADERS);
    accepts(text);
    ck_assert_int_eq(fake.info.num_headers, MG_MAX_HEADERS);
    make_headers(text, MG_MAX_HEADERS + 1);
    refuses(text, 431, "headers_too_large");
}
END_TEST

static void make_head(char *text, size_t bytes)
{
    static const char start[] = "GET / HTTP/1.1\r\nHost: x\r\nA: ";

    memset(text, 'a', bytes);
    memcpy(text, start, sizeof(start) - 1);
    memcpy(text + bytes - 4, "\r\n\r\n", 5);
}

START_TEST(a_head_that_fills_the_buffer_is_refused)
{
    static char text[REQUEST_HEAD_MAX + 1];

    make_head(text, REQUEST_HEAD_MAX - 5);
    accepts(text);
    make_head(text, REQUEST_HEAD_MAX - 4);
    accepts(text);
    make_head(text, REQUEST_HEAD_MAX - 3);
    refuses(text, 431, "headers_too_large");
    make_head(text, REQUEST_HEAD_MAX);
    refuses(text, 431, "headers_too_large");
}
END_TEST

#define LENGTH(text)                                                           \
    "POST / HTTP/1.1\r\n" HOST "Content-Length: " text "\r\n\r\n"

START_TEST(a_length_is_read)
{
    accepts(LENGTH("0"));
    ck_assert_int_eq(request.content_length, 0);
    ck_assert(!request.has_body);
    accepts(LENGTH("000123"));
    ck_assert_int_eq(request.content_length, 123);
    ck_assert(request.has_body);
    accepts(LENGTH("9223372036854775807"));
    ck_assert(request.content_length == INT64_MAX);
}
END_TEST

START_TEST(a_length_that_is_no_number_is_refused)
{
    is_invalid(LENGTH(""));
    is_invalid(LENGTH("5abc"));
    is_invalid(LENGTH("+5"));
    is_invalid(LENGTH("-5"));
    is_invalid(LENGTH("0x5"));
    is_invalid(LENGTH("5 5"));
    is_invalid(LENGTH("5, 5"));
    is_invalid(LENGTH("9223372036854775808"));
    is_invalid(LENGTH("99999999999999999999"));
    ck_assert(request.has_body);
}
END_TEST

START_TEST(a_length_given_twice_is_refused)
{
    is_invalid(LENGTH("5\r\nContent-Length: 5"));
    is_invalid(LENGTH("5\r\ncontent-length: 6"));
}
END_TEST

#define CODING(version, text)                                                  \
    "POST / HTTP/" version "\r\n" HOST "Transfer-Encoding: " text "\r\n\r\n"

START_TEST(chunked_is_the_only_coding)
{
    accepts(CODING("1.1", "chunked"));
    ck_assert(request.chunked);
    ck_assert(request.has_body);
    accepts(CODING("1.1", "Chunked"));
    accepts(CODING("1.1", "\t , chunked,, \t"));
    accepts(CODING("1.1", "chunked\r\nTransfer-Encoding: ,"));
    ck_assert(request.chunked);
    is_invalid(CODING("1.1", ""));
    is_invalid(CODING("1.1", ","));
    is_invalid(CODING("1.1", "identity"));
    is_invalid(CODING("1.1", "gzip, chunked"));
    is_invalid(CODING("1.1", "chunked, chunked"));
    is_invalid(CODING("1.1", "xchunked"));
    is_invalid(CODING("1.1", "chunked\r\nTransfer-Encoding: chunked"));
    is_invalid(CODING("1.1", "chunked\r\nTransfer-Encoding: identity"));
    is_invalid(CODING("1.0", "chunked"));
}
END_TEST

START_TEST(a_length_and_a_coding_together_are_refused)
{
    is_invalid(CODING("1.1", "chunked\r\nContent-Length: 5"));
    is_invalid(CODING("1.1", "chunked\r\nContent-Length: 0"));
    is_invalid(LENGTH("5\r\nTransfer-Encoding: chunked"));
}
END_TEST

#define EXPECT(version, text)                                                  \
    "POST / HTTP/" version "\r\n" HOST "Expect: " text "\r\n\r\n"

START_TEST(the_only_expectation_is_100_continue)
{
    accepts(EXPECT("1.1", "100-Continue"));
    ck_assert(request.expects_continue);
    accepts(EXPECT("1.0", "100-continue"));
    ck_assert(!request.expects_continue);
    accepts(EXPECT("1.1", ""));
    ck_assert(!request.expects_continue);
    accepts(EXPECT("1.1", "100-continue,\r\nExpect: ,100-CONTINUE"));
    ck_assert(request.expects_continue);
    refuses(EXPECT("1.1", "200-ok"), 417, "expectation_failed");
    refuses(EXPECT("1.1", "100-continue, 200-ok"), 417, "expectation_failed");
    refuses(EXPECT("1.1", "100-continue\r\nExpect: 200-ok"), 417,
            "expectation_failed");
}
END_TEST

static bool keeps_alive(const char *version, const char *headers)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "GET / HTTP/%s\r\n" HOST "%s\r\n",
                   version, headers);
    accepts(text);
    return request.keep_alive;
}

START_TEST(a_connection_is_kept_alive_where_both_sides_agree)
{
    ck_assert(keeps_alive("1.1", ""));
    ck_assert(!keeps_alive("1.0", ""));
    ck_assert(keeps_alive("1.0", "Connection: keep-alive\r\n"));
    ck_assert(keeps_alive("1.1", "Connection: foo, Keep-Alive\r\n"));
    ck_assert(!keeps_alive("1.1", "Connection: close\r\n"));
    ck_assert(!keeps_alive("1.1", "Connection: keep-alive, close\r\n"));
    ck_assert(!keeps_alive("1.1", "Connection: keep-alive\r\n"
                                  "Connection: close\r\n"));
    ck_assert(!keeps_alive("1.1", "Connection: foo\r\n"));
    ck_assert(!keeps_alive("1.1", "Connection: foo\r\n"
                                  "Connection: keep-alive\r\n"));
    ck_assert(!keeps_alive("1.1", "Connection: keep-alive, Upgrade\r\n"));
    ck_assert(!keeps_alive("1.1", "Connection: keep-alive\r\n"
                                  "Connection: x, Close\r\n"));
    /* civetweb closes behind this one. */
    ck_assert(!keeps_alive("1.1", "Connection:\r\n"
                                  "Connection: keep-alive\r\n"));
}
END_TEST

START_TEST(lists_are_searched_without_case_and_in_all_lines)
{
    static const char *const members[] = {"a", "b", "Upgrade", "c", "d"};
    struct request_list list = {.info = &fake.info, .name = "list"};
    struct slice member;

    accepts("GET / HTTP/1.1\r\nList:\ta ,,b \r\nLIST:\r\nA: x\r\nlist: ,\r\n"
            "list: Upgrade\r\n" HOST "list: , c,\td\t,\r\n\r\n");
    for (size_t i = 0; i < 5; i++) {
        ck_assert(request_list_next(&list, &member));
        ck_assert(request_text_is(member, members[i]));
        ck_assert(request_lists(&fake.info, "LIST", members[i]));
    }
    ck_assert(!request_list_next(&list, &member));
    ck_assert(!request_list_next(&list, &member));
    ck_assert(request_lists(&fake.info, "List", "upgrade"));
    ck_assert(!request_lists(&fake.info, "List", "up"));
    ck_assert(!request_lists(&fake.info, "List", "x"));
    ck_assert(!request_lists(&fake.info, "List", "upgraded"));
    ck_assert(!request_lists(&fake.info, "List", ""));
    ck_assert(!request_lists(&fake.info, "Lists", "a"));
}
END_TEST

START_TEST(any_host_may_be_in_the_target)
{
    accepts("GET http://other.example:8080/a?b=c:d HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_str_eq(fake.info.request_uri, "/a");
    ck_assert_str_eq(fake.info.query_string, "b=c:d");
    accepts("\r\n\nGET HTTPS://[::1]?b HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_str_eq(fake.info.request_uri, "/");
    ck_assert_str_eq(fake.info.query_string, "b");
}
END_TEST

START_TEST(headers_are_found_trimmed_and_counted)
{
    unsigned count;
    struct slice text;

    accepts("GET / HTTP/1.1\r\n" HOST "A: b \r\na: c\r\n\r\n");
    text = request_header(&fake.info, "A", &count);
    ck_assert_uint_eq(count, 2);
    ck_assert(request_text_is(text, "b"));
    text = request_header(&fake.info, "B", &count);
    ck_assert_uint_eq(count, 0);
    ck_assert_ptr_null(text.start);
    ck_assert(!request_text_is(text, ""));
}
END_TEST

START_TEST(a_wiped_header_is_empty_and_the_others_are_not)
{
    unsigned count;

    accepts("GET / HTTP/1.1\r\n" HOST "A: 123\r\nB: 456\r\na:789\r\n\r\n");
    request_wipe(&fake.info, "A");
    ck_assert_uint_eq(request_header(&fake.info, "A", &count).bytes, 0);
    ck_assert_uint_eq(count, 2);
    ck_assert(request_text_is(request_header(&fake.info, "B", NULL), "456"));
    ck_assert_ptr_null(memmem(fake.bytes, sizeof(fake.bytes), "123", 3));
    ck_assert_ptr_null(memmem(fake.bytes, sizeof(fake.bytes), "789", 3));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("request");
    TCase *tests = tcase_create("request");

    tcase_add_test(tests, a_plain_request_is_accepted);
    tcase_add_test(tests, a_query_is_part_of_the_request_line);
    tcase_add_test(tests, http_1_0_needs_no_host_and_no_headers);
    tcase_add_test(tests, http_1_0_with_a_malformed_first_header_is_refused);
    tcase_add_test(tests, a_host_is_required_once);
    tcase_add_test(tests, a_host_is_a_host);
    tcase_add_test(tests, more_than_one_space_in_the_request_line_is_refused);
    tcase_add_test(tests, white_space_before_a_request_is_refused);
    tcase_add_test(tests, empty_lines_before_a_request_are_ignored);
    tcase_add_test(tests, what_has_not_come_through_us_is_refused);
    tcase_add_test(tests, a_bare_line_feed_is_refused);
    tcase_add_test(tests, a_space_before_a_colon_is_refused);
    tcase_add_test(tests, white_space_around_a_value_is_fine);
    tcase_add_test(tests, a_folded_line_is_refused);
    tcase_add_test(tests, a_header_name_is_a_token);
    tcase_add_test(tests, sixty_four_headers_are_the_most);
    tcase_add_test(tests, a_head_that_fills_the_buffer_is_refused);
    tcase_add_test(tests, a_length_is_read);
    tcase_add_test(tests, a_length_that_is_no_number_is_refused);
    tcase_add_test(tests, a_length_given_twice_is_refused);
    tcase_add_test(tests, chunked_is_the_only_coding);
    tcase_add_test(tests, a_length_and_a_coding_together_are_refused);
    tcase_add_test(tests, the_only_expectation_is_100_continue);
    tcase_add_test(tests, a_connection_is_kept_alive_where_both_sides_agree);
    tcase_add_test(tests, lists_are_searched_without_case_and_in_all_lines);
    tcase_add_test(tests, headers_are_found_trimmed_and_counted);
    tcase_add_test(tests, any_host_may_be_in_the_target);
    tcase_add_test(tests, a_wiped_header_is_empty_and_the_others_are_not);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return suite_run(make_suite());
}
