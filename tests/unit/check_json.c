/* check_json.c - the pass over JSON texts, against tables: what is JSON, and
 * where other texts stop being JSON.
 *
 * Texts are scanned from heap copies of exact size, so that AddressSanitizer
 * detects reads past the end.
 */
#include "base/json.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "suite.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct text {
    const char *start;
    size_t bytes;
};

#define T(literal)                                                             \
    {                                                                          \
        (literal), sizeof(literal) - 1                                         \
    }

static int scan(const char *text, size_t bytes, struct json_error *error)
{
    char *copy = malloc(bytes ? bytes : 1);
    struct json_value top;
    int result;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, bytes);
    *error = (struct json_error){NULL, SIZE_MAX};
    result = json_scan(copy, bytes, NULL, &top, error);
    free(copy);
    return result;
}

static void check_valid(const struct text *texts, size_t count)
{
    struct json_error error;

    for (size_t i = 0; i < count; i++) {
        int result = scan(texts[i].start, texts[i].bytes, &error);

        ck_assert_msg(result == 0, "%s: %s at %zu", texts[i].start, error.what,
                      error.offset);
    }
}

struct wrong {
    struct text text;
    size_t offset;
};

static void check_invalid(const struct wrong *cases, size_t count)
{
    struct json_error error;

    for (size_t i = 0; i < count; i++) {
        const struct wrong *c = &cases[i];
        int result = scan(c->text.start, c->text.bytes, &error);

        ck_assert_msg(result == JSON_INVALID, "case %zu, %s: accepted", i,
                      c->text.start);
        ck_assert_ptr_nonnull(error.what);
        ck_assert_msg(error.offset == c->offset, "case %zu, %s: %s at %zu", i,
                      c->text.start, error.what, error.offset);
    }
}

static char *repeat(const char *unit, size_t times, size_t *bytes)
{
    size_t length = strlen(unit);
    char *text = malloc(length * times + 1);

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * length, unit, length);
    text[length * times] = '\0';
    *bytes = length * times;
    return text;
}

/* Structure. ---------------------------------------------------------- */

START_TEST(well_formed_structures_are_accepted)
{
    static const struct text texts[] = {
        T("{}"),
        T("[]"),
        T("null"),
        T("true"),
        T("false"),
        T("0"),
        T("\"\""),
        T(" \t\r\n{ \t\r\n} \t\r\n"),
        T(" [ 1 , 2 ] "),
        T("[[],{},[[]],[{}]]"),
        T("{\"\":0}"),
        T("{\"a\":{},\"b\":[]}"),
        T("{\"a\":1,\"a\":1}"),
        T("{ \"a\" : 1 , \"b\" : [ true , false , null ] }"),
        T("[{\"a\":[{\"b\":[{\"c\":[]}]}]}]"),
        T("\"text\"\n"),
        T("\t-1\r"),
    };
    check_valid(texts, LENGTH(texts));
}
END_TEST

START_TEST(broken_structures_are_refused_where_they_break)
{
    static const struct wrong cases[] = {
        {T("]"), 0},
        {T("}"), 0},
        {T(","), 0},
        {T(":"), 0},
        {T("[,1]"), 1},
        {T("[1,]"), 3},
        {T("[1,,2]"), 3},
        {T("[1 2]"), 3},
        {T("[1:2]"), 2},
        {T("[1}"), 2},
        {T("[}"), 1},
        {T("{]"), 1},
        {T("{\"a\":1]"), 6},
        {T("{\"a\":1,}"), 7},
        {T("{,\"a\":1}"), 1},
        {T("{\"a\" 1}"), 5},
        {T("{\"a\",1}"), 4},
        {T("{\"a\"}"), 4},
        {T("{\"a\":}"), 5},
        {T("{\"a\":,}"), 5},
        {T("{\"a\"::1}"), 5},
        {T("{\"a\":1 \"b\":2}"), 7},
        {T("{\"a\":1,,\"b\":2}"), 7},
        {T("{a:1}"), 1},
        {T("{'a':1}"), 1},
        {T("{1:1}"), 1},
        {T("{null:1}"), 1},
        {T("{{}:1}"), 1},
        {T("[]]"), 2},
        {T("{}}"), 2},
        {T("{} {}"), 3},
        {T("1 2"), 2},
        {T("1,2"), 1},
        {T("\"a\"b"), 3},
        {T("null,"), 4},
        {T("[]\0"), 2},
        {T("\0"), 0},
        {T("[\0]"), 1},
        {T("[1,\0 2]"), 3},
        {T("[1]\x0b"), 3},
        {T("\x0c[1]"), 0},
        {T("[\xc2\xa0]"), 1},
        {T("\xef\xbb\xbf{}"), 0},
        {T("\xef\xbb{}"), 0},
        {T("\xef\xbb"), 0},
        {T("\xef"), 0},
        {T("{}\xef\xbb\xbf"), 2},
        {T("\xff\xfe{\0}\0"), 0},
        {T("/**/{}"), 0},
        {T("{}//"), 2},
        {T("[1,/* two */2]"), 3},
        {T("#1"), 0},
        {T("'a'"), 0},
        {T("[a]"), 1},
        {T("<a>"), 0},
    };
    check_invalid(cases, LENGTH(cases));
}
END_TEST

