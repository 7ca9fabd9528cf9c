/* check_units.c - durations, sizes and counts, and that printed ones parse back
 * to the same number.
 */
#include <check.h>
#include <inttypes.h>

#include "base/units.h"
#include "suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(durations_are_read_as_in_go)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"0", 0},
        {"0s", 0},
        {"+0", 0},
        {"1ms", 1},
        {"500ms", 500},
        {"60s", 60000},
        {"+5s", 5000},
        {"1m30s", 90000},
        {"30s1m", 90000},
        {"1h", 3600000},
        {"1h2m3s4ms", 3723004},
        {"1.5s", 1500},
        {".5s", 500},
        {"1.s", 1000},
        {"0.001s", 1},
        {"0.0010000000000000000000s", 1},
        {"1.25h", 4500000},
        {"1000us", 1},
        {"2000\xc2\xb5s", 2},
        {"3000\xce\xbcs", 3},
        {"4000000ns", 4},
        {"0.5ms500us", 1},
        {"007s", 7000},
        {"5124095h", INT64_C(18446742000000)},
    };
    int64_t ms;

    for (size_t i = 0; i < COUNT(rows); i++) {
        ck_assert_msg(units_parse_duration(&ms, rows[i].text) == 0, "%s",
                      rows[i].text);
        ck_assert_msg(ms == rows[i].ms, "%s: %" PRId64, rows[i].text, ms);
    }
}
END_TEST

START_TEST(a_wrong_duration_is_refused)
{
    static const char *const rows[] = {
        "",      " ",
        "s",     ".",
        ".s",    "5",
        "1.5",   "-5s",
        "-0",    "++5s",
        "+",     "5S",
        "5 s",   " 5s",
        "5s ",   "5sec",
        "1d",    "1m30",
        "1..5s", "1.5.s",
        "1,5s",  "1e3s",
        "0x5s",  "5mss",
        "1us",   "0.5ms",
        "1ns",   "0.0001s",
        "999us", "1.0001s",
        "\xc2s", "5\xc2",
        "60s\n", "inf",
        "nan",   "00",
        "0.",    "1.0000000000000001s",
    };
    int64_t ms = 77;

    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_msg(units_parse_duration(&ms, rows[i]) == -1, "%s", rows[i]);
    ck_assert_int_eq(ms, 77);
}
END_TEST

START_TEST(a_duration_that_overflows_is_refused)
{
    static const char *const rows[] = {
        "5124096h",                    /* just over 2^64 ns */
        "18446744073709551615s",       /* the product */
        "18446744073709551616ns",      /* the digits */
        "99999999999999999999999999h", /* far over */
        "5124095h5124095h",            /* the sum */
    };
    int64_t ms;

    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_msg(units_parse_duration(&ms, rows[i]) == -1, "%s", rows[i]);
}
END_TEST

START_TEST(sizes_are_1024_based_in_any_case)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {
        {"0", 0},
        {"1", 1},
        {"65536", 65536},
        {"512B", 512},
        {"512b", 512},
        {"512KB", 524288},
        {"512kb", 524288},
        {"512Kb", 524288},
        {"512K", 524288},
        {"512KiB", 524288},
        {"512kib", 524288},
        {"1MB", 1048576},
        {"1M", 1048576},
        {"1mIb", 1048576},
        {"1GB", 1073741824},
        {"4g", UINT64_C(4294967296)},
        {"2GiB", UINT64_C(2147483648)},
        {"18446744073709551615", UINT64_MAX},
        {"17179869183GB", UINT64_C(17179869183) << 30},
    };
    uint64_t bytes;

    for (size_t i = 0; i < COUNT(rows); i++) {
        ck_assert_msg(units_parse_size(&bytes, rows[i].text) == 0, "%s",
                      rows[i].text);
        ck_assert_msg(bytes == rows[i].bytes, "%s: %" PRIu64, rows[i].text,
                      bytes);
    }
}
END_TEST

