/* check_bench_handshake.c - the request, and which answers are valid. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "client/handshake.h"
#include "suite.h"

/* RFC 6455 1.3 */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define OK "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define ACCEPTED "Sec-WebSocket-Accept: " ACCEPT "\r\n"

START_TEST(the_example_of_the_rfc)
{
    char key[HANDSHAKE_KEY_BYTES], accept[HANDSHAKE_ACCEPT_BYTES];

    handshake_key(key, (const uint8_t *)"the sample nonce");
    ck_assert_str_eq(key, KEY);
    ck_assert_int_eq(handshake_accept(accept, key), 0);
    ck_assert_str_eq(accept, ACCEPT);
}
END_TEST

START_TEST(a_request_names_host_target_and_key)
{
    char out[HANDSHAKE_REQUEST_BYTES];

    ck_assert_uint_eq(
        handshake_request(out, sizeof(out), "h:81", "/ws?userId=user-3", KEY),
        strlen(out));
    ck_assert_str_eq(out, "GET /ws?userId=user-3 HTTP/1.1\r\n"
                          "Host: h:81\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Key: " KEY "\r\n"
                          "Sec-WebSocket-Version: 13\r\n\r\n");
    (void)handshake_request(out, sizeof(out), "h:80", "?x", KEY);
    ck_assert_int_eq(strncmp(out, "GET /?x HTTP", 12), 0);
}
END_TEST

static int check(const char *answer, char why[128])
{
    return handshake_check(answer, strlen(answer), KEY, why, 128);
}

START_TEST(a_good_answer_is_taken)
{
    static const char *const rows[] = {
        OK UPGRADE "Connection: Upgrade\r\n" ACCEPTED "\r\n",
        OK "UPGRADE:WebSocket \r\nsec-websocket-accept:\t" ACCEPT
           "  \r\nX: y\r\n\r\n",
        "HTTP/1.1 101\r\n" ACCEPTED UPGRADE "\r\n",
    };
    char why[128];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(check(rows[i], why) == 0, "row %zu: %s", i, why);
}
END_TEST

START_TEST(a_bad_answer_is_explained)
{
    static const struct {
        const char *answer, *why;
    } rows[] = {
        {"SSH-2.0-OpenSSH_9\r\n\r\n", "HTTP/1.1"},
        {"HTTP/1.1\r\n\r\n", "HTTP/1.1"},
        {"HTTP/1.1 503 Service Unavailable\r\n\r\n", "503 Service Unavailable"},
        {"HTTP/1.1 200 \x1b[2J\r\n\r\n", "200 ?[2J"},
        {OK ACCEPTED "\r\n", "upgrade"},
        {OK "Upgrade: h2c\r\n" ACCEPTED "\r\n", "upgrade"},
        {OK UPGRADE "\r\n", "Accept"},
        {OK UPGRADE "Sec-WebSocket-Accept: " KEY "AAAA\r\n\r\n", "Accept"},
        {OK UPGRADE "Sec-WebSocket-Accept: \r\n\r\n", "Accept"},
        {OK UPGRADE "X-Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n", "Accept"},
    };
    char why[128];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(check(rows[i].answer, why) == -1, "row %zu", i);
        ck_assert_msg(strstr(why, rows[i].why) != NULL, "row %zu: %s", i, why);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_handshake");
    TCase *tc = tcase_create("bench_handshake");

    tcase_add_test(tc, the_example_of_the_rfc);
    tcase_add_test(tc, a_request_names_host_target_and_key);
    tcase_add_test(tc, a_good_answer_is_taken);
    tcase_add_test(tc, a_bad_answer_is_explained);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
