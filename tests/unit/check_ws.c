/* check_ws.c - which requests are opening handshakes, and who is connecting. */
#include <check.h>
#include <stdio.h>

#include "fake_request.h"
#include "api/ws.h"
#include "suite.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static struct fake_request fake;
static struct ws_upgrade upgrade;
static struct refusal why;
static struct origin_list origins;
static const char *subprotocols;

static void allow(const char *text)
{
    char bad[64];

    origin_list_release(&origins);
    ck_assert_int_eq(origin_list_parse(&origins, text, bad, sizeof(bad)), 0);
}

static void allow_all(void)
{
    allow("*");
}

static void release(void)
{
    origin_list_release(&origins);
    subprotocols = NULL;
}

static int check_version(const char *version, const char *headers)
{
    struct request request;
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "GET /ws?userId=ada HTTP/%s\r\nHost: x\r\n%s\r\n", version,
                   headers);
    ck_assert_int_eq(fake_check(&fake, &request, text, &why), 0);
    if (ws_check_handshake(&upgrade, &request, subprotocols, &why) < 0)
        return -1;
    return ws_check_client(&upgrade, &request, &origins, &why);
}

static void accepts(const char *headers)
{
    ck_assert_msg(check_version("1.1", headers) == 0, "%s: %s", headers,
                  why.message);
}

static void refuses(const char *headers, int status, const char *code)
{
    ck_assert_msg(check_version("1.1", headers) < 0, "accepted: %s", headers);
    ck_assert_int_eq(why.status, status);
    ck_assert_str_eq(why.code, code);
}

#define CONNECTION "Connection: Upgrade\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define WITH_KEY "Sec-WebSocket-Key: " KEY "\r\n"
#define GOOD CONNECTION UPGRADE VERSION WITH_KEY

START_TEST(a_handshake_is_accepted)
{
    accepts(GOOD);
    ck_assert_str_eq(upgrade.user_id, "ada");
    ck_assert_str_eq(upgrade.session_id, "");
    ck_assert_str_eq(upgrade.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    accepts("connection: keep-alive, UPGRADE\r\n"
            "upgrade: h2c, WebSocket\r\n" VERSION WITH_KEY);
    accepts(GOOD "Content-Length: 0\r\n");
}
END_TEST

/* RFC 9110, 5.3. Tcllib's client sends the first of these. */
START_TEST(lists_may_have_several_lines)
{
    accepts("Connection: close\r\n" GOOD);
    accepts("Connection:\r\nConnection: a,,\r\n" GOOD);
    accepts(GOOD "Connection: keep-alive\r\n");
    accepts("Upgrade: h2c\r\n" GOOD);
    accepts("Upgrade: h2c\r\nUpgrade: ,\r\n" CONNECTION
            "Upgrade: a, WebSocket\t\r\n" VERSION WITH_KEY);
}
END_TEST

START_TEST(it_must_ask_for_an_upgrade_to_websocket)
{
    refuses("", 400, "invalid_handshake");
    refuses(UPGRADE VERSION WITH_KEY, 400, "invalid_handshake");
    refuses(CONNECTION VERSION WITH_KEY, 400, "invalid_handshake");
    refuses("Connection: xUpgrade\r\n" UPGRADE VERSION WITH_KEY, 400,
            "invalid_handshake");
    refuses(CONNECTION "Upgrade: websockets\r\n" VERSION WITH_KEY, 400,
            "invalid_handshake");
    refuses("Connection: keep-alive\r\nConnection: close\r\n" UPGRADE VERSION
                WITH_KEY,
            400, "invalid_handshake");
    refuses(CONNECTION
            "Upgrade: h2c\r\nUpgrade: web, socket\r\n" VERSION WITH_KEY,
            400, "invalid_handshake");
}
END_TEST

START_TEST(every_spelling_of_it_is_one)
{
    accepts(GOOD "Connection: keep-alive\r\n");
    accepts("Connection: keep-alive\r\n" GOOD);
    accepts("Upgrade: h2c\r\n" GOOD);
    accepts(CONNECTION UPGRADE WITH_KEY "Sec-WebSocket-Version: \t13 \r\n");
    accepts(CONNECTION UPGRADE VERSION "Sec-WebSocket-Key:" KEY " \t\r\n");
}
END_TEST

START_TEST(http_1_0_cannot_upgrade)
{
    ck_assert_int_lt(check_version("1.0", GOOD), 0);
    ck_assert_int_eq(why.status, 400);
    ck_assert_str_eq(why.code, "invalid_handshake");
}
END_TEST

START_TEST(another_version_is_told_which_one_we_speak)
{
    const char *without = CONNECTION UPGRADE WITH_KEY;
    static const char *const wrong[] = {"12", "013", "1 3", "13, 8", "", "x"};
    char headers[512];

    refuses(without, 426, "unsupported_version");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(headers, sizeof(headers),
                       "%sSec-WebSocket-Version: %s\r\n", without, wrong[i]);
        refuses(headers, 426, "unsupported_version");
        ck_assert(strstr(why.headers, "Sec-WebSocket-Version: 13\r\n"));
        ck_assert(strstr(why.headers, "Upgrade: websocket\r\n"));
        ck_assert(strstr(why.headers, "Connection: Upgrade\r\n"));
    }
    refuses(GOOD VERSION, 426, "unsupported_version");
    accepts(CONNECTION UPGRADE WITH_KEY "Sec-WebSocket-Version:13 \t\r\n");
}
END_TEST

