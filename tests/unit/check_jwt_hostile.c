/* check_jwt_hostile.c - tokens that are unsigned, signed with public data,
 * respelled, or genuine but not usable. All of them are rejected.
 */
#include <check.h>

#include "jwt_hostile.h"
#include "suite.h"

/* Algorithms. ------------------------------------------------------------- */

START_TEST(no_algorithm_is_none)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"nOnE\"}",
        "{\"alg\":\"NONE\"}",
        "{\"alg\":\"none\",\"kid\":\"rsa\"}",
        "{\"alg\":\"\"}",
        "{\"alg\":null}",
        "{\"alg\":false}",
        "{\"alg\":0}",
        "{\"alg\":[\"RS256\"]}",
        "{\"alg\":{\"RS256\":1}}",
        "{\"alg\":\"rs256\"}",
        "{\"alg\":\"RS256 \"}",
        "{\"alg\":\"RS256\\u0000\"}",
        "{\"alg\":\"RS255\"}",
        "{\"alg\":\"ES256K\"}",
        "{\"alg\":\"RSA-OAEP\"}",
        "{\"alg\":\"HS256,RS256\"}",
        "{\"Alg\":\"RS256\"}",
        "{\"typ\":\"JWT\"}",
        "{}",
        "{\"alg\":\"none\",\"alg\":\"RS256\"}",
        "{\"alg\":\"RS256\",\"alg\":\"none\"}",
        "{\"alg\":\"RS256\",\"\\u0061lg\":\"RS256\"}",
    };

    free(good("RS256", MINT_RSA));
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        char *input = mint_input(headers[i], CLAIMS);

        refuse_header(headers[i], "RS256", MINT_RSA);
        refuse(headers[i], mint_text("%s.", input));
        refuse(headers[i], mint_text("%s", input));
        free(input);
    }
}
END_TEST

/* What everybody knows is no secret. */
START_TEST(a_public_key_is_no_secret)
{
    char *pem = mint_pem(MINT_RSA), *jwk = mint_jwk(MINT_RSA, "");
    char *certificate = mint_certificate(MINT_RSA);
    const char *const texts[] = {pem, jwk, certificate, ""};
    static const char *const algorithms[] = {"HS256", "HS384", "HS512"};

    free(good("HS256", MINT_SECRET));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t a = 0; a < 3; a++) {
            unsigned char mac[MINT_SIGNATURE_MAX];
            char *header =
                mint_text("{\"alg\":\"%s\",\"kid\":\"rsa\"}", algorithms[a]);
            char *input = mint_input(header, CLAIMS);
            size_t bytes =
                mint_sign_with(algorithms[a], texts[i], strlen(texts[i]), input,
                               strlen(input), mac);

            refuse(texts[i], mint_join(input, mac, bytes));
            free(input);
            free(header);
        }
    }
    free(pem), free(jwk), free(certificate);
}
END_TEST

START_TEST(a_signature_counts_for_its_own_algorithm)
{
    free(good("PS256", MINT_RSA));
    refuse_header(HEADER("RS256"), "PS256", MINT_RSA);
    refuse_header(HEADER("PS256"), "RS256", MINT_RSA);
    refuse_header(HEADER("RS256"), "RS512", MINT_RSA);
    refuse_header(HEADER("RS384"), "RS256", MINT_RSA);
    refuse_header(HEADER("PS384"), "PS256", MINT_RSA);
    refuse_header(HEADER("ES256"), "ES256", MINT_P384);
    refuse_header(HEADER("ES384"), "ES384", MINT_P256);
    refuse_header(HEADER("ES256"), "ES384", MINT_P256);
    refuse_header(HEADER("EdDSA"), "RS256", MINT_RSA);
    refuse_header(HEADER("RS256"), "EdDSA", MINT_ED25519);
    refuse_header(HEADER("ES256"), "EdDSA", MINT_ED25519);
    refuse_header(HEADER("HS256"), "HS384", MINT_SECRET);
    refuse_header(HEADER("HS512"), "HS256", MINT_SECRET);
    refuse_header(HEADER("ES512"), "ES384", MINT_P384);
}
END_TEST

