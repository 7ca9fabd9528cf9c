/* check_ticket_body.c - what the body of POST /api/tickets may contain. */
#include <check.h>
#include <string.h>

#include "api/tickets.h"
#include "suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct tickets_body asked;
static struct refusal why;

static int read_text(const char *text)
{
    memset(&asked, 'x', sizeof(asked));
    return tickets_body_read(&asked, text, strlen(text), &why);
}

START_TEST(a_user_is_enough)
{
    ck_assert_int_eq(read_text("{\"userId\":\"ada\"}"), 0);
    ck_assert_str_eq(asked.user_id, "ada");
    ck_assert_str_eq(asked.session_id, "");
    ck_assert_str_eq(asked.origin, "");
    ck_assert_int_eq(asked.ttl_ms, 0);
    ck_assert_int_eq(asked.connection_ttl_ms, 0);
}
END_TEST

START_TEST(everything_can_be_given)
{
    ck_assert_int_eq(
        read_text(" {\"origin\":\"https:\\/\\/app.example.com\","
                  "\"userId\":\"\\u00fcrs\",\"sessionId\":\"tab 1\","
                  "\"ttlMs\":1000,\"connectionTtlMs\":31536000000,"
                  "\"userid\":1,\"groups\":null,\"other\":{\"userId\":2}} "),
        0);
    ck_assert_str_eq(asked.user_id, "\xc3\xbcrs");
    ck_assert_str_eq(asked.session_id, "tab 1");
    ck_assert_str_eq(asked.origin, "https://app.example.com");
    ck_assert_int_eq(asked.ttl_ms, 1000);
    ck_assert_int_eq(asked.connection_ttl_ms, 31536000000);
}
END_TEST

START_TEST(null_is_as_good_as_absent)
{
    ck_assert_int_eq(
        read_text("{\"userId\":\"ada\",\"sessionId\":null,\"origin\":null,"
                  "\"ttlMs\":null,\"connectionTtlMs\":null,\"groups\":null}"),
        0);
    ck_assert_str_eq(asked.session_id, "");
    ck_assert_int_eq(asked.ttl_ms, 0);
}
END_TEST

#define FROM_TO_TTL " is not a whole number of milliseconds from 1000 to 300000"
#define FROM_TO_CONNECTION                                                     \
    "connectionTtlMs is not a whole number of milliseconds from 1000 to "      \
    "31536000000"

