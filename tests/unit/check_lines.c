/* check_lines.c - lines from pieces: the same however the bytes are cut, each
 * as soon as its end arrives, and none too long.
 *
 * Each piece is a heap copy that is freed before the next one comes, and the
 * buffer has the exact size, so that AddressSanitizer detects invalid reads and
 * writes.
 */
#include "base/lines.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define LINE_BYTES 8 /* the most a line may have in these tests */

/* Lines as "number:text;", "number:!;" for one that is too long. */
struct record {
    char out[1024];
    size_t used;
    size_t lines;
    size_t ends_at; /* the line with which the callback ends it */
};

static int note_line(void *context, const struct line *line)
{
    struct record *r = context;

    ck_assert(line->too_long == (line->text.start == NULL));
    r->used += (size_t)snprintf(r->out + r->used, sizeof(r->out) - r->used,
                                "%" PRIu64 ":%.*s;", line->number,
                                line->too_long ? 1 : (int)line->text.bytes,
                                line->too_long ? "!" : line->text.start);
    ck_assert_uint_lt(r->used, sizeof(r->out));
    return ++r->lines == r->ends_at ? 7 : 0;
}

static int feed(struct lines *lines, const char *bytes, size_t count)
{
    char *copy = malloc(count ? count : 1);
    int result;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, count);
    result = lines_feed(lines, copy, count);
    free(copy);
    return result;
}

/* In two pieces, or byte by byte where `cut` is 0. */
static int split(struct record *r, const char *text, size_t bytes, size_t cut)
{
    char *buffer = malloc(LINE_BYTES + 1);
    struct lines lines;
    int result = 0;

    ck_assert_ptr_nonnull(buffer);
    lines_begin(&lines, buffer, LINE_BYTES + 1, note_line, r);
    if (cut > 0) {
        (void)feed(&lines, text, cut);
        (void)feed(&lines, text + cut, bytes - cut);
    }
    for (size_t i = 0; i < bytes && cut == 0; i++)
        (void)feed(&lines, text + i, 1);
    result = lines_end(&lines);
    ck_assert_int_eq(lines_end(&lines), result);
    ck_assert_int_eq(lines_feed(&lines, "", 0), result);
    free(buffer);
    return result;
}

static void check_lines(const char *text, size_t bytes, size_t ends_at,
                        const char *wanted)
{
    for (size_t cut = 0; cut <= bytes; cut++) {
        struct record r = {.ends_at = ends_at};
        int result = split(&r, text, bytes, cut);

        ck_assert_msg(strcmp(r.out, wanted) == 0, "%s cut at %zu: %s", text,
                      cut, r.out);
        ck_assert_int_eq(result, ends_at > 0 ? 7 : 0);
    }
}

struct split_case {
    const char *text, *lines;
};

static void check_cases(const struct split_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_lines(cases[i].text, strlen(cases[i].text), 0, cases[i].lines);
}

START_TEST(lines_are_what_their_ends_make_them)
{
    static const struct split_case cases[] = {
        {"", ""},
        {"a", "1:a;"},
        {"a\n", "1:a;"},
        {"a\nb\n", "1:a;2:b;"},
        {"a\nb", "1:a;2:b;"},
        {"a\r\nb\r\n", "1:a;2:b;"},
        {"a\r\nb\r", "1:a;2:b;"},
        {"a\rb\n", "1:a\rb;"},
        {"a\r\r\n", "1:a\r;"},
        {" a \n\tb\t\n", "1: a ;2:\tb\t;"},
    };

    check_cases(cases, LENGTH(cases));
}
END_TEST

START_TEST(empty_lines_are_counted_and_passed_over)
{
    static const struct split_case cases[] = {
        {"\n", ""},
        {"\n\n\na\n", "4:a;"},
        {"\r\n\r\na\r\n\r\nb", "3:a;5:b;"},
        {"a\n\n", "1:a;"},
        {"  \n \t\r\n\r\r\nb\n  ", "4:b;"},
        {"\r", ""},
    };

    check_cases(cases, LENGTH(cases));
}
END_TEST

