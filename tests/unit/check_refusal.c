/* check_refusal.c - the table of refusals, and how a refusal is filled in. */
#include <check.h>
#include <string.h>

#include "front/refusal.h"
#include "suite.h"

START_TEST(each_code_is_one_of_its_own)
{
    for (int i = 0; i < REFUSAL_KINDS; i++) {
        const char *code = refusal_rows[i].code;

        ck_assert_uint_eq(strspn(code, "abcdefghijklmnopqrstuvwxyz_"),
                          strlen(code));
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(code, refusal_rows[j].code);
    }
    ck_assert_str_eq(refusal_rows[REFUSAL_NONE].code, "ok");
}
END_TEST

START_TEST(each_status_has_a_phrase)
{
    for (int i = 0; i < REFUSAL_KINDS; i++)
        ck_assert_str_ne(refusal_phrase(refusal_rows[i].status), "");
    ck_assert_str_eq(refusal_phrase(304), "Not Modified");
    ck_assert_str_eq(refusal_phrase(431), "Request Header Fields Too Large");
    ck_assert_str_eq(refusal_phrase(299), "");
}
END_TEST

START_TEST(header_lines_are_whole)
{
    for (int i = 0; i < REFUSAL_KINDS; i++) {
        const char *headers = refusal_rows[i].headers;

        if (headers == NULL)
            continue;
        ck_assert_ptr_nonnull(strstr(headers, ": "));
        ck_assert_str_eq(headers + strlen(headers) - 2, "\r\n");
    }
}
END_TEST

START_TEST(a_refusal_is_its_row_and_what_is_said)
{
    struct refusal why;

    ck_assert_int_eq(refuse(&why, REFUSAL_RATE_LIMITED, "%d of %s", 7, "ada"),
                     -1);
    ck_assert_int_eq(why.kind, REFUSAL_RATE_LIMITED);
    ck_assert_int_eq(why.status, 429);
    ck_assert_str_eq(why.code, "rate_limited");
    ck_assert_str_eq(why.headers, "Retry-After: 10\r\n");
    ck_assert_str_eq(why.message, "7 of ada");
}
END_TEST

START_TEST(without_better_words_it_is_the_tables)
{
    struct refusal why;

    for (int i = REFUSAL_NONE + 1; i < REFUSAL_KINDS; i++) {
        ck_assert_int_eq(refuse_as(&why, (enum refusal_kind)i), -1);
        ck_assert_str_ne(why.message, "");
        ck_assert_str_eq(why.message, refusal_rows[i].text);
    }
}
END_TEST

START_TEST(a_message_that_is_too_long_is_cut)
{
    struct refusal why;

    (void)refuse(&why, REFUSAL_NOT_FOUND, "%01000d", 1);
    ck_assert_uint_eq(strlen(why.message), sizeof(why.message) - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refusal");
    TCase *tests = tcase_create("refusal");

    tcase_add_test(tests, each_code_is_one_of_its_own);
    tcase_add_test(tests, each_status_has_a_phrase);
    tcase_add_test(tests, header_lines_are_whole);
    tcase_add_test(tests, a_refusal_is_its_row_and_what_is_said);
    tcase_add_test(tests, without_better_words_it_is_the_tables);
    tcase_add_test(tests, a_message_that_is_too_long_is_cut);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
