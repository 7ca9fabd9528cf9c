/* check_metrics_text.c - the text format, byte for byte. */
#include <check.h>
#include <locale.h>
#include <string.h>

#include "observe/metrics_text.h"
#include "suite.h"

static char buffer[8192];
static struct linebuf out;

static void clear(void)
{
    linebuf_init(&out, buffer, sizeof(buffer));
}

static void expect(const char *text)
{
    ck_assert_str_eq(buffer, text);
    ck_assert(!out.full);
    clear();
}

static void sample(const struct metrics_label *labels, uint64_t number,
                   unsigned decimals)
{
    metrics_text_sample(&out, "a_b", "", labels,
                        (struct metrics_value){number, decimals});
}

START_TEST(a_family_is_introduced)
{
    metrics_text_family(&out, "a_b_total", "counter", "What \"it\" is.");
    expect("# HELP a_b_total What \"it\" is.\n# TYPE a_b_total counter\n");
    metrics_text_family(&out, "a", "gauge", "1\n2\\3");
    expect("# HELP a 1\\n2\\\\3\n# TYPE a gauge\n");
}
END_TEST

START_TEST(a_sample_has_two_labels_at_most)
{
    const struct metrics_label none[2] = {{0}}, one[2] = {{"x", "y"}},
                               two[2] = {{"x", "y"}, {"le", "+Inf"}};

    sample(NULL, 7, 0);
    expect("a_b 7\n");
    sample(none, 7, 0);
    expect("a_b 7\n");
    sample(one, 7, 0);
    expect("a_b{x=\"y\"} 7\n");
    sample(two, 7, 0);
    expect("a_b{x=\"y\",le=\"+Inf\"} 7\n");
}
END_TEST

START_TEST(label_values_are_escaped)
{
    const struct metrics_label evil[2] = {{"x", "\"} 1\na_b{x=\"\\\xc3\xa9"}};
    const struct metrics_label empty[2] = {{"x", ""}};

    sample(evil, 7, 0);
    expect("a_b{x=\"\\\"} 1\\na_b{x=\\\"\\\\\xc3\xa9\"} 7\n");
    sample(empty, 7, 0);
    expect("a_b{x=\"\"} 7\n");
}
END_TEST

START_TEST(numbers_have_a_point_where_it_is_needed)
{
    static const struct {
        uint64_t number;
        unsigned decimals;
        const char *text;
    } cases[] = {
        {0, 0, "a_b 0\n"},
        {0, 6, "a_b 0\n"},
        {1, 6, "a_b 0.000001\n"},
        {16, 6, "a_b 0.000016\n"},
        {1048576, 6, "a_b 1.048576\n"},
        {1500000, 6, "a_b 1.5\n"},
        {2000000, 6, "a_b 2\n"},
        {1234, 3, "a_b 1.234\n"},
        {1000000000000000001, 9, "a_b 1000000000.000000001\n"},
        {UINT64_MAX, 0, "a_b 18446744073709551615\n"},
        {UINT64_MAX, 9, "a_b 18446744073.709551615\n"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sample(NULL, cases[i].number, cases[i].decimals);
        expect(cases[i].text);
    }
}
END_TEST

/* Where there is a locale with a comma, it changes nothing. */
START_TEST(a_locale_changes_nothing)
{
    (void)setlocale(LC_ALL, "de_DE.UTF-8");
    sample(NULL, 1234567, 3);
    expect("a_b 1234.567\n");
    (void)setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(buckets_are_added_up_and_the_last_is_the_count)
{
    const uint64_t bounds[] = {500, 1000, 2500}, counts[] = {1, 0, 3, 4};
    const struct metrics_histogram histogram = {bounds, counts, 3, 98765, 3};

    metrics_text_histogram(&out, "h", (struct metrics_label){0}, &histogram);
    expect("h_bucket{le=\"0.5\"} 1\n"
           "h_bucket{le=\"1\"} 1\n"
           "h_bucket{le=\"2.5\"} 4\n"
           "h_bucket{le=\"+Inf\"} 8\n"
           "h_sum 98.765\n"
           "h_count 8\n");
    metrics_text_histogram(&out, "h", (struct metrics_label){"a", "b"},
                           &histogram);
    expect("h_bucket{a=\"b\",le=\"0.5\"} 1\n"
           "h_bucket{a=\"b\",le=\"1\"} 1\n"
           "h_bucket{a=\"b\",le=\"2.5\"} 4\n"
           "h_bucket{a=\"b\",le=\"+Inf\"} 8\n"
           "h_sum{a=\"b\"} 98.765\n"
           "h_count{a=\"b\"} 8\n");
}
END_TEST

START_TEST(what_does_not_fit_is_said)
{
    char small[8];

    linebuf_init(&out, small, sizeof(small));
    sample(NULL, 12, 0);
    ck_assert(!out.full);
    ck_assert_str_eq(small, "a_b 12\n");
    linebuf_init(&out, small, sizeof(small));
    sample(NULL, 123, 0);
    ck_assert(out.full);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics_text");
    TCase *tests = tcase_create("metrics_text");

    tcase_add_checked_fixture(tests, clear, NULL);
    tcase_add_test(tests, a_family_is_introduced);
    tcase_add_test(tests, a_sample_has_two_labels_at_most);
    tcase_add_test(tests, label_values_are_escaped);
    tcase_add_test(tests, numbers_have_a_point_where_it_is_needed);
    tcase_add_test(tests, a_locale_changes_nothing);
    tcase_add_test(tests, buckets_are_added_up_and_the_last_is_the_count);
    tcase_add_test(tests, what_does_not_fit_is_said);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
