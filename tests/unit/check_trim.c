/* check_trim.c - when memory is given back, and that it is. */
#include "resources/trim.h"

#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

#define MB ((size_t)1 << 20)
#define BLOCKS 4000
#define BLOCK_BYTES 16384

/* Sanitizers bring an allocator of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool has_other_malloc = true;
#else
static const bool has_other_malloc = false;
#endif

static bool is_due(size_t floor, size_t resident, size_t used, size_t unused)
{
    struct trim trim = {.floor = floor};
    struct trim_sizes sizes = {resident, used, unused};

    return trim_is_due(&trim, &sizes);
}

START_TEST(holes_that_are_resident_are_due)
{
    ck_assert(is_due(10 * MB, 600 * MB, 20 * MB, 570 * MB));
}
END_TEST

START_TEST(holes_that_were_given_back_are_not)
{
    ck_assert(!is_due(10 * MB, 30 * MB, 20 * MB, 570 * MB));
}
END_TEST

START_TEST(memory_in_use_is_not)
{
    ck_assert(!is_due(10 * MB, 600 * MB, 590 * MB, 1 * MB));
    ck_assert(!is_due(0, 600 * MB, 20 * MB, 1 * MB));
}
END_TEST

START_TEST(small_gains_are_left_alone)
{
    ck_assert(!is_due(10 * MB, 31 * MB, 20 * MB, 100 * MB));
    ck_assert(!is_due(10 * MB, 1050 * MB, 1000 * MB, 100 * MB));
}
END_TEST

/* A process smaller than its heap: pages that were never touched. */
START_TEST(less_resident_than_in_use_is_no_excess)
{
    ck_assert(!is_due(0, 10 * MB, 20 * MB, 100 * MB));
}
END_TEST

static size_t resident(void)
{
    unsigned long total, pages;
    FILE *file = fopen("/proc/self/statm", "r");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%lu %lu", &total, &pages), 2);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void fill(char *blocks[BLOCKS])
{
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BLOCK_BYTES);
        ck_assert_ptr_nonnull(blocks[i]);
        memset(blocks[i], 1, BLOCK_BYTES);
    }
}

/* All but the last: without a trim, malloc keeps what lies below it. */
static void drain(char *blocks[BLOCKS])
{
    for (int i = 0; i < BLOCKS - 1; i++)
        free(blocks[i]);
}

START_TEST(after_each_peak_memory_goes_back)
{
    static char *blocks[BLOCKS];
    struct trim trim = {0};
    int64_t now_ms = 1;
    size_t before;

    if (has_other_malloc)
        return;
    trim_init();
    trim_tick(&trim, now_ms);
    before = resident();
    for (int peak = 0; peak < 3; peak++) {
        fill(blocks);
        ck_assert_uint_gt(resident(), before + 50 * MB);
        drain(blocks);
        trim_tick(&trim, now_ms += TRIM_EVERY_MS - 1); /* not yet */
        ck_assert_uint_gt(resident(), before + 50 * MB);
        trim_tick(&trim, now_ms += 1);
        ck_assert_uint_lt(resident(), before + 8 * MB);
        free(blocks[BLOCKS - 1]);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        holes_that_are_resident_are_due,
        holes_that_were_given_back_are_not,
        memory_in_use_is_not,
        small_gains_are_left_alone,
        less_resident_than_in_use_is_no_excess,
        after_each_peak_memory_goes_back,
    };
    Suite *suite = suite_create("trim");
    TCase *tcase = tcase_create("trim");

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
