/* check_timestamp.c - which dates and times are accepted, and how one is
 * written. */
#include "base/timestamp.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* From a heap copy without a byte to spare. */
static bool is_valid(const char *text, size_t bytes)
{
    char *copy = malloc(bytes ? bytes : 1);
    bool valid;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, bytes);
    valid = timestamp_is_valid(copy, bytes);
    free(copy);
    return valid;
}

START_TEST(dates_and_times_pass)
{
    static const char *const texts[] = {
        "2026-01-02",
        "0000-02-29",
        "9999-12-31",
        "2024-02-29",
        "2000-02-29",
        "2026-01-02T03:04",
        "2026-01-02T03:04Z",
        "2026-01-02T03:04:05",
        "2026-01-02T00:00:00Z",
        "2026-01-02T23:59:59Z",
        "2026-01-02T23:59:60Z",
        "2026-01-02 03:04:05",
        "2026-01-02t03:04:05z",
        "2026-01-02T03:04:05.6",
        "2026-01-02T03:04:05.678Z",
        "2026-01-02T03:04:05.6789012Z",
        "2026-01-02T03:04:05.6789012345678901234567890+01:00",
        "2026-01-02T03:04:05+00:00",
        "2026-01-02T03:04:05-00:00",
        "2026-01-02T03:04:05-23:59",
        "2026-01-02T03:04:05+0530",
        "2026-01-02T03:04:05+05",
        "2026-01-02T03:04+05:30",
        "2026-01-02T03:04-05",
    };

    for (size_t i = 0; i < LENGTH(texts); i++)
        ck_assert_msg(is_valid(texts[i], strlen(texts[i])), "%s", texts[i]);
}
END_TEST

START_TEST(anything_else_does_not)
{
    static const char *const texts[] = {
        "",
        "now",
        "2026",
        "2026-01",
        "2026-1-2",
        "26-01-02",
        "02026-01-02",
        "-2026-01-02",
        "+2026-01-02",
        "20260102",
        "20260102T030405Z",
        "2026/01/02",
        "02.01.2026",
        "2026-W01-5",
        "2026-001",
        " 2026-01-02",
        "2026-01-02 ",
        "2026-01-02Z",
        "2026-01-02T",
        "2026-01-02T03",
        "2026-01-02T03Z",
        "2026-01-02T3:04",
        "2026-01-02T03:4",
        "2026-01-02T03:04:",
        "2026-01-02T03:04:5",
        "2026-01-02T03:04:05.",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05,678Z",
        "2026-01-02T03:04.5Z",
        "2026-01-02T030405Z",
        "2026-01-02  03:04:05",
        "2026-01-02_03:04:05",
        "2026-01-02T03:04:05 Z",
        "2026-01-02T03:04:05ZZ",
        "2026-01-02T03:04:05Z+01:00",
        "2026-01-02T03:04:05+",
        "2026-01-02T03:04:05+1",
        "2026-01-02T03:04:05+01:",
        "2026-01-02T03:04:05+01:0",
        "2026-01-02T03:04:05+010",
        "2026-01-02T03:04:05+01:000",
        "2026-01-02T03:04:05+01:00:00",
        "2026-01-02T03:04:05 UTC",
        "2026-01-02T03:04:05\n",
        "Fri, 02 Jan 2026 03:04:05 GMT",
        "\xd9\xa2\xd9\xa0\xd9\xa2\xd9\xa6-01-02",
    };

    for (size_t i = 0; i < LENGTH(texts); i++)
        ck_assert_msg(!is_valid(texts[i], strlen(texts[i])), "%s", texts[i]);
    ck_assert(!is_valid("2026-01-02\0", 11));
    ck_assert(!timestamp_is_valid(NULL, 0));
}
END_TEST

START_TEST(values_out_of_their_range_do_not_pass)
{
    static const char *const texts[] = {
        "2026-00-01",
        "2026-13-01",
        "2026-99-01",
        "2026-01-00",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:00Z",
        "2026-01-02T03:04:61Z",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+01:60",
        "2026-01-02T03:04:05+2400",
        "2026-01-02T03:04:05-24",
    };

    for (size_t i = 0; i < LENGTH(texts); i++)
        ck_assert_msg(!is_valid(texts[i], strlen(texts[i])), "%s", texts[i]);
}
END_TEST

