/* check_json_members.c - what the pass over JSON texts yields: where values and
 * members are, decoded strings, and that bombs need only a small stack.
 */
#include "base/json.h"

#include <check.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_string.h"
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

static int scan(const char *text, size_t bytes,
                const struct json_report *report, struct json_value *top,
                struct json_error *error)
{
    char *copy = malloc(bytes ? bytes : 1);
    int result;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, bytes);
    result = json_scan(copy, bytes, report, top, error);
    free(copy);
    return result;
}

START_TEST(the_top_value_lies_where_it_was_written)
{
    static const struct {
        struct text text;
        enum json_type type;
        const char *slice;
    } cases[] = {
        {T(" {\"a\": [1] } "), JSON_TYPE_OBJECT, "{\"a\": [1] }"},
        {T("\n[ 1, {} ]\n"), JSON_TYPE_ARRAY, "[ 1, {} ]"},
        {T(" \"a\\n\\\"\" "), JSON_TYPE_STRING, "a\\n\\\""},
        {T("\"\""), JSON_TYPE_STRING, ""},
        {T(" -1.50E+1 "), JSON_TYPE_NUMBER, "-1.50E+1"},
        {T("0"), JSON_TYPE_NUMBER, "0"},
        {T("true "), JSON_TYPE_TRUE, "true"},
        {T(" false"), JSON_TYPE_FALSE, "false"},
        {T("null"), JSON_TYPE_NULL, "null"},
    };
    struct json_error error;
    struct json_value top;

    for (size_t i = 0; i < LENGTH(cases); i++) {
        const char *text = cases[i].text.start;

        ck_assert_int_eq(
            json_scan(text, cases[i].text.bytes, NULL, &top, &error), 0);
        ck_assert_int_eq(top.type, cases[i].type);
        ck_assert_uint_eq(top.text.bytes, strlen(cases[i].slice));
        ck_assert_mem_eq(text + top.text.offset, cases[i].slice,
                         top.text.bytes);
    }
}
END_TEST

/* Writes items as "/index:name/index=TYPEtext;", elements without a name. */
struct printer {
    const char *text;
    char out[1024];
    size_t used;
    int left; /* items until the scan is ended with 7; -1: never */
};

__attribute__((format(printf, 2, 3))) static void print(struct printer *p,
                                                        const char *format, ...)
{
    va_list args;

    va_start(args, format);
    p->used += (size_t)vsnprintf(p->out + p->used, sizeof(p->out) - p->used,
                                 format, args);
    va_end(args);
    ck_assert_uint_lt(p->used, sizeof(p->out));
}

static int print_item(void *context, const struct json_item *item)
{
    static const char *const types = "OASNtfn";
    struct printer *p = context;

    if (p->left >= 0 && p->left-- == 0)
        return 7;
    for (unsigned i = 0; i < item->depth; i++) {
        const struct json_place *place = &item->path[i];

        print(p, "/%zu", place->index);
        if (place->is_member)
            print(p, ":%.*s", (int)place->name.bytes,
                  p->text + place->name.offset);
    }
    print(p, "=%c%.*s;", types[item->value.type], (int)item->value.text.bytes,
          p->text + item->value.text.offset);
    return 0;
}

struct printed {
    const char *text, *items;
};

static void check_items(const struct printed *cases, size_t count,
                        unsigned depth)
{
    struct json_error error;
    struct json_value top;

    for (size_t i = 0; i < count; i++) {
        struct printer p = {.text = cases[i].text, .left = -1};
        struct json_report report = {print_item, &p, depth};

        ck_assert_int_eq(scan(p.text, strlen(p.text), &report, &top, &error),
                         0);
        ck_assert_str_eq(p.out, cases[i].items);
    }
}

START_TEST(members_of_the_two_outer_levels_are_reported_in_order)
{
    static const struct printed cases[] = {
        {"{}", ""},
        {"1", ""},
        {"{\"a\":1}", "/0:a=N1;"},
        {"{\"a\":\"x\\n\" , \"b\" : null}", "/0:a=Sx\\n;/1:b=nnull;"},
        {"{\"a\":{\"b\":true},\"c\":false}",
         "/0:a/0:b=ttrue;/0:a=O{\"b\":true};/1:c=ffalse;"},
        {"{\"a\":{},\"a\":[]}", "/0:a=O{};/1:a=A[];"},
        {"{\"a\":{\"x\":{\"y\":0},\"z\":1},\"b\":{\"w\":[]}}",
         "/0:a/0:x=O{\"y\":0};/0:a/1:z=N1;/0:a=O{\"x\":{\"y\":0},\"z\":1};"
         "/1:b/0:w=A[];/1:b=O{\"w\":[]};"},
        {"{\"\\u0061\":{\"\\n\":1.10}}",
         "/0:\\u0061/0:\\n=N1.10;/0:\\u0061=O{\"\\n\":1.10};"},
        {"{\"\":\"\"}", "/0:=S;"},
    };

    check_items(cases, LENGTH(cases), 2);
}
END_TEST

