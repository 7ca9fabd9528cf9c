/* check_netaddr.c - addresses, networks, and clients behind a proxy. */
#include <check.h>
#include <string.h>

#include "base/netaddr.h"
#include "suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct netaddr address(const char *text)
{
    struct netaddr addr;

    ck_assert_msg(netaddr_parse(&addr, text, strlen(text)) == 0, "%s", text);
    return addr;
}

static struct netaddr_list networks(const char *text)
{
    struct netaddr_list list;
    char bad[64] = "";

    ck_assert_msg(netaddr_list_parse(&list, text, bad, sizeof(bad)) == 0,
                  "%s: %s", text, bad);
    return list;
}

START_TEST(addresses_are_read_and_written_in_canonical_form)
{
    static const struct {
        const char *text, *canonical;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"255.255.255.255", "255.255.255.255"},
        {"10.0.0.1:4711", "10.0.0.1"},
        {"10.0.0.1:0", "10.0.0.1"},
        {"10.0.0.1:65535", "10.0.0.1"},
        {"::1", "::1"},
        {"::", "::"},
        {"[::1]", "::1"},
        {"[::1]:80", "::1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"::ffff:10.0.0.1", "10.0.0.1"},
        {"[::ffff:a00:1]:9", "10.0.0.1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    char text[NETADDR_TEXT_MAX];

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct netaddr addr = address(rows[i].text);

        netaddr_format(&addr, text);
        ck_assert_str_eq(text, rows[i].canonical);
    }
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    static const char *const rows[] = {
        "",
        " ",
        "localhost",
        "unknown",
        "_hidden",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:x",
        "1.2.3.4:65536",
        "1.2.3.4:1:",
        "1.2.3.4:-1",
        "1.2.3.4:123456",
        ":80",
        ":",
        "[",
        "[]",
        "[]:80",
        "[::1",
        "::1]",
        "[::1]80",
        "[::1]:",
        "[::1]:65536",
        "[::1]:8 ",
        "[1.2.3.4]",
        "[1.2.3.4]:5",
        "[[::1]]",
        "::1::",
        ":::",
        "12345::",
        "::g",
        "fe80::1%eth0",
        "10.0.0.0/8",
        "1.2.3.4,5.6.7.8",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
    };
    struct netaddr addr;

    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_msg(netaddr_parse(&addr, rows[i], strlen(rows[i])) == -1,
                      "%s", rows[i]);
    ck_assert_int_eq(netaddr_parse(&addr, "1.2.3.4\0", 8), -1);
    ck_assert_int_eq(netaddr_parse(&addr,
                                   "::1\0"
                                   "5",
                                   5),
                     -1);
}
END_TEST

START_TEST(only_the_given_bytes_are_read)
{
    struct netaddr addr, whole = address("10.0.0.1");

    ck_assert_int_eq(netaddr_parse(&addr, "10.0.0.123", 8), 0);
    ck_assert_mem_eq(&addr, &whole, sizeof(addr));
}
END_TEST

START_TEST(a_list_has_what_lies_in_its_networks)
{
    static const struct {
        const char *list, *addr;
        bool has;
    } rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "9.255.255.255", false},
        {"10.9.8.7/8", "10.1.1.1", true},
        {"192.168.1.128/25", "192.168.1.127", false},
        {"192.168.1.128/25", "192.168.1.128", true},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1/32", "192.0.2.0", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "8.8.8.8", false},
        {"::ffff:0:0/96", "8.8.8.8", true},
        {"::ffff:10.0.0.0/104", "10.1.1.1", true},
        {"::ffff:10.0.0.0/104", "11.1.1.1", false},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1/128", "::1", true},
        {"::1/127", "::", true},
        {"::1/127", "::2", false},
        {"10.0.0.1, fd00::/8\t, 192.0.2.0/24", "192.0.2.77", true},
        {"10.0.0.1,fd00::/8,192.0.2.0/24", "10.0.0.2", false},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct netaddr_list list = networks(rows[i].list);
        struct netaddr addr = address(rows[i].addr);

        ck_assert_msg(netaddr_list_has(&list, &addr) == rows[i].has, "%s %s",
                      rows[i].list, rows[i].addr);
        netaddr_list_release(&list);
        ck_assert_uint_eq(list.count, 0);
    }
}
END_TEST

