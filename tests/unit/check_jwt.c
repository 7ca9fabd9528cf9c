/* check_jwt.c - good tokens, and tokens that the settings reject; for forged
 * ones see check_jwt_hostile.c.
 */
#include <check.h>

#include "base/base64url.h"
#include "jwt_fixture.h"
#include "suite.h"

/* Signed with a key that has no name but its type. */
static char *signed_rs256(const char *claims)
{
    return mint_token("RS256", MINT_RSA, HEADER("RS256"), claims);
}

static enum jwt_result verify_claims(const char *claims)
{
    return verify_with(keys, &policy, signed_rs256(claims));
}

START_TEST(each_algorithm_is_verified)
{
    static const struct {
        const char *algorithm;
        enum mint_key key;
        const char *kid;
    } cases[] = {
        {"HS256", MINT_SECRET, ""},    {"HS384", MINT_SECRET, ""},
        {"HS512", MINT_SECRET, ""},    {"RS256", MINT_RSA, "rsa"},
        {"RS384", MINT_RSA, "rsa"},    {"RS512", MINT_RSA, "rsa"},
        {"PS256", MINT_RSA, "rsa"},    {"PS384", MINT_RSA, "rsa"},
        {"PS512", MINT_RSA, "rsa"},    {"ES256", MINT_P256, "ec"},
        {"ES384", MINT_P384, "ec384"}, {"EdDSA", MINT_ED25519, "ed"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_secret = cases[i].key == MINT_SECRET;
        char *header = mint_text("{\"alg\":\"%s\"}", cases[i].algorithm);
        char *named = mint_text("{\"alg\":\"%s\",\"kid\":\"%s\"}",
                                cases[i].algorithm, cases[i].kid);

        for (int with_kid = 0; with_kid < 2; with_kid++) {
            ck_accept(is_secret ? secrets : keys,
                      is_secret ? &secret_policy : &policy,
                      mint_token(cases[i].algorithm, cases[i].key,
                                 with_kid ? named : header, CLAIMS));
            ck_assert_str_eq(who.user_id, "ada");
            ck_assert_str_eq(who.session_id, "");
            ck_assert_str_eq(who.kid, cases[i].kid);
            ck_assert_int_eq(who.expires_in_ms, 3600000);
        }
        free(header);
        free(named);
    }
}
END_TEST

/* r or s begins with zeros every 128th time. */
START_TEST(short_numbers_are_filled_up)
{
    for (int i = 0; i < 600; i++) {
        ck_accept(keys, &policy,
                  mint_token("ES256", MINT_P256, HEADER("ES256"), CLAIMS));
    }
}
END_TEST

START_TEST(only_algorithms_that_are_allowed_count)
{
    struct jwt_policy narrow = policy;

    narrow.algorithms = JWT_BIT(JWT_ES256) | JWT_BIT(JWT_RS512);
    ck_refuse(keys, &narrow, signed_rs256(CLAIMS));
    ck_assert_ptr_nonnull(strstr(why, "HUB_JWT_ALGORITHMS"));
    ck_accept(keys, &narrow,
              mint_token("RS512", MINT_RSA, HEADER("RS512"), CLAIMS));
    narrow = secret_policy;
    narrow.algorithms = JWT_BIT(JWT_HS256);
    ck_refuse(secrets, &narrow,
              mint_token("HS512", MINT_SECRET, HEADER("HS512"), CLAIMS));
}
END_TEST

START_TEST(members_that_nobody_asks_for_do_no_harm)
{
    ck_accept(keys, &policy,
              mint_token("RS256", MINT_RSA,
                         " {\"x5t\":\"a\",\"jku\":\"http://127.0.0.1:1/\","
                         "\"alg\":\"RS256\",\"cty\":[{}],\"kid\":\"rsa\"} ",
                         CLAIMS_WITH(",\"a\":{\"sub\":1,\"exp\":2},"
                                     "\"SUB\":\"eve\",\"b\":[\"sub\"]")));
    ck_assert_str_eq(who.user_id, "ada");
}
END_TEST

START_TEST(escapes_are_undone)
{
    ck_assert_int_eq(verify_claims("{\"\\u0073ub\":\"\\u0061da\\ud83d\\ude00\","
                                   "\"aud\":\"h\\u0075b\",\"exp\":1800003600,"
                                   "\"iss\":\"https:\\/\\/id.example\"}"),
                     JWT_GOOD);
    ck_assert_str_eq(who.user_id, "ada\xf0\x9f\x98\x80");
}
END_TEST

START_TEST(a_key_that_is_not_there_may_come)
{
    ck_assert_int_eq(
        verify_with(keys, &policy,
                    mint_token("RS256", MINT_OTHER_RSA,
                               "{\"alg\":\"RS256\",\"kid\":\"next\"}", CLAIMS)),
        JWT_UNKNOWN);
    ck_assert_int_eq(verify_with(keys, &policy,
                                 mint_token("RS256", MINT_OTHER_RSA,
                                            HEADER("RS256"), CLAIMS)),
                     JWT_UNKNOWN);
    ck_assert_int_eq(verify_with(NULL, &policy, signed_rs256(CLAIMS)),
                     JWT_UNKNOWN);
    /* One that is there is no reason to wait for another. */
    ck_refuse(keys, &policy,
              mint_token("RS256", MINT_OTHER_RSA,
                         "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", CLAIMS));
    ck_assert_int_eq(
        verify_with(NULL, &policy,
                    mint_token("RS256", MINT_RSA, HEADER("none"), CLAIMS)),
        JWT_BAD);
}
END_TEST

/* Times. ------------------------------------------------------------------ */

#define UNTIL(exp)                                                             \
    "{\"sub\":\"ada\",\"aud\":\"hub\",\"iss\":\"https://id.example\","         \
    "\"exp\":" exp "}"

START_TEST(a_token_is_good_until_it_expires_and_a_little_longer)
{
    ck_assert_int_eq(verify_claims(UNTIL("1800000001")), JWT_GOOD);
    ck_assert_int_eq(who.expires_in_ms, 1000);
    ck_assert_int_eq(verify_claims(UNTIL("1800000001.999")), JWT_GOOD);
    ck_assert_int_eq(who.expires_in_ms, 1000);
    ck_assert_int_eq(verify_claims(UNTIL("1800000000")), JWT_GOOD);
    ck_assert_int_eq(who.expires_in_ms, 1);
    ck_assert_int_eq(verify_claims(UNTIL("1799999971")), JWT_GOOD);
    ck_assert_int_eq(who.expires_in_ms, 1);
    ck_assert_int_eq(verify_claims(UNTIL("1799999970")), JWT_EXPIRED);
    ck_assert_str_eq(who.user_id, "ada");
    ck_assert_int_eq(verify_claims(UNTIL("0")), JWT_EXPIRED);
}
END_TEST

START_TEST(without_leeway_it_is_good_until_it_expires)
{
    struct jwt_policy strict = policy;

    strict.leeway_ms = 0;
    ck_accept(keys, &strict, signed_rs256(UNTIL("1800000001")));
    ck_assert_int_eq(
        verify_with(keys, &strict, signed_rs256(UNTIL("1800000000"))),
        JWT_EXPIRED);
    ck_accept(keys, &strict, signed_rs256(CLAIMS_WITH(",\"nbf\":1800000000")));
    ck_refuse(keys, &strict, signed_rs256(CLAIMS_WITH(",\"nbf\":1800000001")));
}
END_TEST

START_TEST(it_is_expired_only_if_nothing_else_is_wrong)
{
    static const char *const others[] = {
        "{\"aud\":\"hub\",\"iss\":\"https://id.example\",\"exp\":1}",
        "{\"sub\":\"\",\"aud\":\"hub\",\"iss\":\"https://id.example\","
        "\"exp\":1}",
        "{\"sub\":\"ada\",\"aud\":\"else\",\"iss\":\"https://id.example\","
        "\"exp\":1}",
        "{\"sub\":\"ada\",\"aud\":\"hub\",\"iss\":\"https://id.evil\","
        "\"exp\":1}",
        "{\"sub\":\"ada\",\"aud\":\"hub\",\"iss\":\"https://id.example\","
        "\"nbf\":1800000031,\"exp\":1}",
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_int_eq(verify_claims(others[i]), JWT_BAD);
}
END_TEST

START_TEST(what_is_not_valid_yet_is_refused)
{
    ck_assert_int_eq(verify_claims(CLAIMS_WITH(",\"nbf\":1800000030")),
                     JWT_GOOD);
    ck_assert_int_eq(verify_claims(CLAIMS_WITH(",\"nbf\":1800000030.5")),
                     JWT_GOOD);
    ck_assert_int_eq(verify_claims(CLAIMS_WITH(",\"nbf\":1800000031")),
                     JWT_BAD);
    ck_assert_int_eq(verify_claims(CLAIMS_WITH(",\"iat\":1800000031")),
                     JWT_GOOD);
}
END_TEST

/* Whom it is from and for. ------------------------------------------------ */

START_TEST(the_audience_is_one_text_or_one_of_several)
{
    static const struct {
        const char *aud;
        bool good;
    } cases[] = {
        {"\"hub\"", true},
        {"[\"hub\"]", true},
        {"[\"a\",\"h\\u0075b\",\"b\"]", true},
        {"[]", false},
        {"[\"a\",\"Hub\"]", false},
        {"[\"hub\",1]", false},
        {"[[\"hub\"]]", false},
        {"[\"a\",{\"hub\":\"hub\"}]", false},
        {"{\"hub\":\"hub\"}", false},
        {"null", false},
        {"\"hub \"", false},
        {"\"hub,other\"", false},
        {"\"hub\\u0000\"", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *claims = mint_text("{\"sub\":\"ada\",\"aud\":%s,\"exp\":18000"
                                 "03600,\"iss\":\"https://id.example\"}",
                                 cases[i].aud);

        ck_assert_msg(verify_claims(claims) ==
                          (cases[i].good ? JWT_GOOD : JWT_BAD),
                      "%s", cases[i].aud);
        free(claims);
    }
    ck_assert_int_eq(verify_claims("{\"sub\":\"ada\",\"exp\":1800003600,"
                                   "\"iss\":\"https://id.example\"}"),
                     JWT_BAD);
}
END_TEST

START_TEST(any_audience_and_issuer_can_be_allowed)
{
    struct jwt_policy lax = policy;

    lax.audience = lax.issuer = NULL;
    ck_accept(keys, &lax, signed_rs256("{\"sub\":\"ada\",\"exp\":1800003600}"));
    ck_accept(keys, &lax,
              signed_rs256("{\"sub\":\"ada\",\"exp\":1800003600,\"aud\":7,"
                           "\"iss\":null}"));
}
END_TEST

START_TEST(the_issuer_is_exact)
{
    static const char *const others[] = {
        "\"https://id.example/\"",
        "\"https://ID.example\"",
        "\"https://id.example.evil\"",
        "\"\"",
        "null",
        "[\"https://id.example\"]",
        "7",
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        char *claims = mint_text("{\"sub\":\"ada\",\"aud\":\"hub\",\"exp\":1800"
                                 "003600,\"iss\":%s}",
                                 others[i]);

        ck_assert_msg(verify_claims(claims) == JWT_BAD, "%s", others[i]);
        free(claims);
    }
    ck_assert_int_eq(verify_claims("{\"sub\":\"ada\",\"aud\":\"hub\","
                                   "\"exp\":1800003600}"),
                     JWT_BAD);
}
END_TEST

START_TEST(another_claim_can_be_the_audience)
{
    struct jwt_policy cognito = policy;

    ck_assert_int_eq(json_path_parse(&cognito.audience_claim, "client_id"), 0);
    ck_accept(keys, &cognito,
              signed_rs256("{\"sub\":\"ada\",\"client_id\":\"hub\",\"aud\":1,"
                           "\"exp\":1800003600,"
                           "\"iss\":\"https://id.example\"}"));
    ck_refuse(keys, &cognito, signed_rs256(CLAIMS));
    ck_assert_int_eq(json_path_parse(&cognito.audience_claim, "/azp/of/1"), 0);
    ck_accept(
        keys, &cognito,
        signed_rs256(CLAIMS_WITH(",\"azp\":{\"of\":[\"x\",[\"y\",\"hub\"]]}")));
}
END_TEST

START_TEST(the_type_is_of_a_token_for_access)
{
    static const struct {
        const char *typ;
        bool good;
    } cases[] = {
        {"\"JWT\"", true},
        {"\"jwt\"", true},
        {"\"at+jwt\"", true},
        {"\"application/at+jwt\"", true},
        {"\"Application/JWT\"", true},
        {"\"logout+jwt\"", false},
        {"\"dpop+jwt\"", false},
        {"\"secevent+jwt\"", false},
        {"\"JOSE\"", false},
        {"\"JWT \"", false},
        {"\"\"", false},
        {"null", false},
        {"[\"JWT\"]", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *header =
            mint_text("{\"alg\":\"RS256\",\"typ\":%s}", cases[i].typ);
        enum jwt_result result = verify_with(
            keys, &policy, mint_token("RS256", MINT_RSA, header, CLAIMS));

        ck_assert_msg(result == (cases[i].good ? JWT_GOOD : JWT_BAD), "%s",
                      cases[i].typ);
        free(header);
    }
}
END_TEST

START_TEST(a_type_that_is_set_is_exact)
{
    struct jwt_policy strict = policy;

    strict.type = "at+jwt";
    ck_accept(keys, &strict,
              mint_token("RS256", MINT_RSA,
                         "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", CLAIMS));
    ck_refuse(keys, &strict, signed_rs256(CLAIMS));
    ck_refuse(keys, &strict,
              mint_token("RS256", MINT_RSA,
                         "{\"alg\":\"RS256\",\"typ\":\"at+JWT\"}", CLAIMS));
    ck_refuse(keys, &strict,
              mint_token("RS256", MINT_RSA,
                         "{\"alg\":\"RS256\",\"typ\":\"JWT\"}", CLAIMS));
}
END_TEST

START_TEST(ids_can_be_anywhere_in_the_claims)
{
    struct jwt_policy nested = policy;

    ck_assert_int_eq(json_path_parse(&nested.user_claim, "/realm/user/0/id"),
                     0);
    ck_assert_int_eq(
        json_path_parse(&nested.session_claim, "https://a.example/sid"), 0);
    ck_accept(keys, &nested,
              signed_rs256(CLAIMS_WITH(
                  ",\"realm\":{\"user\":[{\"id\":\"bob\"},{\"id\":1}],"
                  "\"id\":\"x\"},\"https:\\/\\/a.example/sid\":\"s-1\"")));
    ck_assert_str_eq(who.user_id, "bob");
    ck_assert_str_eq(who.session_id, "s-1");
    ck_refuse(keys, &nested, signed_rs256(CLAIMS));
    ck_refuse(
        keys, &nested,
        signed_rs256(CLAIMS_WITH(",\"realm\":{\"user\":{\"id\":\"b\"}}")));
    /* One of two is somebody else, whichever it is. */
    ck_refuse(keys, &nested,
              signed_rs256(CLAIMS_WITH(
                  ",\"realm\":{\"user\":[{\"id\":\"bob\"}]},\"realm\":1")));
    ck_refuse(keys, &nested,
              signed_rs256(CLAIMS_WITH(
                  ",\"realm\":{},\"realm\":{\"user\":[{\"id\":\"bob\"}]}")));
    ck_refuse(keys, &nested,
              signed_rs256(CLAIMS_WITH(
                  ",\"realm\":{\"user\":0,\"user\":[{\"id\":\"bob\"}]}")));
    ck_refuse(keys, &nested,
              signed_rs256(CLAIMS_WITH(
                  ",\"realm\":{\"user\":[{\"id\":\"bob\",\"id\":\"x\"}]}")));
}
END_TEST

START_TEST(a_session_may_be_missing_but_not_wrong)
{
    struct jwt_policy with_session = policy;

    ck_assert_int_eq(json_path_parse(&with_session.session_claim, "sid"), 0);
    ck_accept(keys, &with_session, signed_rs256(CLAIMS));
    ck_assert_str_eq(who.session_id, "");
    ck_accept(keys, &with_session, signed_rs256(CLAIMS_WITH(",\"sid\":\"s\"")));
    ck_assert_str_eq(who.session_id, "s");
    ck_refuse(keys, &with_session, signed_rs256(CLAIMS_WITH(",\"sid\":\"\"")));
    ck_refuse(keys, &with_session, signed_rs256(CLAIMS_WITH(",\"sid\":null")));
    ck_refuse(keys, &with_session, signed_rs256(CLAIMS_WITH(",\"sid\":7")));
    ck_accept(keys, &policy, signed_rs256(CLAIMS_WITH(",\"sid\":7")));
}
END_TEST

START_TEST(the_longest_token_and_ids)
{
    char id[HUB_ID_BYTES_MAX + 2], *claims, *token;
    size_t bytes;

    memset(id, 'i', sizeof(id));
    id[HUB_ID_BYTES_MAX] = '\0';
    claims = mint_text("{\"sub\":\"%s\",\"aud\":\"hub\",\"exp\":1800003600,"
                       "\"iss\":\"https://id.example\",\"a\":\"%11500s\"}",
                       id, "");
    token = signed_rs256(claims);
    bytes = strlen(token);
    ck_assert_uint_gt(bytes, JWT_BYTES_MAX - 1000);
    ck_assert_uint_le(bytes, JWT_BYTES_MAX);
    ck_accept(keys, &policy, token);
    ck_assert_str_eq(who.user_id, id);
    free(claims);
    claims = mint_text("{\"sub\":\"ada\",\"aud\":\"hub\",\"exp\":1800003600,"
                       "\"iss\":\"https://id.example\",\"a\":\"%11980s\"}",
                       "");
    token = signed_rs256(claims);
    ck_assert_uint_gt(strlen(token), JWT_BYTES_MAX);
    ck_refuse(keys, &policy, token);
    free(claims);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jwt");
    TCase *tc = tcase_create("jwt");

    tcase_add_unchecked_fixture(tc, jwt_setup, jwt_teardown);
    tcase_add_checked_fixture(tc, secrets_setup, secrets_teardown);
    tcase_add_test(tc, each_algorithm_is_verified);
    tcase_add_test(tc, short_numbers_are_filled_up);
    tcase_add_test(tc, only_algorithms_that_are_allowed_count);
    tcase_add_test(tc, members_that_nobody_asks_for_do_no_harm);
    tcase_add_test(tc, escapes_are_undone);
    tcase_add_test(tc, a_key_that_is_not_there_may_come);
    tcase_add_test(tc, a_token_is_good_until_it_expires_and_a_little_longer);
    tcase_add_test(tc, without_leeway_it_is_good_until_it_expires);
    tcase_add_test(tc, it_is_expired_only_if_nothing_else_is_wrong);
    tcase_add_test(tc, what_is_not_valid_yet_is_refused);
    tcase_add_test(tc, the_audience_is_one_text_or_one_of_several);
    tcase_add_test(tc, any_audience_and_issuer_can_be_allowed);
    tcase_add_test(tc, the_issuer_is_exact);
    tcase_add_test(tc, another_claim_can_be_the_audience);
    tcase_add_test(tc, the_type_is_of_a_token_for_access);
    tcase_add_test(tc, a_type_that_is_set_is_exact);
    tcase_add_test(tc, ids_can_be_anywhere_in_the_claims);
    tcase_add_test(tc, a_session_may_be_missing_but_not_wrong);
    tcase_add_test(tc, the_longest_token_and_ids);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
