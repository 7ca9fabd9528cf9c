/* check_publish.c - messages in the bodies of /api/send and /api/broadcast:
 * what is delivered, to the byte, and what is refused with which status, code
 * and sentence.
 */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "publish_outcome.h"
#include "suite.h"

#define STAMP ",\"timestamp\":\"2026-01-02T03:04:05.678Z\""

static void check_broadcast(const char *body, const char *expected)
{
    struct outcome o = read_text(PUBLISH_BROADCAST, body);

    check_message(&o, expected, strlen(expected));
    drop(&o);
}

/* Messages. ----------------------------------------------------------- */

START_TEST(the_message_is_the_posted_bytes)
{
    static const char *const messages[] = {
        MESSAGE,
        "{ \"timestamp\" : \"2026-01-02T03:04:05.678Z\" ,\r\n\t\"payload\" : "
        "{ \"b\" : 12345678901234567890 , \"a\":1.10, \"e\":1E400 } ,"
        "\"type\":\"x\" }",
        "{\"type\":\"\\u0000\",\"payload\":\"\\u0000\\ud800\\/\","
        "\"timestamp\":\"2026-01-02\"}",
        "{\"type\":\"\xf0\x9f\x98\x80\",\"payload\":\"\\ud83d\\ude00\","
        "\"timestamp\":\"2026-01-02T03:04:05\\u002B01:00\"}",
        "{\"t\\u0079pe\":\"a\",\"\\u0070ayload\":null,"
        "\"time\\u0073tamp\":\"2026-01-02\"}",
        "{\"type\":\"a\",\"payload\":{\"type\":1,\"type\":2,\"payload\":[]},"
        "\"x\":1,\"x\":2,\"timestamp\":\"2026-01-02\",\"message\":3,"
        "\"message\":{},\"Type\":0,\"targetUserId\":\"\"}",
    };
    char body[1024];

    for (size_t i = 0; i < LENGTH(messages); i++) {
        struct outcome o;

        (void)snprintf(body, sizeof(body), " \n%s\r\n ", messages[i]);
        o = read_text(PUBLISH_BROADCAST, body);
        check_message(&o, messages[i], strlen(messages[i]));
        ck_assert(!o.request.has_user && !o.request.has_session);
        ck_assert_ptr_null(o.request.owned);
        drop(&o);
        (void)snprintf(body, sizeof(body),
                       "{\"targetUserId\":\"u\", \"mess\\u0061ge\" : %s , "
                       "\"more\":[{\"message\":1}]}",
                       messages[i]);
        o = read_text(PUBLISH_SEND, body);
        check_message(&o, messages[i], strlen(messages[i]));
        ck_assert_ptr_null(o.request.owned);
        drop(&o);
    }
}
END_TEST

START_TEST(a_missing_timestamp_becomes_the_last_member)
{
    static const struct {
        const char *posted, *delivered;
    } cases[] = {
        {"{\"type\":\"a\",\"payload\":null}",
         "{\"type\":\"a\",\"payload\":null" STAMP "}"},
        {"{\"payload\":1.10,\"type\":\"a\"}",
         "{\"payload\":1.10,\"type\":\"a\"" STAMP "}"},
        {"{ \"type\" : \"a\" , \"payload\" : {} \n}",
         "{ \"type\" : \"a\" , \"payload\" : {} \n" STAMP "}"},
        {"{\"type\":\"}\",\"payload\":\"}\"}",
         "{\"type\":\"}\",\"payload\":\"}\"" STAMP "}"},
        {"{\"type\":\"a\",\"payload\":{\"timestamp\":\"x\"}}",
         "{\"type\":\"a\",\"payload\":{\"timestamp\":\"x\"}" STAMP "}"},
        {"{\"type\":\"a\",\"payload\":1,\"Timestamp\":2}",
         "{\"type\":\"a\",\"payload\":1,\"Timestamp\":2" STAMP "}"},
        {"{\"type\":\"a\",\"payload\":12345678901234567890,\"e\":1E400}",
         "{\"type\":\"a\",\"payload\":12345678901234567890,\"e\":1E400" STAMP
         "}"},
    };
    char body[512];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct outcome o;

        check_broadcast(cases[i].posted, cases[i].delivered);
        (void)snprintf(body, sizeof(body),
                       "{\"message\":%s,\"timestamp\":1,"
                       "\"targetSessionId\":\"s\"} ",
                       cases[i].posted);
        o = read_text(PUBLISH_SEND, body);
        check_message(&o, cases[i].delivered, strlen(cases[i].delivered));
        ck_assert_ptr_eq(o.request.message, o.request.owned);
        drop(&o);
    }
}
END_TEST