START_TEST(a_key_with_an_algorithm_is_for_no_other)
{
    static const char *const others[] = {"RS384", "RS512", "PS256", "PS384"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        char *token = good(others[i], MINT_RSA);

        ck_assert_msg(!is_taken(pinned, &policy, slice_of(token)), "%s",
                      others[i]);
        free(token);
    }
}
END_TEST

/* Keys. ------------------------------------------------------------------- */

START_TEST(no_name_of_a_key_lets_anybody_in)
{
    char long_kid[IDENTITY_KID_MAX + 16];
    static const char *const kids[] = {
        "\"\"",          "\"next\"",        "\"../../../../dev/null\"",
        "\"/dev/null\"", "\"' OR 1=1 --\"", "\"rsa\\u0000\"",
        "\"RSA\"",       "\"\\ud800\"",     "0",
        "null",          "[\"rsa\"]",       "{\"rsa\":1}",
    };

    for (size_t i = 0; i < sizeof(kids) / sizeof(kids[0]); i++) {
        char *header = mint_text("{\"alg\":\"RS256\",\"kid\":%s}", kids[i]);

        refuse_header(header, "RS256", MINT_OTHER_RSA);
        free(header);
    }
    memset(long_kid, 'k', sizeof(long_kid));
    for (size_t bytes = IDENTITY_KID_MAX - 1; bytes <= IDENTITY_KID_MAX;
         bytes++) {
        char *header = mint_text("{\"alg\":\"RS256\",\"kid\":\"%.*s\"}",
                                 (int)bytes, long_kid);

        refuse_header(header, "RS256", MINT_OTHER_RSA);
        free(header);
    }
    refuse_header("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"kid\":\"rsa\"}",
                  "RS256", MINT_RSA);
    refuse_header("{\"alg\":\"RS256\",\"kid\":\"ec\"}", "RS256", MINT_RSA);
    refuse_header("{\"alg\":\"RS256\",\"kid\":7}", "RS256", MINT_RSA);
    refuse_header("{\"alg\":\"RS256\",\"kid\":\"other\"}", "RS256", MINT_RSA);
}
END_TEST

START_TEST(keys_that_a_token_brings_along_are_ignored)
{
    static const char *const members[] = {
        "\"jku\":\"http://127.0.0.1:1/keys\"",
        "\"jku\":\"file:///dev/null\"",
        "\"x5u\":\"https://evil.example/\"",
        "\"x5c\":[\"AAAA\"]",
        "\"x5t\":\"AAAA\"",
        "\"iss\":\"https://evil.example\"",
    };
    char *jwk = mint_jwk(MINT_OTHER_RSA, ",\"kid\":\"rsa\"");
    char *ec_jwk = mint_jwk(MINT_OTHER_P256, "");
    char *header = mint_text("{\"alg\":\"RS256\",\"jwk\":%s}", jwk);

    refuse_header(header, "RS256", MINT_OTHER_RSA);
    free(header);
    header = mint_text("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jwk\":%s}", jwk);
    refuse_header(header, "RS256", MINT_OTHER_RSA);
    free(header);
    header = mint_text("{\"alg\":\"ES256\",\"jwk\":%s}", ec_jwk);
    refuse_header(header, "ES256", MINT_OTHER_P256);
    free(header);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        header =
            mint_text("{\"alg\":\"RS256\",\"kid\":\"rsa\",%s}", members[i]);
        refuse_header(header, "RS256", MINT_OTHER_RSA);
        free(header);
    }
    free(jwk), free(ec_jwk);
}
END_TEST

