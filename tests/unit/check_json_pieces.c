/* check_json_pieces.c - JSON texts that come in pieces: however they are cut,
 * they yield the same as the whole text, in the same order.
 *
 * Each piece is a heap copy that is freed before the next one comes, so that
 * AddressSanitizer detects later reads.
 */
#include "base/json.h"

#include <check.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_texts.h"
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

/* As ck_assert(), which reports every place it comes by. */
#define REQUIRE(condition)                                                     \
    ((condition) ? (void)0 : ck_abort_msg("this does not hold: %s", #condition))

/* All that a scan tells, written down. */
struct record {
    char out[64 * 1024];
    size_t used;
    size_t items;
    size_t ends_at; /* the item with which the callback ends the scan */
    const struct json_scanner *scanner;
    size_t kept[JSON_ITEM_DEPTH_MAX]; /* what json_kept() said before */
};

__attribute__((format(printf, 2, 3))) static void note(struct record *r,
                                                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    r->used += (size_t)vsnprintf(r->out + r->used, sizeof(r->out) - r->used,
                                 format, args);
    va_end(args);
    REQUIRE(r->used < sizeof(r->out));
}

static void note_value(struct record *r, const struct json_value *value)
{
    note(r, "=%d@%zu+%zu;", (int)value->type, value->text.offset,
         value->text.bytes);
}

/* Whoever looks at items of a depth and beyond has the bytes they name. */
static void check_kept(const struct record *r, const struct json_item *item)
{
    for (unsigned depth = 1; depth <= item->depth; depth++) {
        size_t kept = r->kept[depth - 1];

        REQUIRE(item->value.text.offset >= kept);
        for (unsigned i = depth; i <= item->depth; i++)
            REQUIRE(!item->path[i - 1].is_member ||
                    item->path[i - 1].name.offset >= kept);
    }
}

static int note_item(void *context, const struct json_item *item)
{
    struct record *r = context;

    check_kept(r, item);
    for (unsigned i = 0; i < item->depth; i++) {
        const struct json_place *place = &item->path[i];

        note(r, "/%zu:%d@%zu+%zu", place->index, place->is_member,
             place->name.offset, place->name.bytes);
    }
    note_value(r, &item->value);
    return ++r->items == r->ends_at ? 7 : 0;
}

static void note_end(struct record *r, int result, const struct json_value *top,
                     const struct json_error *error)
{
    note(r, "result %d", result);
    if (result == 0)
        note_value(r, top);
    else if (result == JSON_INVALID)
        note(r, " %s@%zu", error->what, error->offset);
}

static void feed(struct json_scanner *s, const char *bytes, size_t count)
{
    char *copy = malloc(count ? count : 1);
    int result;

    REQUIRE(copy != NULL);
    memcpy(copy, bytes, count);
    result = json_feed(s, copy, count);
    memset(copy, 0xa5, count);
    free(copy);
    REQUIRE(json_feed(s, "", 0) == result);
}

/* What may be forgotten only grows. */
static void ask_what_is_kept(struct record *r, unsigned depth, size_t fed)
{
    for (unsigned d = 1; d <= depth; d++) {
        size_t kept = json_kept(r->scanner, d);

        REQUIRE(kept >= r->kept[d - 1] && kept <= fed);
        r->kept[d - 1] = kept;
    }
}

/* A cut is behind byte n where `cut(context, n)` says so. */
typedef bool cut_fn(void *context, size_t at);

static void scan_in_pieces(struct record *r, const struct text *text,
                           unsigned depth, cut_fn *is_cut, void *context)
{
    struct json_report report = {note_item, r, depth};
    struct json_scanner s;
    size_t from = 0;

    json_begin(&s, &report);
    r->scanner = &s;
    for (size_t at = 1; at <= text->bytes; at++) {
        if (at < text->bytes && !is_cut(context, at))
            continue;
        feed(&s, text->start + from, at - from);
        if (s.result == 0)
            ask_what_is_kept(r, depth, at);
        from = at;
    }
    note_end(r, json_end(&s), &s.top, &s.error);
    ck_assert_int_eq(json_end(&s), s.result);
}

static void scan_whole(struct record *r, const struct text *text,
                       unsigned depth)
{
    struct json_report report = {note_item, r, depth};
    struct json_error error = {NULL, 0};
    struct json_value top;
    int result = json_scan(text->start, text->bytes, &report, &top, &error);

    note_end(r, result, &top, &error);
}

static bool everywhere(void *context, size_t at)
{
    (void)context;
    (void)at;
    return true;
}

static bool once(void *context, size_t at)
{
    return *(size_t *)context == at;
}

static bool somewhere(void *context, size_t at)
{
    (void)at;
    return json_text_draw(context, 4) == 0;
}

/* Of the whole text, and of the same in pieces. */
static struct record whole, pieces;

static void reset(struct record *r, size_t ends_at)
{
    *r->out = '\0';
    r->used = r->items = 0;
    r->ends_at = ends_at;
    memset(r->kept, 0, sizeof(r->kept));
}

static void check_cuts(const struct text *text, unsigned depth, cut_fn *is_cut,
                       void *context)
{
    reset(&pieces, whole.ends_at);
    scan_in_pieces(&pieces, text, depth, is_cut, context);
    ck_assert_msg(strcmp(pieces.out, whole.out) == 0, "%.*s\n%s\n%s",
                  (int)text->bytes, text->start, pieces.out, whole.out);
}

static void check_text(const struct text *text, unsigned depth, size_t ends_at)
{
    reset(&whole, ends_at);
    scan_whole(&whole, text, depth);
    check_cuts(text, depth, everywhere, NULL);
    for (size_t at = 1; at < text->bytes; at++)
        check_cuts(text, depth, once, &at);
}

START_TEST(every_kind_of_token_may_be_cut_anywhere)
{
    static const struct text texts[] = {
        T("{\"a\" : [1, -2.5e+3, 0.10, true, false, null, \"\\u00e9\\n\\\"\"],"
          "\"b\":{\"c\":{},\"d\":[[],[{\"e\":\"\\ud83d\\ude00\"}]]},"
          "\"\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80\":\"\xed\x9f\xbf\", \"z\": "
          "-0} "),
        T("[[[[[[]]]],{\"a\":{\"b\":[{\"c\":[1]}]}}]"),
        T(" \r\n\t[ 1 ,\t2 ] "),
        T("\"text\\\\\""),
        T("-0.5E-7"),
        T("0"),
        T("12"),
        T("false"),
        T("[1e5,1E+5,1e-5]"),
    };

    for (size_t i = 0; i < LENGTH(texts); i++) {
        for (unsigned depth = 0; depth <= JSON_ITEM_DEPTH_MAX; depth++)
            check_text(&texts[i], depth, 0);
    }
}
END_TEST

START_TEST(errors_are_the_same_wherever_it_is_cut)
{
    static const struct text texts[] = {
        T(""),
        T(" "),
        T("\xef\xbb\xbf{}"),
        T("\xef\xbb{}"),
        T("\xef"),
        T("\xef\xbb"),
        T(" \xef\xbb\xbf{}"),
        T("[\"\xe2\x82\"]"),
        T("[\"\xe2\x82"),
        T("\"\xf0\x9f\x98\""),
        T("\"\xf4\x90\x80\x80\""),
        T("\"\xed\xa0\x80\""),
        T("\"\xc0\x80\""),
        T("\"\xc3\xa9\x80\""),
        T("\"\\u12g4\""),
        T("\"\\u12"),
        T("\"\\x\""),
        T("\"\\"),
        T("\"a\nb\""),
        T("[01]"),
        T("[-]"),
        T("-"),
        T("[1.]"),
        T("1."),
        T("1e"),
        T("[1e+]"),
        T("-01"),
        T("[1 2]"),
        T("tru"),
        T("trux"),
        T("{\"a\":1]"),
        T("{\"a\" 1}"),
        T("{\"a\""),
        T("{\"a\":1,}"),
        T("[1,]"),
        T("{}}"),
        T("{} x"),
        T("1 2"),
        T("{\"a\":[1,{\"b\":2},!]}"),
    };

    for (size_t i = 0; i < LENGTH(texts); i++)
        check_text(&texts[i], 2, 0);
}
END_TEST

START_TEST(nesting_is_bounded_over_all_pieces)
{
    static const char open[] = "[[[[[[[[[[[[[[[[[[[[[[[[[";
    struct json_scanner s;
    int result = 0;

    json_begin(&s, NULL);
    for (unsigned i = 0; result == 0; i++) {
        ck_assert_uint_lt(i, JSON_DEPTH_MAX / 25 + 2);
        result = json_feed(&s, open, 25);
    }
    ck_assert_int_eq(result, JSON_INVALID);
    ck_assert_uint_eq(s.error.offset, JSON_DEPTH_MAX);
}
END_TEST

START_TEST(a_callback_ends_it_at_the_same_item)
{
    static const struct text text = T("{\"a\":[1,[2]],\"b\":{\"c\":null},\"d\":"
                                      "\"x\"}  ");

    for (size_t last = 1; last <= 7; last++) {
        check_text(&text, 4, last);
        ck_assert_uint_eq(whole.items, last);
        ck_assert_uint_eq(pieces.items, last);
    }
}
END_TEST

static int count_item(void *context, const struct json_item *item)
{
    (void)item;
    ++*(size_t *)context;
    return 0;
}

/* Whoever answers each item at once need not wait for the next one. */
START_TEST(an_item_is_reported_with_its_last_byte)
{
    static const char text[] = "[\"a\",true,{\"b\":1},[],2 ,3]";
    static const size_t ends[] = {4, 9, 17, 20, 23, 26};
    size_t items = 0;
    struct json_report report = {count_item, &items, 1};
    struct json_scanner s;

    json_begin(&s, &report);
    for (size_t i = 0, next = 0; text[i]; i++) {
        ck_assert_int_eq(json_feed(&s, text + i, 1), 0);
        next += next < LENGTH(ends) && i + 1 == ends[next];
        ck_assert_uint_eq(items, next);
    }
    ck_assert_int_eq(json_end(&s), 0);
}
END_TEST

START_TEST(a_result_is_final)
{
    struct json_scanner s;

    json_begin(&s, NULL);
    ck_assert_int_eq(json_feed(&s, "[1,", 3), 0);
    ck_assert_int_eq(json_feed(&s, "]", 1), JSON_INVALID);
    ck_assert_int_eq(json_feed(&s, "2]", 2), JSON_INVALID);
    ck_assert_int_eq(json_end(&s), JSON_INVALID);
    ck_assert_uint_eq(s.error.offset, 3);
    ck_assert_str_eq(s.error.what, "expected a value");
}
END_TEST

START_TEST(random_texts_give_the_same_wherever_they_are_cut)
{
    struct json_text t = {.state = 20260105}, dice = {.state = 20260106};
    size_t items = 0, damaged = 0;

    for (unsigned i = 0; i < 3000; i++) {
        unsigned depth = i % (JSON_ITEM_DEPTH_MAX + 1);
        struct text text;

        json_text_next(&t);
        if (i % 3 == 0)
            json_text_damage(&t);
        text = (struct text){t.bytes, t.used};
        reset(&whole, 0);
        scan_whole(&whole, &text, depth);
        check_cuts(&text, depth, everywhere, NULL);
        check_cuts(&text, depth, somewhere, &dice);
        items += whole.items;
        damaged += strstr(whole.out, "result 0") == NULL;
    }
    ck_assert_uint_gt(items, 3000);
    ck_assert_uint_gt(damaged, 500);
}
END_TEST

/* A list without end, of which only what is needed is kept. ------------- */

struct window {
    char bytes[64];
    size_t from, used; /* the offset of the first one; how many */
    size_t elements;
};

/* Element n is {"n":n}. */
static int take_element(void *context, const struct json_item *item)
{
    struct window *w = context;
    size_t at = item->value.text.offset - w->from;
    char wanted[32];

    if (item->depth != 2)
        return 0;
    ck_assert_uint_ge(item->value.text.offset, w->from);
    ck_assert_uint_le(at + item->value.text.bytes, w->used);
    ck_assert_uint_eq(item->path[1].index, w->elements);
    (void)snprintf(wanted, sizeof(wanted), "{\"n\":%zu}", w->elements++);
    ck_assert_uint_eq(item->value.text.bytes, strlen(wanted));
    ck_assert_mem_eq(w->bytes + at, wanted, strlen(wanted));
    return 0;
}

/* The caller's own side of it: the bytes come into the window first. */
static void feed_window(struct json_scanner *s, struct window *w,
                        const char *bytes, size_t count)
{
    size_t gone;

    ck_assert_uint_le(w->used + count, sizeof(w->bytes));
    memcpy(w->bytes + w->used, bytes, count);
    w->used += count;
    ck_assert_int_eq(json_feed(s, w->bytes + w->used - count, count), 0);
    gone = json_kept(s, 2) - w->from;
    memmove(w->bytes, w->bytes + gone, w->used - gone);
    w->from += gone;
    w->used -= gone;
}

START_TEST(a_list_without_end_needs_room_for_an_element)
{
    struct window w = {.used = 0};
    struct json_report report = {take_element, &w, 2};
    struct json_scanner s;
    char piece[40];

    json_begin(&s, &report);
    feed_window(&s, &w, "{\"list\":[", 9);
    for (size_t n = 0; n < 100000; n++) {
        int bytes = snprintf(piece, sizeof(piece), "%s {\"n\":%zu}\n",
                             n > 0 ? "," : "", n);

        feed_window(&s, &w, piece, (size_t)bytes / 2);
        feed_window(&s, &w, piece + bytes / 2, (size_t)(bytes - bytes / 2));
    }
    feed_window(&s, &w, "]}", 2);
    ck_assert_int_eq(json_end(&s), 0);
    ck_assert_uint_eq(w.elements, 100000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_pieces");
    TCase *tc = tcase_create("pieces");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, every_kind_of_token_may_be_cut_anywhere);
    tcase_add_test(tc, errors_are_the_same_wherever_it_is_cut);
    tcase_add_test(tc, nesting_is_bounded_over_all_pieces);
    tcase_add_test(tc, a_callback_ends_it_at_the_same_item);
    tcase_add_test(tc, an_item_is_reported_with_its_last_byte);
    tcase_add_test(tc, a_result_is_final);
    tcase_add_test(tc, random_texts_give_the_same_wherever_they_are_cut);
    tcase_add_test(tc, a_list_without_end_needs_room_for_an_element);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