START_TEST(a_long_payload_passes_as_it_is)
{
    static const char before[] = "{\"type\":\"a\",\"payload\":\"";
    static const char after[] = "\\u0000\\\"\xf0\x9f\x98\x80\"}";
    static const char stamped[] = "\\u0000\\\"\xf0\x9f\x98\x80\"" STAMP "}";
    size_t length = (size_t)200 * 1024;
    size_t head = sizeof(before) - 1;
    size_t bytes = head + length + sizeof(after) - 1;
    char *body = malloc(head + length + sizeof(stamped));
    struct outcome o;

    ck_assert_ptr_nonnull(body);
    memcpy(body, before, head);
    for (size_t i = 0; i < length; i++)
        body[head + i] = (char)('a' + i % 26);
    memcpy(body + head + length, after, sizeof(after));
    o = read_bytes(PUBLISH_BROADCAST, body, bytes, LIMIT);
    memcpy(body + head + length, stamped, sizeof(stamped));
    check_message(&o, body, head + length + sizeof(stamped) - 1);
    drop(&o);
    free(body);
}
END_TEST

/* As serializers write what is not set. */
START_TEST(a_null_timestamp_becomes_the_time)
{
    static const char time[] = "\"2026-01-02T03:04:05.678Z\"";
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"{\"type\":\"a\",\"payload\":null,\"timestamp\":", "}"},
        {"{\"timestamp\":", ",\"type\":\"a\",\"payload\":[null]}"},
        {"{ \"type\" : \"a\" ,\r\n \"time\\u0073tamp\" : ",
         " , \"payload\" : {\"timestamp\":null} \n}"},
    };
    char body[512], posted[256], delivered[256];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct outcome o;

        (void)snprintf(posted, sizeof(posted), "%snull%s", cases[i].before,
                       cases[i].after);
        (void)snprintf(delivered, sizeof(delivered), "%s%s%s", cases[i].before,
                       time, cases[i].after);
        check_broadcast(posted, delivered);
        (void)snprintf(body, sizeof(body),
                       "{\"message\":%s,\"timestamp\":1,"
                       "\"targetSessionId\":\"s\"} ",
                       posted);
        o = read_text(PUBLISH_SEND, body);
        check_message(&o, delivered, strlen(delivered));
        drop(&o);
    }
}
END_TEST

#define NO_TIME                                                                \
    "the message's timestamp is not an RFC 3339 date and time such as "        \
    "2026-01-02T03:04:05Z"

START_TEST(a_message_lacking_what_it_needs_is_refused)
{
    static const struct {
        const char *message, *problem;
    } cases[] = {
        {"{}", "the message's type is missing"},
        {"{\"payload\":1}", "the message's type is missing"},
        {"{\"Type\":\"a\",\"payload\":1}", "the message's type is missing"},
        {"{\"a\":{\"type\":\"a\"},\"payload\":1}",
         "the message's type is missing"},
        {"{\"type\":null,\"payload\":1}", "the message's type is not a string"},
        {"{\"type\":1,\"payload\":1}", "the message's type is not a string"},
        {"{\"type\":{},\"payload\":1}", "the message's type is not a string"},
        {"{\"type\":\"\",\"payload\":1}", "the message's type is empty"},
        {"{\"type\":\"a\"}", "the message's payload is missing"},
        {"{\"type\":\"a\",\"Payload\":1}", "the message's payload is missing"},
        {"{\"type\":\"a\",\"payload\":1,\"timestamp\":false}",
         "the message's timestamp is not a string"},
        {"{\"type\":\"a\",\"payload\":1,\"timestamp\":1767323045}",
         "the message's timestamp is not a string"},
        {"{\"type\":\"a\",\"payload\":1,\"timestamp\":\"\"}", NO_TIME},
        {"{\"type\":\"a\",\"payload\":1,\"timestamp\":\"yesterday\"}", NO_TIME},
        {"{\"type\":\"a\",\"payload\":1,\"timestamp\":\"2026-02-29\"}",
         NO_TIME},
        {"{\"type\":\"a\",\"payload\":1,\"timestamp\":\"2026-01-02\\u0000\"}",
         NO_TIME},
        {"{\"type\":\"a\",\"payload\":1,\"timestamp\":\"2026-01-02\\n\"}",
         NO_TIME},
        {"{\"type\":\"a\",\"payload\":1,\"timestamp\":\"\\ud800\"}", NO_TIME},
    };
    char body[512];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        check_refused(PUBLISH_BROADCAST, cases[i].message, 400,
                      "invalid_message", cases[i].problem);
        (void)snprintf(body, sizeof(body),
                       "{\"targetUserId\":\"u\",\"message\":%s,\"type\":\"a\","
                       "\"payload\":1}",
                       cases[i].message);
        check_refused(PUBLISH_SEND, body, 400, "invalid_message",
                      cases[i].problem);
    }
}
END_TEST

