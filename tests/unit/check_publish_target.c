/* check_publish_target.c - the targets of /api/send, and which ids are invalid.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "publish_outcome.h"
#include "suite.h"

START_TEST(targets_are_a_user_a_session_or_both)
{
    static const struct {
        const char *members, *user, *session;
    } cases[] = {
        {"\"targetUserId\":\"user123\"", "user123", NULL},
        {"\"targetSessionId\":\"s\"", NULL, "s"},
        {"\"targetUserId\":\"u\",\"targetSessionId\":\"s\"", "u", "s"},
        {"\"targetUserId\":\"u\",\"targetSessionId\":null", "u", NULL},
        {"\"targetUserId\":null,\"targetSessionId\":\"s\"", NULL, "s"},
        {"\"target\\u0055serId\":\"\\u00e9\\ud83d\\ude00\\/\\\"\"",
         "\xc3\xa9\xf0\x9f\x98\x80/\"", NULL},
        {"\"targetUserId\":\" \",\"other\":{\"targetUserId\":1}", " ", NULL},
        {"\"TargetUserId\":1,\"targetUserId\":\"\xc2\xa0\"", "\xc2\xa0", NULL},
    };
    char body[512];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct outcome o;

        (void)snprintf(body, sizeof(body), "{%s,\"message\":%s}",
                       cases[i].members, MESSAGE);
        o = read_text(PUBLISH_SEND, body);
        check_message(&o, MESSAGE, strlen(MESSAGE));
        ck_assert(o.request.has_user == (cases[i].user != NULL));
        ck_assert(o.request.has_session == (cases[i].session != NULL));
        if (cases[i].user)
            ck_assert_str_eq(o.request.user_id, cases[i].user);
        if (cases[i].session)
            ck_assert_str_eq(o.request.session_id, cases[i].session);
        drop(&o);
    }
}
END_TEST

START_TEST(a_body_without_a_target_is_refused)
{
    static const char *const bodies[] = {
        "{\"message\":" MESSAGE "}",
        "{\"targetUserId\":null,\"message\":" MESSAGE "}",
        "{\"targetUserId\":null,\"targetSessionId\":null,\"message\":" MESSAGE
        "}",
        "{\"targetuserid\":\"u\",\"message\":" MESSAGE "}",
        "{\"userId\":\"u\",\"message\":" MESSAGE "}",
        "{\"message\":{\"targetUserId\":\"u\",\"type\":\"t\",\"payload\":1}}",
        "{\"to\":{\"targetUserId\":\"u\"},\"message\":" MESSAGE "}",
        "{}",
    };

    for (size_t i = 0; i < LENGTH(bodies); i++)
        check_refused(PUBLISH_SEND, bodies[i], 400, "missing_target",
                      "neither targetUserId nor targetSessionId is given");
}
END_TEST

START_TEST(a_wrong_target_is_refused_by_name)
{
    static const struct {
        const char *value, *problem;
    } cases[] = {
        {"1", "is not a string"},
        {"true", "is not a string"},
        {"[\"u\"]", "is not a string"},
        {"{}", "is not a string"},
        {"\"\"", "is empty"},
        {"\"a\\u0000\"", "contains U+0000"},
        {"\"\\ud800\"", "contains an unpaired surrogate"},
        {"\"\\ude00\\ud83d\"", "contains an unpaired surrogate"},
        {"\"a\\n\"", "contains a control character"},
        {"\"\\u001f\"", "contains a control character"},
        {"\"\x7f\"", "contains a control character"},
        {"\"a\\u0080\"", "contains a control character"},
        {"\"\xc2\x9f\"", "contains a control character"},
    };
    static const char *const names[] = {"targetUserId", "targetSessionId"};
    char body[512], message[128];

    for (size_t n = 0; n < LENGTH(names); n++) {
        for (size_t i = 0; i < LENGTH(cases); i++) {
            (void)snprintf(body, sizeof(body),
                           "{\"%s\":\"ok\",\"%s\":%s,"
                           "\"message\":%s}",
                           names[1 - n], names[n], cases[i].value, MESSAGE);
            (void)snprintf(message, sizeof(message), "%s %s", names[n],
                           cases[i].problem);
            check_refused(PUBLISH_SEND, body, 400, "invalid_id", message);
        }
    }
}
END_TEST

/* Reads a user id of `bytes` bytes once decoded: as many of `unit`, which
 * stands for `unit_bytes`, as fit, and x for the rest. */