START_TEST(the_wrong_piece_of_a_list_is_named)
{
    static const struct {
        const char *list, *bad;
    } rows[] = {
        {"", ""},
        {"10.0.0.1,", ""},
        {"10.0.0.1,,10.0.0.2", ""},
        {"10.0.0.1, proxy.local ,::1", "proxy.local"},
        {"10.0.0.0/33", "10.0.0.0/33"},
        {"::/129", "::/129"},
        {"10.0.0.0/", "10.0.0.0/"},
        {"10.0.0.0/-1", "10.0.0.0/-1"},
        {"10.0.0.0/+8", "10.0.0.0/+8"},
        {"10.0.0.0/8/8", "10.0.0.0/8/8"},
        {"10.0.0.0/8x", "10.0.0.0/8x"},
        {"/8", "/8"},
        {"10.0.0.1:80", "10.0.0.1:80"},
        {"[::1]", "[::1]"},
        {"10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
        {"*", "*"},
    };
    struct netaddr_list list;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char bad[64] = "untouched", cut[4];

        ck_assert_msg(
            netaddr_list_parse(&list, rows[i].list, bad, sizeof(bad)) == -1,
            "%s", rows[i].list);
        ck_assert_str_eq(bad, rows[i].bad);
        ck_assert_int_eq(
            netaddr_list_parse(&list, rows[i].list, cut, sizeof(cut)), -1);
        ck_assert_uint_le(strlen(cut), 3);
        ck_assert_int_eq(netaddr_list_parse(&list, rows[i].list, NULL, 0), -1);
    }
}
END_TEST

START_TEST(only_trusted_proxies_are_believed)
{
    static const struct {
        const char *trusted, *peer, *forwarded, *client;
    } rows[] = {
        /* a stranger may write what it likes */
        {"10.0.0.0/8", "8.8.8.8", "1.2.3.4", "8.8.8.8"},
        {"10.0.0.0/8", "10.0.0.1", NULL, "10.0.0.1"},
        {"10.0.0.0/8", "10.0.0.1", "", "10.0.0.1"},
        {"10.0.0.0/8", "10.0.0.1", "1.2.3.4", "1.2.3.4"},
        /* the furthest right that is no proxy, whatever stands before it */
        {"10.0.0.0/8", "10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"},
        {"10.0.0.0/8", "10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"},
        {"10.0.0.0/8", "10.0.0.1", "6.6.6.6,1.2.3.4,10.0.0.2 ", "1.2.3.4"},
        {"10.0.0.0/8", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
        {"10.0.0.0/8", "10.0.0.1", "1.2.3.4:4711", "1.2.3.4"},
        {"10.0.0.0/8", "10.0.0.1", "[2001:db8::1]:80", "2001:db8::1"},
        {"10.0.0.0/8,::1", "::1", "1.2.3.4, 10.9.9.9", "1.2.3.4"},
        /* what is no address ends the walk at the last trusted hop */
        {"10.0.0.0/8", "10.0.0.1", "unknown", "10.0.0.1"},
        {"10.0.0.0/8", "10.0.0.1", "1.2.3.4, unknown", "10.0.0.1"},
        {"10.0.0.0/8", "10.0.0.1", "1.2.3.4, x, 10.0.0.2", "10.0.0.2"},
        {"10.0.0.0/8", "10.0.0.1", "1.2.3.4,", "10.0.0.1"},
        {"10.0.0.0/8", "10.0.0.1", ",", "10.0.0.1"},
        {"10.0.0.0/8", "10.0.0.1", ", 1.2.3.4", "1.2.3.4"},
    };
    struct netaddr_list none = {0};
    struct netaddr peer = address("10.0.0.1"), client;
    char text[NETADDR_TEXT_MAX];

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct netaddr_list trusted = networks(rows[i].trusted);

        client =
            netaddr_client(&trusted, address(rows[i].peer), rows[i].forwarded);
        netaddr_format(&client, text);
        ck_assert_msg(strcmp(text, rows[i].client) == 0, "row %zu: %s", i,
                      text);
        netaddr_list_release(&trusted);
    }
    client = netaddr_client(&none, peer, "1.2.3.4");
    ck_assert_mem_eq(&client, &peer, sizeof(client));
}
END_TEST

START_TEST(loopback_is_this_machine)
{
    static const struct {
        const char *text;
        bool is;
    } cases[] = {
        {"127.0.0.1", true},
        {"127.255.255.255", true},
        {"::1", true},
        {"::ffff:127.0.0.1", true},
        {"128.0.0.1", false},
        {"0.0.0.0", false},
        {"::", false},
        {"::2", false},
        {"::ffff:10.0.0.1", false},
        {"7f00::1", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct netaddr addr;

        ck_assert_int_eq(
            netaddr_parse(&addr, cases[i].text, strlen(cases[i].text)), 0);
        ck_assert_msg(netaddr_is_loopback(&addr) == cases[i].is, "%s",
                      cases[i].text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("netaddr");
    TCase *tc = tcase_create("netaddr");

    tcase_add_test(tc, addresses_are_read_and_written_in_canonical_form);
    tcase_add_test(tc, what_is_no_address_is_refused);
    tcase_add_test(tc, only_the_given_bytes_are_read);
    tcase_add_test(tc, a_list_has_what_lies_in_its_networks);
    tcase_add_test(tc, the_wrong_piece_of_a_list_is_named);
    tcase_add_test(tc, only_trusted_proxies_are_believed);
    tcase_add_test(tc, loopback_is_this_machine);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
