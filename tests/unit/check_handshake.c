/* check_handshake.c - hub_handshake_header(), hub_handshake_check() and
 * hub_accept_key(), and the SHA-1 behind them against the examples of its
 * standard.
 */
#include <stdio.h>
#include <string.h>

#include "testing.h"
#include "ws/sha1.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* RFC 6455, 1.3 */
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static void check_digest(const char *text, size_t bytes, const char *wanted)
{
    uint8_t digest[HUB__SHA1_BYTES];
    char hex[2 * HUB__SHA1_BYTES + 1];

    hub__sha1(digest, text, bytes);
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    ck_assert_str_eq(hex, wanted);
}

/* Those of FIPS 180 and RFC 3174, and one byte less and more than what leaves
 * room for the length in the last block. */
START_TEST(sha1_of_known_texts)
{
    static char million[1000000];

    check_digest("", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    check_digest("abc", 3, "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                 "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    memset(million, 'a', sizeof million);
    check_digest(million, sizeof million,
                 "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    check_digest(million, 55, "c1c8bbdc22796e28c0e15163d20899b65621d65a");
    check_digest(million, 63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5");
    check_digest(million, 64, "0098ba824b5c16427bd7a1122a5a442a25ec644d");
    check_digest(million, 65, "11655326c708d70319be2610e8a57d9a5b959d3b");
}
END_TEST

START_TEST(the_example_of_rfc_6455)
{
    char accept[HUB_ACCEPT_BYTES + 2];

    memset(accept, 'x', sizeof accept);
    ck_assert_int_eq(hub_accept_key(KEY, accept), 0);
    ck_assert_str_eq(accept, ACCEPT);
    ck_assert_int_eq(accept[HUB_ACCEPT_BYTES + 1], 'x');
    ck_assert_int_eq(hub_accept_key(" \t" KEY " ", accept), 0);
    ck_assert_str_eq(accept, ACCEPT);
}
END_TEST

START_TEST(a_key_is_the_base64_of_16_bytes)
{
    static const char *const wrong[] = {
        "",
        "dGhlIHNhbXBsZQ==",
        "dGhlIHNhbXBsZSBub25jZXh4eHg=",
        "********************==",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ=x",
        "dGhlIHNhbXBsZSBub25j=Q==",
        "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhl IHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZ_==",
        "dGhlIHNhbXBsZSBub25jZ\xC3==",
    };
    char accept[HUB_ACCEPT_BYTES + 1] = "as it was";

    for (size_t i = 0; i < TESTING_LENGTH(wrong); i++)
        ck_assert_int_eq(hub_accept_key(wrong[i], accept), HUB_EINVAL);
    ck_assert_int_eq(hub_accept_key(NULL, accept), HUB_EINVAL);
    ck_assert_int_eq(hub_accept_key(KEY, NULL), HUB_EINVAL);
    ck_assert_str_eq(accept, "as it was");
    ck_assert_int_eq(hub_accept_key("AAAAAAAAAAAAAAAAAAAAAA==", accept), 0);
    ck_assert_int_eq(hub_accept_key("zz09+/zz09+/zz09+/zz09==", accept), 0);
}
END_TEST

/* A list of names and values, up to a NULL. */
static int check(const char *method, const char *version,
                 const char *const *lines, const char **problem)
{
    struct hub_handshake handshake = HUB_HANDSHAKE_INIT;
    char accept[HUB_ACCEPT_BYTES + 1] = "";
    int err;

    handshake.method = method;
    handshake.http_version = version;
    for (; lines[0] != NULL; lines += 2)
        ck_assert_int_eq(hub_handshake_header(&handshake, lines[0], lines[1]),
                         0);
    err = hub_handshake_check(&handshake, accept, problem);
    if (err == 0)
        ck_assert_str_eq(accept, ACCEPT);
    return err;
}

#define LINES(...)                                                             \
    (const char *const[])                                                      \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }
#define UP "Upgrade", "websocket"
#define CONNECTION "Connection", "Upgrade"
#define VERSION "Sec-WebSocket-Version", "13"
#define NONCE "Sec-WebSocket-Key", KEY

START_TEST(every_spelling_of_it_is_one)
{
    const char *const *const all[] = {
        LINES("Host", "x", UP, CONNECTION, VERSION, NONCE),
        LINES(NONCE, VERSION, "connection", "UPGRADE", "upgrade", "WebSocket"),
        LINES(UP, "Connection", "keep-alive, Upgrade", VERSION, NONCE),
        LINES(UP, "Connection", ",, upgrade\t,keep-alive,", VERSION, NONCE),
        LINES(UP, "Connection", "close", CONNECTION, VERSION, NONCE),
        LINES("Upgrade", "h2c", UP, CONNECTION, "Connection", "TE", VERSION,
              NONCE),
        LINES("Upgrade", "h2c,websocket", CONNECTION, VERSION, NONCE),
        LINES(UP, CONNECTION, "sec-websocket-version", " 13 ",
              "SEC-WEBSOCKET-KEY", KEY " \t"),
    };

    for (size_t i = 0; i < TESTING_LENGTH(all); i++) {
        ck_assert_int_eq(check("GET", "1.1", all[i], NULL), 0);
        ck_assert_int_eq(check("GET", "HTTP/1.1", all[i], NULL), 0);
    }
}
END_TEST

START_TEST(what_is_no_handshake_is_told_why)
{
    const struct {
        const char *const *lines;
        const char *word;
    } rows[] = {
        {LINES("Host", "x"), "Connection"},
        {LINES(UP, VERSION, NONCE), "Connection"},
        {LINES(UP, "Connection", "keep-alive", VERSION, NONCE), "Connection"},
        {LINES(UP, "Connection", "Upgrades", VERSION, NONCE), "Connection"},
        {LINES(UP, "Connection", "up grade", VERSION, NONCE), "Connection"},
        {LINES(UP, "Connection", "", VERSION, NONCE), "Connection"},
        {LINES(CONNECTION, VERSION, NONCE), "Upgrade"},
        {LINES("Upgrade", "h2c", CONNECTION, VERSION, NONCE), "Upgrade"},
        {LINES("Upgrade", "websocket/13", CONNECTION, VERSION, NONCE),
         "Upgrade"},
        {LINES(UP, CONNECTION, VERSION), "Key"},
        {LINES(UP, CONNECTION, VERSION, "Sec-WebSocket-Key", "x"), "Key"},
        {LINES(UP, CONNECTION, VERSION, NONCE, NONCE), "Key"},
    };
    const char *problem;

    for (size_t i = 0; i < TESTING_LENGTH(rows); i++) {
        problem = NULL;
        ck_assert_int_eq(check("GET", "1.1", rows[i].lines, &problem),
                         HUB_EINVAL);
        ck_assert_ptr_nonnull(strstr(problem, rows[i].word));
        ck_assert_int_eq(check("GET", "1.1", rows[i].lines, NULL), HUB_EINVAL);
    }
}
END_TEST

START_TEST(another_version_has_an_answer_of_its_own)
{
    const char *const *const all[] = {
        LINES(UP, CONNECTION, NONCE),
        LINES(UP, CONNECTION, NONCE, "Sec-WebSocket-Version", "8"),
        LINES(UP, CONNECTION, NONCE, "Sec-WebSocket-Version", "013"),
        LINES(UP, CONNECTION, NONCE, "Sec-WebSocket-Version", ""),
        LINES(UP, CONNECTION, NONCE, "Sec-WebSocket-Version", "13, 8"),
        LINES(UP, CONNECTION, NONCE, VERSION, VERSION),
    };
    const char *problem;

    for (size_t i = 0; i < TESTING_LENGTH(all); i++) {
        ck_assert_int_eq(check("GET", "1.1", all[i], &problem), HUB_ENOTSUP);
        ck_assert_ptr_nonnull(strstr(problem, "13"));
    }
}
END_TEST

START_TEST(it_is_a_get_of_http_1_1_or_higher)
{
    const char *const *lines = LINES(UP, CONNECTION, VERSION, NONCE);
    static const char *const methods[] = {"POST", "get", "", "GETS"};
    static const char *const versions[] = {
        "1.0", "HTTP/1.0", "2", "HTTP/2.0", "1.1.1",
        "1.",  "1",        "",  "HTTP/",    "http/1.1",
    };
    const char *problem;

    for (size_t i = 0; i < TESTING_LENGTH(methods); i++)
        ck_assert_int_eq(check(methods[i], "1.1", lines, &problem), HUB_EINVAL);
    for (size_t i = 0; i < TESTING_LENGTH(versions); i++)
        ck_assert_int_eq(check("GET", versions[i], lines, &problem),
                         HUB_EINVAL);
    ck_assert_int_eq(check(NULL, "1.1", lines, &problem), HUB_EINVAL);
    ck_assert_int_eq(check("GET", NULL, lines, &problem), HUB_EINVAL);
    ck_assert_int_eq(check("GET", "1.2", lines, &problem), 0);
}
END_TEST

START_TEST(arguments_have_to_be_there)
{
    struct hub_handshake handshake = HUB_HANDSHAKE_INIT, shorter = handshake;
    char accept[HUB_ACCEPT_BYTES + 1];
    const char *problem = NULL;

    shorter.struct_size--;
    ck_assert_int_eq(hub_handshake_header(NULL, "a", "b"), HUB_EINVAL);
    ck_assert_int_eq(hub_handshake_header(&shorter, "a", "b"), HUB_EINVAL);
    ck_assert_int_eq(hub_handshake_header(&handshake, NULL, "b"), HUB_EINVAL);
    ck_assert_int_eq(hub_handshake_header(&handshake, "a", NULL), HUB_EINVAL);
    ck_assert_int_eq(hub_handshake_check(NULL, accept, &problem), HUB_EINVAL);
    ck_assert_int_eq(hub_handshake_check(&shorter, accept, &problem),
                     HUB_EINVAL);
    ck_assert_ptr_nonnull(problem);
    ck_assert_int_eq(hub_handshake_check(&handshake, NULL, NULL), HUB_EINVAL);
}
END_TEST

/* As of a program that was built against a later header. */
START_TEST(a_longer_one_asks_for_nothing_that_is_not_known)
{
    struct {
        struct hub_handshake known;
        unsigned more;
    } later = {.known = HUB_HANDSHAKE_INIT};
    char accept[HUB_ACCEPT_BYTES + 1];
    struct hub_handshake *h = &later.known;

    h->struct_size = sizeof later;
    h->method = "GET";
    h->http_version = "1.1";
    ck_assert_int_eq(hub_handshake_header(h, "Upgrade", "websocket"), 0);
    ck_assert_int_eq(hub_handshake_header(h, "Connection", "upgrade"), 0);
    ck_assert_int_eq(hub_handshake_header(h, "Sec-WebSocket-Version", "13"), 0);
    ck_assert_int_eq(hub_handshake_header(h, "Sec-WebSocket-Key", KEY), 0);
    ck_assert_int_eq(hub_handshake_check(h, accept, NULL), 0);
    ck_assert_str_eq(accept, ACCEPT);
    later.more = 1;
    ck_assert_int_eq(hub_handshake_header(h, "a", "b"), HUB_EINVAL);
    ck_assert_int_eq(hub_handshake_check(h, accept, NULL), HUB_EINVAL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        sha1_of_known_texts,
        the_example_of_rfc_6455,
        a_key_is_the_base64_of_16_bytes,
        every_spelling_of_it_is_one,
        what_is_no_handshake_is_told_why,
        another_version_has_an_answer_of_its_own,
        it_is_a_get_of_http_1_1_or_higher,
        arguments_have_to_be_there,
        a_longer_one_asks_for_nothing_that_is_not_known,
    };

    return testing_run("handshake", tests, TESTING_LENGTH(tests));
}
