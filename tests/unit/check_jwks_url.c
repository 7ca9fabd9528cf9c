/* check_jwks_url.c - keys that come from a server: which answers change them,
 * and how often it is asked. Tokens are checked by token_auth all the while.
 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "access/token_auth.h"
#include "base/clock.h"
#include "suite.h"
#include "tiny_server.h"
#include "token_fixture.h"

#define ISSUER "https://id.example"
#define LONG_MS 3600000
#define SHORT_MS 100
#define PATIENCE_MS 20000

static struct tiny_server *server;
static struct token_auth *auth;
static struct identity who;
static const char *why;

static void server_setup(void)
{
    server = tiny_server_start(false);
    config.jwt.issuer = (char *)ISSUER;
    config.jwt.keys_url = (char *)tiny_server_url(server, "/keys");
    config.jwt.keys_refresh_ms = LONG_MS;
    config.jwt.keys_cooldown_ms = SHORT_MS;
}

static void server_teardown(void)
{
    token_auth_destroy(auth);
    tiny_server_stop(server);
}

static void create(void)
{
    auth = token_auth_create(&config, error, sizeof(error));
    ck_assert_msg(auth != NULL, "%s", error);
}

/* A set of one key, as "/keys". */
static void serve_key(enum mint_key key, const char *kid, const char *headers)
{
    char *members = mint_text(",\"kid\":\"%s\"", kid);
    char *jwk = mint_jwk(key, members), *jwks = mint_jwks(jwk);

    tiny_server_serve(server, "/keys", headers, jwks);
    free(members), free(jwk), free(jwks);
}

static enum token_result check(enum mint_key key, const char *kid)
{
    char *header = mint_text("{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);
    char *claims = mint_text(
        "{\"sub\":\"ada\",\"aud\":\"hub\",\"iss\":\"" ISSUER "\",\"exp\":%lld}",
        (long long)time(NULL) + 60);
    char *token = mint_token("ES256", key, header, claims);
    enum token_result result =
        token_auth_check(auth, slice_of(token), &who, &why);

    free(header), free(claims), free(token);
    return result;
}

static struct token_auth_figures figures(void)
{
    struct token_auth_figures result;

