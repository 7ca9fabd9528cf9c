/* check_origin.c - which origins a list allows, and which lists are refused. */
#include <check.h>
#include <string.h>

#include "base/origin.h"
#include "suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(a_list_allows_what_its_patterns_name)
{
    static const struct {
        const char *list, *origin;
        bool allowed;
    } rows[] = {
        {"*", "https://anything.example", true},
        {"*", "null", true},
        {"*", "not an origin", true},
        {"*,https://a.org", "https://b.org", true},
        {"https://a.org", "https://a.org", true},
        {"https://a.org", "HTTPS://A.Org", true},
        {"HTTPS://A.ORG", "https://a.org", true},
        {"https://a.org", "http://a.org", false},
        {"https://a.org", "https://a.org:443", true},
        {"https://a.org:443", "https://a.org", true},
        {"http://a.org:80", "http://a.org", true},
        {"http://a.org", "http://a.org:443", false},
        {"https://a.org", "https://a.org:8443", false},
        {"https://a.org:8443", "https://a.org:8443", true},
        {"https://a.org:8443", "https://a.org", false},
        {"https://a.org", "https://a.org.evil.example", false},
        {"https://a.org", "https://evil-a.org", false},
        {"https://a.org", "https://sub.a.org", false},
        {"https://a.org", "https://a.org/", false},
        {"https://a.org", "https://a.org/path", false},
        {"https://a.org", "https://a.org?x", false},
        {"https://a.org", "https://user@a.org", false},
        {"https://a.org", "https://a.org https://b.org", false},
        {"https://a.org", "https://a.org,https://b.org", false},
        {"https://a.org", " https://a.org", false},
        {"https://a.org", "null", false},
        {"https://a.org", "", false},
        {"https://a.org", "https://", false},
        {"https://a.org", "https://*", false},
        {"https://*.a.org", "https://x.a.org", true},
        {"https://*.a.org", "https://x.y.a.org", true},
        {"https://*.a.org", "https://X.A.ORG", true},
        {"https://*.a.org", "https://a.org", false},
        {"https://*.a.org", "https://.a.org", false},
        {"https://*.a.org", "https://xa.org", false},
        {"https://*.a.org", "https://x.a.org.evil.example", false},
        {"https://*.a.org", "http://x.a.org", false},
        {"https://*.a.org", "https://*.a.org", false},
        {"https://*.a.org:8443", "https://x.a.org:8443", true},
        {"https://*.a.org:8443", "https://x.a.org", false},
        {"http://[::1]:3000", "http://[::1]:3000", true},
        {"http://[0:0:0:0:0:0:0:1]", "http://[::1]", true},
        {"http://[::1]", "http://[::2]", false},
        {"http://[::1]", "http://[::1", false},
        {"http://[::1]", "http://[::1]x", false},
        {"http://127.0.0.1:5173", "http://127.0.0.1:5173", true},
        {"http://localhost:*", "http://localhost", true},
        {"http://localhost:*", "http://localhost:80", true},
        {"http://localhost:*", "HTTP://LocalHost:65535", true},
        {"http://localhost:*", "https://localhost", false},
        {"http://localhost:*", "http://localhost:*", false},
        {"http://localhost:*", "http://localhost:", false},
        {"http://localhost:*", "http://localhost:80x", false},
        {"http://localhost:*", "http://localhost.evil.example:80", false},
        {"http://[::1]:*", "http://[::1]:5173", true},
        {"http://[::1]:*", "http://[::2]:5173", false},
        {"https://*.a.org:*", "https://x.a.org:8443", true},
        {"https://*.a.org:*", "https://a.org:8443", false},
        {"null", "null", true},
        {"Null", "null", true},
        {"null", "nul", false},
        {"null", "nulls", false},
        {"null", "null://", false},
        {"null", "file://", false},
        {"null", "", false},
        {"null,https://a.org", "https://a.org", true},
        {"null,https://a.org", "https://b.org", false},
        {"file://", "file://", true},
        {"file://", "FILE://", true},
        {"file://", "file:///", false},
        {"file://", "file://host", false},
        {"file://", "null", false},
        {"file://", "files://", false},
        {"file://*", "file://host", true},
        {"file://*", "file://", false},
        {"moz-extension://*", "moz-extension://0f4b-9a", true},
        {"moz-extension://*", "moz-extension://", false},
        {"moz-extension://*", "moz-extension://*", false},
        {"moz-extension://*", "chrome-extension://0f4b-9a", false},
        {"moz-extension://*", "moz-extension://a/b", false},
        {"moz-extension://*", "moz-extension://a:80", false},
        {"tauri://*:*", "tauri://a:80", true},
        {"tauri://*:*", "tauri://a", true},
        {"capacitor://localhost:*", "capacitor://localhost", true},
        {"capacitor://localhost", "capacitor://localhost", true},
        {"capacitor://localhost", "capacitor://localhost:80", false},
        {"chrome-extension://abc", "chrome-extension://abc", true},
        {"https://a.org , https://b.org", "https://b.org", true},
        {"https://a.org,https://b.org", "https://c.org", false},
    };
    struct origin_list list;
    char bad[64];

    for (size_t i = 0; i < COUNT(rows); i++) {
        ck_assert_msg(
            origin_list_parse(&list, rows[i].list, bad, sizeof(bad)) == 0,
            "%s: %s", rows[i].list, bad);
        ck_assert_msg(origin_list_allows(&list, rows[i].origin) ==
                          rows[i].allowed,
                      "%s %s", rows[i].list, rows[i].origin);
        origin_list_release(&list);
        ck_assert_uint_eq(list.count, 0);
    }
}
END_TEST

