/* check_tally.c - each event is counted once and in its place. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "observe/tally.h"
#include "suite.h"

static struct tally tally;

static void clear(void)
{
    tally = (struct tally){0};
}

START_TEST(an_answer_is_counted_where_it_belongs)
{
    for (int endpoint = 0; endpoint < TALLY_ENDPOINTS; endpoint++) {
        for (int i = 0; i < REFUSAL_KINDS; i++) {
            for (int times = 0; times < 1 + endpoint * 100 + i; times++)
                tally_answer(&tally, (enum tally_endpoint)endpoint,
                             (enum refusal_kind)i);
        }
    }
    for (int endpoint = 0; endpoint < TALLY_ENDPOINTS; endpoint++) {
        for (int i = 0; i < REFUSAL_KINDS; i++)
            ck_assert_uint_eq(tally_read(&tally.answers[endpoint][i]),
                              (uint64_t)(1 + endpoint * 100 + i));
    }
}
END_TEST

START_TEST(each_answer_is_expected_somewhere)
{
    for (int i = 0; i < REFUSAL_KINDS; i++) {
        ck_assert_uint_ne(tally_expected[i], 0);
        ck_assert_uint_eq(tally_expected[i] & ~TALLY_ALL, 0);
    }
    ck_assert_uint_eq(tally_expected[REFUSAL_MISSING_TARGET],
                      TALLY_AT(TALLY_SEND));
    ck_assert_str_eq(tally_endpoint_names[TALLY_OTHER], "other");
    ck_assert_str_eq(tally_endpoint_names[TALLY_METRICS], "metrics");
    ck_assert_str_eq(tally_endpoint_names[TALLY_CONSOLE], "console");
}
END_TEST

static uint64_t closed_with(int code)
{
    struct hub_close_info info = {.cause = HUB_CLOSED_LOST, .code = code};
    uint64_t at = TALLY_CLOSE_CODES;

    clear();
    tally_closed(&tally, &info);
    for (uint64_t i = 0; i < TALLY_CLOSE_CODES; i++) {
        if (tally_read(&tally.close_codes[i]) == 1) {
            ck_assert_uint_eq(at, TALLY_CLOSE_CODES);
            at = i;
        }
    }
    ck_assert_uint_lt(at, TALLY_CLOSE_CODES);
    return at;
}

START_TEST(every_code_has_one_place)
{
    char name[16];

    for (int code = 0; code <= 65535; code++) {
        const char *told = tally_close_code_names[closed_with(code)];

        (void)snprintf(name, sizeof(name), "%d", code);
        if (code >= 3000 && code < 5000)
            (void)snprintf(name, sizeof(name), "%dxxx", code / 1000);
        else if (code < 1000 || code > 1014 || code == 1004)
            strcpy(name, "other");
        ck_assert_msg(strcmp(told, name) == 0, "%d: %s", code, told);
    }
}
END_TEST

START_TEST(a_bound_of_recipients_belongs_to_its_bucket)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < TALLY_RECIPIENT_BOUNDS; i++) {
        uint64_t bound = tally_recipient_bounds[i];

        ck_assert(i == 0 || bound > tally_recipient_bounds[i - 1]);
        tally_recipients(&tally.sent, bound);
        tally_recipients(&tally.sent, bound + 1);
        sum += 2 * bound + 1;
    }
    tally_recipients(&tally.sent, UINT32_MAX);
    sum += UINT32_MAX;
    ck_assert_uint_eq(tally_read(&tally.sent.sum), sum);
    /* 0, 1 and 1, 2 and 2, then bounds alone and what is above the last. */
    ck_assert_uint_eq(tally_read(&tally.sent.counts[0]), 1);
    ck_assert_uint_eq(tally_read(&tally.sent.counts[1]), 2);
    ck_assert_uint_eq(tally_read(&tally.sent.counts[2]), 2);
    for (size_t i = 3; i < TALLY_RECIPIENT_BOUNDS; i++)
        ck_assert_uint_eq(tally_read(&tally.sent.counts[i]), 2);
    ck_assert_uint_eq(tally_read(&tally.sent.counts[TALLY_RECIPIENT_BOUNDS]),
                      2);
    ck_assert_uint_eq(tally_read(&tally.broadcast.sum), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tally");
    TCase *tests = tcase_create("tally");

    tcase_add_checked_fixture(tests, clear, NULL);
    tcase_add_test(tests, an_answer_is_counted_where_it_belongs);
    tcase_add_test(tests, each_answer_is_expected_somewhere);
    tcase_add_test(tests, every_code_has_one_place);
    tcase_add_test(tests, a_bound_of_recipients_belongs_to_its_bucket);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