    token_auth_figures(auth, &result);
    return result;
}

/* Until a token of that key has that result. */
static void await(enum mint_key key, const char *kid, enum token_result wanted)
{
    int64_t end_ms = clock_now_ms() + PATIENCE_MS;

    while (check(key, kid) != wanted) {
        ck_assert_int_lt(clock_now_ms(), end_ms);
        (void)usleep(2000);
    }
}

/* Until there are keys, without asking for any. */
static void await_keys(void)
{
    int64_t end_ms = clock_now_ms() + PATIENCE_MS;

    while (figures().keys == 0) {
        ck_assert_int_lt(clock_now_ms(), end_ms);
        (void)usleep(2000);
    }
    ck_assert_int_eq(check(MINT_P256, "a"), TOKEN_GOOD);
}

static void await_failures(uint64_t count)
{
    int64_t end_ms = clock_now_ms() + PATIENCE_MS;

    while (figures().failures < count) {
        ck_assert_int_lt(clock_now_ms(), end_ms);
        (void)usleep(2000);
    }
}

/* Getting keys. ----------------------------------------------------------- */

START_TEST(keys_are_fetched_at_the_start)
{
    serve_key(MINT_P256, "a", "");
    tiny_server_hold(server, true);
    create();
    tiny_server_await(server, "/keys", 1);
    ck_assert_int_eq(check(MINT_P256, "a"), TOKEN_NO_KEYS);
    ck_assert_int_eq(figures().age_ms, -1);
    ck_assert_uint_eq(figures().keys, 0);
    tiny_server_hold(server, false);
    await(MINT_P256, "a", TOKEN_GOOD);
    ck_assert_str_eq(who.kid, "a");
    ck_assert_uint_eq(figures().keys, 1);
    ck_assert_int_ge(figures().age_ms, 0);
    ck_assert_int_eq(check(MINT_OTHER_P256, "a"), TOKEN_BAD);
}
END_TEST

START_TEST(without_keys_what_is_wrong_all_the_same_is_bad)
{
    serve_key(MINT_P256, "a", "");
    tiny_server_hold(server, true);
    create();
    ck_assert_int_eq(token_auth_check(auth, slice_of("x"), &who, &why),
                     TOKEN_BAD);
    tiny_server_hold(server, false);
}
END_TEST

START_TEST(a_server_that_is_down_at_the_start_is_tried_again)
{
    struct tiny_server *up = server;

    server = tiny_server_start(true);
    config.jwt.keys_url = (char *)tiny_server_url(server, "/keys");
    serve_key(MINT_P256, "a", "");
    create();
    await_failures(2);
    ck_assert_int_eq(check(MINT_P256, "a"), TOKEN_NO_KEYS);
    tiny_server_listen(server);
    await(MINT_P256, "a", TOKEN_GOOD);
    tiny_server_stop(up);
}
END_TEST

START_TEST(a_configuration_leads_to_keys)
{
    char *text = mint_text("{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"%s\"}",
                           tiny_server_url(server, "/keys"));

    config.jwt.keys_url = (char *)tiny_server_url(server, "/openid");
    tiny_server_serve(server, "/openid", "", text);
    serve_key(MINT_P256, "a", "");
    create();
    await_keys();
    ck_assert_uint_eq(tiny_server_count(server, "/openid"), 1);
    ck_assert_uint_eq(tiny_server_count(server, "/keys"), 1);
    ck_assert_uint_eq(figures().fetches, 1);
    free(text);
}
END_TEST

START_TEST(a_configuration_of_others_or_to_elsewhere_leads_nowhere)
{
    static const char *const fronts[] = {
        "{\"issuer\":\"https://evil.example\",\"jwks_uri\":\"",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"http://10.0.0.1/",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"file:///",
        "{\"issuer\":\"" ISSUER "\",\"jwks_url\":\"",
    };

    config.jwt.keys_url = (char *)tiny_server_url(server, "/openid");
    serve_key(MINT_P256, "a", "");
    for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++) {
        char *text =
            mint_text("%s%s\"}", fronts[i], tiny_server_url(server, "/keys"));

        tiny_server_serve(server, "/openid", "", text);
        free(text);
        create();
        await_failures(1);
        ck_assert_int_eq(check(MINT_P256, "a"), TOKEN_NO_KEYS);
        token_auth_destroy(auth);
        auth = NULL;
    }
    ck_assert_uint_eq(tiny_server_count(server, "/keys"), 0);
}
END_TEST

/* Answers that are none. -------------------------------------------------- */

static void serve_large(void)
{
    static char body[300 << 10];

    memset(body, ' ', sizeof(body) - 1);
    memcpy(body, "{\"keys\":[]}", 11);
    tiny_server_serve(server, "/keys", "", body);
}

START_TEST(the_last_good_set_stays)
{
    static const char secret[] = "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n"
                                 "{\"keys\":[{\"kty\":\"oct\",\"k\":\"\"}]}";
    static const char *const answers[] = {
        "HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"keys\":[]}",
        secret,
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"keys\":[",
        "HTTP/1.1 301 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
        "garbage",
    };
    uint64_t failures = 0;

    tiny_server_serve(server, "/other", "", "{\"keys\":[]}");
    serve_key(MINT_P256, "a", "");
    create();
    await_keys();
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        tiny_server_answer(server, "/keys", answers[i], strlen(answers[i]));
        token_auth_reload(auth);
        await_failures(++failures);
        failures = figures().failures;
        ck_assert_int_eq(check(MINT_P256, "a"), TOKEN_GOOD);
        ck_assert_uint_eq(figures().keys, 1);
    }
    serve_large();
    token_auth_reload(auth);
    await_failures(failures + 2); /* the latter has been of this one */
    ck_assert_int_eq(check(MINT_P256, "a"), TOKEN_GOOD);
    ck_assert_uint_eq(tiny_server_count(server, "/other"), 0);
    serve_key(MINT_OTHER_P256, "b", "");
    await(MINT_OTHER_P256, "b", TOKEN_GOOD);
    await(MINT_P256, "a", TOKEN_BAD);
}
END_TEST