static const struct {
    const char *body, *code, *message;
} refused[] = {
    {"", "invalid_json", NULL},
    {"{\"userId\":\"ada\"", "invalid_json", NULL},
    {"{\"userId\":\"ada\"}x", "invalid_json", NULL},
    {"[]", "invalid_ticket_request", "the body is not a JSON object"},
    {"\"ada\"", "invalid_ticket_request", "the body is not a JSON object"},
    {"{}", "invalid_id", "userId is missing"},
    {"{\"UserId\":\"ada\"}", "invalid_id", "userId is missing"},
    {"{\"x\":{\"userId\":\"ada\"}}", "invalid_id", "userId is missing"},
    {"{\"userId\":null}", "invalid_id", "userId is missing"},
    {"{\"userId\":1}", "invalid_id", "userId is not a string"},
    {"{\"userId\":\"\"}", "invalid_id", "userId is empty"},
    {"{\"userId\":\"a\\u0000\"}", "invalid_id", "userId contains U+0000"},
    {"{\"userId\":\"a\\n\"}", "invalid_id",
     "userId contains a control character"},
    {"{\"userId\":\"\\ud800\"}", "invalid_id",
     "userId contains an unpaired surrogate"},
    {"{\"userId\":\"a\",\"sessionId\":\"\"}", "invalid_id",
     "sessionId is empty"},
    {"{\"userId\":\"a\",\"sessionId\":[]}", "invalid_id",
     "sessionId is not a string"},
    {"{\"userId\":\"a\",\"userId\":\"a\"}", "invalid_ticket_request",
     "userId is given more than once"},
    {"{\"userId\":\"a\",\"\\u0075serId\":null}", "invalid_ticket_request",
     "userId is given more than once"},
    {"{\"userId\":\"a\",\"ttlMs\":2000,\"ttlMs\":2000}",
     "invalid_ticket_request", "ttlMs is given more than once"},
    {"{\"userId\":\"a\",\"ttlMs\":999}", "invalid_ticket_request",
     "ttlMs" FROM_TO_TTL},
    {"{\"userId\":\"a\",\"ttlMs\":300001}", "invalid_ticket_request",
     "ttlMs" FROM_TO_TTL},
    {"{\"userId\":\"a\",\"ttlMs\":0}", "invalid_ticket_request",
     "ttlMs" FROM_TO_TTL},
    {"{\"userId\":\"a\",\"ttlMs\":-2000}", "invalid_ticket_request",
     "ttlMs" FROM_TO_TTL},
    {"{\"userId\":\"a\",\"ttlMs\":2000.0}", "invalid_ticket_request",
     "ttlMs" FROM_TO_TTL},
    {"{\"userId\":\"a\",\"ttlMs\":2e3}", "invalid_ticket_request",
     "ttlMs" FROM_TO_TTL},
    {"{\"userId\":\"a\",\"ttlMs\":\"2000\"}", "invalid_ticket_request",
     "ttlMs" FROM_TO_TTL},
    {"{\"userId\":\"a\",\"ttlMs\":true}", "invalid_ticket_request",
     "ttlMs" FROM_TO_TTL},
    {"{\"userId\":\"a\",\"ttlMs\":18446744073709553616}",
     "invalid_ticket_request", "ttlMs" FROM_TO_TTL},
    {"{\"userId\":\"a\",\"connectionTtlMs\":0}", "invalid_ticket_request",
     FROM_TO_CONNECTION},
    {"{\"userId\":\"a\",\"connectionTtlMs\":31536000001}",
     "invalid_ticket_request", FROM_TO_CONNECTION},
    {"{\"userId\":\"a\",\"origin\":\"\"}", "invalid_ticket_request",
     "origin is not an origin such as https://example.com"},
    {"{\"userId\":\"a\",\"origin\":\"*\"}", "invalid_ticket_request",
     "origin is not an origin such as https://example.com"},
    {"{\"userId\":\"a\",\"origin\":\"https://*.a.org\"}",
     "invalid_ticket_request",
     "origin is not an origin such as https://example.com"},
    {"{\"userId\":\"a\",\"origin\":\"https://a.org/\"}",
     "invalid_ticket_request",
     "origin is not an origin such as https://example.com"},
    {"{\"userId\":\"a\",\"origin\":\"https://a.org\\u0000\"}",
     "invalid_ticket_request",
     "origin is not an origin such as https://example.com"},
    {"{\"userId\":\"a\",\"origin\":[\"https://a.org\"]}",
     "invalid_ticket_request",
     "origin is not an origin such as https://example.com"},
    {"{\"userId\":\"a\",\"groups\":[]}", "invalid_ticket_request",
     "groups is not supported yet: leave it out"},
};

START_TEST(what_is_wrong_is_named)
{
    for (size_t i = 0; i < COUNT(refused); i++) {
        ck_assert_msg(read_text(refused[i].body) == -1, "%s", refused[i].body);
        ck_assert_int_eq(why.status, 400);
        ck_assert_str_eq(why.code, refused[i].code);
        if (refused[i].message != NULL)
            ck_assert_str_eq(why.message, refused[i].message);
    }
}
END_TEST

START_TEST(an_origin_has_room_for_any_host)
{
    char text[400] = "{\"userId\":\"a\",\"origin\":\"https://";
    size_t bytes = strlen(text);

    memset(text + bytes, 'a', 255);
    strcpy(text + bytes + 255, ":65535\"}");
    ck_assert_int_eq(read_text(text), 0);
    ck_assert_uint_eq(strlen(asked.origin), 8 + 255 + 6);
    memset(text + bytes, 'a', 300);
    strcpy(text + bytes + 300, "://a\"}");
    ck_assert_int_eq(read_text(text), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ticket_body");
    TCase *tests = tcase_create("ticket_body");

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_user_is_enough);
    tcase_add_test(tests, everything_can_be_given);
    tcase_add_test(tests, null_is_as_good_as_absent);
    tcase_add_test(tests, what_is_wrong_is_named);
    tcase_add_test(tests, an_origin_has_room_for_any_host);
    return suite_run(suite);
}
