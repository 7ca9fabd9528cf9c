/* check_jwk.c - keys that are left out of a set, and invalid sets. */
#include <check.h>

#include <openssl/rsa.h>

#include "jwt_keys_fixture.h"
#include "suite.h"

/* What is left out. ------------------------------------------------------- */

static char *jwk_of(EVP_PKEY *pkey)
{
    BIGNUM *n = NULL;
    unsigned char bytes[1200];
    char *text, *jwk;

    EVP_PKEY_get_bn_param(pkey, "n", &n);
    text = mint_base64url(bytes, (size_t)BN_bn2bin(n, bytes));
    jwk = mint_text("{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}", text);
    free(text);
    BN_free(n);
    EVP_PKEY_free(pkey);
    return jwk;
}

/* Takes the key, which is left out of a set. */
static void leaves_out(char *jwk, const char *reason)
{
    char *good = mint_jwk(MINT_P256, ",\"kid\":\"good\"");
    struct jwt_keys *set = from_list(mint_text("%s,%s", jwk, good), false);

    ck_assert_msg(set != NULL, "%s: %s", jwk, why);
    ck_assert_msg(jwt_keys_count(set) == 1, "%s", jwk);
    ck_assert_msg(info_of(set, 0)->skipped != NULL &&
                      strstr(info_of(set, 0)->skipped, reason) != NULL,
                  "%s: %s", jwk, info_of(set, 0)->skipped);
    ck_assert_uint_eq(info_of(set, 0)->algorithms, 0);
    ck_assert_ptr_null(info_of(set, 1)->skipped);
    ck_assert(verifies(set, "ES256", MINT_P256, ",\"kid\":\"good\""));
    jwt_keys_release(set);
    /* Alone it is no key. */
    ck_assert_ptr_null(from_list(jwk, false));
    ck_assert_str_eq(why, "contains no usable key");
    free(good);
}

START_TEST(keys_for_other_things_are_left_out)
{
    leaves_out(mint_jwk(MINT_RSA, ",\"use\":\"enc\""), "use");
    leaves_out(mint_jwk(MINT_RSA, ",\"use\":\"Sig\""), "use");
    leaves_out(mint_jwk(MINT_RSA, ",\"key_ops\":[\"wrapKey\"]"), "key_ops");
    leaves_out(mint_jwk(MINT_RSA, ",\"key_ops\":[]"), "key_ops");
    leaves_out(mint_jwk(MINT_RSA, ",\"key_ops\":\"verify\""), "key_ops");
    leaves_out(mint_jwk(MINT_RSA, ",\"alg\":\"RSA-OAEP\""), "alg");
    leaves_out(mint_jwk(MINT_RSA, ",\"alg\":\"none\""), "alg");
    leaves_out(mint_jwk(MINT_RSA, ",\"alg\":\"HS256\""), "ALGORITHMS");
    leaves_out(mint_jwk(MINT_RSA, ",\"alg\":\"ES256\""), "ALGORITHMS");
    leaves_out(mint_jwk(MINT_P256, ",\"alg\":\"ES384\""), "ALGORITHMS");
    leaves_out(mint_jwk(MINT_ED25519, ",\"alg\":\"RS256\""), "ALGORITHMS");
    leaves_out(strdup("{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                      "AAAAAAAAAAAAAAAAA\",\"alg\":\"HS256\"}"),
               "secret");
    leaves_out(strdup("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAA\"}"),
               "not RSA");
    leaves_out(strdup("{\"kty\":\"EC\",\"crv\":\"secp256k1\"}"), "not RSA");
    leaves_out(strdup("{\"kty\":\"EC\"}"), "not RSA");
    leaves_out(strdup("{\"kty\":\"rsa\"}"), "not RSA");
    leaves_out(strdup("{}"), "not RSA");
    leaves_out(strdup("7"), "object");
    leaves_out(strdup("[]"), "object");
}
END_TEST