START_TEST(objects_beside_the_message_are_not_it)
{
    static const char beside[] =
        "{\"type\":\"no\",\"type\":1,\"payload\":0,\"timestamp\":0}";
    char body[512];
    struct outcome o;

    (void)snprintf(body, sizeof(body),
                   "{\"a\":%s,\"targetUserId\":\"u\",\"message\":%s,\"b\":%s}",
                   beside, MESSAGE, beside);
    o = read_text(PUBLISH_SEND, body);
    check_message(&o, MESSAGE, strlen(MESSAGE));
    drop(&o);
    check_refused(PUBLISH_SEND,
                  "{\"targetUserId\":\"u\",\"message\":{\"payload\":1},"
                  "\"a\":{\"type\":\"a\"}}",
                  400, "invalid_message", "the message's type is missing");
}
END_TEST

START_TEST(a_message_that_is_no_object_is_refused)
{
    static const char *const values[] = {
        "null", "true", "1", "\"{}\"", "[]", "[{\"type\":\"a\",\"payload\":1}]",
    };
    char body[128];

    check_refused(PUBLISH_SEND, "{\"targetUserId\":\"u\"}", 400,
                  "invalid_message", "message is missing");
    check_refused(PUBLISH_SEND,
                  "{\"targetUserId\":\"u\",\"type\":\"a\",\"payload\":1}", 400,
                  "invalid_message", "message is missing");
    check_refused(PUBLISH_SEND, "{\"targetUserId\":\"u\",\"Message\":{}}", 400,
                  "invalid_message", "message is missing");
    for (size_t i = 0; i < LENGTH(values); i++) {
        (void)snprintf(body, sizeof(body),
                       "{\"targetUserId\":\"u\",\"message\":%s}", values[i]);
        check_refused(PUBLISH_SEND, body, 400, "invalid_message",
                      "message is not an object");
        check_refused(PUBLISH_SEND, values[i], 400, "invalid_message",
                      "the body is not a JSON object");
        check_refused(PUBLISH_BROADCAST, values[i], 400, "invalid_message",
                      "the body is not a JSON object");
    }
}
END_TEST

START_TEST(a_name_we_read_given_twice_is_refused)
{
    static const char *const messages[][2] = {
        {"{\"type\":\"a\",\"type\":\"a\",\"payload\":1}",
         "the message's type is given more than once"},
        {"{\"type\":\"a\",\"payload\":1,\"t\\u0079pe\":null}",
         "the message's type is given more than once"},
        {"{\"type\":\"a\",\"payload\":1,\"payload\":1,\"payload\":1}",
         "the message's payload is given more than once"},
        {"{\"type\":\"a\",\"payload\":1,\"timestamp\":\"2026-01-02\","
         "\"timestamp\":\"2026-01-02\"}",
         "the message's timestamp is given more than once"},
    };
    static const char *const bodies[][2] = {
        {"{\"targetUserId\":\"u\",\"message\":" MESSAGE ",\"message\":" MESSAGE
         "}",
         "message is given more than once"},
        {"{\"targetUserId\":\"u\",\"message\":" MESSAGE
         ",\"\\u006dessage\":null}",
         "message is given more than once"},
        {"{\"targetUserId\":\"u\",\"message\":" MESSAGE
         ",\"targetUserId\":\"u\"}",
         "targetUserId is given more than once"},
        {"{\"targetUserId\":null,\"message\":" MESSAGE
         ",\"targetUserId\":\"u\"}",
         "targetUserId is given more than once"},
        {"{\"targetSessionId\":\"u\",\"message\":" MESSAGE
         ",\"targetSessionId\":null}",
         "targetSessionId is given more than once"},
    };
    char body[512];

    for (size_t i = 0; i < LENGTH(messages); i++) {
        check_refused(PUBLISH_BROADCAST, messages[i][0], 400, "invalid_message",
                      messages[i][1]);
        (void)snprintf(body, sizeof(body),
                       "{\"targetUserId\":\"u\",\"message\":%s}",
                       messages[i][0]);
        check_refused(PUBLISH_SEND, body, 400, "invalid_message",
                      messages[i][1]);
    }
    for (size_t i = 0; i < LENGTH(bodies); i++)
        check_refused(PUBLISH_SEND, bodies[i][0], 400, "invalid_message",
                      bodies[i][1]);
}
END_TEST

