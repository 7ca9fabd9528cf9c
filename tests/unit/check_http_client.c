/* check_http_client.c - what is asked, and what is taken for an answer. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "outbound/http_client.h"
#include "suite.h"
#include "tiny_server.h"

#define LIMIT 1000

static struct tiny_server *server;
static struct http_client *client;
static struct http_document document;
static char error[512];

static void setup(void)
{
    server = tiny_server_start(false);
    client = http_client_create(error, sizeof(error));
    ck_assert_msg(client != NULL, "%s", error);
}

static void teardown(void)
{
    http_client_destroy(client);
    tiny_server_stop(server);
}

static int ask_url(const char *url)
{
    const struct http_question question = {
        .url = url, .bytes_max = LIMIT, .timeout_ms = 10000};

    strcpy(error, "");
    return http_client_ask(client, &question, &document, error, sizeof(error));
}

static int ask(const char *path)
{
    return ask_url(tiny_server_url(server, path));
}

static void refused(const char *wanted)
{
    ck_assert_int_eq(ask("/"), -1);
    ck_assert_ptr_null(document.text);
    ck_assert_msg(strstr(error, wanted) != NULL, "%s", error);
}

static void answer(const char *text)
{
    tiny_server_answer(server, "/", text, strlen(text));
}

/* URLs. ------------------------------------------------------------------- */

START_TEST(https_or_this_machine)
{
    static const char *const good[] = {
        "https://id.example/keys",    "HTTPS://id.example:8443/a?b=c",
        "https://127.0.0.1/",         "http://127.0.0.1:8080/keys",
        "http://127.1.2.3/",          "http://localhost/",
        "http://LOCALHOST:1/",        "http://[::1]:8080/keys",
        "http://[::ffff:127.0.0.1]/",
    };
    static const char *const others[] = {
        "http://id.example/keys",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::2]/",
        "http://localhost.example/",
        "http://127.0.0.1.example/",
        "http://128.0.0.1/",
        "https://user@id.example/",
        "https://user:password@id.example/",
        "http://127.0.0.1@id.example/",
        "http://id.example#@127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "//127.0.0.1/",
        "127.0.0.1/",
        "https://",
        "",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(http_client_judge(good[i], error, sizeof(error)) == 0,
                      "%s: %s", good[i], error);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ck_assert_msg(http_client_judge(others[i], error, sizeof(error)) == -1,
                      "%s", others[i]);
        ck_assert_int_eq(ask_url(others[i]), -1);
        ck_assert_ptr_null(document.text);
    }
}
END_TEST

/* Answers. ---------------------------------------------------------------- */

START_TEST(a_document_is_given_as_it_is)
{
    tiny_server_serve(server, "/", "Content-Encoding: gzip\r\n", "a\xff\n");
    ck_assert_msg(ask("/") == 0, "%s", error);
    ck_assert_uint_eq(document.bytes, 3);
    ck_assert_mem_eq(document.text, "a\xff\n", 3);
    ck_assert_int_eq(document.max_age_ms, -1);
    free(document.text);
    answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
           "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
    ck_assert_msg(ask("/") == 0, "%s", error);
    ck_assert_mem_eq(document.text, "abc", 3);
    free(document.text);
    tiny_server_serve(server, "/", "", "");
    ck_assert_msg(ask("/") == 0, "%s", error);
    ck_assert_uint_eq(document.bytes, 0);
    free(document.text);
}
END_TEST

START_TEST(nothing_is_larger_than_it_may_be)
{
    char body[LIMIT + 2];

    memset(body, 'x', sizeof(body));
    body[LIMIT] = '\0';
    tiny_server_serve(server, "/", "", body);
    ck_assert_msg(ask("/") == 0, "%s", error);
    ck_assert_uint_eq(document.bytes, LIMIT);
    free(document.text);
    body[LIMIT] = 'x';
    body[LIMIT + 1] = '\0';
    tiny_server_serve(server, "/", "", body);
    refused("larger");
}
END_TEST

START_TEST(redirects_are_not_followed)
{
    char text[256];

    snprintf(text, sizeof(text),
             "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 2\r\n\r\n"
             "{}",
             tiny_server_url(server, "/other"));
    answer(text);
    tiny_server_serve(server, "/other", "", "{}");
    refused("answers with status 302");
    ck_assert_uint_eq(tiny_server_count(server, "/other"), 0);
}
END_TEST

