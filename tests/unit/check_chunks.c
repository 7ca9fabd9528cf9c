/* check_chunks.c - chunked bodies, whole and split at every byte, are the same
 * bodies or the same errors.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "front/chunks.h"
#include "suite.h"

#define BYTES_MAX 20000

struct outcome {
    char body[BYTES_MAX];
    size_t bytes;
    size_t used; /* of what was given */
    bool done, broken;
};

/* Undoes `text` in pieces that end at `first`, and then every `step` bytes. */
static void undo(struct outcome *o, const char *text, size_t bytes,
                 size_t first, size_t step)
{
    struct chunks chunks = {0}, skipped = {0};
    size_t at = 0, end = first;

    *o = (struct outcome){0};
    while (at < bytes && !chunks_done(&chunks) && !chunks_broken(&chunks)) {
        size_t count = (end < bytes ? end : bytes) - at;
        /* On the heap, so that a step too far is seen. */
        char *piece = malloc(count > 0 ? count : 1);
        size_t used, got;

        ck_assert_ptr_nonnull(piece);
        memcpy(piece, text + at, count);
        used = chunks_skip(&skipped, piece, count);
        got = chunks_undo(&chunks, piece, &count);
        ck_assert_uint_eq(used, count);
        ck_assert_int_eq(skipped.state, chunks.state);
        ck_assert_uint_eq(skipped.left, chunks.left);
        memcpy(o->body + o->bytes, piece, got);
        free(piece);
        o->bytes += got;
        at += count;
        end += step;
    }
    o->used = at;
    o->done = chunks_done(&chunks);
    o->broken = chunks_broken(&chunks);
}

/* In one piece, byte by byte, and in two pieces of every size. */
static void check(const char *text, size_t bytes, const struct outcome *wanted)
{
    static struct outcome o;

    for (size_t first = 0; first <= bytes + 1; first++) {
        if (first == bytes + 1)
            undo(&o, text, bytes, 1, 1);
        else
            undo(&o, text, bytes, first, bytes);
        ck_assert_msg(o.broken == wanted->broken, "%s at %zu", text, first);
        ck_assert_msg(o.done == wanted->done, "%s at %zu", text, first);
        ck_assert_msg(o.used == wanted->used, "%s at %zu: %zu", text, first,
                      o.used);
        ck_assert_uint_eq(o.bytes, wanted->bytes);
        ck_assert_mem_eq(o.body, wanted->body, wanted->bytes);
    }
}

static void means(const char *text, const char *body, size_t behind)
{
    struct outcome wanted = {
        .bytes = strlen(body), .used = strlen(text) - behind, .done = true};

    strcpy(wanted.body, body);
    check(text, strlen(text), &wanted);
}

/* Where, and what comes before that, does not depend on how it is split. */
static void is_broken(const char *text)
{
    struct outcome wanted;

    undo(&wanted, text, strlen(text), strlen(text), 1);
    ck_assert_msg(wanted.broken, "%s", text);
    check(text, strlen(text), &wanted);
}