/* Bodies that are not JSON, sizes, memory. ---------------------------- */

START_TEST(invalid_json_is_refused_with_its_place)
{
    static const char *const cases[][2] = {
        {"", "the body is not valid JSON: the text ends too early at byte 0 "
             "(line 1, column 1)"},
        {"{\"type\":\"a\",}",
         "the body is not valid JSON: expected a member name in double "
         "quotes at byte 12 (line 1, column 13)"},
        {"{\n  \"type\": \"a\",\n  \"payload\": 01\n}",
         "the body is not valid JSON: a number with a leading zero at byte 31 "
         "(line 3, column 15)"},
        {"\xef\xbb\xbf{}",
         "the body is not valid JSON: a byte order mark at byte 0 (line 1, "
         "column 1)"},
        {"{}\n\nx",
         "the body is not valid JSON: unexpected text after the value at "
         "byte 4 (line 3, column 1)"},
        {"{\"type\":\"\xff\"}",
         "the body is not valid JSON: invalid UTF-8 at byte 9 (line 1, column "
         "10)"},
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        check_refused(PUBLISH_BROADCAST, cases[i][0], 400, "invalid_json",
                      cases[i][1]);
        check_refused(PUBLISH_SEND, cases[i][0], 400, "invalid_json",
                      cases[i][1]);
    }
}
END_TEST

START_TEST(invalid_json_goes_before_all_other_errors)
{
    static const char *const bodies[] = {
        "{\"type\":1,\"type\":2",
        "{\"targetUserId\":1,\"targetUserId\":2,\"message\":3,}",
        "[1,2",
        "null null",
    };
    struct outcome o;

    for (size_t i = 0; i < LENGTH(bodies); i++) {
        o = read_bytes(PUBLISH_SEND, bodies[i], strlen(bodies[i]), 0);
        ck_assert_int_eq(o.result, -1);
        ck_assert_str_eq(o.error.code, "invalid_json");
        drop(&o);
    }
}
END_TEST

START_TEST(no_truncation_of_a_body_is_delivered)
{
    static const char body[] =
        "{\"targetUserId\":\"u\",\"targetSessionId\":\"s\",\"message\":"
        "{\"type\":\"a\",\"payload\":[1.5,{\"x\":\"\\n\xc3\xa9\"}]}}";

    for (size_t bytes = 0; bytes < sizeof(body) - 1; bytes++) {
        struct outcome o = read_bytes(PUBLISH_SEND, body, bytes, LIMIT);

        ck_assert_int_eq(o.result, -1);
        ck_assert_int_eq(o.error.status, 400);
        ck_assert_str_eq(o.error.code, "invalid_json");
        drop(&o);
    }
}
END_TEST

START_TEST(nesting_over_the_bound_is_invalid_json)
{
    char body[4096];
    struct outcome o;
    /* The message itself is one level; a send's body is one more. */
    for (size_t levels = 998; levels <= 1000; levels++) {
        for (int kind = PUBLISH_SEND; kind <= PUBLISH_BROADCAST; kind++) {
            size_t around = kind == PUBLISH_SEND ? 2 : 1;
            int used = sprintf(body, "%s{\"type\":\"a\",\"payload\":",
                               kind == PUBLISH_SEND
                                   ? "{\"targetUserId\":\"u\",\"message\":"
                                   : "");

            memset(body + used, '[', levels);
            memset(body + used + levels, ']', levels);
            (void)sprintf(body + (size_t)used + 2 * levels, "%s",
                          kind == PUBLISH_SEND ? "}}" : "}");
            o = read_text((enum publish_kind)kind, body);
            ck_assert_int_eq(o.result, levels + around <= 1000 ? 0 : -1);
            if (o.result)
                ck_assert_str_eq(o.error.code, "invalid_json");
            drop(&o);
        }
    }
}
END_TEST

/* The limit is on the bytes of the object as posted: neither what stands around
 * it nor the timestamp put in counts. */
