/* check_auth.c - keys in headers, right and wrong in every way. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/auth.h"
#include "fake_request.h"
#include "suite.h"

#define KEY "correct-horse-battery-staple"
#define OLD "the-key-of-the-month-before"

static struct fake_request fake;
static struct exchange exchange = {.request = {.info = &fake.info}};
static struct auth auth;
static struct refusal why;

static void start(void)
{
    static char key[] = KEY, old[] = OLD;
    struct config config = {.api_key = key, .api_key_previous = old};
    char error[256];

    log_set_fd(-1);
    ck_assert_int_eq(auth_init(&auth, &config, error, sizeof(error)), 0);
}

static void stop(void)
{
    auth_fini(&auth);
}

static int check(const char *headers)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "POST /api/send HTTP/1.1\r\nHost: x\r\n%s\r\n", headers);
    fake_parse(&fake, text, strlen(text));
    return auth_check(&auth, &exchange, &why);
}

static void accepts(const char *headers)
{
    ck_assert_msg(check(headers) == 0, "refused: %s", headers);
}

static void refuses(const char *headers)
{
    ck_assert_msg(check(headers) < 0, "accepted: %s", headers);
    ck_assert_int_eq(why.status, 401);
    ck_assert_str_eq(why.code, "unauthorized");
    ck_assert_str_eq(why.headers, "WWW-Authenticate: Bearer\r\n");
    ck_assert_str_eq(why.message, "a valid API key is required");
}

START_TEST(both_headers_and_both_keys_are_accepted)
{
    accepts("X-API-Key: " KEY "\r\n");
    accepts("x-api-key:" OLD " \r\n");
    accepts("Authorization: Bearer " KEY "\r\n");
    accepts("Authorization: bearer  " OLD "\r\n");
}
END_TEST

START_TEST(everything_else_is_refused_alike)
{
    refuses("");
    refuses("X-API-Key:\r\n");
    refuses("X-API-Key: wrong\r\n");
    refuses("X-API-Key: " KEY "x\r\n");
    refuses("X-API-Key: Bearer " KEY "\r\n");
    refuses("Authorization: " KEY "\r\n");
    refuses("Authorization: Basic " KEY "\r\n");
    refuses("Authorization: Bearer\r\n");
    refuses("Authorization: Bearer \r\n");
    refuses("Authorization: Bearer" KEY "\r\n");
    refuses("X-API-Keys: " KEY "\r\n");
}
END_TEST

START_TEST(a_header_given_twice_is_refused)
{
    refuses("X-API-Key: " KEY "\r\nX-API-Key: " KEY "\r\n");
    refuses("X-API-Key: " KEY "\r\nX-API-Key: wrong\r\n");
    refuses("Authorization: Bearer " KEY "\r\n"
            "Authorization: Bearer " KEY "\r\n");
}
END_TEST

START_TEST(two_headers_must_agree)
{
    accepts("X-API-Key: " KEY "\r\nAuthorization: Bearer " KEY "\r\n");
    refuses("X-API-Key: " KEY "\r\nAuthorization: Bearer " OLD "\r\n");
    refuses("X-API-Key: " KEY "\r\nAuthorization: Bearer wrong\r\n");
    refuses("X-API-Key: wrong\r\nAuthorization: Bearer " KEY "\r\n");
    refuses("X-API-Key: " KEY "\r\nAuthorization: Basic eDp5\r\n");
}
END_TEST

START_TEST(a_reload_that_fails_keeps_the_keys)
{
    static char missing[] = "/nonexistent/key";
    struct config config = {.api_key_file = missing};

    auth_reload(&auth, &config);
    accepts("X-API-Key: " KEY "\r\n");
}
END_TEST

START_TEST(a_reload_swaps_the_key_and_keeps_the_previous_one)
{
    static char path[] = "/tmp/check_auth.XXXXXX", fresh[] = "another-key-1234";
    struct config config = {.api_key_file = path};
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, fresh, strlen(fresh)), (ssize_t)strlen(fresh));
    (void)close(fd);
    auth_reload(&auth, &config);
    (void)unlink(path);
    refuses("X-API-Key: " KEY "\r\n");
    accepts("X-API-Key: " OLD "\r\n");
    accepts("X-API-Key: another-key-1234\r\n");
}
END_TEST

START_TEST(a_reload_without_a_file_changes_nothing)
{
    static char other[] = "never-looked-at-1234";
    struct config config = {.api_key = other};

    auth_reload(&auth, &config);
    accepts("X-API-Key: " KEY "\r\n");
    accepts("X-API-Key: " OLD "\r\n");
    refuses("X-API-Key: never-looked-at-1234\r\n");
}
END_TEST

static bool buffer_holds(const char *text)
{
    return memmem(fake.bytes, sizeof(fake.bytes), text, strlen(text)) != NULL;
}

START_TEST(what_was_presented_is_forgotten_whether_right_or_wrong)
{
    static const char *const headers[] = {
        "X-API-Key: " KEY "\r\n",
        "x-api-key:" KEY " \r\n",
        "Authorization: Bearer " KEY "\r\n",
        "X-API-Key: " KEY "\r\nAuthorization: Bearer " KEY "\r\n",
        "X-API-Key: " KEY "\r\nX-API-Key: " KEY "\r\n",
        "Authorization: Basic " KEY "\r\n",
        "X-API-Key: " KEY "x\r\n",
    };

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        (void)check(headers[i]);
        ck_assert_msg(!buffer_holds(KEY), "%s", headers[i]);
        ck_assert(buffer_holds("/api/send"));
        ck_assert(buffer_holds("Host"));
        ck_assert_msg(auth_check(&auth, &exchange, &why) < 0,
                      "no key is left to be used again");
    }
    (void)check("X-API-Keys: " KEY "\r\n");
    ck_assert(buffer_holds(KEY));
}
END_TEST

START_TEST(refusals_make_one_line_per_window)
{
    int ends[2];
    char text[4096];
    ssize_t got;

    ck_assert_int_eq(pipe(ends), 0);
    log_set_fd(ends[1]);
    for (int i = 0; i < 50; i++)
        refuses("X-API-Key: wrong\r\n");
    auth_report(&auth);
    log_set_fd(-1);
    (void)close(ends[1]);
    got = read(ends[0], text, sizeof(text) - 1);
    ck_assert_int_gt(got, 0);
    text[got] = '\0';
    ck_assert_ptr_eq(strchr(text, '\n'), text + got - 1);
    ck_assert_ptr_nonnull(strstr(text, "requests=1"));
    ck_assert_ptr_nonnull(strstr(text, "realm=API"));
    ck_assert_uint_eq(window_rest(&auth.refused), 49);
    (void)close(ends[0]);
}
END_TEST

START_TEST(the_end_tells_of_those_no_line_has_told)
{
    int ends[2];
    char text[4096];
    ssize_t got;

    for (int i = 0; i < 50; i++)
        refuses("X-API-Key: wrong\r\n");
    ck_assert_int_eq(pipe(ends), 0);
    log_set_fd(ends[1]);
    auth_fini(&auth);
    log_set_fd(-1);
    (void)close(ends[1]);
    got = read(ends[0], text, sizeof(text) - 1);
    ck_assert_int_gt(got, 0);
    text[got] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "requests=49"));
    (void)close(ends[0]);
    start();
}
END_TEST

/* Each side's key opens its own door only, and the warning comes where one is
 * both. */