START_TEST(keys_that_are_weak_or_none_are_left_out)
{
    leaves_out(jwk_of(EVP_RSA_gen(1024)), "2048");
    leaves_out(strdup("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"),
               "2048");
    leaves_out(strdup("{\"kty\":\"RSA\",\"n\":\"AQAB\"}"), "missing");
    leaves_out(strdup("{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}"),
               "missing");
    leaves_out(strdup("{\"kty\":\"RSA\",\"n\":7,\"e\":\"AQAB\"}"), "missing");
    leaves_out(mint_jwk(MINT_RSA, ",\"e\":\"AQAB\""), "missing"); /* twice */
    leaves_out(strdup("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\","
                      "\"y\":\"AAAA\"}"),
               "missing");
    leaves_out(strdup("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAA"
                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":\"AAAAAAAAAAAAAAAA"
                      "AAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"),
               "missing");
    leaves_out(strdup("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}"),
               "missing");
    leaves_out(strdup("{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}"), "missing");
}
END_TEST

/* The modulus of a good key with another exponent. */
static char *rsa_with(const char *exponent)
{
    char *jwk = mint_jwk(MINT_RSA, ""), *e = strstr(jwk, "\"e\":\"AQAB\"");
    char *other;

    ck_assert_ptr_nonnull(e);
    *e = '\0';
    other = mint_text("%s\"e\":\"%s\"}", jwk, exponent);
    free(jwk);
    return other;
}

START_TEST(exponents_that_are_none_are_left_out)
{
    struct jwt_keys *set = from_list(rsa_with("Aw"), true);

    ck_assert_msg(set != NULL, "%s", why);
    jwt_keys_release(set);
    leaves_out(rsa_with("AQ"), "exponent");           /* 1 */
    leaves_out(rsa_with("AA"), "exponent");           /* 0 */
    leaves_out(rsa_with("Ag"), "exponent");           /* 2 */
    leaves_out(rsa_with("AQAAAAAAAAAB"), "exponent"); /* 2^64 + 1 */
    leaves_out(rsa_with("AQAAAAAAAAAAAAAAAAAAAAAAAAAB"), "missing");
    leaves_out(rsa_with("AQAB="), "missing");
}
END_TEST

START_TEST(members_that_can_be_read_in_two_ways_are_left_out)
{
    char kid[IDENTITY_KID_MAX + 1];
    struct jwt_keys *set;

    leaves_out(mint_jwk(MINT_RSA, ",\"kid\":\"a\",\"kid\":\"b\""), "duplicate");
    leaves_out(mint_jwk(MINT_RSA, ",\"\\u006bid\":\"a\",\"kid\":\"b\""),
               "duplicate");
    leaves_out(mint_jwk(MINT_RSA, ",\"kty\":\"EC\""), "duplicate");
    leaves_out(mint_jwk(MINT_RSA, ",\"use\":\"sig\",\"use\":\"enc\""),
               "duplicate");
    leaves_out(mint_jwk(MINT_RSA, ",\"key_ops\":[\"verify\"],\"key_ops\":[]"),
               "duplicate");
    leaves_out(mint_jwk(MINT_RSA, ",\"kid\":7"), "string");
    leaves_out(mint_jwk(MINT_RSA, ",\"alg\":[\"RS256\"]"), "string");
    memset(kid, 'k', sizeof(kid));
    kid[IDENTITY_KID_MAX] = '\0';
    leaves_out(mint_text("{\"kty\":\"RSA\",\"kid\":\"%s\"}", kid), "longer");
    kid[IDENTITY_KID_MAX - 1] = '\0';
    char *members = mint_text(",\"kid\":\"%s\"", kid);
    set = from_list(mint_jwk(MINT_RSA, members), true);
    ck_assert_msg(set != NULL, "%s", why);
    ck_assert_str_eq(info_of(set, 0)->kid, kid);
    jwt_keys_release(set);
    free(members);
}
END_TEST

/* Errors. ----------------------------------------------------------------- */

