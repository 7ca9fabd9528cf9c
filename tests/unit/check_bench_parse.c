/* check_bench_parse.c - numbers and durations as flags take them. */
#include <check.h>
#include <inttypes.h>

#include "parse.h"
#include "suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(durations_are_read_as_in_go)
{
    static const struct {
        const char *text;
        int64_t ns;
    } rows[] = {
        {"0", 0},
        {"0s", 0},
        {"1ns", 1},
        {"10s", INT64_C(10000000000)},
        {"500ms", 500000000},
        {"1m30s", INT64_C(90000000000)},
        {"1.5s", 1500000000},
        {".5s", 500000000},
        {"1.s", 1000000000},
        {"1h", INT64_C(3600000000000)},
        {"2us", 2000},
        {"3\xc2\xb5s", 3000},
        {"4\xce\xbcs", 4000},
        {"1.5us", 1500},
        {"0.000000001s", 1},
        {"1.0000000000000s", 1000000000},
        {"2540400h", INT64_C(9145440000000000000)},
    };
    int64_t ns;

    for (size_t i = 0; i < COUNT(rows); i++) {
        ck_assert_msg(parse_duration(&ns, rows[i].text) == 0, "%s",
                      rows[i].text);
        ck_assert_msg(ns == rows[i].ns, "%s: %" PRId64, rows[i].text, ns);
    }
}
END_TEST

START_TEST(a_wrong_duration_is_refused)
{
    static const char *const rows[] = {
        "",
        " ",
        "s",
        ".s",
        "5",
        "1.5",
        "-1s",
        "+1s",
        "5S",
        "5 s",
        " 5s",
        "5s ",
        "1d",
        "1..5s",
        "1,5s",
        "1e3s",
        "0x5s",
        "5mss",
        "inf",
        "0.5ns",
        "00",
        "5\xc2",
        "\xc2s",
        "0.0000000001s",
        "2562048h",
        "9223372036854775808ns",
        "2562047h2562047h",
        "99999999999999999999s",
    };
    int64_t ns = 77;

    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_msg(parse_duration(&ns, rows[i]) == -1, "%s", rows[i]);
    ck_assert_int_eq(ns, 77);
}
END_TEST

START_TEST(a_count_is_digits_and_nothing_else)
{
    static const char *const wrong[] = {
        "",   " ",   "-1", "+1", "1 ",
        " 1", "0x1", "1.", "1k", "18446744073709551616",
    };
    uint64_t value = 77;

    for (size_t i = 0; i < COUNT(wrong); i++)
        ck_assert_msg(parse_count(&value, wrong[i]) == -1, "%s", wrong[i]);
    ck_assert_uint_eq(value, 77);
    ck_assert_int_eq(parse_count(&value, "0"), 0);
    ck_assert_uint_eq(value, 0);
    ck_assert_int_eq(parse_count(&value, "18446744073709551615"), 0);
    ck_assert_uint_eq(value, UINT64_MAX);
}
END_TEST

START_TEST(a_number_may_have_a_point)
{
    static const char *const wrong[] = {
        "",
        ".",
        "-1",
        "+1",
        "1e3",
        "1.2.3",
        "nan",
        "inf",
        "0x1",
        " 1",
        "1 ",
        "1,5",
        "1234567890123456",
    };
    double value = 77;

    for (size_t i = 0; i < COUNT(wrong); i++)
        ck_assert_msg(parse_number(&value, wrong[i]) == -1, "%s", wrong[i]);
    ck_assert_double_eq(value, 77);
    ck_assert_int_eq(parse_number(&value, "12.25"), 0);
    ck_assert_double_eq(value, 12.25);
    ck_assert_int_eq(parse_number(&value, ".5"), 0);
    ck_assert_double_eq(value, 0.5);
    ck_assert_int_eq(parse_number(&value, "100"), 0);
    ck_assert_double_eq(value, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_parse");
    TCase *tc = tcase_create("bench_parse");

    tcase_add_test(tc, durations_are_read_as_in_go);
    tcase_add_test(tc, a_wrong_duration_is_refused);
    tcase_add_test(tc, a_count_is_digits_and_nothing_else);
    tcase_add_test(tc, a_number_may_have_a_point);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