START_TEST(other_answers_are_none)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"HTTP/1.1 500 Error\r\nContent-Length: 2\r\n\r\n{}", "status 500"},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404"},
        {"HTTP/1.1 204 No Content\r\n\r\n", "status 204"},
        {"HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\n{}", "status 206"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}", ""}, /* cut */
        {"", ""},
        {"SSH-2.0-OpenSSH_9.2\r\n", ""},
        {"{\"keys\":[]}", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        answer(cases[i].text);
        refused(cases[i].wanted);
        ck_assert_str_ne(error, "");
    }
}
END_TEST

START_TEST(a_server_that_is_down_is_an_error)
{
    struct tiny_server *down = tiny_server_start(true);

    ck_assert_int_eq(ask_url(tiny_server_url(down, "/")), -1);
    ck_assert_ptr_nonnull(strstr(error, "onnect"));
    tiny_server_stop(down);
}
END_TEST

START_TEST(proxies_are_not_for_this_machine)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    tiny_server_serve(server, "/", "", "{}");
    ck_assert_msg(ask("/") == 0, "%s", error);
    free(document.text);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}
END_TEST

START_TEST(its_age_is_the_least_that_is_told)
{
    static const struct {
        const char *headers;
        int64_t wanted;
    } cases[] = {
        {"Cache-Control: max-age=60\r\n", 60000},
        {"cache-control:public , MAX-AGE=0\r\n", 0},
        {"Cache-Control: max-age=60\r\nCache-Control: max-age=5\r\n", 5000},
        {"Cache-Control: max-age=5, max-age=60\r\n", 5000},
        {"Cache-Control: no-cache\r\n", -1},
        {"Cache-Control: max-age=\r\n", -1},
        {"Cache-Control: max-age=-1\r\n", -1},
        {"Cache-Control: max-age=1x\r\n", -1},
        {"Cache-Control: s-maxage=5, x-max-age=5\r\n", -1},
        {"X-Cache-Control: max-age=5\r\n", -1},
        {"Cache-Control: max-age=99999999999999999999999\r\n", INT64_MAX},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tiny_server_serve(server, "/", cases[i].headers, "{}");
        ck_assert_msg(ask("/") == 0, "%s", error);
        if (cases[i].wanted == INT64_MAX)
            ck_assert_int_ge(document.max_age_ms, INT64_C(31536000000));
        else
            ck_assert_int_eq(document.max_age_ms, cases[i].wanted);
        free(document.text);
    }
}
END_TEST

/* Time. ------------------------------------------------------------------- */

START_TEST(it_gives_up_in_time)
{
    const struct http_question question = {.url = tiny_server_url(server, "/"),
                                           .bytes_max = LIMIT,
                                           .timeout_ms = 50};

    tiny_server_serve(server, "/", "", "{}");
    tiny_server_hold(server, true);
    ck_assert_int_eq(
        http_client_ask(client, &question, &document, error, sizeof(error)),
        -1);
    ck_assert_ptr_nonnull(strstr(error, "timed out"));
    tiny_server_hold(server, false);
}
END_TEST

static void *stop_it(void *unused)
{
    (void)unused;
    tiny_server_await(server, "/", 1);
    http_client_stop(client);
    return NULL;
}

START_TEST(it_can_be_stopped)
{
    int64_t begin_ms = clock_now_ms();
    pthread_t thread;

    tiny_server_serve(server, "/", "", "{}");
    tiny_server_hold(server, true);
    (void)pthread_create(&thread, NULL, stop_it, NULL);
    ck_assert_int_eq(ask("/"), -1);
    (void)pthread_join(thread, NULL);
    ck_assert_int_lt(clock_now_ms() - begin_ms, 9000);
    tiny_server_hold(server, false);
    ck_assert_int_eq(ask("/"), -1); /* and for good */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_client");
    TCase *tc = tcase_create("http_client");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, https_or_this_machine);
    tcase_add_test(tc, a_document_is_given_as_it_is);
    tcase_add_test(tc, nothing_is_larger_than_it_may_be);
    tcase_add_test(tc, redirects_are_not_followed);
    tcase_add_test(tc, other_answers_are_none);
    tcase_add_test(tc, a_server_that_is_down_is_an_error);
    tcase_add_test(tc, proxies_are_not_for_this_machine);
    tcase_add_test(tc, its_age_is_the_least_that_is_told);
    tcase_add_test(tc, it_gives_up_in_time);
    tcase_add_test(tc, it_can_be_stopped);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