START_TEST(keys_of_somebody_else_verify_nothing)
{
    refuse_header(HEADER("RS256"), "RS256", MINT_OTHER_RSA);
    refuse_header(HEADER("PS256"), "PS256", MINT_OTHER_RSA);
    refuse_header(HEADER("ES256"), "ES256", MINT_OTHER_P256);
    refuse_header(HEADER("EdDSA"), "EdDSA", MINT_OTHER_ED25519);
    refuse_header(HEADER("HS256"), "HS256", MINT_OTHER_SECRET);
    refuse_header(HEADER("HS512"), "HS512", MINT_OTHER_SECRET);
}
END_TEST

/* Extensions. ------------------------------------------------------------- */

START_TEST(extensions_and_other_kinds_are_refused)
{
    static const char *const headers[] = {
        "{\"alg\":\"RS256\",\"crit\":[\"exp\"],\"exp\":1}",
        "{\"alg\":\"RS256\",\"crit\":[]}",
        "{\"alg\":\"RS256\",\"crit\":null}",
        "{\"alg\":\"RS256\",\"cr\\u0069t\":[\"b64\"],\"b64\":false}",
        "{\"alg\":\"RS256\",\"b64\":false}",
        "{\"alg\":\"RS256\",\"b64\":true}",
        "{\"alg\":\"RS256\",\"zip\":\"DEF\"}",
        "{\"alg\":\"RS256\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"RS256\",\"typ\":\"logout+jwt\"}",
        "{\"alg\":\"RS256\",\"typ\":\"dpop+jwt\"}",
        "{\"alg\":\"RS256\",\"typ\":7}",
        "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"typ\":\"JWT\"}",
    };
    char *token = good("RS256", MINT_RSA), *input;
    unsigned char signature[MINT_SIGNATURE_MAX];
    size_t bytes;

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        refuse_header(headers[i], "RS256", MINT_RSA);
    /* Claims that are not encoded. */
    input = mint_text("%.*s.%s", (int)strcspn(token, "."), token, CLAIMS);
    bytes = mint_sign("RS256", MINT_RSA, input, strlen(input), signature);
    refuse("not encoded", mint_join(input, signature, bytes));
    free(input);
    refuse("JWE", mint_text("%s.AAAA.AAAA", token));
    refuse("JSON", mint_text("{\"payload\":\"%s\"}", token));
    refuse("nested", mint_token("RS256", MINT_RSA,
                                "{\"alg\":\"RS256\",\"cty\":\"JWT\"}", token));
    free(token);
}
END_TEST

/* Spelling. --------------------------------------------------------------- */

/* The other spellings of the last character of a part, whose low bits stand for
 * nothing. */
static void respell(const char *token, size_t last)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"
                                   "rstuvwxyz0123456789-_";
    char *copy = strdup(token);

    for (const char *p = alphabet; *p != '\0'; p++) {
        if (*p == token[last])
            continue;
        copy[last] = *p;
        refuse_bytes("another character", slice_of(copy));
    }
    free(copy);
}

START_TEST(a_token_has_one_spelling)
{
    char *token = good("HS256", MINT_SECRET);
    size_t first = strcspn(token, "."), bytes = strlen(token);
    size_t second = first + 1 + strcspn(token + first + 1, ".");

    respell(token, bytes - 1);
    respell(token, first - 1);
    respell(token, second - 1);
    for (const char *p = "=+/ \t\r\n.,%&;\"\x7f\x80\xff"; *p != '\0'; p++) {
        refuse("behind", mint_text("%s%c", token, *p));
        refuse("in front", mint_text("%c%s", *p, token));
        refuse("behind the first part",
               mint_text("%.*s%c%s", (int)first, token, *p, token + first));
        refuse("behind the second part",
               mint_text("%.*s%c%s", (int)second, token, *p, token + second));
        refuse("within", mint_text("%.*s%c%s", 20, token, *p, token + 20));
    }
    refuse("padding", mint_text("%s==", token));
    refuse("a scheme", mint_text("Bearer %s", token));
    refuse("twice", mint_text("%s%s", token, token));
    refuse("another part", mint_text("%s.", token));
    refuse("another part", mint_text(".%s", token));
    refuse("less", mint_text("%.*s", (int)bytes - 1, token));
    refuse_bytes("a NUL behind", (struct slice){token, bytes + 1});
    refuse_bytes("nothing", (struct slice){token, 0});
    refuse("dots", mint_text(".."));
    refuse("a dot", mint_text("."));
    refuse("no dot", mint_text("%.*s", (int)first, token));
    refuse("no claims",
           mint_text("%.*s..%s", (int)first, token, token + second + 1));
    refuse("no header", mint_text("%s", token + first));
    refuse("no signature", mint_text("%.*s", (int)second + 1, token));
    free(token);
}
END_TEST

