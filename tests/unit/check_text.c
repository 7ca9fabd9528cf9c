/* check_text.c - codes and causes have their texts, and so do unknown ones. */
#include <string.h>

#include <hub/hub.h>

#include "testing.h"

START_TEST(every_error_has_a_sentence_of_its_own)
{
    static const int codes[] = {
#define CODE(name, code, text) name,
        HUB_ERROR_MAP(CODE)
#undef CODE
    };

    for (size_t i = 0; i < TESTING_LENGTH(codes); i++) {
        ck_assert_int_lt(codes[i], 0);
        ck_assert_uint_gt(strlen(hub_strerror(codes[i])), 5);
        for (size_t j = 0; j < i; j++) {
            ck_assert_int_ne(codes[i], codes[j]);
            ck_assert_str_ne(hub_strerror(codes[i]), hub_strerror(codes[j]));
        }
    }
    ck_assert_str_eq(hub_strerror(HUB_ENOENT), "no such connection");
}
END_TEST

START_TEST(what_is_no_error_code_has_a_text_too)
{
    ck_assert_str_eq(hub_strerror(0), "no error");
    ck_assert_str_eq(hub_strerror(7), "no error");
    ck_assert_str_eq(hub_strerror(-1000), "unknown error");
}
END_TEST

START_TEST(every_cause_is_one_word)
{
    static const enum hub_close_cause causes[] = {
#define CAUSE(name, text) name,
        HUB_CLOSE_CAUSE_MAP(CAUSE)
#undef CAUSE
    };

    for (size_t i = 0; i < TESTING_LENGTH(causes); i++) {
        const char *name = hub_close_cause_name(causes[i]);

        ck_assert_uint_gt(strlen(name), 0);
        ck_assert_ptr_null(strpbrk(name, " \"=\n"));
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(name, hub_close_cause_name(causes[j]));
    }
    ck_assert_str_eq(hub_close_cause_name(HUB_CLOSED_SLOW_CONSUMER), "slow");
    ck_assert_str_eq(hub_close_cause_name((enum hub_close_cause)99), "unknown");
}
END_TEST

START_TEST(every_sender_is_one_word)
{
    ck_assert_str_eq(hub_sender_name(HUB_SENDER_AUTO), "auto");
    ck_assert_str_eq(hub_sender_name(HUB_SENDER_URING), "uring");
    ck_assert_str_eq(hub_sender_name(HUB_SENDER_SENDMSG), "sendmsg");
    ck_assert_str_eq(hub_sender_name((enum hub_sender)99), "unknown");
}
END_TEST

START_TEST(the_version_is_that_of_the_header)
{
    ck_assert_str_eq(hub_version(), HUB_VERSION);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_error_has_a_sentence_of_its_own,
        what_is_no_error_code_has_a_text_too,
        every_cause_is_one_word,
        every_sender_is_one_word,
        the_version_is_that_of_the_header,
    };

    return testing_run("text", tests, TESTING_LENGTH(tests));
}