START_TEST(a_key_is_sixteen_bytes_in_base64)
{
    static const char *const wrong[] = {
        "",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25j*Q==",
        "dGhlIHNhbXBsZSBub25j Q==",
        "dGhlIHNhbXBsZSBub25jZQ==, x",
    };
    char headers[512];

    refuses(CONNECTION UPGRADE VERSION, 400, "invalid_handshake");
    refuses(GOOD WITH_KEY, 400, "invalid_handshake");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(headers, sizeof(headers), "%sSec-WebSocket-Key: %s\r\n",
                       CONNECTION UPGRADE VERSION, wrong[i]);
        refuses(headers, 400, "invalid_handshake");
    }
    accepts(CONNECTION UPGRADE VERSION
            "Sec-WebSocket-Key: ABCDEFGHIJKLMNOPQR+/zA==\r\n");
    accepts(CONNECTION UPGRADE VERSION
            "Sec-WebSocket-Key:\tABCDEFGHIJKLMNOPQR+/zA== \r\n");
}
END_TEST

START_TEST(it_has_no_body)
{
    refuses(GOOD "Content-Length: 1\r\n", 400, "invalid_handshake");
    refuses(GOOD "Transfer-Encoding: chunked\r\n", 400, "invalid_handshake");
}
END_TEST

START_TEST(only_allowed_origins_connect)
{
    allow("https://example.com");
    accepts(GOOD);
    accepts(GOOD "Origin: https://example.com\r\n");
    refuses(GOOD "Origin: https://example.org\r\n", 403, "origin_not_allowed");
    refuses(GOOD "Origin: null\r\n", 403, "origin_not_allowed");
    refuses(GOOD "Origin:\r\n", 403, "origin_not_allowed");
    refuses(GOOD "Origin: https://example.com\r\n"
                 "Origin: https://example.com\r\n",
            403, "origin_not_allowed");
}
END_TEST

static void chooses(const char *offers, const char *wanted)
{
    char headers[512];

    (void)snprintf(headers, sizeof(headers), GOOD "%s", offers);
    accepts(headers);
    ck_assert_uint_eq(upgrade.subprotocol.bytes, strlen(wanted));
    ck_assert_int_eq(memcmp(upgrade.subprotocol.start, wanted, strlen(wanted)),
                     0);
}

#define OFFER(list) "Sec-WebSocket-Protocol: " list "\r\n"