/* Claims. ----------------------------------------------------------------- */

static void refuse_claims(const char *claims)
{
    refuse(claims, mint_token("HS256", MINT_SECRET, HEADER("HS256"), claims));
}

#define REST "\"aud\":\"hub\",\"iss\":\"https://id.example\""

START_TEST(a_time_is_a_number_of_seconds)
{
    static const char *const times[] = {
        "null",
        "\"1800003600\"",
        "-1",
        "-0",
        "1e400",
        "1.8e9",
        "1800003600000",
        "99999999999999",
        "true",
        "[1800003600]",
        "{}",
        "18000036000000000000000",
        "1800003600,\"exp\":1800003600",
        "1800003600,\"\\u0065xp\":1",
        "1800003600,\"nbf\":\"0\"",
        "1800003600,\"nbf\":null",
        "1800003600,\"nbf\":1800003600",
        "1800003600,\"nbf\":1700000000000",
        "1800003600,\"nbf\":0,\"nbf\":0",
        "1800003600,\"nbf\":-1",
        "01800003600",
        "+1800003600",
        "1800003600.",
        "0x6b49d200",
        "Infinity",
        "NaN",
    };

    free(good("HS256", MINT_SECRET));
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        char *claims =
            mint_text("{\"sub\":\"ada\"," REST ",\"exp\":%s}", times[i]);

        refuse_claims(claims);
        free(claims);
    }
    refuse_claims("{\"sub\":\"ada\"," REST "}");
    refuse_claims("{\"sub\":\"ada\"," REST ",\"Exp\":1800003600}");
    refuse_claims("{\"sub\":\"ada\"," REST ",\"a\":{\"exp\":1800003600}}");
}
END_TEST

START_TEST(a_user_has_one_good_id)
{
    char long_id[HUB_ID_BYTES_MAX + 2];
    static const char *const ids[] = {
        "\"\"",
        "7",
        "null",
        "true",
        "[\"ada\"]",
        "{\"ada\":1}",
        "\"a\\nevent=forged\"",
        "\"a\\r\"",
        "\"a\\tb\"",
        "\"a\\u0000\"",
        "\"\\u0000\"",
        "\"a\\u001b[2J\"",
        "\"a\\u007f\"",
        "\"a\\u0085\"",
        "\"a\xc2\x85\"",
        "\"\\ud83d\"",
        "\"\\ude00\\ud83d\"",
        "\"a\x80\"",
        "\"\xed\xa0\x80\"",
        "\"a\nb\"",
        "\"ada\",\"sub\":\"ada\"",
        "\"ada\",\"\\u0073ub\":\"eve\"",
        "\"ada\",\"sub\":null",
        "'ada'",
        "ada",
    };

    free(good("HS256", MINT_SECRET));
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char *claims =
            mint_text("{" REST ",\"exp\":1800003600,\"sub\":%s}", ids[i]);

        refuse_claims(claims);
        free(claims);
    }
    memset(long_id, 'i', sizeof(long_id));
    long_id[HUB_ID_BYTES_MAX + 1] = '\0';
    char *claims =
        mint_text("{" REST ",\"exp\":1800003600,\"sub\":\"%s\"}", long_id);
    refuse_claims(claims);
    free(claims);
    refuse_claims("{" REST ",\"exp\":1800003600}");
    refuse_claims("{" REST ",\"exp\":1800003600,\"Sub\":\"ada\"}");
    refuse_claims("{" REST ",\"exp\":1800003600,\"a\":{\"sub\":\"ada\"}}");
}
END_TEST