START_TEST(texts_that_end_too_early_are_refused_at_their_length)
{
    static const struct text texts[] = {
        T(""),
        T(" "),
        T("\n\n"),
        T("["),
        T("{"),
        T("[1"),
        T("[1,"),
        T("[[]"),
        T("{\"a"),
        T("{\"a\""),
        T("{\"a\":"),
        T("{\"a\":1"),
        T("{\"a\":1,"),
        T("\""),
        T("\"\\"),
        T("\"\\u"),
        T("\"\\u1"),
        T("\"\\u12"),
        T("\"\\u123"),
        T("\"\\u1234"),
        T("\"\xc3"),
        T("\"\xe6\xbc"),
        T("\"\xf0\x9f\x98"),
        T("-"),
        T("1."),
        T("1e"),
        T("1e+"),
        T("-0."),
        T("t"),
        T("fals"),
        T("nul"),
    };
    struct json_error error;

    for (size_t i = 0; i < LENGTH(texts); i++) {
        ck_assert_int_eq(scan(texts[i].start, texts[i].bytes, &error),
                         JSON_INVALID);
        ck_assert_uint_eq(error.offset, texts[i].bytes);
        ck_assert_str_eq(error.what, "the text ends too early");
    }
}
END_TEST

START_TEST(no_text_at_all_is_refused)
{
    struct json_error error = {NULL, 1};
    struct json_value top;

    ck_assert_int_eq(json_scan(NULL, 0, NULL, &top, &error), JSON_INVALID);
    ck_assert_uint_eq(error.offset, 0);
}
END_TEST

START_TEST(words_are_only_true_false_and_null)
{
    static const struct wrong cases[] = {
        {T("True"), 0},       {T("TRUE"), 0},      {T("truE"), 3},
        {T("trux"), 3},       {T("truee"), 4},     {T("fal se"), 3},
        {T("nil"), 1},        {T("nan"), 1},       {T("NaN"), 0},
        {T("Infinity"), 0},   {T("-Infinity"), 1}, {T("[-NaN]"), 2},
        {T("undefined"), 0},  {T("null1"), 4},     {T("[tru]"), 4},
        {T("[nulltrue]"), 5},
    };
    check_invalid(cases, LENGTH(cases));
}
END_TEST

/* Numbers. ------------------------------------------------------------ */

START_TEST(numbers_of_the_grammar_are_accepted)
{
    static const struct text texts[] = {
        T("0"),
        T("-0"),
        T("1"),
        T("-1"),
        T("10"),
        T("1234567890"),
        T("0.0"),
        T("-0.0"),
        T("0.10"),
        T("1.10"),
        T("1e5"),
        T("1E5"),
        T("1e+5"),
        T("1e-5"),
        T("1E400"),
        T("-1e-400"),
        T("0e0"),
        T("0e00"),
        T("0E+01"),
        T("1.5e09"),
        T("12345678901234567890"),
        T("[0,-0]"),
        T("[1e1]"),
        T("9007199254740993"),
        T("0.000000000000000000000000000000000000000001"),
    };
    check_valid(texts, LENGTH(texts));
}
END_TEST

