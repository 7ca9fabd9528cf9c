/* check_reply.c - answers of every length, to every kind of client: what is
 * sent is valid HTTP, and no more than a piece of it is held in memory.
 *
 * This file stands in for civetweb, and captures what is written.
 */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <civetweb.h>

#include "front/front.h"
#include "front/reply.h"
#include "suite.h"

#define LONG_BYTES (5 * REPLY_PIECE_BYTES + 1234)
#define ENDPOINT 3

static char wire[16 * REPLY_PIECE_BYTES];
static size_t wire_bytes, longest_write, writes;
static size_t takes; /* bytes that civetweb takes before the peer is gone */
static bool kept;    /* civetweb was not told to close */

static struct front front;
static struct exchange exchange;
static struct {
    unsigned times, endpoint;
    enum refusal_kind kind;
    size_t wire_bytes; /* that were out by then */
} counted;

static char text[LONG_BYTES];

int __wrap_mg_write(struct mg_connection *c, const void *bytes, size_t count);
void __wrap_mg_disable_connection_keep_alive(struct mg_connection *c);

int __wrap_mg_write(struct mg_connection *c, const void *bytes, size_t count)
{
    (void)c;
    writes++;
    if (count > longest_write)
        longest_write = count;
    if (count > takes)
        return -1;
    takes -= count;
    ck_assert_uint_lt(count, sizeof(wire) - wire_bytes);
    memcpy(wire + wire_bytes, bytes, count);
    wire_bytes += count;
    wire[wire_bytes] = '\0';
    return (int)count;
}

void __wrap_mg_disable_connection_keep_alive(struct mg_connection *c)
{
    (void)c;
    kept = false;
}

static void count(void *data, unsigned endpoint, enum refusal_kind kind)
{
    ck_assert_ptr_eq(data, &counted);
    counted.times++;
    counted.endpoint = endpoint;
    counted.kind = kind;
    counted.wire_bytes = wire_bytes;
}

static void set_up(void)
{
    const struct front_options options = {.workers = 10,
                                          .base = 10,
                                          .read_timeout_ms = 60000,
                                          .write_timeout_ms = 60000,
                                          .keepalive_timeout_ms = 60000,
                                          .count = count,
                                          .data = &counted};

    ck_assert_int_eq(front_init(&front, &options), 0);
    exchange = (struct exchange){.method = "GET",
                                 .path = "/",
                                 .request = {.http11 = true},
                                 .endpoint = ENDPOINT,
                                 .keep_alive = true,
                                 .front = &front};
    exchange.client = http_conn_create(&front.conns);
    ck_assert_ptr_nonnull(exchange.client);
    memset(&counted, 0, sizeof(counted));
    wire_bytes = longest_write = writes = 0;
    takes = SIZE_MAX;
    kept = true;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i * 31 % 26);
}

static void tear_down(void)
{
    http_conn_destroy(exchange.client);
    front_fini(&front);
}

/* What has left. -------------------------------------------------------- */

static const char *body(void)
{
    const char *end = strstr(wire, "\r\n\r\n");

    ck_assert_ptr_nonnull(end);
    return end + 4;
}

static size_t body_bytes(void)
{
    return wire_bytes - (size_t)(body() - wire);
}

static bool has_line(const char *line)
{
    char whole[256];
    const char *found;

    (void)snprintf(whole, sizeof(whole), "\r\n%s\r\n", line);
    found = strstr(wire, whole);
    return found != NULL && found < body();
}

/* Undoes the chunks. Returns how many there were. */
static unsigned unchunk(const char *expected, size_t bytes)
{
    const char *at = body();
    size_t done = 0, more;
    unsigned chunks = 0;
    char *end;

    while ((more = strtoul(at, &end, 16)) > 0) {
        ck_assert_uint_le(more, REPLY_PIECE_BYTES);
        ck_assert_int_eq(strncmp(end, "\r\n", 2), 0);
        ck_assert_uint_le(done + more, bytes);
        ck_assert_mem_eq(end + 2, expected + done, more);
        done += more;
        at = end + 2 + more;
        ck_assert_int_eq(strncmp(at, "\r\n", 2), 0);
        at += 2;
        chunks++;
    }
    ck_assert_str_eq(at, "0\r\n\r\n");
    ck_assert_uint_eq(done, bytes);
    return chunks;
}