START_TEST(the_size_limit_is_on_the_posted_object)
{
    static const char message[] = "{\"type\":\"a\",\"payload\":1}"; /* 24 */
    char body[256];
    struct outcome o;

    for (size_t limit = 22; limit <= 25; limit++) {
        for (int kind = PUBLISH_SEND; kind <= PUBLISH_BROADCAST; kind++) {
            (void)snprintf(body, sizeof(body),
                           kind == PUBLISH_SEND
                               ? "{\"targetUserId\":\"u\",\"message\": %s }"
                               : "      %s      ",
                           message);
            o = read_bytes((enum publish_kind)kind, body, strlen(body), limit);
            if (limit >= sizeof(message) - 1) {
                ck_assert_int_eq(o.result, 0);
            } else {
                char expected[128];

                (void)snprintf(expected, sizeof(expected),
                               "the message is 24 bytes long; the limit is %zu",
                               limit);
                ck_assert_int_eq(o.result, -1);
                ck_assert_int_eq(o.error.status, 413);
                ck_assert_str_eq(o.error.code, "too_large");
                ck_assert_str_eq(o.error.message, expected);
            }
            drop(&o);
        }
    }
}
END_TEST

START_TEST(a_release_may_come_twice)
{
    struct outcome o =
        read_text(PUBLISH_BROADCAST, "{\"type\":\"a\",\"payload\":1}");

    ck_assert_int_eq(o.result, 0);
    publish_release(&o.request);
    ck_assert_ptr_null(o.request.owned);
    drop(&o);
}
END_TEST

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OWN_ALLOCATOR 1
#endif
#endif

#ifndef OWN_ALLOCATOR
static size_t address_space(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    ck_assert_ptr_nonnull(statm);
    ck_assert_int_eq(fscanf(statm, "%lu", &pages), 1);
    (void)fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Reads a body whose copy does not fit into the address space any more. */
static void check_memory_runs_out(const char *before, const char *after)
{
    size_t bytes = (size_t)16 << 20;
    char *body = malloc(bytes);
    struct publish_request request;
    struct refusal error = {0};
    struct rlimit old, tight;
    int result;

    ck_assert_ptr_nonnull(body);
    memset(body, '0', bytes);
    memcpy(body, before, strlen(before));
    memcpy(body + bytes - strlen(after), after, strlen(after));
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &old), 0);
    tight = old;
    tight.rlim_cur = address_space() + ((rlim_t)4 << 20);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &tight), 0);
    result = publish_read(&request, PUBLISH_BROADCAST, body, bytes, bytes,
                          &outcome_now, &error);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &old), 0);
    free(body);
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(error.status, 503);
    ck_assert_str_eq(error.code, "out_of_memory");
}

START_TEST(memory_that_runs_out_is_an_error)
{
    check_memory_runs_out("{\"type\":\"a\",\"payload\":\"", "\"}");
    check_memory_runs_out(
        "{\"type\":\"a\",\"payload\":1,\"timestamp\":\"\\u0032", "\"}");
}
END_TEST
#endif

static TCase *message_case(void)
{
    TCase *tc = tcase_create("messages");

    tcase_add_test(tc, the_message_is_the_posted_bytes);
    tcase_add_test(tc, a_missing_timestamp_becomes_the_last_member);
    tcase_add_test(tc, a_null_timestamp_becomes_the_time);
    tcase_add_test(tc, a_long_payload_passes_as_it_is);
    tcase_add_test(tc, a_message_lacking_what_it_needs_is_refused);
    tcase_add_test(tc, objects_beside_the_message_are_not_it);
    tcase_add_test(tc, a_message_that_is_no_object_is_refused);
    tcase_add_test(tc, a_name_we_read_given_twice_is_refused);
    return tc;
}

static TCase *body_case(void)
{
    TCase *tc = tcase_create("bodies");

    tcase_add_test(tc, invalid_json_is_refused_with_its_place);
    tcase_add_test(tc, invalid_json_goes_before_all_other_errors);
    tcase_add_test(tc, no_truncation_of_a_body_is_delivered);
    tcase_add_test(tc, nesting_over_the_bound_is_invalid_json);
    tcase_add_test(tc, the_size_limit_is_on_the_posted_object);
    tcase_add_test(tc, a_release_may_come_twice);
#ifndef OWN_ALLOCATOR
    tcase_add_test(tc, memory_that_runs_out_is_an_error);
#endif
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("publish");

    suite_add_tcase(suite, message_case());
    suite_add_tcase(suite, body_case());
    return suite_run(suite);
}