START_TEST(other_numbers_are_refused_where_they_break)
{
    static const struct wrong cases[] = {
        {T("01"), 1},          {T("-01"), 2},   {T("00"), 1},
        {T("[-012]"), 3},      {T("2.]"), 2},   {T("[2.]"), 3},
        {T("2.e3"), 2},        {T("-.1"), 1},   {T(".1"), 0},
        {T("+1"), 0},          {T("--1"), 1},   {T("-a"), 1},
        {T("[-]"), 2},         {T("1.2.3"), 3}, {T("1e5.2"), 3},
        {T("1ee2"), 2},        {T("1e+-2"), 3}, {T("1e a"), 2},
        {T("[1e]"), 3},        {T("[1e+]"), 4}, {T("0x1"), 1},
        {T("1_000"), 1},       {T("1 000"), 2}, {T("1f"), 1},
        {T("0.e1"), 2},        {T("1+2"), 1},   {T("- 1"), 1},
        {T("[1\xd9\xa1]"), 2}, {T("1\0"), 1},
    };
    check_invalid(cases, LENGTH(cases));
}
END_TEST

/* Strings. ------------------------------------------------------------ */

START_TEST(strings_of_the_grammar_are_accepted)
{
    static const struct text texts[] = {
        T("\" \""),
        T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
        T("\"\\u0000\\u001f\\uABCD\\uabcd\""),
        T("\"\\ud83d\\ude00\""),
        T("\"\\ud800\""),
        T("\"\\udc00\\ud800\""),
        T("\"\\ud800\\n\""),
        T("\"\x7f\""),
        T("\"/* no comment */ // nor this\""),
        T("\"{[,:]}\""),
        T("\"\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80\""),
        T("{\"\\u0061\\\"\":1}"),
    };
    check_valid(texts, LENGTH(texts));
}
END_TEST

START_TEST(other_strings_are_refused_where_they_break)
{
    static const struct wrong cases[] = {
        {T("\"\\a\""), 2},     {T("\"\\'\""), 2},      {T("\"\\x41\""), 2},
        {T("\"\\0\""), 2},     {T("\"\\U0041\""), 2},  {T("\"\\ \""), 2},
        {T("\"\\\0\""), 2},    {T("\"\\\n\""), 2},     {T("\"\\\xc3\xa9\""), 2},
        {T("\"\\u\""), 3},     {T("\"\\u1\""), 4},     {T("\"\\u12\""), 5},
        {T("\"\\u123\""), 6},  {T("\"\\u12g4\""), 5},  {T("\"\\uqqqq\""), 3},
        {T("\"\\u-123\""), 3}, {T("\"\\u 123\""), 3},  {T("\"\\u123\\\""), 6},
        {T("\"a\nb\""), 2},    {T("\"a\tb\""), 2},     {T("\"\r\""), 1},
        {T("\"\0\""), 1},      {T("{\"a\nb\":1}"), 3}, {T("{\"\\x\":1}"), 3},
    };
    check_invalid(cases, LENGTH(cases));
}
END_TEST

START_TEST(every_byte_alone_in_a_string_is_judged)
{
    struct json_error error;

    for (int c = 0; c < 256; c++) {
        char text[] = {'"', (char)c, '"'};
        bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

        ck_assert_msg((scan(text, 3, &error) == 0) == plain, "byte %d", c);
    }
}
END_TEST

/* The scan takes plain bytes eight at a time: a special one must be seen at
 * each place of the eight, and with each kind of neighbour. */
START_TEST(a_special_byte_is_seen_wherever_it_stands)
{
    static const char specials[] = {'\0', '\n', '\x1f', '\x80', '\xff'};
    static const char fillers[] = {' ', '!', '#', '[', ']', '~', '\x7f', 'a'};
    struct json_error error;
    char text[64];

    for (size_t f = 0; f < sizeof(fillers); f++) {
        for (size_t at = 1; at < sizeof(text) - 1; at++) {
            memset(text, fillers[f], sizeof(text));
            text[0] = text[sizeof(text) - 1] = '"';
            ck_assert_int_eq(scan(text, sizeof(text), &error), 0);
            for (size_t s = 0; s < sizeof(specials); s++) {
                text[at] = specials[s];
                ck_assert_int_eq(scan(text, sizeof(text), &error),
                                 JSON_INVALID);
                ck_assert_uint_eq(error.offset, at);
            }
            text[at] = '"';
            ck_assert_int_eq(scan(text, at + 1, &error), 0);
        }
    }
}
END_TEST

/* UTF-8. -------------------------------------------------------------- */