/* Answers with that many bytes of the text, so many at a time. */
static void answer(int64_t length, size_t bytes, size_t step)
{
    struct reply reply;

    reply_begin(&reply, &exchange, REFUSAL_NONE, "text/plain");
    reply.length = length;
    for (size_t at = 0; at < bytes; at += step) {
        size_t more = step < bytes - at ? step : bytes - at;

        if (reply_write(&reply, text + at, more) < 0)
            break;
    }
    reply_end(&reply);
    ck_assert_int_eq(exchange.status, 200);
}

/* ------------------------------------------------------------------------ */

START_TEST(what_fits_leaves_in_one_write_with_its_length)
{
    static const size_t lengths[] = {0, 1, 100, REPLY_PIECE_BYTES - 1,
                                     REPLY_PIECE_BYTES};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char line[64];

        wire_bytes = writes = 0;
        answer(-1, lengths[i], 333);
        ck_assert_uint_eq(writes, 1);
        (void)snprintf(line, sizeof(line), "Content-Length: %zu", lengths[i]);
        ck_assert(has_line(line));
        ck_assert(!has_line("Transfer-Encoding: chunked"));
        ck_assert_uint_eq(body_bytes(), lengths[i]);
        ck_assert_mem_eq(body(), text, lengths[i]);
    }
    ck_assert(kept);
    ck_assert(has_line("Connection: keep-alive"));
    ck_assert_int_eq(strncmp(wire, "HTTP/1.1 200 OK\r\n", 17), 0);
    ck_assert(has_line("Content-Type: text/plain"));
    ck_assert(has_line("Cache-Control: no-store"));
}
END_TEST

START_TEST(what_is_longer_leaves_in_chunks)
{
    static const size_t steps[] = {1, 777, REPLY_PIECE_BYTES, LONG_BYTES};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        wire_bytes = longest_write = 0;
        answer(-1, LONG_BYTES, steps[i]);
        ck_assert(has_line("Transfer-Encoding: chunked"));
        ck_assert_ptr_null(strstr(wire, "Content-Length"));
        ck_assert_uint_eq(unchunk(text, LONG_BYTES), 6);
        ck_assert_uint_le(longest_write, REPLY_HEAD_MAX + REPLY_PIECE_BYTES +
                                             2 * REPLY_FRAMING_MAX);
    }
    ck_assert(kept);
    ck_assert(has_line("Connection: keep-alive"));
}
END_TEST

START_TEST(one_byte_more_than_fits_is_two_chunks)
{
    answer(-1, REPLY_PIECE_BYTES + 1, 1000);
    ck_assert_uint_eq(unchunk(text, REPLY_PIECE_BYTES + 1), 2);
    wire_bytes = 0;
    answer(-1, 2 * REPLY_PIECE_BYTES, REPLY_PIECE_BYTES);
    ck_assert_uint_eq(unchunk(text, 2 * REPLY_PIECE_BYTES), 2);
}
END_TEST

START_TEST(http_1_0_knows_no_chunks_and_reads_to_the_end)
{
    exchange.request.http11 = false;
    answer(-1, LONG_BYTES, 1000);
    ck_assert(!has_line("Transfer-Encoding: chunked"));
    ck_assert_ptr_null(strstr(wire, "Content-Length"));
    ck_assert(has_line("Connection: close"));
    ck_assert(!kept);
    ck_assert_uint_eq(body_bytes(), LONG_BYTES);
    ck_assert_mem_eq(body(), text, LONG_BYTES);
}
END_TEST

START_TEST(a_short_answer_keeps_a_connection_of_http_1_0)
{
    exchange.request.http11 = false;
    answer(-1, 100, 100);
    ck_assert(has_line("Content-Length: 100"));
    ck_assert(has_line("Connection: keep-alive"));
    ck_assert(kept);
}
END_TEST

START_TEST(a_length_that_is_known_is_told_whoever_asks)
{
    char line[64];

    (void)snprintf(line, sizeof(line), "Content-Length: %d", (int)LONG_BYTES);
    for (int http11 = 0; http11 < 2; http11++) {
        wire_bytes = 0;
        exchange.request.http11 = http11 != 0;
        answer(LONG_BYTES, LONG_BYTES, 5000);
        ck_assert(has_line(line));
        ck_assert(!has_line("Transfer-Encoding: chunked"));
        ck_assert(has_line("Connection: keep-alive"));
        ck_assert_uint_eq(body_bytes(), LONG_BYTES);
        ck_assert_mem_eq(body(), text, LONG_BYTES);
    }
    ck_assert(kept);
}
END_TEST