START_TEST(every_spelling_of_a_body_is_that_body)
{
    means("0\r\n\r\n", "", 0);
    means("5\r\nhello\r\n0\r\n\r\n", "hello", 0);
    means("1\r\nh\r\n4\r\nello\r\n0\r\n\r\n", "hello", 0);
    means("005\r\nhello\r\n000\r\n\r\n", "hello", 0);
    means("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
          "01234567890123456789", 0);
    means("5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello", 0);
    means("5 ; a=\"q;\\\"\"\r\nhello\r\n0\t;x=\"\xc3\xa4\"\r\n\r\n", "hello",
          0);
    means("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0);
    means("5\r\nhello\r\n0\r\nX-Sum: 1\r\nY: \xe4\t\r\n\r\n", "hello", 0);
}
END_TEST

START_TEST(what_stands_behind_it_is_left)
{
    means("0\r\n\r\nGET / HTTP/1.1\r\n", "", 16);
    means("5\r\nhello\r\n0\r\nX: y\r\n\r\n5\r\n", "hello", 3);
}
END_TEST

START_TEST(what_is_malformed_is_refused_wherever_it_is_split)
{
    static const char *const broken[] = {
        "\r\n",
        "x\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5,\r\nhello\r\n0\r\n\r\n",
        ";a\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\rhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "5\r\nhello\r\r0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5;a\x01\r\nhello\r\n0\r\n\r\n",
        "5;a\x7f\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r0",
        "5\r\nhello\r\n0\r\nX: y\nZ: z\r\n\r\n",
        "5\r\nhello\r\n0\r\nX: y\r\r\n",
        "5\r\nhello\r\n\r\n",
        "00000000000000005\r\nhello\r\n0\r\n\r\n",
        "10000000000000000\r\n",
    };

    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        is_broken(broken[i]);
}
END_TEST

START_TEST(a_nul_is_data_and_nothing_else)
{
    static const char good[] = "3\r\na\0b\r\n0\r\n\r\n";
    static const char bad[] = "3;\0\r\nabc\r\n0\r\n\r\n";
    struct outcome wanted = {
        .bytes = 3, .used = sizeof(good) - 1, .done = true};

    memcpy(wanted.body, "a\0b", 3);
    check(good, sizeof(good) - 1, &wanted);
    wanted = (struct outcome){.broken = true, .used = 3};
    check(bad, sizeof(bad) - 1, &wanted);
}
END_TEST

START_TEST(an_end_that_is_missing_is_not_one)
{
    static const char whole[] = "5\r\nhello\r\n3;x\r\nyou\r\n0\r\nA: b\r\n\r\n";
    static struct outcome o;

    for (size_t bytes = 0; bytes < sizeof(whole) - 1; bytes++) {
        undo(&o, whole, bytes, bytes, 1);
        ck_assert(!o.broken);
        ck_assert(!o.done);
        ck_assert_uint_eq(o.used, bytes);
    }
    undo(&o, whole, sizeof(whole) - 1, 1, 1);
    ck_assert(o.done);
}
END_TEST

/* What a peer may send and nobody reads has bounds. */
START_TEST(extensions_and_trailers_are_bounded)
{
    static char text[BYTES_MAX];
    static struct outcome o;

    for (size_t more = 0; more < 2; more++) {
        (void)snprintf(text, sizeof(text), "1;%0*d\r\nx\r\n0\r\n\r\n",
                       (int)(CHUNKS_LINE_MAX + more), 0);
        undo(&o, text, strlen(text), strlen(text), 1);
        ck_assert(o.broken == (more > 0));
        (void)snprintf(text, sizeof(text), "0\r\nA: %0*d\r\n\r\n",
                       (int)(CHUNKS_TRAILERS_MAX - 3 + more), 0);
        undo(&o, text, strlen(text), strlen(text), 1);
        ck_assert(o.broken == (more > 0));
    }
    /* Many lines count together. */
    strcpy(text, "0\r\n");
    for (size_t i = 0; i < CHUNKS_TRAILERS_MAX / 4 + 1; i++)
        strcat(text, "A: b\r\n");
    strcat(text, "\r\n");
    undo(&o, text, strlen(text), strlen(text), 1);
    ck_assert(o.broken);
}
END_TEST

/* The largest size there is: its bytes are handed on as they come. */
START_TEST(a_chunk_need_not_be_complete_for_its_bytes_to_be_there)
{
    char text[] = "ffffffffffffffff\r\nline 1\nli";
    size_t count = sizeof(text) - 1;
    struct chunks chunks = {0};

    ck_assert_uint_eq(chunks_undo(&chunks, text, &count), 9);
    ck_assert_uint_eq(count, sizeof(text) - 1);
    ck_assert_mem_eq(text, "line 1\nli", 9);
    ck_assert(!chunks_done(&chunks));
    ck_assert_uint_eq(chunks.left, UINT64_MAX - 9);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chunks");
    TCase *tests = tcase_create("chunks");

    tcase_add_test(tests, every_spelling_of_a_body_is_that_body);
    tcase_add_test(tests, what_stands_behind_it_is_left);
    tcase_add_test(tests, what_is_malformed_is_refused_wherever_it_is_split);
    tcase_add_test(tests, a_nul_is_data_and_nothing_else);
    tcase_add_test(tests, an_end_that_is_missing_is_not_one);
    tcase_add_test(tests, extensions_and_trailers_are_bounded);
    tcase_add_test(tests,
                   a_chunk_need_not_be_complete_for_its_bytes_to_be_there);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
