/* check_json_random.c - the pass over JSON texts beside cJSON, on texts drawn
 * from fixed seeds, whole and with a byte changed.
 *
 * cJSON takes more than the grammar, never less; what it does not take of the
 * valid texts (halves of surrogate pairs, U+0000) is not drawn.
 */
#include "base/json.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* From a heap copy without a byte to spare, so that the address sanitizer sees
 * a read past the end. */
static int scan(const char *text, size_t bytes, struct json_error *error)
{
    char *copy = malloc(bytes ? bytes : 1);
    struct json_value top;
    int result;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, bytes);
    result = json_scan(copy, bytes, NULL, NULL, &top, error);
    free(copy);
    return result;
}

struct random_text {
    uint64_t state;
    char bytes[4096];
    size_t used;
};

static unsigned draw(struct random_text *r, unsigned below)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return (unsigned)(r->state >> 33) % below;
}

static void put(struct random_text *r, const char *piece)
{
    size_t bytes = strlen(piece);

    if (r->used + bytes <= sizeof(r->bytes)) {
        memcpy(r->bytes + r->used, piece, bytes);
        r->used += bytes;
    }
}

static void put_one_of(struct random_text *r, const char *const *pieces,
                       unsigned count)
{
    put(r, pieces[draw(r, count)]);
}

static void put_space(struct random_text *r)
{
    static const char *const spaces[] = {"", "", "", " ", "\n", "\t", "\r\n"};

    put_one_of(r, spaces, LENGTH(spaces));
}

static void put_string(struct random_text *r)
{
    static const char *const pieces[] = {
        "a",
        "longer than eight bytes",
        "\\n",
        "\\\"",
        "\\\\",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\xc3\xa9",
        "\\/",
        "\xe6\xbc\xa2",
        "\xf0\x9f\x98\x80",
        "\x7f",
        "\\u0041",
        "{",
        "]",
        "'",
    };

    put(r, "\"");
    for (unsigned n = draw(r, 5); n > 0; n--)
        put_one_of(r, pieces, LENGTH(pieces));
    put(r, "\"");
}

static void put_scalar(struct random_text *r)
{
    static const char *const pieces[] = {
        "0",    "-0",      "1",     "12345678901234567890",
        "1.10", "-2.5e+3", "1E400", "0.5e-10",
        "true", "false",   "null",
    };

    if (draw(r, 3) == 0)
        put_string(r);
    else
        put_one_of(r, pieces, LENGTH(pieces));
}

/* Recursion is bounded by the generator itself. */
static void put_value(struct random_text *r, unsigned depth)
{
    bool object = draw(r, 2);

    put_space(r);
    if (depth == 0 || draw(r, 3) == 0) {
        put_scalar(r);
    } else {
        put(r, object ? "{" : "[");
        for (unsigned i = 0, n = draw(r, 4); i < n; i++) {
            put(r, i ? "," : "");
            put_space(r);
            if (object) {
                put_string(r);
                put_space(r);
                put(r, ":");
            }
            put_value(r, depth - 1);
        }
        put_space(r);
        put(r, object ? "}" : "]");
    }
    put_space(r);
}

/* A text that did not fit into the buffer is not whole: draw another. */
static void draw_text(struct random_text *r)
{
    do {
        r->used = 0;
        put_value(r, 5);
    } while (r->used > sizeof(r->bytes) - 64);
}

static bool accepted_by_cjson(const char *text, size_t bytes)
{
    cJSON *tree = cJSON_ParseWithLength(text, bytes);

    cJSON_Delete(tree);
    return tree != NULL;
}

/* What cJSON refuses or cuts although the grammar allows it. */
static bool has_odd_escape(const char *text, size_t bytes)
{
    for (size_t i = 0; i + 3 < bytes; i++) {
        if (memcmp(text + i, "\\ud", 3) == 0 ||
            memcmp(text + i, "\\uD", 3) == 0 ||
            memcmp(text + i, "\\u00", 4) == 0)
            return true;
    }
    return false;
}

/* The text up to the offset of its error must be the beginning of valid JSON,
 * and one byte more must not. */
static void check_offset(const char *text, size_t bytes)
{
    struct json_error error, again;
    size_t offset;

    if (scan(text, bytes, &error) == 0)
        return;
    offset = error.offset;
    ck_assert_uint_le(offset, bytes);
    if (scan(text, offset, &again) != 0)
        ck_assert_uint_eq(again.offset, offset);
    if (offset < bytes) {
        ck_assert_int_eq(scan(text, offset + 1, &again), JSON_INVALID);
        ck_assert_uint_eq(again.offset, offset);
    }
}

