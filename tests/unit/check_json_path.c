/* check_json_path.c - names and pointers, and which values they match. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_path.h"
#include "suite.h"

struct search {
    const struct json_path *path;
    const char *text;
    char found[64]; /* "|" behind each */
    unsigned above;
};

static int look(void *context, const struct json_item *item)
{
    struct search *search = context;
    struct slice value = json_slice(search->text, item->value.text);

    switch (json_path_match(search->path, search->text, item)) {
    case JSON_PATH_SAME:
        (void)snprintf(search->found + strlen(search->found),
                       sizeof(search->found) - strlen(search->found), "%.*s|",
                       (int)value.bytes, value.start);
        break;
    case JSON_PATH_ABOVE:
        search->above++;
        break;
    case JSON_PATH_OTHER:
        break;
    }
    return 0;
}

static struct search search(const char *path_text, const char *text)
{
    struct json_path path;
    struct search result = {&path, text, "", 0};
    const struct json_report report = {look, &result, JSON_ITEM_DEPTH_MAX};
    struct json_value top;
    struct json_error error;

    ck_assert_msg(json_path_parse(&path, path_text) == 0, "%s", path_text);
    ck_assert_int_eq(json_scan(text, strlen(text), &report, &top, &error), 0);
    return result;
}

#define ck_finds(path, text, wanted)                                           \
    ck_assert_str_eq(search(path, text).found, wanted)

START_TEST(a_name_is_a_member_of_the_outermost_object)
{
    ck_finds("a", "{\"a\":1,\"b\":{\"a\":2},\"c\":[{\"a\":3}]}", "1|");
    ck_finds("a", "{\"\\u0061\":1}", "1|");
    ck_finds("a/b", "{\"a/b\":1,\"a\":{\"b\":2}}", "1|");
    ck_finds("a~1b", "{\"a~1b\":1,\"a/b\":2}", "1|");
    ck_finds("https://a.example/id", "{\"https:\\/\\/a.example/id\":1}", "1|");
    ck_finds("0", "{\"0\":1}", "1|");
    ck_finds("b", "{\"a\":1}", "");
    ck_finds("a", "{\"a\":1,\"a\":2}", "1|2|");
}
END_TEST

START_TEST(a_pointer_goes_down)
{
    static const char text[] =
        "{\"a\":{\"b\":{\"c\":{\"d\":1}},\"\":2},\"b\":3,"
        "\"x/y\":{\"~\":4},\"l\":[5,[6,{\"m\":7}]],\"\":{\"\":8}}";

    ck_finds("/a/b/c/d", text, "1|");
    ck_finds("/a/", text, "2|");
    ck_finds("/b", text, "3|");
    ck_finds("/x~1y/~0", text, "4|");
    ck_finds("/l/0", text, "5|");
    ck_finds("/l/1/1/m", text, "7|");
    ck_finds("//", text, "8|");
    ck_finds("/a/b/c/e", text, "");
    ck_finds("/a/c", text, "");
    ck_finds("/l/2", text, "");
    ck_finds("/l/00", text, "");
    ck_finds("/l/-", text, "");
    ck_assert_uint_eq(search("/a/b/c/d", text).above, 3);
    ck_assert_uint_eq(search("/a/b/c/d", "{\"a\":1,\"b\":{\"b\":2}}").above, 1);
}
END_TEST

START_TEST(what_is_too_deep_or_long_is_no_path)
{
    char text[JSON_PATH_BYTES_MAX + 2];
    struct json_path path;

    static const char *const others[] = {"",    "/a/b/c/d/e", "/~",
                                         "/a~", "/~2",        "/a~01/~x"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(json_path_parse(&path, others[i]) == -1, "%s", others[i]);
    memset(text, '/', 4);
    memset(text + 4, 'n', sizeof(text) - 4);
    text[JSON_PATH_BYTES_MAX + 1] = '\0';
    ck_assert_int_eq(json_path_parse(&path, text), -1);
    ck_assert_int_eq(json_path_parse(&path, text + 4), 0);
    text[JSON_PATH_BYTES_MAX] = '\0';
    ck_assert_int_eq(json_path_parse(&path, text), 0);
    ck_assert_uint_eq(path.depth, 4);
    ck_assert_str_eq(path.parts + path.part[3], text + 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_path");
    TCase *tc = tcase_create("json_path");

    tcase_add_test(tc, a_name_is_a_member_of_the_outermost_object);
    tcase_add_test(tc, a_pointer_goes_down);
    tcase_add_test(tc, what_is_too_deep_or_long_is_no_path);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