struct utf8_case {
    struct text text;
    size_t good; /* bytes before the one that breaks it */
};

static const struct utf8_case utf8_wrong[] = {
    {T("\x80"), 0},
    {T("\xbf"), 0},
    {T("\xc0\x80"), 0},
    {T("\xc1\xbf"), 0},
    {T("\xc2\x7f"), 1},
    {T("\xc2\xc0"), 1},
    {T("\xe0\x9f\xbf"), 1},
    {T("\xe0\x80\x80"), 1},
    {T("\xed\xa0\x80"), 1},
    {T("\xed\xbf\xbf"), 1},
    {T("\xe1\x80\x7f"), 2},
    {T("\xe1\xc0\x80"), 1},
    {T("\xf0\x8f\xbf\xbf"), 1},
    {T("\xf0\x80\x80\x80"), 1},
    {T("\xf4\x90\x80\x80"), 1},
    {T("\xf1\x80\x80\xff"), 3},
    {T("\xf1\x80\x41\x80"), 2},
    {T("\xf5\x80\x80\x80"), 0},
    {T("\xf8\x88\x80\x80\x80"), 0},
    {T("\xfe"), 0},
    {T("\xff"), 0},
    {T("ok\xe9"), 3},
    {T("\xc3\xa9\xa9"), 2},
    {T("\xe2\x82"), 2},
    {T("\xf0\x9f\x98"), 3},
};

static const struct text utf8_right[] = {
    T("\x7f"),
    T("\xc2\x80"),
    T("\xdf\xbf"),
    T("\xe0\xa0\x80"),
    T("\xec\xbf\xbf"),
    T("\xed\x80\x80"),
    T("\xed\x9f\xbf"),
    T("\xee\x80\x80"),
    T("\xef\xbf\xbf"),
    T("\xef\xbb\xbf"),
    T("\xf0\x90\x80\x80"),
    T("\xf1\x80\x80\x80"),
    T("\xf3\xbf\xbf\xbf"),
    T("\xf4\x80\x80\x80"),
    T("\xf4\x8f\xbf\xbf"),
    T("a\xc3\xa9z"),
};

START_TEST(only_shortest_forms_up_to_10ffff_are_utf8)
{
    ck_assert(utf8_is_valid("", 0));
    for (size_t i = 0; i < LENGTH(utf8_right); i++)
        ck_assert_msg(utf8_is_valid(utf8_right[i].start, utf8_right[i].bytes),
                      "case %zu", i);
    for (size_t i = 0; i < LENGTH(utf8_wrong); i++)
        ck_assert_msg(
            !utf8_is_valid(utf8_wrong[i].text.start, utf8_wrong[i].text.bytes),
            "case %zu", i);
}
END_TEST

START_TEST(strings_are_utf8_wherever_the_sequence_stands)
{
    struct json_error error;
    char text[64];

    for (size_t lead = 0; lead < 20; lead++) {
        memset(text, 'x', sizeof(text));
        text[0] = '"';
        for (size_t i = 0; i < LENGTH(utf8_right); i++) {
            size_t bytes = utf8_right[i].bytes;

            memcpy(text + 1 + lead, utf8_right[i].start, bytes);
            text[1 + lead + bytes] = '"';
            ck_assert_int_eq(scan(text, lead + bytes + 2, &error), 0);
        }
        for (size_t i = 0; i < LENGTH(utf8_wrong); i++) {
            size_t bytes = utf8_wrong[i].text.bytes;

            memcpy(text + 1 + lead, utf8_wrong[i].text.start, bytes);
            text[1 + lead + bytes] = '"';
            ck_assert_int_eq(scan(text, lead + bytes + 2, &error),
                             JSON_INVALID);
            ck_assert_uint_eq(error.offset, 1 + lead + utf8_wrong[i].good);
            ck_assert_str_eq(error.what, "invalid UTF-8");
        }
    }
}
END_TEST

/* Nesting. ------------------------------------------------------------ */

static char *nest(size_t levels, bool objects, size_t *bytes)
{
    size_t left_bytes, right_bytes;
    char *left = repeat(objects ? "{\"a\":" : "[", levels, &left_bytes);
    char *right = repeat(objects ? "}" : "]", levels, &right_bytes);
    char *text = malloc(left_bytes + right_bytes + 2);

    ck_assert_ptr_nonnull(text);
    *bytes = (size_t)sprintf(text, "%s%s%s", left, objects ? "0" : "", right);
    free(left);
    free(right);
    return text;
}