START_TEST(random_texts_are_accepted_here_and_by_cjson)
{
    struct random_text r = {.state = 20260102};
    struct json_error error;

    for (int i = 0; i < 5000; i++) {
        draw_text(&r);
        ck_assert_msg(scan(r.bytes, r.used, &error) == 0, "%.*s: %s",
                      (int)r.used, r.bytes, error.what);
        ck_assert_msg(accepted_by_cjson(r.bytes, r.used), "%.*s", (int)r.used,
                      r.bytes);
    }
}
END_TEST

static void mutate(struct random_text *r)
{
    static const char pieces[] = "\"\\,:[]{}019.-+eEtfn u\n\x80\xc3\xff";
    unsigned at = draw(r, (unsigned)r->used);
    char byte = pieces[draw(r, sizeof(pieces))];

    switch (draw(r, 3)) {
    case 0:
        r->bytes[at] = byte;
        break;
    case 1:
        r->bytes[at] = (char)draw(r, 256);
        break;
    default:
        memmove(r->bytes + at, r->bytes + at + 1, r->used - at - 1);
        r->used--;
        break;
    }
}

START_TEST(what_is_accepted_after_a_mutation_cjson_accepts_too)
{
    struct random_text r = {.state = 20260103};
    struct json_error error;
    size_t accepted = 0, refused = 0;

    for (int i = 0; i < 20000; i++) {
        draw_text(&r);
        mutate(&r);
        check_offset(r.bytes, r.used);
        if (scan(r.bytes, r.used, &error) != 0) {
            refused++;
            continue;
        }
        accepted++;
        ck_assert_msg(has_odd_escape(r.bytes, r.used) ||
                          accepted_by_cjson(r.bytes, r.used),
                      "%.*s", (int)r.used, r.bytes);
    }
    ck_assert_uint_gt(accepted, 1000);
    ck_assert_uint_gt(refused, 1000);
}
END_TEST

static bool same_type(const cJSON *item, enum json_type type)
{
    switch (type) {
    case JSON_OBJECT:
        return cJSON_IsObject(item);
    case JSON_ARRAY:
        return cJSON_IsArray(item);
    case JSON_STRING:
        return cJSON_IsString(item);
    case JSON_NUMBER:
        return cJSON_IsNumber(item);
    case JSON_TRUE:
        return cJSON_IsTrue(item);
    case JSON_FALSE:
        return cJSON_IsFalse(item);
    case JSON_NULL:
        return cJSON_IsNull(item);
    }
    return false;
}

/* Walks the tree of cJSON beside the members. */
struct walk {
    const cJSON *outer, *inner; /* the next members expected */
    size_t members;
};

static int compare_member(void *context, const struct json_member *member)
{
    struct walk *w = context;
    const cJSON **next = member->depth == 1 ? &w->outer : &w->inner;
    const cJSON *item;
    char text[sizeof(((struct random_text *)0)->bytes)];

    if (member->depth == 2 && !w->inner)
        w->inner = w->outer->child;
    item = *next;
    ck_assert_ptr_nonnull(item);
    ck_assert(json_string_equals(member->name, item->string));
    if (member->depth == 2)
        ck_assert(json_string_equals(member->parent, w->outer->string));
    ck_assert(same_type(item, member->value.type));
    if (member->value.type == JSON_STRING) {
        ck_assert_int_ge(
            json_string_decode(member->value.text, text, sizeof(text)), 0);
        ck_assert_str_eq(text, item->valuestring);
    }
    if (member->depth == 1)
        ck_assert_ptr_null(w->inner);
    *next = item->next;
    w->members++;
    return 0;
}

START_TEST(members_of_random_objects_are_those_cjson_finds)
{
    struct random_text r = {.state = 20260104};
    struct json_error error;
    struct json_value top;
    size_t members = 0;

    for (int i = 0; i < 5000; i++) {
        struct walk w = {0};
        cJSON *tree;

        draw_text(&r);
        tree = cJSON_ParseWithLength(r.bytes, r.used);
        ck_assert_ptr_nonnull(tree);
        w.outer = cJSON_IsObject(tree) ? tree->child : NULL;
        ck_assert_int_eq(
            json_scan(r.bytes, r.used, compare_member, &w, &top, &error), 0);
        ck_assert_ptr_null(w.outer);
        ck_assert(same_type(tree, top.type));
        members += w.members;
        cJSON_Delete(tree);
    }
    ck_assert_uint_gt(members, 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_random");
    TCase *tc = tcase_create("beside cJSON");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, random_texts_are_accepted_here_and_by_cjson);
    tcase_add_test(tc, what_is_accepted_after_a_mutation_cjson_accepts_too);
    tcase_add_test(tc, members_of_random_objects_are_those_cjson_finds);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