START_TEST(head_is_told_the_length_and_nothing_else)
{
    static const size_t lengths[] = {0, 100, LONG_BYTES};

    exchange.method = "HEAD";
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (int known = 0; known < 2; known++) {
            char line[64];

            wire_bytes = writes = 0;
            answer(known ? (int64_t)lengths[i] : -1, lengths[i], 1000);
            (void)snprintf(line, sizeof(line), "Content-Length: %zu",
                           lengths[i]);
            ck_assert(has_line(line));
            ck_assert_uint_eq(body_bytes(), 0);
            ck_assert_uint_eq(writes, 1);
        }
    }
    ck_assert(kept);
}
END_TEST

START_TEST(what_was_not_modified_has_a_length_and_no_body)
{
    struct reply reply;

    reply_begin(&reply, &exchange, REFUSAL_NONE, "text/plain");
    reply.status = 304;
    reply.length = 500;
    reply.cache = "no-cache";
    reply.headers = "ETag: \"x\"\r\n";
    ck_assert_int_eq(reply_write(&reply, text, 500), 0);
    reply_end(&reply);
    ck_assert_int_eq(strncmp(wire, "HTTP/1.1 304 Not Modified\r\n", 27), 0);
    ck_assert(has_line("Content-Length: 500"));
    ck_assert(has_line("Cache-Control: no-cache"));
    ck_assert(has_line("ETag: \"x\""));
    ck_assert_uint_eq(body_bytes(), 0);
    ck_assert_int_eq(exchange.status, 304);
}
END_TEST

START_TEST(nothing_leaves_before_there_is_a_piece)
{
    struct reply reply;

    reply_begin(&reply, &exchange, REFUSAL_NONE, "text/plain");
    ck_assert_int_eq(reply_write(&reply, text, REPLY_PIECE_BYTES), 0);
    ck_assert_uint_eq(writes, 0);
    ck_assert_int_eq(exchange.status, 0);
    ck_assert_int_eq(reply_write(&reply, text, 1), 0);
    ck_assert_uint_eq(writes, 1);
    ck_assert_int_eq(exchange.status, 200);
    reply_end(&reply);
    ck_assert_uint_eq(writes, 2);
}
END_TEST

START_TEST(an_answer_is_counted_once_and_before_it_leaves)
{
    answer(-1, LONG_BYTES, 1000);
    ck_assert_uint_eq(counted.times, 1);
    ck_assert_uint_eq(counted.endpoint, ENDPOINT);
    ck_assert_int_eq(counted.kind, REFUSAL_NONE);
    ck_assert_uint_eq(counted.wire_bytes, 0);
}
END_TEST

START_TEST(a_peer_that_is_gone_is_noticed_and_the_rest_spared)
{
    struct reply reply;
    size_t pieces = 0;

    takes = 3 * REPLY_PIECE_BYTES;
    reply_begin(&reply, &exchange, REFUSAL_NONE, "text/plain");
    while (pieces < 100 && reply_write(&reply, text, REPLY_PIECE_BYTES) == 0)
        pieces++;
    ck_assert_uint_le(pieces, 4);
    writes = 0;
    ck_assert_int_eq(reply_write(&reply, text, 1), -1);
    reply_end(&reply);
    ck_assert_uint_eq(writes, 0);
    ck_assert(!kept);
    ck_assert_uint_eq(counted.times, 1);
}
END_TEST

START_TEST(a_connection_is_closed_where_it_cannot_be_kept)
{
    exchange.unread_body = true;
    answer(-1, LONG_BYTES, 1000);
    ck_assert(has_line("Connection: close"));
    ck_assert(!kept);
    exchange.unread_body = false;

    wire_bytes = 0, kept = true;
    exchange.keep_alive = false;
    answer(-1, 1, 1);
    ck_assert(has_line("Connection: close"));
    ck_assert(!kept);
    exchange.keep_alive = true;

    wire_bytes = 0, kept = true;
    front_end(&front);
    answer(LONG_BYTES, LONG_BYTES, 1000);
    ck_assert(has_line("Connection: close"));
    ck_assert(!kept);
}
END_TEST

START_TEST(without_memory_for_a_connection_an_answer_closes_it)
{
    struct http_conn *client = exchange.client;

    exchange.client = NULL;
    answer(-1, LONG_BYTES, 1000);
    ck_assert(has_line("Connection: close"));
    ck_assert_uint_eq(unchunk(text, LONG_BYTES), 6);
    exchange.client = client;
}
END_TEST