START_TEST(odd_keys_of_a_set_are_left_out)
{
    char *jwk = mint_jwk(MINT_P256, ",\"kid\":\"a\"");
    char *text = mint_text("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"},7,"
                           "{\"kty\":\"EC\",\"d\":\"AA\"},%s]}",
                           jwk);

    tiny_server_serve(server, "/keys", "", text);
    create();
    await_keys();
    ck_assert_uint_eq(figures().keys, 1);
    free(jwk), free(text);
}
END_TEST

/* How often. -------------------------------------------------------------- */

START_TEST(unknown_keys_share_one_fetch_a_cooldown)
{
    int64_t begin_ms;

    config.jwt.keys_cooldown_ms = 500;
    serve_key(MINT_P256, "a", "");
    create();
    await_keys();
    begin_ms = clock_now_ms();
    for (int i = 0; i < 20000; i++) {
        char token[64];

        (void)snprintf(token, sizeof(token), "%s.e30.AA",
                       i % 2 == 0 ? "eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ"
                                  : "eyJhbGciOiJFUzI1NiIsImtpZCI6InkifQ");
        ck_assert_int_eq(token_auth_check(auth, slice_of(token), &who, &why),
                         TOKEN_BAD);
    }
    /* At the start, and one each that has passed since. */
    ck_assert_uint_le(tiny_server_count(server, NULL),
                      2 + (unsigned)(clock_now_ms() - begin_ms) / 500);
    tiny_server_await(server, "/keys", 2);
    ck_assert_int_eq(check(MINT_P256, "a"), TOKEN_GOOD);
}
END_TEST

START_TEST(within_the_cooldown_nobody_is_asked)
{
    config.jwt.keys_cooldown_ms = LONG_MS;
    serve_key(MINT_P256, "a", "Cache-Control: max-age=0\r\n");
    create();
    await_keys();
    serve_key(MINT_OTHER_P256, "b", "");
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(check(MINT_OTHER_P256, "b"), TOKEN_BAD);
    (void)usleep(50000);
    ck_assert_uint_eq(tiny_server_count(server, NULL), 1);
    token_auth_reload(auth); /* but whoever runs hubd may */
    await(MINT_OTHER_P256, "b", TOKEN_GOOD);
    ck_assert_uint_eq(tiny_server_count(server, NULL), 2);
}
END_TEST

START_TEST(an_unknown_key_is_found_behind_the_cooldown)
{
    serve_key(MINT_P256, "a", "");
    create();
    await_keys();
    serve_key(MINT_OTHER_P256, "b", "");
    await(MINT_OTHER_P256, "b", TOKEN_GOOD);
    ck_assert_uint_eq(tiny_server_count(server, NULL), 2);
}
END_TEST

START_TEST(a_known_key_is_no_reason_to_ask)
{
    serve_key(MINT_P256, "a", "");
    create();
    await_keys();
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(check(MINT_OTHER_P256, "a"), TOKEN_BAD);
    (void)usleep(3 * SHORT_MS * 1000);
    ck_assert_uint_eq(tiny_server_count(server, NULL), 1);
}
END_TEST

START_TEST(the_server_says_how_long_keys_are_good)
{
    serve_key(MINT_P256, "a", "Cache-Control: max-age=0\r\n");
    create();
    tiny_server_await(server, "/keys", 4);
    /* Bounded by the settings in both directions. */
    serve_key(MINT_P256, "a", "Cache-Control: max-age=86400\r\n");
    token_auth_destroy(auth);
    config.jwt.keys_refresh_ms = SHORT_MS;
    create();
    tiny_server_await(server, "/keys", 8);
}
END_TEST

START_TEST(failures_are_retried_less_and_less)
{
    struct token_auth_figures now;

    config.jwt.keys_cooldown_ms = LONG_MS;
    tiny_server_answer(server, "/keys", "garbage", 7);
    create();
    await_failures(1);
    now = figures();
    ck_assert_uint_le(now.failures, 2); /* a second, and then two */
    ck_assert_int_eq(check(MINT_P256, "a"), TOKEN_NO_KEYS);
}
END_TEST

/* Time. ------------------------------------------------------------------- */