START_TEST(a_wrong_size_is_refused)
{
    static const char *const rows[] = {
        "",
        "KB",
        "B",
        "-1",
        "+1",
        "1 KB",
        " 1",
        "1 ",
        "1.5MB",
        "1TB",
        "1KBB",
        "1KiBs",
        "1bK",
        "0x10",
        "1e3",
        "1i",
        "1ib",
        "1,000",
        "18446744073709551616",
        "17179869184GB",
        "18014398509481984KB",
        "99999999999999999999999",
    };
    uint64_t bytes;

    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_msg(units_parse_size(&bytes, rows[i]) == -1, "%s", rows[i]);
}
END_TEST

START_TEST(a_count_is_digits_and_nothing_else)
{
    static const char *const wrong[] = {
        "",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "0x",
        "1e3",
        "1\n",
        "eighty",
        "18446744073709551616",
    };
    uint64_t count;

    ck_assert_int_eq(units_parse_count(&count, "0"), 0);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(units_parse_count(&count, "0008"), 0);
    ck_assert_uint_eq(count, 8);
    ck_assert_int_eq(units_parse_count(&count, "18446744073709551615"), 0);
    ck_assert_uint_eq(count, UINT64_MAX);
    for (size_t i = 0; i < COUNT(wrong); i++)
        ck_assert_msg(units_parse_count(&count, wrong[i]) == -1, "%s",
                      wrong[i]);
}
END_TEST

START_TEST(durations_are_printed_as_people_write_them)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "0s"},         {1, "1ms"},     {999, "999ms"},  {1000, "1s"},
        {1500, "1s500ms"}, {25000, "25s"}, {60000, "60s"},  {60001, "1m1ms"},
        {90000, "1m30s"},  {120000, "2m"}, {3600000, "1h"}, {3605000, "1h5s"},
        {86400000, "24h"},
    };
    char text[UNITS_TEXT_MAX];

    for (size_t i = 0; i < COUNT(rows); i++) {
        units_format_duration(text, rows[i].ms);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

START_TEST(sizes_are_printed_in_the_largest_whole_unit)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0"},
        {1000, "1000"},
        {1023, "1023"},
        {1024, "1KB"},
        {524288, "512KB"},
        {1048576, "1MB"},
        {1572864, "1536KB"},
        {UINT64_C(1) << 40, "1024GB"},
        {UINT64_MAX, "18446744073709551615"},
    };
    char text[UNITS_TEXT_MAX];

    for (size_t i = 0; i < COUNT(rows); i++) {
        units_format_size(text, rows[i].bytes);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

START_TEST(what_is_printed_reads_back_the_same)
{
    static const int64_t steps[] = {1, 7, 999, 59999, 61001, 3599999, 7261007};
    char text[UNITS_TEXT_MAX];
    uint64_t bytes;
    int64_t ms;

    for (size_t i = 0; i < COUNT(steps); i++) {
        for (int64_t n = 0; n < 200; n++) {
            units_format_duration(text, n * steps[i]);
            ck_assert_int_eq(units_parse_duration(&ms, text), 0);
            ck_assert_int_eq(ms, n * steps[i]);
            units_format_size(text, (uint64_t)(n * steps[i]) * 512);
            ck_assert_int_eq(units_parse_size(&bytes, text), 0);
            ck_assert_uint_eq(bytes, (uint64_t)(n * steps[i]) * 512);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("units");
    TCase *tc = tcase_create("units");

    tcase_add_test(tc, durations_are_read_as_in_go);
    tcase_add_test(tc, a_wrong_duration_is_refused);
    tcase_add_test(tc, a_duration_that_overflows_is_refused);
    tcase_add_test(tc, sizes_are_1024_based_in_any_case);
    tcase_add_test(tc, a_wrong_size_is_refused);
    tcase_add_test(tc, a_count_is_digits_and_nothing_else);
    tcase_add_test(tc, durations_are_printed_as_people_write_them);
    tcase_add_test(tc, sizes_are_printed_in_the_largest_whole_unit);
    tcase_add_test(tc, what_is_printed_reads_back_the_same);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