START_TEST(elements_are_reported_with_their_number)
{
    static const struct printed cases[] = {
        {"[]", ""},
        {"[1]", "/0=N1;"},
        {"[ \"a\" ,[], {} ]", "/0=Sa;/1=A[];/2=O{};"},
        {"[{\"a\":1}]", "/0/0:a=N1;/0=O{\"a\":1};"},
        {"[[1,[2]],[3]]", "/0/0=N1;/0/1=A[2];/0=A[1,[2]];/1/0=N3;/1=A[3];"},
        {"{\"a\":{\"b\":{\"c\":1},\"d\":[{\"e\":2}]}}",
         "/0:a/0:b=O{\"c\":1};/0:a/1:d=A[{\"e\":2}];"
         "/0:a=O{\"b\":{\"c\":1},\"d\":[{\"e\":2}]};"},
        {"{\"a\":[{\"b\":1},{\"c\":{\"d\":2}}]}",
         "/0:a/0=O{\"b\":1};/0:a/1=O{\"c\":{\"d\":2}};"
         "/0:a=A[{\"b\":1},{\"c\":{\"d\":2}}];"},
        {"[{\"a\":1},2,{\"b\":3,\"c\":4}]",
         "/0/0:a=N1;/0=O{\"a\":1};/1=N2;/2/0:b=N3;/2/1:c=N4;"
         "/2=O{\"b\":3,\"c\":4};"},
    };

    check_items(cases, LENGTH(cases), 2);
}
END_TEST

START_TEST(items_are_reported_down_to_the_depth_that_was_asked_for)
{
    static const char text[] = "{\"a\":[{\"b\":[0]}]}";
    static const char *const items[JSON_ITEM_DEPTH_MAX + 1] = {
        "",
        "/0:a=A[{\"b\":[0]}];",
        "/0:a/0=O{\"b\":[0]};/0:a=A[{\"b\":[0]}];",
        "/0:a/0/0:b=A[0];/0:a/0=O{\"b\":[0]};/0:a=A[{\"b\":[0]}];",
        ("/0:a/0/0:b/0=N0;/0:a/0/0:b=A[0];/0:a/0=O{\"b\":[0]};"
         "/0:a=A[{\"b\":[0]}];"),
    };

    for (unsigned depth = 0; depth <= JSON_ITEM_DEPTH_MAX; depth++)
        check_items(&(struct printed){text, items[depth]}, 1, depth);
}
END_TEST

START_TEST(a_callback_ends_the_scan_with_its_result)
{
    const char *text = "{\"a\":{\"b\":1},\"c\":2,!";
    struct json_error error;
    struct json_value top;

    for (int left = 0; left < 3; left++) {
        struct printer p = {.text = text, .left = left};
        struct json_report report = {print_item, &p, 2};

        ck_assert_int_eq(scan(text, strlen(text), &report, &top, &error), 7);
    }
}
END_TEST

START_TEST(an_error_may_come_after_members)
{
    const char *text = "{\"a\":{\"b\":1},\"c\":2,!";
    struct printer p = {.text = text, .left = 3};
    struct json_report report = {print_item, &p, 2};
    struct json_error error;
    struct json_value top;

    ck_assert_int_eq(scan(text, strlen(text), &report, &top, &error),
                     JSON_INVALID);
    ck_assert_uint_eq(error.offset, 19);
    ck_assert_str_eq(p.out, "/0:a/0:b=N1;/0:a=O{\"b\":1};/1:c=N2;");
}
END_TEST

/* Strings that have been scanned. ------------------------------------- */

static struct slice slice_in(const struct text *text)
{
    return (struct slice){text->start, text->bytes};
}