START_TEST(a_line_that_is_too_long_is_told_by_its_number)
{
    static const struct split_case cases[] = {
        {"12345678", "1:12345678;"},
        {"12345678\n", "1:12345678;"},
        {"12345678\r\n", "1:12345678;"},
        {"12345678\r", "1:12345678;"},
        {"1234567\r\r\n", "1:1234567\r;"},
        {"123456789", "1:!;"},
        {"123456789\n", "1:!;"},
        {"12345678\r\r\n", "1:!;"},
        {"12345678\r9\n", "1:!;"},
        {"a\n1234567890123456789012345678901234567890\nb\n", "1:a;2:!;3:b;"},
        {"123456789\n123456789\r\n\n12345678\n", "1:!;2:!;4:12345678;"},
        {"         \nb", "1:!;2:b;"},
    };

    check_cases(cases, LENGTH(cases));
}
END_TEST

START_TEST(bytes_of_every_kind_stay_as_they_are)
{
    static const char text[] = "\0\n\0a\0\n\xff\xfe\n";
    char *buffer = malloc(LINE_BYTES + 1);
    struct record r = {.used = 0};
    struct lines lines;

    ck_assert_ptr_nonnull(buffer);
    lines_begin(&lines, buffer, LINE_BYTES + 1, note_line, &r);
    ck_assert_int_eq(feed(&lines, text, sizeof(text) - 1), 0);
    ck_assert_int_eq(lines_end(&lines), 0);
    ck_assert_uint_eq(r.lines, 3);
    free(buffer);
}
END_TEST

START_TEST(a_callback_ends_it_with_its_result)
{
    check_lines("a\nb\nc\nd", 7, 2, "1:a;2:b;");
    check_lines("a\nb\nc\nd", 7, 4, "1:a;2:b;3:c;4:d;");
    check_lines("a\n123456789\nc", 13, 2, "1:a;2:!;");
}
END_TEST

/* Whoever answers each line at once need not wait for the next one. */
START_TEST(a_line_is_told_with_its_last_byte)
{
    static const char text[] = "{}\n\r\n[1]\r\n1234567890";
    static const size_t ends[] = {3, 10, 19};
    char *buffer = malloc(LINE_BYTES + 1);
    struct record r = {.used = 0};
    struct lines lines;

    ck_assert_ptr_nonnull(buffer);
    lines_begin(&lines, buffer, LINE_BYTES + 1, note_line, &r);
    for (size_t i = 0, next = 0; text[i]; i++) {
        ck_assert_int_eq(feed(&lines, text + i, 1), 0);
        next += next < LENGTH(ends) && i + 1 == ends[next];
        ck_assert_uint_eq(r.lines, next);
    }
    ck_assert_str_eq(r.out, "1:{};3:[1];4:!;");
    free(buffer);
}
END_TEST

struct where {
    const char *from, *to;
    size_t lines;
};

static int note_where(void *context, const struct line *line)
{
    struct where *w = context;

    ck_assert(line->text.start >= w->from);
    ck_assert(line->text.start + line->text.bytes <= w->to);
    w->lines++;
    return 0;
}

START_TEST(a_line_within_a_piece_is_not_copied)
{
    static const char text[] = "first\nsecond\r\n";
    struct where w = {text, text + sizeof(text), 0};
    char buffer[LINE_BYTES + 1];
    struct lines lines;

    lines_begin(&lines, buffer, sizeof(buffer), note_where, &w);
    ck_assert_int_eq(lines_feed(&lines, text, sizeof(text) - 1), 0);
    ck_assert_uint_eq(w.lines, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lines");
    TCase *tc = tcase_create("lines");

    tcase_add_test(tc, lines_are_what_their_ends_make_them);
    tcase_add_test(tc, empty_lines_are_counted_and_passed_over);
    tcase_add_test(tc, a_line_that_is_too_long_is_told_by_its_number);
    tcase_add_test(tc, bytes_of_every_kind_stay_as_they_are);
    tcase_add_test(tc, a_callback_ends_it_with_its_result);
    tcase_add_test(tc, a_line_is_told_with_its_last_byte);
    tcase_add_test(tc, a_line_within_a_piece_is_not_copied);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
