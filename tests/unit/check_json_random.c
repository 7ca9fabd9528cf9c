/* check_json_random.c - the pass over JSON texts compared with cJSON, on texts
 * generated from fixed seeds, intact and with a byte changed.
 *
 * cJSON accepts more than the grammar, never less; the valid texts that it
 * rejects (unpaired surrogates, U+0000) are not generated.
 */
#include "base/json.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_string.h"
#include "json_texts.h"
#include "suite.h"

/* From a heap copy without a byte to spare, so that the address sanitizer sees
 * a read past the end. */
static int scan(const char *text, size_t bytes, struct json_error *error)
{
    char *copy = malloc(bytes ? bytes : 1);
    struct json_value top;
    int result;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, bytes);
    result = json_scan(copy, bytes, NULL, &top, error);
    free(copy);
    return result;
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
    struct json_text r = {.state = 20260102};
    struct json_error error;

    for (int i = 0; i < 5000; i++) {
        json_text_next(&r);
        ck_assert_msg(scan(r.bytes, r.used, &error) == 0, "%.*s: %s",
                      (int)r.used, r.bytes, error.what);
        ck_assert_msg(accepted_by_cjson(r.bytes, r.used), "%.*s", (int)r.used,
                      r.bytes);
    }
}
END_TEST

START_TEST(what_is_accepted_after_a_mutation_cjson_accepts_too)
{
    struct json_text r = {.state = 20260103};
    struct json_error error;
    size_t accepted = 0, refused = 0;

    for (int i = 0; i < 20000; i++) {
        json_text_next(&r);
        json_text_damage(&r);
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
    case JSON_TYPE_OBJECT:
        return cJSON_IsObject(item);
    case JSON_TYPE_ARRAY:
        return cJSON_IsArray(item);
    case JSON_TYPE_STRING:
        return cJSON_IsString(item);
    case JSON_TYPE_NUMBER:
        return cJSON_IsNumber(item);
    case JSON_TYPE_TRUE:
        return cJSON_IsTrue(item);
    case JSON_TYPE_FALSE:
        return cJSON_IsFalse(item);
    case JSON_TYPE_NULL:
        return cJSON_IsNull(item);
    }
    return false;
}

/* The text, and what cJSON has made of it. */
struct reading {
    const char *text;
    const cJSON *tree;
    size_t items;
};

/* A member or element, and that it is called the same. */
static const cJSON *follow(const struct reading *r, const cJSON *outer,
                           const struct json_place *place)
{
    const cJSON *item = cJSON_GetArrayItem(outer, (int)place->index);

    ck_assert_ptr_nonnull(item);
    ck_assert(place->is_member == cJSON_IsObject(outer));
    if (place->is_member)
        ck_assert(
            json_string_equals(json_slice(r->text, place->name), item->string));
    else
        ck_assert_uint_eq(place->name.bytes, 0);
    return item;
}

static int compare_item(void *context, const struct json_item *item)
{
    char text[sizeof(((struct json_text *)0)->bytes)];
    struct reading *r = context;
    const cJSON *found = r->tree;

    for (unsigned i = 0; i < item->depth; i++)
        found = follow(r, found, &item->path[i]);
    ck_assert(same_type(found, item->value.type));
    if (item->value.type == JSON_TYPE_STRING) {
        struct slice string = json_slice(r->text, item->value.text);

        ck_assert_int_ge(json_string_decode(string, text, sizeof(text)), 0);
        ck_assert_str_eq(text, found->valuestring);
    }
    r->items++;
    return 0;
}

/* How many items there are down to that depth; recursion is bounded by it. */
static size_t count_items(const cJSON *outer, unsigned depth)
{
    size_t count = 0;

    for (const cJSON *item = outer->child; item; item = item->next)
        count += 1 + (depth > 1 ? count_items(item, depth - 1) : 0);
    return count;
}

START_TEST(items_of_random_texts_are_those_cjson_finds)
{
    struct json_text t = {.state = 20260104};
    struct json_error error;
    struct json_value top;
    size_t items = 0;

    for (unsigned i = 0; i < 5000; i++) {
        struct reading r = {.text = t.bytes};
        struct json_report report = {compare_item, &r, 0};
        cJSON *tree;

        report.depth = 1 + i % JSON_ITEM_DEPTH_MAX;
        json_text_next(&t);
        r.tree = tree = cJSON_ParseWithLength(t.bytes, t.used);
        ck_assert_ptr_nonnull(tree);
        ck_assert_int_eq(json_scan(t.bytes, t.used, &report, &top, &error), 0);
        ck_assert_uint_eq(r.items, count_items(tree, report.depth));
        ck_assert(same_type(tree, top.type));
        items += r.items;
        cJSON_Delete(tree);
    }
    ck_assert_uint_gt(items, 10000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_random");
    TCase *tc = tcase_create("beside cJSON");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, random_texts_are_accepted_here_and_by_cjson);
    tcase_add_test(tc, what_is_accepted_after_a_mutation_cjson_accepts_too);
    tcase_add_test(tc, items_of_random_texts_are_those_cjson_finds);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