START_TEST(the_first_subprotocol_that_is_ours_is_accepted)
{
    subprotocols = "access_token,chat.v2";
    chooses(OFFER("access_token, eyJhbGciOi.e30.c2ln"), "access_token");
    chooses(OFFER("chat.v1,chat.v2,access_token"), "chat.v2");
    chooses(OFFER("chat.v1") OFFER(" ,\tchat.v2 "), "chat.v2");
}
END_TEST

static void chooses_none(const char *offers)
{
    char headers[512];

    (void)snprintf(headers, sizeof(headers), GOOD "%s", offers);
    accepts(headers);
    ck_assert_uint_eq(upgrade.subprotocol.bytes, 0);
}

START_TEST(no_other_subprotocol_is_accepted)
{
    chooses_none(OFFER("chat.v2"));
    subprotocols = "access_token,chat.v2";
    chooses_none("");
    chooses_none(OFFER(""));
    chooses_none(OFFER("chat.v1"));
    chooses_none(OFFER("chat.v"));
    chooses_none(OFFER("chat.v22, access_toke"));
    chooses_none(OFFER("Chat.v2"));
    chooses_none(OFFER("chat.v2 access_token"));
    chooses_none(OFFER(",,"));
    chooses_none("Sec-WebSocket-Extensions: chat.v2\r\n");
}
END_TEST

START_TEST(hub_v1_is_chosen_wherever_it_is_offered)
{
    static const char *const offers[] = {
        "Sec-WebSocket-Protocol: hub.v1\r\n",
        "Sec-WebSocket-Protocol: a, hub.token.x.y.z,hub.v1 ,b\r\n",
        "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b,hub.v1\r\n",
    };

    allow_all();
    subprotocols = "a,b";
    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
        char text[512];

        (void)snprintf(text, sizeof(text), "%s%s", GOOD, offers[i]);
        accepts(text);
        ck_assert(upgrade.speaks_v1);
        ck_assert_uint_eq(upgrade.subprotocol.bytes, 6);
        ck_assert_mem_eq(upgrade.subprotocol.start, "hub.v1", 6);
    }
    accepts(GOOD "Sec-WebSocket-Protocol: HUB.V1, hub.v1x, b\r\n");
    ck_assert(!upgrade.speaks_v1);
    ck_assert_mem_eq(upgrade.subprotocol.start, "b", 1);
    release();
}
END_TEST

START_TEST(what_is_no_handshake_is_told_so_first)
{
    allow("https://example.com");
    refuses("Origin: https://example.org\r\n", 400, "invalid_handshake");
}
END_TEST

static void reads(const char *query, const char *user, const char *session)
{
    ck_assert_msg(ws_read_ids(&upgrade, query, &why) == 0, "%s: %s", query,
                  why.message);
    ck_assert_str_eq(upgrade.user_id, user);
    ck_assert_str_eq(upgrade.session_id, session);
}

static void rejects(const char *query, const char *message)
{
    ck_assert_msg(ws_read_ids(&upgrade, query, &why) < 0, "accepted: %s",
                  query);
    ck_assert_int_eq(why.status, 400);
    ck_assert_str_eq(why.code, "invalid_id");
    ck_assert_str_eq(why.message, message);
}

START_TEST(ids_are_decoded)
{
    reads("userId=ada", "ada", "");
    reads("userId=ada&sessionId=s1", "ada", "s1");
    reads("sessionId=s1&userId=ada", "ada", "s1");
    reads("&&userId=a=b&", "a=b", "");
    reads("userId=a%20b+c%2B", "a b c+", "");
    reads("userId=%F0%9f%98%80", "\xf0\x9f\x98\x80", "");
    reads("user%49d=ada", "ada", "");
    reads("userId=a%26b%3dc", "a&b=c", "");
}
END_TEST

START_TEST(other_parameters_do_not_matter)
{
    reads("x=%zz&userId=ada&USERID=b&userIdx=c&userI=d&%zz=1&y", "ada", "");
}
END_TEST