START_TEST(without_an_origin_it_is_no_browser)
{
    struct origin_list list;

    ck_assert_int_eq(origin_list_parse(&list, "https://a.org", NULL, 0), 0);
    ck_assert(origin_list_allows(&list, NULL));
    origin_list_release(&list);
}
END_TEST

START_TEST(an_empty_list_allows_no_browser)
{
    struct origin_list none = {0};

    ck_assert(!origin_list_allows(&none, "https://a.org"));
    ck_assert(origin_list_allows(&none, NULL));
}
END_TEST

START_TEST(the_wrong_pattern_is_named)
{
    static const struct {
        const char *list, *bad;
    } rows[] = {
        {"", ""},
        {"https://a.org,", ""},
        {",https://a.org", ""},
        {"a.org", "a.org"},
        {"https://a.org, ftp ,https://b.org", "ftp"},
        {"https://a.org/", "https://a.org/"},
        {"https://a.org/x", "https://a.org/x"},
        {"https:a.org", "https:a.org"},
        {"https:/a.org", "https:/a.org"},
        {"://a.org", "://a.org"},
        {"1http://a.org", "1http://a.org"},
        {"https://", "https://"},
        {"https://:80", "https://:80"},
        {"https://*", "https://*"},
        {"https://*.", "https://*."},
        {"https://*a.org", "https://*a.org"},
        {"https://x.*.org", "https://x.*.org"},
        {"https://**.a.org", "https://**.a.org"},
        {"https://*..a.org", "https://*..a.org"},
        {"*://a.org", "*://a.org"},
        {"*.a.org", "*.a.org"},
        {"**", "**"},
        {"https://a.org:", "https://a.org:"},
        {"https://a.org:0", "https://a.org:0"},
        {"https://a.org:65536", "https://a.org:65536"},
        {"https://a.org:8o", "https://a.org:8o"},
        {"https://a.org:**", "https://a.org:**"},
        {"https://a.org:*8", "https://a.org:*8"},
        {"https://a.org:8*", "https://a.org:8*"},
        {"https://*:*", "https://*:*"},
        {"https://:*", "https://:*"},
        {"ws://", "ws://"},
        {"https://a b.org", "https://a b.org"},
        {"https://u@a.org", "https://u@a.org"},
        {"https://[::1", "https://[::1"},
        {"https://[1.2.3.4]", "https://[1.2.3.4]"},
        {"https://[]", "https://[]"},
        {"https://\xc3\xa9.org", "https://\xc3\xa9.org"},
        {"nul", "nul"},
        {"nulls", "nulls"},
        {"null:80", "null:80"},
        {"null*", "null*"},
        {"file:", "file:"},
        {"file:/", "file:/"},
        {"file:///", "file:///"},
        {"file://:80", "file://:80"},
        {"file://*x", "file://*x"},
        {"tauri://*:", "tauri://*:"},
    };
    struct origin_list list;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char bad[64] = "untouched", cut[4];

        ck_assert_msg(
            origin_list_parse(&list, rows[i].list, bad, sizeof(bad)) == -1,
            "%s", rows[i].list);
        ck_assert_str_eq(bad, rows[i].bad);
        ck_assert_int_eq(
            origin_list_parse(&list, rows[i].list, cut, sizeof(cut)), -1);
        ck_assert_uint_le(strlen(cut), 3);
    }
}
END_TEST

START_TEST(a_host_has_255_bytes_at_most)
{
    struct origin_list list;
    char text[300] = "http://";

    memset(text + 7, 'a', 255);
    text[7 + 255] = '\0';
    ck_assert_int_eq(origin_list_parse(&list, text, NULL, 0), 0);
    ck_assert(origin_list_allows(&list, text));
    origin_list_release(&list);
    text[7 + 255] = 'a';
    text[7 + 256] = '\0';
    ck_assert_int_eq(origin_list_parse(&list, text, NULL, 0), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("origin");
    TCase *tc = tcase_create("origin");

    tcase_add_test(tc, a_list_allows_what_its_patterns_name);
    tcase_add_test(tc, without_an_origin_it_is_no_browser);
    tcase_add_test(tc, an_empty_list_allows_no_browser);
    tcase_add_test(tc, the_wrong_pattern_is_named);
    tcase_add_test(tc, a_host_has_255_bytes_at_most);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
