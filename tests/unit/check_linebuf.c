/* check_linebuf.c - bounds, and escaping of untrusted bytes. */
#include <check.h>
#include <string.h>

#include "base/linebuf.h"
#include "suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* text, as C escapes, inside a JSON string, plain in logfmt */
static const struct {
    const char *text, *escaped, *json;
    bool plain;
} rows[] = {
    {"", "", "", false},
    {"ada", "ada", "ada", true},
    {"a/b:c,d;e'[]{}<>", "a/b:c,d;e'[]{}<>", "a/b:c,d;e'[]{}<>", true},
    {"a b", "a b", "a b", false},
    {"a=b", "a=b", "a=b", false},
    {"a\"b", "a\\\"b", "a\\\"b", false},
    {"a\\b", "a\\\\b", "a\\\\b", false},
    {"a\nb\rc\td", "a\\nb\\rc\\td", "a\\nb\\rc\\td", false},
    {"\x01\x1b[2J\x7f", "\\x01\\x1b[2J\\x7f", "\\u0001\\u001b[2J\\u007f",
     false},
    {"\xc2\x80\xc2\x9b\xc2\x9f", "\\u0080\\u009b\\u009f",
     "\\u0080\\u009b\\u009f", false},
    {"\xc2\xa0\xc3\xa9", "\xc2\xa0\xc3\xa9", "\xc2\xa0\xc3\xa9", true},
    {"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029", "\\u2028\\u2029", false},
    {"\xe2\x80\xae\xe2\x81\xa6", "\\u202e\\u2066", "\\u202e\\u2066", false},
    {"\xef\xbb\xbf\xe2\x80\x8b", "\\ufeff\\u200b", "\\ufeff\\u200b", false},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", true},
    {"\xf3\xa0\x80\x81", "\\U000e0001", "\\udb40\\udc01", false},
    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", true},
    /* not UTF-8: stray, cut short, overlong, surrogate, too large */
    {"\x80", "\\x80", "\xef\xbf\xbd", false},
    {"\xc3", "\\xc3", "\xef\xbf\xbd", false},
    {"\xe2\x80", "\\xe2\\x80", "\xef\xbf\xbd\xef\xbf\xbd", false},
    {"\xf0\x9f\x98", "\\xf0\\x9f\\x98", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
     false},
    {"\xc3(", "\\xc3(", "\xef\xbf\xbd(", false},
    {"\xc0\x8a", "\\xc0\\x8a", "\xef\xbf\xbd\xef\xbf\xbd", false},
    {"\xe0\x80\x8a", "\\xe0\\x80\\x8a", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
     false},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
     false},
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", false},
    {"\xff\xfe", "\\xff\\xfe", "\xef\xbf\xbd\xef\xbf\xbd", false},
};

START_TEST(text_is_escaped_for_people)
{
    char text[128];
    struct linebuf line;

    for (size_t i = 0; i < COUNT(rows); i++) {
        linebuf_init(&line, text, sizeof(text));
        linebuf_add_escaped(&line, rows[i].text, 100);
        ck_assert_str_eq(text, rows[i].escaped);
        ck_assert_uint_eq(line.used, strlen(text));
        ck_assert(!line.full);
    }
}
END_TEST

START_TEST(text_is_escaped_for_json)
{
    char text[128];
    struct linebuf line;

    for (size_t i = 0; i < COUNT(rows); i++) {
        linebuf_init(&line, text, sizeof(text));
        linebuf_add_json(&line, rows[i].text, 100);
        ck_assert_str_eq(text, rows[i].json);
    }
}
END_TEST

START_TEST(only_harmless_text_is_plain)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_msg(linebuf_is_plain(rows[i].text) == rows[i].plain, "%s",
                      rows[i].escaped);
}
END_TEST

START_TEST(long_text_is_cut_between_characters)
{
    static const struct {
        const char *text;
        size_t max;
        const char *expected;
    } cuts[] = {
        {"abcd", 4, "abcd"},
        {"abcde", 4, "abcd..."},
        {"abc", 0, "..."},
        {"", 0, ""},
        {"ab\xc3\xa9", 4, "ab\xc3\xa9"},
        {"ab\xc3\xa9", 3, "ab..."},
        {"a\xf0\x9f\x98\x80", 4, "a..."},
        {"\n\n\n", 2, "\\n\\n..."},
    };
    char text[64];
    struct linebuf line;

    for (size_t i = 0; i < COUNT(cuts); i++) {
        linebuf_init(&line, text, sizeof(text));
        linebuf_add_escaped(&line, cuts[i].text, cuts[i].max);
        ck_assert_str_eq(text, cuts[i].expected);
        linebuf_init(&line, text, sizeof(text));
        linebuf_add_json(&line, cuts[i].text, cuts[i].max);
        ck_assert_str_eq(text, cuts[i].expected);
    }
}
END_TEST

START_TEST(a_piece_fits_whole_or_not_at_all)
{
    char text[8];
    struct linebuf line;

    linebuf_init(&line, text, sizeof(text));
    linebuf_add(&line, "abc");
    linebuf_addf(&line, "%04d", 7); /* seven bytes and the NUL: just fits */
    ck_assert_str_eq(text, "abc0007");
    ck_assert(!line.full);
    linebuf_add(&line, "");
    ck_assert(!line.full);
    linebuf_add(&line, "x");
    ck_assert(line.full);
    ck_assert_str_eq(text, "abc0007");

    linebuf_init(&line, text, sizeof(text));
    linebuf_addf(&line, "%08d", 7);
    ck_assert(line.full);
    ck_assert_str_eq(text, "");

    linebuf_init(&line, text, sizeof(text));
    linebuf_add_escaped(&line, "abcde\n\x01", 100);
    ck_assert(line.full);
    ck_assert_str_eq(text, "abcde\\n");

    linebuf_init(&line, text, 1);
    linebuf_add(&line, "a");
    linebuf_addf(&line, "%d", 1);
    linebuf_add_json(&line, "\x01", 100);
    ck_assert(line.full);
    ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("linebuf");
    TCase *tc = tcase_create("linebuf");

    tcase_add_test(tc, text_is_escaped_for_people);
    tcase_add_test(tc, text_is_escaped_for_json);
    tcase_add_test(tc, only_harmless_text_is_plain);
    tcase_add_test(tc, long_text_is_cut_between_characters);
    tcase_add_test(tc, a_piece_fits_whole_or_not_at_all);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