START_TEST(ids_may_be_missing)
{
    reads(NULL, "", "");
    reads("", "", "");
    reads("sessionId=s", "", "s");
    reads("userid=ada", "", "");
}
END_TEST

START_TEST(wrong_ids_are_named)
{
    rejects("userId=", "userId is empty");
    rejects("userId", "userId is empty");
    rejects("userId=a&sessionId=", "sessionId is empty");
    rejects("userId=%zz", "userId is not percent-encoded correctly");
    rejects("userId=%4", "userId is not percent-encoded correctly");
    rejects("userId=a%", "userId is not percent-encoded correctly");
    rejects("userId=%%41", "userId is not percent-encoded correctly");
    rejects("userId=%4&x=1", "userId is not percent-encoded correctly");
    rejects("userId=a%00b", "userId contains a control character");
    rejects("userId=%0d%0a", "userId contains a control character");
    rejects("userId=%7f", "userId contains a control character");
    rejects("userId=%c2%85", "userId contains a control character");
    rejects("userId=%ff", "userId is not valid UTF-8");
    rejects("userId=%ed%a0%80", "userId is not valid UTF-8");
    rejects("userId=a&sessionId=%c0%80", "sessionId is not valid UTF-8");
}
END_TEST

START_TEST(an_id_given_twice_is_refused)
{
    rejects("userId=a&userId=a", "userId is given twice");
    rejects("userId=a&sessionId=s&sessionId=t", "sessionId is given twice");
}
END_TEST

START_TEST(ids_have_at_most_256_bytes)
{
    char query[1024];
    char id[HUB_ID_BYTES_MAX + 2];

    memset(id, 'a', sizeof(id));
    id[HUB_ID_BYTES_MAX] = '\0';
    (void)snprintf(query, sizeof(query), "userId=%s&sessionId=%s", id, id);
    reads(query, id, id);
    id[HUB_ID_BYTES_MAX] = 'a';
    id[HUB_ID_BYTES_MAX + 1] = '\0';
    (void)snprintf(query, sizeof(query), "userId=%s", id);
    rejects(query, "userId is longer than 256 bytes");
    /* 256 bytes that take three times as many to write. */
    (void)snprintf(query, sizeof(query), "userId=");
    for (size_t i = 0; i < HUB_ID_BYTES_MAX; i++)
        (void)strcat(query, "%41");
    memset(id, 'A', HUB_ID_BYTES_MAX);
    id[HUB_ID_BYTES_MAX] = '\0';
    reads(query, id, "");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("ws");
    TCase *tests = tcase_create("ws");

    tcase_add_checked_fixture(tests, allow_all, release);
    tcase_add_test(tests, a_handshake_is_accepted);
    tcase_add_test(tests, lists_may_have_several_lines);
    tcase_add_test(tests, it_must_ask_for_an_upgrade_to_websocket);
    tcase_add_test(tests, every_spelling_of_it_is_one);
    tcase_add_test(tests, http_1_0_cannot_upgrade);
    tcase_add_test(tests, another_version_is_told_which_one_we_speak);
    tcase_add_test(tests, a_key_is_sixteen_bytes_in_base64);
    tcase_add_test(tests, it_has_no_body);
    tcase_add_test(tests, only_allowed_origins_connect);
    tcase_add_test(tests, the_first_subprotocol_that_is_ours_is_accepted);
    tcase_add_test(tests, no_other_subprotocol_is_accepted);
    tcase_add_test(tests, hub_v1_is_chosen_wherever_it_is_offered);
    tcase_add_test(tests, what_is_no_handshake_is_told_so_first);
    tcase_add_test(tests, ids_are_decoded);
    tcase_add_test(tests, other_parameters_do_not_matter);
    tcase_add_test(tests, ids_may_be_missing);
    tcase_add_test(tests, wrong_ids_are_named);
    tcase_add_test(tests, an_id_given_twice_is_refused);
    tcase_add_test(tests, ids_have_at_most_256_bytes);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return suite_run(make_suite());
}