START_TEST(metrics_have_a_key_of_their_own)
{
    static char key[] = "for-metrics-and-nothing-else", both[] = OLD;
    struct config config = {.metrics_key = key};
    struct auth metrics;
    char error[256], text[1024];
    int ends[2];
    ssize_t got;

    ck_assert_int_eq(
        auth_init_metrics(&metrics, &config, &auth, error, sizeof(error)), 0);
    refuses("Authorization: Bearer for-metrics-and-nothing-else\r\n");
    (void)check("X-API-Key: x\r\n");
    ck_assert_int_lt(auth_check(&metrics, &exchange, &why), 0);
    ck_assert_int_eq(why.status, 401);
    ck_assert_str_eq(why.code, "unauthorized");
    ck_assert_str_eq(why.message, "a valid metrics key is required");
    for (size_t i = 0; i < 2; i++) {
        static const char *const given[] = {KEY, key};

        (void)snprintf(text, sizeof(text),
                       "GET /metrics HTTP/1.1\r\nHost: x\r\n"
                       "Authorization: Bearer %s\r\n\r\n",
                       given[i]);
        fake_parse(&fake, text, strlen(text));
        ck_assert_int_eq(auth_check(&metrics, &exchange, &why),
                         i == 0 ? -1 : 0);
    }
    auth_fini(&metrics);

    config.metrics_key = both;
    ck_assert_int_eq(pipe(ends), 0);
    log_set_fd(ends[1]);
    ck_assert_int_eq(
        auth_init_metrics(&metrics, &config, &auth, error, sizeof(error)), 0);
    log_set_fd(-1);
    (void)close(ends[1]);
    got = read(ends[0], text, sizeof(text) - 1);
    ck_assert_int_gt(got, 0);
    text[got] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "HUB_METRICS_KEY is an API key too"));
    ck_assert_ptr_null(strstr(text, OLD));
    (void)close(ends[0]);
    auth_fini(&metrics);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("auth");
    TCase *tests = tcase_create("auth");

    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, both_headers_and_both_keys_are_accepted);
    tcase_add_test(tests, everything_else_is_refused_alike);
    tcase_add_test(tests, a_header_given_twice_is_refused);
    tcase_add_test(tests, two_headers_must_agree);
    tcase_add_test(tests, a_reload_that_fails_keeps_the_keys);
    tcase_add_test(tests, a_reload_swaps_the_key_and_keeps_the_previous_one);
    tcase_add_test(tests, a_reload_without_a_file_changes_nothing);
    tcase_add_test(tests,
                   what_was_presented_is_forgotten_whether_right_or_wrong);
    tcase_add_test(tests, refusals_make_one_line_per_window);
    tcase_add_test(tests, the_end_tells_of_those_no_line_has_told);
    tcase_add_test(tests, metrics_have_a_key_of_their_own);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return suite_run(make_suite());
}