static struct outcome read_user(const char *unit, size_t unit_bytes,
                                size_t bytes)
{
    char body[4096];
    int used = sprintf(body, "{\"targetUserId\":\"");

    for (; bytes >= unit_bytes; bytes -= unit_bytes)
        used += sprintf(body + used, "%s", unit);
    for (; bytes > 0; bytes--)
        used += sprintf(body + used, "x");
    (void)sprintf(body + used, "\",\"message\":%s}", MESSAGE);
    return read_text(PUBLISH_SEND, body);
}

START_TEST(targets_are_measured_after_undoing_escapes)
{
    static const struct {
        const char *unit;
        size_t bytes;
    } cases[] = {
        {"a", 1},        {"\\u0061", 1}, {"\\/", 1},           {"\\u00e9", 2},
        {"\xc3\xa9", 2}, {"\\u20ac", 3}, {"\\ud83d\\ude00", 4}};

    for (size_t i = 0; i < LENGTH(cases); i++) {
        for (size_t bytes = 255; bytes <= 257; bytes++) {
            struct outcome o = read_user(cases[i].unit, cases[i].bytes, bytes);

            if (bytes <= HUB_ID_BYTES_MAX) {
                ck_assert_int_eq(o.result, 0);
                ck_assert_uint_eq(strlen(o.request.user_id), bytes);
            } else {
                ck_assert_int_eq(o.result, -1);
                ck_assert_str_eq(o.error.code, "invalid_id");
                ck_assert_str_eq(o.error.message,
                                 "targetUserId is longer than 256 bytes");
            }
            drop(&o);
        }
    }
}
END_TEST

START_TEST(ids_of_queries_are_checked_too)
{
    static const struct {
        const char *id;
        size_t bytes;
        const char *problem;
    } cases[] = {
        {"", 0, "is empty"},
        {"a", 1, NULL},
        {"user 1/\"%\xc3\xa9\xf0\x9f\x98\x80", 15, NULL},
        {"\0", 1, "contains a control character"},
        {"a\0b", 3, "contains a control character"},
        {"a\r\n", 3, "contains a control character"},
        {"\x1f", 1, "contains a control character"},
        {" ", 1, NULL},
        {"~", 1, NULL},
        {"\x7f", 1, "contains a control character"},
        {"\xc2\x80", 2, "contains a control character"},
        {"\xc2\x9f", 2, "contains a control character"},
        {"\xc2\xa0", 2, NULL},
        {"\xc3\x80", 2, NULL},
        {"\xe2\x82\xac", 3, NULL},
        {"\x80", 1, "is not valid UTF-8"},
        {"\xc2", 1, "is not valid UTF-8"},
        {"\xc0\x80", 2, "is not valid UTF-8"},
        {"\xed\xa0\x80", 3, "is not valid UTF-8"},
        {"a\xff", 2, "is not valid UTF-8"},
    };
    char id[HUB_ID_BYTES_MAX + 1];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        const char *problem = id_problem(cases[i].id, cases[i].bytes);

        ck_assert_msg(cases[i].problem
                          ? problem && !strcmp(problem, cases[i].problem)
                          : !problem,
                      "case %zu: %s", i, problem ? problem : "accepted");
    }
    memset(id, 'x', sizeof(id));
    ck_assert_ptr_null(id_problem(id, 255));
    ck_assert_ptr_null(id_problem(id, 256));
    ck_assert_str_eq(id_problem(id, 257), "is longer than 256 bytes");
}
END_TEST

static TCase *target_case(void)
{
    TCase *tc = tcase_create("targets");

    tcase_add_test(tc, targets_are_a_user_a_session_or_both);
    tcase_add_test(tc, a_body_without_a_target_is_refused);
    tcase_add_test(tc, a_wrong_target_is_refused_by_name);
    tcase_add_test(tc, targets_are_measured_after_undoing_escapes);
    tcase_add_test(tc, ids_of_queries_are_checked_too);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("publish_target");

    suite_add_tcase(suite, target_case());
    return suite_run(suite);
}
