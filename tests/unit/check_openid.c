/* check_openid.c - configurations, and what is none. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "access/openid.h"
#include "suite.h"
#include "token_mint.h"

static char url[OPENID_URL_BYTES];
static const char *why;

static enum openid read_it(const char *text)
{
    strcpy(url, "untouched");
    why = "untouched";
    return openid_read(slice_of(text), "https://id.example", url, &why);
}

START_TEST(a_configuration_says_where_keys_are)
{
    ck_assert_int_eq(
        read_it("{\"jwks_uri\":\"https:\\/\\/id.example/\\u006beys\",\"a\":[],"
                "\"issuer\":\"https://id.example\"}"),
        OPENID_CONFIG);
    ck_assert_str_eq(url, "https://id.example/keys");
}
END_TEST

START_TEST(a_set_of_keys_is_none)
{
    ck_assert_int_eq(read_it("{\"keys\":[]}"), OPENID_KEYS);
    ck_assert_int_eq(read_it("{\"jwks_uri\":\"x\",\"keys\":7}"), OPENID_KEYS);
}
END_TEST

START_TEST(the_issuer_has_to_be_ours)
{
    static const char *const others[] = {
        "{\"jwks_uri\":\"x\"}",
        "{\"jwks_uri\":\"x\",\"issuer\":\"https://id.example/\"}",
        "{\"jwks_uri\":\"x\",\"issuer\":\"https://ID.example\"}",
        "{\"jwks_uri\":\"x\",\"issuer\":\"\"}",
        "{\"jwks_uri\":\"x\",\"Issuer\":\"https://id.example\"}",
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ck_assert_int_eq(read_it(others[i]), OPENID_WRONG);
        ck_assert_str_eq(why, "has an issuer that is not HUB_JWT_ISSUER");
    }
}
END_TEST

START_TEST(other_documents_are_wrong)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"", "is not JSON"},
        {"<html>", "is not JSON"},
        {"[]", "is not a JSON object"},
        {"{}", "has neither keys nor a jwks_uri"},
        {"{\"issuer\":\"https://id.example\"}",
         "has neither keys nor a jwks_uri"},
        {"{\"jwks_uri\":7,\"issuer\":\"https://id.example\"}",
         "has a member that is not a string"},
        {"{\"jwks_uri\":\"x\",\"issuer\":null}",
         "has a member that is not a string"},
        {"{\"jwks_uri\":\"x\",\"jwks_uri\":\"y\","
         "\"issuer\":\"https://id.example\"}",
         "has a duplicate member"},
        {"{\"jwks_uri\":\"x\\u0000\",\"issuer\":\"https://id.example\"}",
         "contains U+0000"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_int_eq(read_it(cases[i].text), OPENID_WRONG);
        ck_assert_str_eq(why, cases[i].wanted);
    }
}
END_TEST

START_TEST(a_url_has_2047_bytes_at_most)
{
    for (int bytes = OPENID_URL_BYTES - 1; bytes <= OPENID_URL_BYTES; bytes++) {
        char *text = mint_text("{\"issuer\":\"https://id.example\","
                               "\"jwks_uri\":\"%0*d\"}",
                               bytes, 0);

        ck_assert_int_eq(read_it(text), bytes < OPENID_URL_BYTES
                                            ? OPENID_CONFIG
                                            : OPENID_WRONG);
        free(text);
    }
    ck_assert_ptr_nonnull(strstr(why, "too long"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("openid");
    TCase *tc = tcase_create("openid");

    tcase_add_test(tc, a_configuration_says_where_keys_are);
    tcase_add_test(tc, a_set_of_keys_is_none);
    tcase_add_test(tc, the_issuer_has_to_be_ours);
    tcase_add_test(tc, other_documents_are_wrong);
    tcase_add_test(tc, a_url_has_2047_bytes_at_most);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