START_TEST(nesting_ends_at_its_bound)
{
    struct json_error error;
    size_t bytes;

    for (int objects = 0; objects <= 1; objects++) {
        for (size_t levels = JSON_DEPTH_MAX - 1; levels <= JSON_DEPTH_MAX + 1;
             levels++) {
            char *text = nest(levels, objects, &bytes);
            int result = scan(text, bytes, &error);

            free(text);
            if (levels <= JSON_DEPTH_MAX) {
                ck_assert_int_eq(result, 0);
                continue;
            }
            ck_assert_int_eq(result, JSON_INVALID);
            ck_assert_uint_eq(error.offset, JSON_DEPTH_MAX * (objects ? 5 : 1));
            ck_assert_str_eq(error.what, "nested more than 1000 levels deep");
        }
    }
}
END_TEST

/* Each level's kind, over the borders of the words that hold them. */
START_TEST(brackets_must_match_at_every_level)
{
    struct json_error error;
    char text[2 * 200];

    for (size_t odd = 0; odd < 200; odd++) {
        size_t wrong = 2 * 200 - 1 - odd;

        memset(text, '[', 200);
        memset(text + 200, ']', 200);
        ck_assert_int_eq(scan(text, sizeof(text), &error), 0);
        text[wrong] = '}';
        ck_assert_int_eq(scan(text, sizeof(text), &error), JSON_INVALID);
        ck_assert_uint_eq(error.offset, wrong);
    }
}
END_TEST

START_TEST(levels_that_were_closed_do_not_count)
{
    struct json_error error;
    size_t bytes;
    char *text = repeat(",[{\"a\":[]}]", 5000, &bytes);

    text[0] = '[';
    text[bytes] = ']';
    ck_assert_int_eq(scan(text, bytes + 1, &error), 0);
    free(text);
}
END_TEST

/* Pieces of a text. --------------------------------------------------- */

static const char rich[] =
    "{\"a\" : [1, -2.5e+3, 0.10, true, false, null, \"x\\u00e9\\n\\\"\"],\n"
    "\"b\":{\"c\":{},\"d\":[[],[{\"e\":\"\\ud83d\\ude00\"}]]},"
    "\"\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80\":\"\xed\x9f\xbf\", \"z\": -0}";

START_TEST(every_truncation_is_refused_at_its_length)
{
    struct json_error error;

    for (size_t bytes = 0; bytes < sizeof(rich) - 1; bytes++) {
        ck_assert_int_eq(scan(rich, bytes, &error), JSON_INVALID);
        ck_assert_uint_eq(error.offset, bytes);
    }
    ck_assert_int_eq(scan(rich, sizeof(rich) - 1, &error), 0);
}
END_TEST

static TCase *grammar_case(void)
{
    TCase *tc = tcase_create("grammar");

    tcase_add_test(tc, well_formed_structures_are_accepted);
    tcase_add_test(tc, broken_structures_are_refused_where_they_break);
    tcase_add_test(tc, texts_that_end_too_early_are_refused_at_their_length);
    tcase_add_test(tc, no_text_at_all_is_refused);
    tcase_add_test(tc, words_are_only_true_false_and_null);
    tcase_add_test(tc, numbers_of_the_grammar_are_accepted);
    tcase_add_test(tc, other_numbers_are_refused_where_they_break);
    tcase_add_test(tc, strings_of_the_grammar_are_accepted);
    tcase_add_test(tc, other_strings_are_refused_where_they_break);
    tcase_add_test(tc, every_byte_alone_in_a_string_is_judged);
    tcase_add_test(tc, a_special_byte_is_seen_wherever_it_stands);
    tcase_add_test(tc, only_shortest_forms_up_to_10ffff_are_utf8);
    tcase_add_test(tc, strings_are_utf8_wherever_the_sequence_stands);
    tcase_add_test(tc, nesting_ends_at_its_bound);
    tcase_add_test(tc, brackets_must_match_at_every_level);
    tcase_add_test(tc, levels_that_were_closed_do_not_count);
    tcase_add_test(tc, every_truncation_is_refused_at_its_length);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("json");

    suite_add_tcase(suite, grammar_case());
    return suite_run(suite);
}
