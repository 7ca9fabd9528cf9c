/* check_bench_histogram.c - that no quantile is off by 1 % from 1 µs to 100 s,
 * and that what should be exact is.
 */
#include <check.h>
#include <math.h>

#include "histogram.h"
#include "suite.h"

#define SECOND INT64_C(1000000000)

static struct histogram h, other;

START_TEST(an_empty_one_knows_nothing)
{
    histogram_clear(&h);
    ck_assert(isnan(histogram_quantile(&h, 0.5)));
    ck_assert(isnan(histogram_quantile(&h, 1)));
    ck_assert(isnan(histogram_mean(&h)));
}
END_TEST

START_TEST(every_time_is_within_one_percent)
{
    for (double ns = 1000; ns <= 100.0 * SECOND; ns *= 1.003) {
        double found;

        histogram_clear(&h);
        histogram_add(&h, (int64_t)ns);
        histogram_add(&h, 200 * SECOND); /* else the maximum would limit it */
        histogram_add(&h, 0);
        found = histogram_quantile(&h, 0.5);
        ck_assert_msg(fabs(found - ns) <= ns / 100, "%f: %f", ns, found);
    }
}
END_TEST

START_TEST(buckets_follow_each_other_without_a_gap)
{
    unsigned last = histogram_index(0);

    ck_assert_uint_eq(last, 0);
    for (uint64_t ns = 1; ns < 100000; ns++) {
        unsigned index = histogram_index(ns);

        ck_assert(index == last || index == last + 1);
        last = index;
    }
    ck_assert_uint_eq(histogram_index((UINT64_C(2) << HISTOGRAM_TOP_BIT) - 1),
                      HISTOGRAM_BUCKETS - 1);
    ck_assert_uint_eq(histogram_index(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}
END_TEST

START_TEST(quantiles_of_a_known_distribution)
{
    histogram_clear(&h);
    for (int64_t us = 1; us <= 10000; us++)
        histogram_add(&h, us * 1000);
    ck_assert_double_eq_tol(histogram_quantile(&h, 0), 1000, 10);
    ck_assert_double_eq_tol(histogram_quantile(&h, 0.5), 5e6, 5e4);
    ck_assert_double_eq_tol(histogram_quantile(&h, 0.9), 9e6, 9e4);
    ck_assert_double_eq_tol(histogram_quantile(&h, 0.99), 9.9e6, 9.9e4);
    ck_assert_double_eq_tol(histogram_quantile(&h, 0.999), 9.99e6, 9.99e4);
    ck_assert_double_eq(histogram_quantile(&h, 1), 1e7);
    ck_assert_double_eq_tol(histogram_mean(&h), 5000500, 1e-6);
}
END_TEST

START_TEST(one_outlier_shows_only_at_the_very_end)
{
    histogram_clear(&h);
    for (int i = 0; i < 9999; i++)
        histogram_add(&h, 1000);
    histogram_add(&h, 5 * SECOND);
    ck_assert_double_eq_tol(histogram_quantile(&h, 0.9999), 1000, 10);
    ck_assert_double_eq(histogram_quantile(&h, 1), 5e9);
}
END_TEST

START_TEST(a_quantile_never_leaves_what_was_seen)
{
    histogram_clear(&h);
    histogram_add(&h, 1000003);
    ck_assert_double_eq(histogram_quantile(&h, 0.5), 1000003);
    ck_assert_double_eq(histogram_quantile(&h, 0), 1000003);
    histogram_add(&h, -5);
    ck_assert_double_eq(histogram_quantile(&h, 0), 0);
}
END_TEST

START_TEST(merged_ones_are_like_a_single_one)
{
    histogram_clear(&h);
    histogram_clear(&other);
    histogram_merge(&h, &other);
    ck_assert_uint_eq(h.count, 0);
    for (int64_t i = 1; i <= 100; i++)
        histogram_add(&other, i * 1000);
    histogram_merge(&h, &other);
    ck_assert_double_eq(histogram_quantile(&h, 1), 100000);
    ck_assert_int_eq(h.min_ns, 1000);
    histogram_clear(&other);
    histogram_add(&other, 7);
    histogram_add(&other, 9 * SECOND);
    histogram_merge(&h, &other);
    ck_assert_uint_eq(h.count, 102);
    ck_assert_int_eq(h.min_ns, 7);
    ck_assert_int_eq(h.max_ns, 9 * SECOND);
    ck_assert_uint_eq(h.sum_ns, 5050000 + 7 + 9 * SECOND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_histogram");
    TCase *tc = tcase_create("bench_histogram");

    tcase_add_test(tc, an_empty_one_knows_nothing);
    tcase_add_test(tc, every_time_is_within_one_percent);
    tcase_add_test(tc, buckets_follow_each_other_without_a_gap);
    tcase_add_test(tc, quantiles_of_a_known_distribution);
    tcase_add_test(tc, one_outlier_shows_only_at_the_very_end);
    tcase_add_test(tc, a_quantile_never_leaves_what_was_seen);
    tcase_add_test(tc, merged_ones_are_like_a_single_one);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