/* JSON. ------------------------------------------------------------------ */

START_TEST(json_may_be_longer_than_a_piece)
{
    static const int counts[] = {1, 100, 2000};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        cJSON *list = cJSON_CreateArray();
        char *expected;

        for (int n = 0; n < counts[i]; n++)
            cJSON_AddItemToArray(list, cJSON_CreateString("somebody"));
        expected = cJSON_PrintUnformatted(list);
        wire_bytes = 0;
        reply_json(&exchange, REFUSAL_NONE, NULL, list);
        if (strlen(expected) > REPLY_PIECE_BYTES)
            ck_assert_uint_gt(unchunk(expected, strlen(expected)), 1);
        else
            ck_assert_str_eq(body(), expected);
        ck_assert(has_line("Content-Type: application/json"));
        free(expected);
    }
}
END_TEST

START_TEST(head_of_json_has_no_body_either)
{
    cJSON *object = cJSON_CreateObject();

    ck_assert_ptr_nonnull(cJSON_AddStringToObject(object, "a", "b"));
    exchange.method = "HEAD";
    reply_json(&exchange, REFUSAL_DRAINING, NULL, object);
    ck_assert(has_line("Content-Length: 9"));
    ck_assert(has_line("Retry-After: 5"));
    ck_assert_uint_eq(body_bytes(), 0);
    ck_assert_int_eq(exchange.status, 503);
}
END_TEST

START_TEST(a_refusal_is_its_status_headers_and_an_object)
{
    struct refusal why;

    (void)refuse(&why, REFUSAL_METHOD_NOT_ALLOWED, "not \"%s\"", "that");
    why.headers = "Allow: GET\r\n";
    reply_refusal(&exchange, &why);
    ck_assert_int_eq(strncmp(wire, "HTTP/1.1 405 Method Not Allowed\r\n", 33),
                     0);
    ck_assert(has_line("Allow: GET"));
    ck_assert_str_eq(body(), "{\"status\":\"error\","
                             "\"code\":\"method_not_allowed\","
                             "\"message\":\"not \\\"that\\\"\"}");
    ck_assert_int_eq(counted.kind, REFUSAL_METHOD_NOT_ALLOWED);
}
END_TEST

START_TEST(what_there_was_no_memory_for_is_a_503)
{
    reply_json(&exchange, REFUSAL_NONE, "X-A: b\r\n", NULL);
    ck_assert_int_eq(exchange.status, 503);
    ck_assert(has_line("Retry-After: 5"));
    ck_assert(!has_line("X-A: b"));
    ck_assert_ptr_nonnull(strstr(body(), "\"code\":\"out_of_memory\""));
    ck_assert_int_eq(counted.kind, REFUSAL_OUT_OF_MEMORY);
    ck_assert_uint_eq(counted.times, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reply");
    TCase *tests = tcase_create("reply");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_fits_leaves_in_one_write_with_its_length);
    tcase_add_test(tests, what_is_longer_leaves_in_chunks);
    tcase_add_test(tests, one_byte_more_than_fits_is_two_chunks);
    tcase_add_test(tests, http_1_0_knows_no_chunks_and_reads_to_the_end);
    tcase_add_test(tests, a_short_answer_keeps_a_connection_of_http_1_0);
    tcase_add_test(tests, a_length_that_is_known_is_told_whoever_asks);
    tcase_add_test(tests, head_is_told_the_length_and_nothing_else);
    tcase_add_test(tests, what_was_not_modified_has_a_length_and_no_body);
    tcase_add_test(tests, nothing_leaves_before_there_is_a_piece);
    tcase_add_test(tests, an_answer_is_counted_once_and_before_it_leaves);
    tcase_add_test(tests, a_peer_that_is_gone_is_noticed_and_the_rest_spared);
    tcase_add_test(tests, a_connection_is_closed_where_it_cannot_be_kept);
    tcase_add_test(tests, without_memory_for_a_connection_an_answer_closes_it);
    tcase_add_test(tests, json_may_be_longer_than_a_piece);
    tcase_add_test(tests, head_of_json_has_no_body_either);
    tcase_add_test(tests, a_refusal_is_its_status_headers_and_an_object);
    tcase_add_test(tests, what_there_was_no_memory_for_is_a_503);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
