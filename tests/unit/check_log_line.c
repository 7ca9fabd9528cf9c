/* check_log_line.c - one event as a line: both formats, bounds, and values that
 * try to be more than a value.
 */
#include <check.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/log_line.h"
#include "suite.h"

#define FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {0}})

/* 2026-01-02T03:04:05.678Z */
static const struct timespec now = {1767323045, 678999999};
static char line[LOG_LINE_MAX + 1];

static const char *text(const struct log_field *fields)
{
    size_t bytes = log_line_format(line, "", LOG_TEXT, &now, LEVEL_INFO,
                                   "connected", fields);

    ck_assert_uint_eq(bytes, strlen(line));
    ck_assert_ptr_eq(strchr(line, '\n'), line + bytes - 1);
    return line;
}

static cJSON *json(const struct log_field *fields)
{
    size_t bytes = log_line_format(line, "", LOG_JSON, &now, LEVEL_WARN,
                                   "connected", fields);
    cJSON *object = cJSON_ParseWithLength(line, bytes);

    ck_assert_uint_eq(bytes, strlen(line));
    ck_assert_ptr_eq(strchr(line, '\n'), line + bytes - 1);
    ck_assert_msg(object != NULL, "%s", line);
    return object;
}

static const char *member(const cJSON *object, const char *name)
{
    const char *value =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return value ? value : "(none)";
}

#define HEAD "time=2026-01-02T03:04:05.678Z level=info event=connected"

START_TEST(text_is_logfmt)
{
    ck_assert_str_eq(text(FIELDS({0})), HEAD "\n");
    ck_assert_str_eq(
        text(FIELDS(LOG_STR("user", "ada"), LOG_STR("remote", "127.0.0.1:5000"),
                    LOG_INT("bytes", INT64_MIN))),
        HEAD " user=ada remote=127.0.0.1:5000 "
             "bytes=-9223372036854775808\n");
    ck_assert_str_eq(text(FIELDS(LOG_STR("session", NULL),
                                 LOG_STR("reason", ""), LOG_INT("n", 0))),
                     HEAD " reason=\"\" n=0\n");
    ck_assert_str_eq(text(FIELDS(LOG_STR("user", "a b"), LOG_STR("a", "x=y"))),
                     HEAD " user=\"a b\" a=\"x=y\"\n");
}
END_TEST

START_TEST(json_is_one_object_a_line)
{
    cJSON *object = json(
        FIELDS(LOG_STR("user", "ada"), LOG_STR("no", NULL), LOG_INT("n", -7)));

    ck_assert_str_eq(line, "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":"
                           "\"warn\",\"event\":\"connected\",\"user\":\"ada\","
                           "\"n\":-7}\n");
    ck_assert_str_eq(member(object, "user"), "ada");
    cJSON_Delete(object);
}
END_TEST

START_TEST(every_level_has_its_name)
{
    static const char *const names[] = {"level=debug ", "level=info ",
                                        "level=warn ", "level=error "};

    for (int i = 0; i < 4; i++) {
        log_line_format(line, "", LOG_TEXT, &now, (enum log_level)i, "e",
                        FIELDS({0}));
        ck_assert_ptr_nonnull(strstr(line, names[i]));
    }
}
END_TEST

START_TEST(a_time_that_no_timestamp_can_say_is_the_nearest_that_can)
{
    static const struct timespec before = {-62135596801, 0};

    log_line_format(line, "", LOG_TEXT, &before, LEVEL_INFO, "e", FIELDS({0}));
    ck_assert_str_eq(line,
                     "time=1970-01-01T00:00:00.000Z level=info event=e\n");
}
END_TEST

START_TEST(what_stands_in_front_counts_too)
{
    char long_value[LOG_VALUE_BYTES_MAX + 1];
    struct log_field fields[17] = {{0}};
    size_t bytes = log_line_format(line, "<6>", LOG_TEXT, &now, LEVEL_INFO,
                                   "connected", FIELDS({0}));

    ck_assert_str_eq(line, "<6>" HEAD "\n");
    ck_assert_uint_eq(bytes, strlen(line));
    bytes = log_line_format(line, "<6>", LOG_JSON, &now, LEVEL_INFO,
                            "connected", FIELDS({0}));
    ck_assert_int_eq(strncmp(line, "<6>{\"time\":", 11), 0);
    memset(long_value, 'x', LOG_VALUE_BYTES_MAX);
    long_value[LOG_VALUE_BYTES_MAX] = '\0';
    for (size_t i = 0; i < 16; i++)
        fields[i] = LOG_STR("value", long_value);
    bytes = log_line_format(line, "<6>", LOG_TEXT, &now, LEVEL_INFO,
                            "connected", fields);
    ck_assert_uint_le(bytes, LOG_LINE_MAX);
    ck_assert_uint_eq(bytes, strlen(line));
    ck_assert_ptr_nonnull(strstr(line, " left_out="));
}
END_TEST