START_TEST(names_are_compared_after_undoing_escapes)
{
    static const struct {
        struct text text;
        const char *name;
        bool equal;
    } cases[] = {
        {T("message"), "message", true},
        {T("m\\u0065ssage"), "message", true},
        {T("\\u006d\\u0065\\u0073\\u0073\\u0061\\u0067\\u0065"), "message",
         true},
        {T("messag"), "message", false},
        {T("messages"), "message", false},
        {T("Message"), "message", false},
        {T("messag\\u0045"), "message", false},
        {T("message\\u0000"), "message", false},
        {T("\\u0000"), "", false},
        {T("\\u0000"), "a", false},
        {T(""), "", true},
        {T(""), "a", false},
        {T("a"), "", false},
        {T("\\\"\\\\\\/\\b\\f\\n\\r\\t"), "\"\\/\b\f\n\r\t", true},
        {T("\\n"), "n", false},
        {T("\\u00E9"), "\xc3\xa9", true},
        {T("\xc3\xa9"), "\xc3\xa9", true},
        {T("\\u6f22"), "\xe6\xbc\xa2", true},
        {T("\\ud83d\\uDE00"), "\xf0\x9f\x98\x80", true},
        {T("\\ud83d\\ude00"), "\xf0\x9f\x98\x81", false},
        {T("\\ud83d\\ude00"), "\xf0", false},
        {T("\\ud83d"), "\xed\xa0\xbd", false},
        {T("message\\ud800"), "message", false},
    };

    for (size_t i = 0; i < LENGTH(cases); i++)
        ck_assert_msg(json_string_equals(slice_in(&cases[i].text),
                                         cases[i].name) == cases[i].equal,
                      "case %zu", i);
}
END_TEST

START_TEST(strings_decode_to_their_bytes)
{
    static const struct {
        struct text text;
        const char *decoded;
    } cases[] = {
        {T(""), ""},
        {T("plain"), "plain"},
        {T("\\\"\\\\\\/\\b\\f\\n\\r\\t"), "\"\\/\b\f\n\r\t"},
        {T("\\u0001\\u007f"), "\x01\x7f"},
        {T("\\u0080\\u07FF"), "\xc2\x80\xdf\xbf"},
        {T("\\u0800\\uffff"), "\xe0\xa0\x80\xef\xbf\xbf"},
        {T("\\ud7ff\\ue000"), "\xed\x9f\xbf\xee\x80\x80"},
        {T("\\ud800\\udc00"), "\xf0\x90\x80\x80"},
        {T("\\uDBFF\\uDFFF"), "\xf4\x8f\xbf\xbf"},
        {T("\\\\u0000"), "\\u0000"},
        {T("\xc3\xa9\\n"), "\xc3\xa9\n"},
    };
    char out[64];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        long bytes =
            json_string_decode(slice_in(&cases[i].text), out, sizeof(out));

        ck_assert_int_eq(bytes, (long)strlen(cases[i].decoded));
        ck_assert_str_eq(out, cases[i].decoded);
        ck_assert(utf8_is_valid(out, (size_t)bytes));
    }
}
END_TEST

START_TEST(what_has_no_text_is_not_decoded)
{
    static const struct {
        struct text text;
        long result;
    } cases[] = {
        {T("\\u0000"), JSON_STRING_NUL},
        {T("a\\u0000b"), JSON_STRING_NUL},
        {T("\\ud800"), JSON_STRING_HALF_PAIR},
        {T("\\udbffx"), JSON_STRING_HALF_PAIR},
        {T("\\udc00"), JSON_STRING_HALF_PAIR},
        {T("\\udfff"), JSON_STRING_HALF_PAIR},
        {T("\\ud800\\ud800"), JSON_STRING_HALF_PAIR},
        {T("\\udc00\\ud800"), JSON_STRING_HALF_PAIR},
        {T("\\ud800\\n"), JSON_STRING_HALF_PAIR},
        {T("\\ud800\\ue000"), JSON_STRING_HALF_PAIR},
        {T("\\ud800udc00"), JSON_STRING_HALF_PAIR},
        {T("\\ud83d\\ude00\\ude00"), JSON_STRING_HALF_PAIR},
    };
    char out[64];

    for (size_t i = 0; i < LENGTH(cases); i++)
        ck_assert_int_eq(
            json_string_decode(slice_in(&cases[i].text), out, sizeof(out)),
            cases[i].result);
}
END_TEST