START_TEST(a_private_key_is_an_error_in_a_file_of_ours)
{
    char *pem = mint_private_pem(MINT_P256), *public = mint_pem(MINT_RSA);
    char *jwk = mint_jwk(MINT_P256, ",\"d\":\"AAAA\",\"kid\":\"p\"");

    ck_assert_ptr_null(from_pem(mint_text("%s%s", public, pem)));
    ck_assert_ptr_nonnull(strstr(why, "private key"));
    ck_assert_ptr_null(
        from_pem(strdup("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC "
                        "PRIVATE KEY-----\n")));
    ck_assert_ptr_nonnull(strstr(why, "private key"));
    ck_assert_ptr_null(
        from_pem(strdup("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
                        "-----END ENCRYPTED PRIVATE KEY-----\n")));
    ck_assert_ptr_nonnull(strstr(why, "private key"));
    ck_assert_ptr_null(
        from_list(join(strdup(jwk), mint_jwk(MINT_RSA, "")), true));
    ck_assert_ptr_nonnull(strstr(why, "private key"));
    /* Of a server it is left out. */
    leaves_out(jwk, "private key");
    free(pem), free(public);
}
END_TEST

START_TEST(what_is_no_key_set_is_told)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"", "is not JSON"},
        {"{\"keys\":[]", "is not JSON"},
        {"{\"keys\":[],}", "is not JSON"},
        {"\xef\xbb\xbf{\"keys\":[]}", "is not JSON"},
        {"<html></html>", "is not JSON"},
        {"[]", "is not a JSON object"},
        {"{}", "has no array named keys"},
        {"{\"Keys\":[]}", "has no array named keys"},
        {"{\"keys\":{}}", "has no array named keys"},
        {"{\"keys\":[]}", "contains no usable key"},
        {"{\"keys\":[],\"k\\u0065ys\":[]}", "has a duplicate member"},
        {"{\"keys\":[{\"kid\":\"a\\u0000b\"}]}", "contains U+0000"},
        {"{\"keys\":[{\"kid\":\"\\ud800\"}]}", "is not Unicode, or too large"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_ptr_null(read_jwks(cases[i].text));
        ck_assert_str_eq(why, cases[i].wanted);
    }
}
END_TEST

START_TEST(what_is_no_pem_is_told)
{
    char *pem = mint_pem(MINT_RSA);

    ck_assert_ptr_null(from_pem(strdup("")));
    ck_assert_ptr_nonnull(strstr(why, "neither"));
    ck_assert_ptr_null(from_pem(strdup("ssh-rsa AAAA")));
    ck_assert_ptr_nonnull(strstr(why, "neither"));
    ck_assert_ptr_null(from_pem(mint_text("%.*s", 200, pem)));
    ck_assert_ptr_nonnull(strstr(why, "damaged"));
    ck_assert_ptr_null(from_pem(mint_text("%s%.*s", pem, 200, pem)));
    ck_assert_ptr_nonnull(strstr(why, "damaged"));
    ck_assert_ptr_null(
        from_pem(strdup("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
                        "-----END CERTIFICATE REQUEST-----\n")));
    ck_assert_str_eq(why, "contains no usable key");
    ck_assert_ptr_null(from_pem(strdup("-----BEGIN PUBLIC KEY-----\nAAAA\n"
                                       "-----END PUBLIC KEY-----\n")));
    ck_assert_str_eq(why, "contains no usable key");
    free(pem);
}
END_TEST

START_TEST(a_set_has_64_keys_at_most)
{
    char *list = strdup(""), *more;

    for (int i = 0; i < JWT_KEYS_MAX; i++) {
        more = mint_text("%s{\"kty\":\"oct\"},", list);
        free(list);
        list = more;
    }
    more = mint_text("%s%s", list, "{}");
    ck_assert_ptr_null(from_list(more, true));
    ck_assert_str_eq(why, "contains more than 64 keys");
    list[strlen(list) - 1] = '\0';
    ck_assert_ptr_null(from_list(list, true));
    ck_assert_str_eq(why, "contains no usable key");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jwk");
    TCase *tc = tcase_create("jwk");

    tcase_add_unchecked_fixture(tc, jwt_setup, jwt_teardown);
    tcase_add_test(tc, keys_for_other_things_are_left_out);
    tcase_add_test(tc, keys_that_are_weak_or_none_are_left_out);
    tcase_add_test(tc, exponents_that_are_none_are_left_out);
    tcase_add_test(tc, members_that_can_be_read_in_two_ways_are_left_out);
    tcase_add_test(tc, a_private_key_is_an_error_in_a_file_of_ours);
    tcase_add_test(tc, what_is_no_key_set_is_told);
    tcase_add_test(tc, what_is_no_pem_is_told);
    tcase_add_test(tc, a_set_has_64_keys_at_most);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