START_TEST(nobody_can_forge_a_line_of_text)
{
    static const struct {
        const char *user, *shown;
    } rows[] = {
        {"x\ntime=1 level=error", "\"x\\ntime=1 level=error\""},
        {"x\" level=\"error", "\"x\\\" level=\\\"error\""},
        {"x level=error", "\"x level=error\""},
        {"\\\"", "\"\\\\\\\"\""},
        {"\x1b[2J\x07", "\"\\x1b[2J\\x07\""},
        {"\xc2\x85"
         "next",
         "\"\\u0085next\""},
        {"\xe2\x80\xa8"
         "next",
         "\"\\u2028next\""},
        {"\xc0\x8a", "\"\\xc0\\x8a\""},
        {"\xff", "\"\\xff\""},
        {"\xc3\xa9\xe4\xb8\xad", "\xc3\xa9\xe4\xb8\xad"},
    };
    char expected[128] = HEAD " user=";

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        strcpy(expected + strlen(HEAD " user="), rows[i].shown);
        strcat(expected, "\n");
        ck_assert_str_eq(text(FIELDS(LOG_STR("user", rows[i].user))), expected);
    }
}
END_TEST

START_TEST(json_gives_the_value_back)
{
    static const struct {
        const char *user, *parsed; /* NULL: the same */
    } rows[] = {
        {"x\"},{\"level\":\"error", NULL},
        {"x\n{\"level\":\"error\"}", NULL},
        {"\\u0022,\\", NULL},
        {"\x01\x1b\x7f\t\r", NULL},
        {"\xc2\x85\xe2\x80\xa8\xe2\x80\xae", NULL},
        {"\xf3\xa0\x80\x81\xf0\x9f\x98\x80", NULL},
        {"a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cJSON *object = json(FIELDS(LOG_STR("user", rows[i].user)));

        ck_assert_str_eq(member(object, "user"),
                         rows[i].parsed ? rows[i].parsed : rows[i].user);
        ck_assert_str_eq(member(object, "level"), "warn");
        ck_assert_int_eq(cJSON_GetArraySize(object), 4);
        for (const char *p = line; *p != '\n'; p++)
            ck_assert((unsigned char)*p >= ' ' && *p != 0x7f);
        cJSON_Delete(object);
    }
}
END_TEST

START_TEST(every_byte_alone_keeps_the_line_whole)
{
    for (int i = 1; i < 256; i++) {
        char value[] = {'a', (char)i, 'b', '\0'};
        cJSON *object = json(FIELDS(LOG_STR("v", value), LOG_INT("n", 1)));

        if (i < 128)
            ck_assert_str_eq(member(object, "v"), value);
        cJSON_Delete(object);
        text(FIELDS(LOG_STR("v", value), LOG_INT("n", 1)));
        ck_assert_ptr_nonnull(strstr(line, " n=1\n"));
    }
}
END_TEST

START_TEST(a_long_value_is_cut_with_a_mark)
{
    char value[LOG_VALUE_BYTES_MAX + 2];
    cJSON *object;

    memset(value, 'v', sizeof(value));
    value[LOG_VALUE_BYTES_MAX] = '\0';
    text(FIELDS(LOG_STR("v", value)));
    ck_assert_uint_eq(strlen(line), strlen(HEAD " v=\n") + 1024);
    value[LOG_VALUE_BYTES_MAX] = 'v';
    value[LOG_VALUE_BYTES_MAX + 1] = '\0';
    text(FIELDS(LOG_STR("v", value), LOG_INT("n", 1)));
    ck_assert_ptr_nonnull(strstr(line, "vvv... n=1\n"));
    ck_assert_uint_eq(strlen(line), strlen(HEAD " v=... n=1\n") + 1024);
    object = json(FIELDS(LOG_STR("v", value)));
    ck_assert_uint_eq(strlen(member(object, "v")), 1024 + 3);
    cJSON_Delete(object);
}
END_TEST

START_TEST(pairs_that_do_not_fit_are_counted)
{
    char value[LOG_VALUE_BYTES_MAX + 1];
    struct log_field fields[13] = {{0}};
    cJSON *object;

    memset(value, '\x01', sizeof(value)); /* grows to the longest escapes */
    value[LOG_VALUE_BYTES_MAX] = '\0';
    for (int i = 0; i < 10; i++)
        fields[i] = LOG_STR("v", value);
    fields[10] = LOG_STR("short", "yes");
    fields[11] = LOG_INT("n", 1);
    text(fields);
    ck_assert_ptr_nonnull(strstr(line, " short=yes n=1 left_out=9\n"));
    object = json(fields);
    ck_assert_str_eq(member(object, "short"), "yes");
    ck_assert_ptr_nonnull(strstr(line, "\"n\":1,\"left_out\":9}\n"));
    cJSON_Delete(object);
    for (int i = 0; i < 12; i++)
        fields[i] = LOG_STR("v", value);
    memset(value, 'v', LOG_VALUE_BYTES_MAX);
    text(fields);
    ck_assert_uint_le(strlen(line), LOG_LINE_MAX);
    ck_assert_ptr_nonnull(strstr(line, " left_out=5\n"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_line");
    TCase *tc = tcase_create("log_line");

    tcase_add_test(tc, text_is_logfmt);
    tcase_add_test(tc, json_is_one_object_a_line);
    tcase_add_test(tc, every_level_has_its_name);
    tcase_add_test(tc,
                   a_time_that_no_timestamp_can_say_is_the_nearest_that_can);
    tcase_add_test(tc, what_stands_in_front_counts_too);
    tcase_add_test(tc, nobody_can_forge_a_line_of_text);
    tcase_add_test(tc, json_gives_the_value_back);
    tcase_add_test(tc, every_byte_alone_keeps_the_line_whole);
    tcase_add_test(tc, a_long_value_is_cut_with_a_mark);
    tcase_add_test(tc, pairs_that_do_not_fit_are_counted);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
