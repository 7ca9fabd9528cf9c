/* check_origin.c - which origins a list allows, and which lists are rejected.
 */
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

START_TEST(same_allows_the_pages_of_our_hosts)
{
    static const char hosts_text[] =
        "Hub.example.com, hub.example.com:8443,[::1]:8081,10.0.0.1";
    static const struct {
        const char *list, *origin;
        bool allowed;
    } rows[] = {
        {"same", "https://hub.example.com", true},
        {"Same", "HTTPS://HUB.Example.com", true},
        {"same", "https://hub.example.com:443", true},
        {"same", "http://hub.example.com", true},
        {"same", "http://hub.example.com:80", true},
        {"same", "https://hub.example.com:8443", true},
        {"same", "http://hub.example.com:8443", true},
        {"same", "http://[0:0::1]:8081", true},
        {"same", "http://10.0.0.1", true},
        {"same", "http://hub.example.com:443", false},
        {"same", "https://hub.example.com:80", false},
        {"same", "https://hub.example.com:8444", false},
        {"same", "https://hub.example.com.", false},
        {"same", "https://x.hub.example.com", false},
        {"same", "https://example.com", false},
        {"same", "https://hub.example.com.evil.example", false},
        {"same", "https://hub.example.com@evil.example", false},
        {"same", "https://hub.example.com/", false},
        {"same", "http://[::1]", false},
        {"same", "http://10.0.0.1:8081", false},
        {"same", "capacitor://hub.example.com", false},
        {"same", "capacitor://hub.example.com:8443", false},
        {"same", "file://hub.example.com", false},
        {"same", "file://", false},
        {"same", "null", false},
        {"same", "same", false},
        {"same", "hub.example.com", false},
        {"same", "", false},
        {"same,https://a.org", "https://a.org", true},
        {"https://a.org,same", "https://hub.example.com", true},
        {"same,https://a.org", "https://b.org", false},
        {"same,*", "https://b.org", true},
        {"https://a.org", "https://hub.example.com", false},
    };
    struct origin_hosts hosts;
    struct origin_list list;
    char bad[64];

    ck_assert_int_eq(origin_hosts_parse(&hosts, hosts_text, bad, sizeof(bad)),
                     0);
    ck_assert_uint_eq(hosts.count, 4);
    ck_assert_str_eq(hosts.hosts[0], "hub.example.com");
    for (size_t i = 0; i < COUNT(rows); i++) {
        ck_assert_msg(
            origin_list_parse(&list, rows[i].list, bad, sizeof(bad)) == 0,
            "%s: %s", rows[i].list, bad);
        list.hosts = &hosts;
        ck_assert_msg(origin_list_allows(&list, rows[i].origin) ==
                          rows[i].allowed,
                      "%s %s", rows[i].list, rows[i].origin);
        origin_list_release(&list);
    }
    origin_hosts_release(&hosts);
    ck_assert_uint_eq(hosts.count, 0);
}
END_TEST

START_TEST(same_without_hosts_allows_no_browser)
{
    struct origin_hosts none = {0};
    struct origin_list list;

    ck_assert_int_eq(origin_list_parse(&list, "same", NULL, 0), 0);
    ck_assert(list.same && !list.any);
    ck_assert_uint_eq(list.count, 0);
    ck_assert(!origin_list_allows(&list, "https://hub.example.com"));
    list.hosts = &none;
    ck_assert(!origin_list_allows(&list, "https://hub.example.com"));
    ck_assert(origin_list_allows(&list, NULL));
    origin_list_release(&list);
}
END_TEST

START_TEST(the_wrong_host_is_named)
{
    static const struct {
        const char *hosts, *bad;
    } rows[] = {
        {"", ""},
        {"a.org,", ""},
        {",a.org", ""},
        {"a.org,https://b.org", "https://b.org"},
        {"a.org,*.b.org", "*.b.org"},
        {"*", "*"},
        {"a.org:*", "a.org:*"},
        {"a.org:", "a.org:"},
        {"a.org:0", "a.org:0"},
        {"a.org:65536", "a.org:65536"},
        {":443", ":443"},
        {".a.org", ".a.org"},
        {"a.org/", "a.org/"},
        {"u@a.org", "u@a.org"},
        {"a b.org", "a b.org"},
        {"::1", "::1"},
        {"[::1", "[::1"},
        {"[]", "[]"},
        {"\xc3\xa9.org", "\xc3\xa9.org"},
    };
    struct origin_hosts hosts;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char bad[64] = "untouched";

        ck_assert_msg(
            origin_hosts_parse(&hosts, rows[i].hosts, bad, sizeof(bad)) == -1,
            "%s", rows[i].hosts);
        ck_assert_str_eq(bad, rows[i].bad);
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
        {"sames", "sames"},
        {"same:80", "same:80"},
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

START_TEST(two_spellings_of_an_origin_are_the_same)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"https://a.org", "HTTPS://A.org:443", true},
        {"http://[::1]:80", "http://[0:0::1]", true},
        {"null", "null", true},
        {"file://", "file://", true},
        {"moz-extension://0f4b-9a", "moz-extension://0f4b-9a", true},
        {"https://a.org", "http://a.org", false},
        {"https://a.org", "https://a.org:8443", false},
        {"https://a.org", "https://x.a.org", false},
        {"https://a.org", "null", false},
        {"file://", "null", false},
        {"https://*.a.org", "https://*.a.org", false},
        {"https://a.org:*", "https://a.org:*", false},
        {"*", "*", false},
        {"same", "same", false},
        {"", "", false},
        {"https://a.org/", "https://a.org/", false},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice a = slice_of(rows[i].a), b = slice_of(rows[i].b);

        ck_assert_msg(origin_equals(a, b) == rows[i].equal, "%s %s", rows[i].a,
                      rows[i].b);
        ck_assert_msg(origin_equals(b, a) == rows[i].equal, "%s %s", rows[i].b,
                      rows[i].a);
        if (rows[i].equal)
            ck_assert(origin_is_valid(a) && origin_is_valid(b));
    }
    ck_assert(!origin_is_valid(slice_of("https://*.a.org")));
    ck_assert(!origin_is_valid(slice_of("https://a.org/x")));
    ck_assert(!origin_is_valid(slice_of("a.org")));
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
    tcase_add_test(tc, same_allows_the_pages_of_our_hosts);
    tcase_add_test(tc, same_without_hosts_allows_no_browser);
    tcase_add_test(tc, the_wrong_host_is_named);
    tcase_add_test(tc, without_an_origin_it_is_no_browser);
    tcase_add_test(tc, an_empty_list_allows_no_browser);
    tcase_add_test(tc, the_wrong_pattern_is_named);
    tcase_add_test(tc, two_spellings_of_an_origin_are_the_same);
    tcase_add_test(tc, a_host_has_255_bytes_at_most);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