START_TEST(months_have_the_days_of_the_calendar)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const struct {
        int year, days;
    } februaries[] = {{2023, 28}, {2024, 29}, {2100, 28}, {1900, 28},
                      {2000, 29}, {2400, 29}, {4, 29},    {1, 28}};
    char text[32];

    for (int month = 1; month <= 12; month++) {
        for (int day = 1; day <= 32; day++) {
            (void)snprintf(text, sizeof(text), "2026-%02d-%02d", month, day);
            ck_assert_msg(is_valid(text, 10) == (day <= days[month - 1]), "%s",
                          text);
        }
    }
    for (size_t i = 0; i < LENGTH(februaries); i++) {
        for (int day = 28; day <= 30; day++) {
            (void)snprintf(text, sizeof(text), "%04d-02-%02d",
                           februaries[i].year, day);
            ck_assert_msg(is_valid(text, 10) == (day <= februaries[i].days),
                          "%s", text);
        }
    }
}
END_TEST

/* The pieces after which a text may end are known; all others must fail. */
START_TEST(a_time_may_end_only_where_it_is_whole)
{
    static const char text[] = "2026-01-02T03:04:05.678+01:30";
    static const char whole[] = "000000000010000010010111001001";

    for (size_t bytes = 0; bytes < sizeof(text); bytes++)
        ck_assert_msg(is_valid(text, bytes) == (whole[bytes] == '1'), "%.*s",
                      (int)bytes, text);
}
END_TEST

START_TEST(a_fraction_may_be_long)
{
    static char text[200000];

    memset(text, '7', sizeof(text));
    memcpy(text, "2026-01-02T03:04:05.", 20);
    text[sizeof(text) - 1] = 'Z';
    ck_assert(is_valid(text, sizeof(text)));
    text[sizeof(text) - 2] = 'Z';
    ck_assert(!is_valid(text, sizeof(text)));
}
END_TEST

START_TEST(the_hub_writes_utc_with_milliseconds)
{
    static const struct {
        struct timespec time;
        const char *text;
    } cases[] = {
        {{0, 0}, "1970-01-01T00:00:00.000Z"},
        {{1767323045, 678000000}, "2026-01-02T03:04:05.678Z"},
        {{1767323045, 678999999}, "2026-01-02T03:04:05.678Z"},
        {{1767323045, 7000000}, "2026-01-02T03:04:05.007Z"},
        {{1767323045, 999999}, "2026-01-02T03:04:05.000Z"},
        {{1767323045, 999999999}, "2026-01-02T03:04:05.999Z"},
        {{951782400, 0}, "2000-02-29T00:00:00.000Z"},
        {{4102444799, 0}, "2099-12-31T23:59:59.000Z"},
        {{253402300799, 999000000}, "9999-12-31T23:59:59.999Z"},
        {{253402300800, 0}, "9999-12-31T23:59:59.999Z"},
        {{INT64_MAX, 0}, "9999-12-31T23:59:59.999Z"},
        {{-1, 500000000}, "1970-01-01T00:00:00.000Z"},
        {{INT64_MIN, 0}, "1970-01-01T00:00:00.000Z"},
    };
    char out[TIMESTAMP_BYTES + 1];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        timestamp_format(&cases[i].time, out);
        ck_assert_str_eq(out, cases[i].text);
        ck_assert(is_valid(out, strlen(out)));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timestamp");
    TCase *tc = tcase_create("rfc3339");

    tcase_add_test(tc, dates_and_times_pass);
    tcase_add_test(tc, anything_else_does_not);
    tcase_add_test(tc, values_out_of_their_range_do_not_pass);
    tcase_add_test(tc, months_have_the_days_of_the_calendar);
    tcase_add_test(tc, a_time_may_end_only_where_it_is_whole);
    tcase_add_test(tc, a_fraction_may_be_long);
    tcase_add_test(tc, the_hub_writes_utc_with_milliseconds);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