START_TEST(nobody_waits_for_a_slow_server)
{
    serve_key(MINT_P256, "a", "");
    create();
    await_keys();
    tiny_server_hold(server, true);
    token_auth_reload(auth);
    tiny_server_await(server, "/keys", 2);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(check(MINT_P256, "a"), TOKEN_GOOD);
        ck_assert_int_eq(check(MINT_OTHER_P256, "b"), TOKEN_BAD);
    }
    ck_assert_uint_eq(figures().fetches, 1); /* it is still under way */
    ck_assert_uint_eq(figures().failures, 0);
    tiny_server_hold(server, false);
}
END_TEST

START_TEST(the_end_waits_for_no_server)
{
    int64_t begin_ms;

    serve_key(MINT_P256, "a", "");
    tiny_server_hold(server, true);
    create();
    tiny_server_await(server, "/keys", 1);
    begin_ms = clock_now_ms();
    token_auth_destroy(auth);
    auth = NULL;
    ck_assert_int_lt(clock_now_ms() - begin_ms, 5000);
    tiny_server_hold(server, false);
}
END_TEST

START_TEST(keys_can_be_too_old)
{
    config.jwt.keys_refresh_ms = 200;
    config.jwt.keys_max_age_ms = 1500;
    serve_key(MINT_P256, "a", "");
    create();
    await_keys();
    tiny_server_answer(server, "/keys", "garbage", 7);
    await(MINT_P256, "a", TOKEN_NO_KEYS);
    ck_assert_int_gt(figures().age_ms, 1500);
    ck_assert_uint_eq(figures().keys, 1);
    serve_key(MINT_P256, "a", "");
    await(MINT_P256, "a", TOKEN_GOOD);
}
END_TEST

/* Without a thread. ------------------------------------------------------- */

START_TEST(keys_can_be_waited_for)
{
    serve_key(MINT_P256, "a", "");
    auth = token_auth_create_once(&config, error, sizeof(error));
    ck_assert_msg(auth != NULL, "%s", error);
    ck_assert_int_eq(check(MINT_P256, "a"), TOKEN_GOOD);
    ck_assert_int_eq(check(MINT_OTHER_P256, "b"), TOKEN_BAD);
    ck_assert_uint_eq(tiny_server_count(server, NULL), 1);
    token_auth_destroy(auth);
    tiny_server_answer(server, "/keys", "garbage", 7);
    auth = token_auth_create_once(&config, error, sizeof(error));
    ck_assert_ptr_null(auth);
    ck_assert_ptr_nonnull(strstr(error, "HUB_JWT_KEYS_URL=http://127.0.0.1"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jwks_url");
    TCase *tc = tcase_create("jwks_url");

    log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    tcase_add_unchecked_fixture(tc, token_setup, token_teardown);
    tcase_add_checked_fixture(tc, settings_setup, settings_teardown);
    tcase_add_checked_fixture(tc, server_setup, server_teardown);
    tcase_add_test(tc, keys_are_fetched_at_the_start);
    tcase_add_test(tc, without_keys_what_is_wrong_all_the_same_is_bad);
    tcase_add_test(tc, a_server_that_is_down_at_the_start_is_tried_again);
    tcase_add_test(tc, a_configuration_leads_to_keys);
    tcase_add_test(tc, a_configuration_of_others_or_to_elsewhere_leads_nowhere);
    tcase_add_test(tc, the_last_good_set_stays);
    tcase_add_test(tc, odd_keys_of_a_set_are_left_out);
    tcase_add_test(tc, unknown_keys_share_one_fetch_a_cooldown);
    tcase_add_test(tc, within_the_cooldown_nobody_is_asked);
    tcase_add_test(tc, an_unknown_key_is_found_behind_the_cooldown);
    tcase_add_test(tc, a_known_key_is_no_reason_to_ask);
    tcase_add_test(tc, the_server_says_how_long_keys_are_good);
    tcase_add_test(tc, failures_are_retried_less_and_less);
    tcase_add_test(tc, nobody_waits_for_a_slow_server);
    tcase_add_test(tc, the_end_waits_for_no_server);
    tcase_add_test(tc, keys_can_be_too_old);
    tcase_add_test(tc, keys_can_be_waited_for);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