START_TEST(a_decoded_string_needs_room_for_its_nul)
{
    static const struct text texts[] = {
        T("abcd"),
        T("\\ud83d\\ude00"),
        T("\\u00e9\\u00e9"),
    };
    char out[5];

    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct slice string = slice_in(&texts[i]);

        for (size_t size = 0; size <= 4; size++)
            ck_assert_int_eq(json_string_decode(string, out, size),
                             JSON_STRING_TOO_LONG);
        ck_assert_int_eq(json_string_decode(string, out, 5), 4);
        ck_assert_int_eq(out[4], '\0');
    }
    ck_assert_int_eq(json_string_decode((struct slice){"", 0}, out, 0),
                     JSON_STRING_TOO_LONG);
    ck_assert_int_eq(json_string_decode((struct slice){"", 0}, out, 1), 0);
}
END_TEST

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

/* Bombs, on a thread with little stack. ------------------------------- */

struct errand {
    const char *text;
    size_t bytes;
    size_t items;
    int result;
    struct json_error error;
};

static int count_item(void *context, const struct json_item *item)
{
    (void)item;
    ++*(size_t *)context;
    return 0;
}

static void *run_errand(void *data)
{
    struct errand *e = data;
    const struct json_report report = {count_item, &e->items, 2};
    struct json_value top;

    e->result = json_scan(e->text, e->bytes, &report, &top, &e->error);
    return NULL;
}

static struct errand scan_on_small_stack(const char *text, size_t bytes)
{
    struct errand e = {.text = text, .bytes = bytes};
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    ck_assert_int_eq(pthread_attr_setstacksize(&attr, 64 * 1024), 0);
    ck_assert_int_eq(pthread_create(&thread, &attr, run_errand, &e), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    return e;
}

START_TEST(a_megabyte_of_brackets_is_refused_with_a_bounded_stack)
{
    size_t bytes;
    char *text = repeat("[", 1 << 20, &bytes);
    struct errand e = scan_on_small_stack(text, bytes);

    free(text);
    ck_assert_int_eq(e.result, JSON_INVALID);
    ck_assert_uint_eq(e.error.offset, JSON_DEPTH_MAX);
    text = repeat("{\"a\":", JSON_DEPTH_MAX, &bytes);
    e = scan_on_small_stack(text, bytes);
    free(text);
    ck_assert_int_eq(e.result, JSON_INVALID);
    ck_assert_uint_eq(e.error.offset, bytes);
}
END_TEST

START_TEST(a_megabyte_of_digits_is_a_number)
{
    size_t bytes;
    char *text = repeat("9", 1 << 20, &bytes);
    struct errand e = scan_on_small_stack(text, bytes);

    ck_assert_int_eq(e.result, 0);
    text[bytes - 1] = '.';
    e = scan_on_small_stack(text, bytes);
    free(text);
    ck_assert_int_eq(e.result, JSON_INVALID);
    ck_assert_uint_eq(e.error.offset, bytes);
}
END_TEST

START_TEST(a_hundred_thousand_members_are_all_reported)
{
    size_t bytes;
    char *text = repeat(",\"name\":1", 100000, &bytes);
    struct errand e;

    text[0] = '{';
    text[bytes] = '}';
    e = scan_on_small_stack(text, bytes + 1);
    free(text);
    ck_assert_int_eq(e.result, 0);
    ck_assert_uint_eq(e.items, 100000);
}
END_TEST

static TCase *content_case(void)
{
    TCase *tc = tcase_create("content");

    tcase_add_test(tc, the_top_value_lies_where_it_was_written);
    tcase_add_test(tc, members_of_the_two_outer_levels_are_reported_in_order);
    tcase_add_test(tc, elements_are_reported_with_their_number);
    tcase_add_test(tc, items_are_reported_down_to_the_depth_that_was_asked_for);
    tcase_add_test(tc, a_callback_ends_the_scan_with_its_result);
    tcase_add_test(tc, an_error_may_come_after_members);
    tcase_add_test(tc, names_are_compared_after_undoing_escapes);
    tcase_add_test(tc, strings_decode_to_their_bytes);
    tcase_add_test(tc, what_has_no_text_is_not_decoded);
    tcase_add_test(tc, a_decoded_string_needs_room_for_its_nul);
    return tc;
}

static TCase *bombs_case(void)
{
    TCase *tc = tcase_create("bombs");

    tcase_add_test(tc, a_megabyte_of_brackets_is_refused_with_a_bounded_stack);
    tcase_add_test(tc, a_megabyte_of_digits_is_a_number);
    tcase_add_test(tc, a_hundred_thousand_members_are_all_reported);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("json_members");

    suite_add_tcase(suite, content_case());
    suite_add_tcase(suite, bombs_case());
    return suite_run(suite);
}
