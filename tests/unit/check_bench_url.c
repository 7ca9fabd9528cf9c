/* check_bench_url.c - the hub's URL, and {user} in URLs. */
#include <check.h>
#include <string.h>

#include "url.h"
#include "suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(an_address_is_taken_apart)
{
    static const struct {
        const char *text, *host, *authority, *target;
        unsigned port;
    } rows[] = {
        {"ws://h:81/ws?userId={user}", "h", "h:81", "/ws?userId={user}", 81},
        {"ws://h", "h", "h:80", "", 80},
        {"ws://h/", "h", "h:80", "/", 80},
        {"ws://h?a=b:9", "h", "h:80", "?a=b:9", 80},
        {"ws://127.0.0.1:8081/x:1/y", "127.0.0.1", "127.0.0.1:8081", "/x:1/y",
         8081},
        {"ws://[::1]:9/a", "::1", "[::1]:9", "/a", 9},
        {"ws://[fe80::1%25eth0]", "fe80::1%eth0", "[fe80::1]:80", "", 80},
        {"ws://[fe80::1%25eth0]:9/a", "fe80::1%eth0", "[fe80::1]:9", "/a", 9},
        {"ws://h/a/../b/./c", "h", "h:80", "/a/../b/./c", 80},
        {"ws://h:65535", "h", "h:65535", "", 65535},
    };
    struct url url;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *why = url_parse(&url, rows[i].text);

        ck_assert_msg(why == NULL, "%s: %s", rows[i].text, why);
        ck_assert_str_eq(url.host, rows[i].host);
        ck_assert_str_eq(url.authority, rows[i].authority);
        ck_assert_str_eq(url.target, rows[i].target);
        ck_assert_uint_eq(url.port, rows[i].port);
    }
}
END_TEST

START_TEST(a_wrong_address_is_refused)
{
    static const char *const rows[] = {
        "",
        "h",
        "http://h",
        "ws:/h",
        "wss://h",
        "ws://",
        "ws:///x",
        "ws://:80/",
        "ws://h:",
        "ws://h:0",
        "ws://h:65536",
        "ws://h:a",
        "ws://h:80a",
        "ws://[::1",
        "ws://[]",
        "ws://[::1]a",
        "ws://h/a b",
        "ws://h/a\r\nX: y",
        "ws://h/#a",
        "ws://u@h/",
        "ws://h:00000080/",
        "ws://h:080",
        "ws://h:80:90/",
        "ws://u:p@h/",
        "ws://{user}.h/",
        "ws://[h]/",
    };
    struct url url;

    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_msg(url_parse(&url, rows[i]) != NULL, "%s", rows[i]);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    char text[3 * URL_TARGET_BYTES] = "ws://h/";
    struct url url;

    memset(text + 7, 'a', URL_TARGET_BYTES - 2);
    text[7 + URL_TARGET_BYTES - 2] = '\0';
    ck_assert(url_parse(&url, text) == NULL);
    memcpy(text + 7, "{user}", 6); /* gets longer when it is filled in */
    ck_assert(url_parse(&url, text) != NULL);
    memset(text + 5, 'h', URL_HOST_BYTES);
    text[5 + URL_HOST_BYTES] = '\0';
    ck_assert(url_parse(&url, text) != NULL);
    text[5 + URL_HOST_BYTES - 1] = '\0';
    ck_assert(url_parse(&url, text) == NULL);
}
END_TEST

START_TEST(users_are_filled_in)
{
    char out[64];

    ck_assert(url_has_user("/a?u={user}"));
    ck_assert(!url_has_user("/a?u={User}"));
    ck_assert_uint_eq(url_expand(out, sizeof(out), "/{user}/{user}?x", 42), 18);
    ck_assert_str_eq(out, "/user-42/user-42?x");
    ck_assert_uint_eq(url_expand(out, sizeof(out), "{user", 1), 5);
    ck_assert_str_eq(out, "{user");
    url_user(out, UINT32_MAX);
    ck_assert_str_eq(out, "user-4294967295");
}
END_TEST

START_TEST(a_small_buffer_is_not_overrun)
{
    char out[10] = "#########";

    ck_assert_uint_eq(url_expand(out, 5, "ab{user}", 7), 8);
    ck_assert_int_eq(out[4] == '\0' || out[2] == '\0', 1);
    ck_assert_int_eq(out[5], '#');
    ck_assert_uint_eq(url_expand(NULL, 0, "ab{user}", 7), 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_url");
    TCase *tc = tcase_create("bench_url");

    tcase_add_test(tc, an_address_is_taken_apart);
    tcase_add_test(tc, a_wrong_address_is_refused);
    tcase_add_test(tc, what_does_not_fit_is_refused);
    tcase_add_test(tc, users_are_filled_in);
    tcase_add_test(tc, a_small_buffer_is_not_overrun);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