START_TEST(what_is_no_object_is_refused)
{
    static const char *const texts[] = {
        "[]",
        "\"ada\"",
        "7",
        "null",
        "{",
        "}",
        " ",
        CLAIMS "x",
        CLAIMS CLAIMS,
        "\xef\xbb\xbf" CLAIMS,
        "[" CLAIMS "]",
        "/**/" CLAIMS,
        CLAIMS_WITH(","),
        CLAIMS_WITH(",\"a\":\"\\x\""),
        CLAIMS_WITH(",\"a\":\"\xff\""),
        CLAIMS_WITH(",'a':1"),
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        refuse_claims(texts[i]);
        refuse(texts[i], mint_token("HS256", MINT_SECRET, texts[i], CLAIMS));
    }
    refuse("a header behind another",
           mint_token("HS256", MINT_SECRET, HEADER("HS256") HEADER("HS256"),
                      CLAIMS));
}
END_TEST

/* Size. ------------------------------------------------------------------- */

static char *nested(size_t levels)
{
    char *text = malloc(2 * levels + 1);

    memset(text, '[', levels);
    memset(text + levels, ']', levels);
    text[2 * levels] = '\0';
    return text;
}

START_TEST(depth_and_size_are_limited)
{
    static const size_t levels[] = {1000, 1900, 5000, 100000};
    char *input = good_input("HS256");
    size_t bytes = (size_t)1 << 20;
    char *large = calloc(1, bytes);

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        char *deep = nested(levels[i]);
        char *claims = mint_text(
            "{\"sub\":\"ada\"," REST ",\"exp\":1800003600,\"a\":%s}", deep);
        char *header = mint_text("{\"alg\":\"HS256\",\"a\":%s}", deep);

        refuse("deep header", mint_token("HS256", MINT_SECRET, header, CLAIMS));
        refuse_claims(claims);
        free(deep), free(claims), free(header);
    }
    refuse("1 MB", mint_join(input, large, bytes));
    refuse("8 KB", mint_join(input, large, 8192));
    refuse_bytes("NULs", (struct slice){large, JWT_BYTES_MAX});
    memset(large, '.', JWT_BYTES_MAX);
    refuse_bytes("dots", (struct slice){large, JWT_BYTES_MAX});
    memset(large, 'A', JWT_BYTES_MAX);
    refuse_bytes("letters", (struct slice){large, JWT_BYTES_MAX});
    free(large);
    free(input);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jwt_hostile");
    TCase *tc = tcase_create("jwt_hostile");

    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_checked_fixture(tc, secrets_setup, secrets_teardown);
    tcase_add_test(tc, no_algorithm_is_none);
    tcase_add_test(tc, a_public_key_is_no_secret);
    tcase_add_test(tc, a_signature_counts_for_its_own_algorithm);
    tcase_add_test(tc, a_key_with_an_algorithm_is_for_no_other);
    tcase_add_test(tc, no_name_of_a_key_lets_anybody_in);
    tcase_add_test(tc, keys_that_a_token_brings_along_are_ignored);
    tcase_add_test(tc, keys_of_somebody_else_verify_nothing);
    tcase_add_test(tc, extensions_and_other_kinds_are_refused);
    tcase_add_test(tc, a_token_has_one_spelling);
    tcase_add_test(tc, a_time_is_a_number_of_seconds);
    tcase_add_test(tc, a_user_has_one_good_id);
    tcase_add_test(tc, what_is_no_object_is_refused);
    tcase_add_test(tc, depth_and_size_are_limited);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
