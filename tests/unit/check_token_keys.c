/* check_token_keys.c - which settings can be combined, and the contents of
 * files. */
#include <check.h>

#include "access/token_keys.h"
#include "suite.h"
#include "token_fixture.h"

static char warning[512];

static struct jwt_keys *read_keys(void)
{
    strcpy(error, "untouched");
    strcpy(warning, "untouched");
    return token_keys_read(&config, error, sizeof(error), warning,
                           sizeof(warning));
}

static size_t count_of(struct jwt_keys *keys)
{
    size_t count;

    ck_assert_msg(keys != NULL, "%s", error);
    count = jwt_keys_count(keys);
    jwt_keys_release(keys);
    return count;
}

static const char *problem(void)
{
    strcpy(error, "");
    return token_keys_check(&config, error, sizeof(error)) == 0 ? "" : error;
}

/* Settings. --------------------------------------------------------------- */

START_TEST(keys_come_from_one_place)
{
    char **const places[] = {&config.jwt.secret, &config.jwt.secret_file,
                             &config.jwt.keys_file, &config.jwt.keys_url};
    const char *values[] = {mint_secret(MINT_SECRET), path, path,
                            "https://id.example/"};

    config.jwt.issuer = (char *)"me";

    ck_assert(!token_keys_are_set(&config));
    ck_assert_ptr_nonnull(strstr(problem(), "HUB_JWT_KEYS_URL: not set"));
    for (size_t i = 0; i < 4; i++) {
        *places[i] = (char *)values[i];
        ck_assert(token_keys_are_set(&config));
        ck_assert_str_eq(problem(), "");
        ck_assert_int_eq(token_keys_are_remote(&config), i == 3);
        for (size_t other = 0; other < 4; other++) {
            if (other == i)
                continue;
            *places[other] = (char *)values[other];
            ck_assert_ptr_nonnull(strstr(problem(), " are both set"));
            *places[other] = NULL;
        }
        *places[i] = NULL;
    }
}
END_TEST

START_TEST(a_url_is_safe_and_takes_an_issuer)
{
    config.jwt.keys_url = (char *)"https://id.example/keys";
    ck_assert_ptr_nonnull(strstr(problem(), "HUB_JWT_ISSUER: not set"));
    config.jwt.issuer = (char *)"https://id.example";
    ck_assert_str_eq(problem(), "");
    config.jwt.keys_url = (char *)"http://[::1]:8080/keys";
    ck_assert_str_eq(problem(), "");
    config.jwt.keys_url = (char *)"http://id.example/keys";
    ck_assert_ptr_nonnull(
        strstr(problem(), "HUB_JWT_KEYS_URL=http://id.example/keys: must be "));
    config.jwt.keys_url = (char *)"https://a:b@id.example/keys";
    ck_assert_ptr_nonnull(strstr(problem(), "without a user"));
}
END_TEST

START_TEST(times_of_a_url_go_together)
{
    config.jwt.keys_url = (char *)"https://id.example/keys";
    config.jwt.issuer = (char *)"https://id.example";
    config.jwt.keys_refresh_ms = 1000;
    config.jwt.keys_cooldown_ms = 1001;
    ck_assert_ptr_nonnull(strstr(problem(), "HUB_JWT_KEYS_COOLDOWN: must be"));
    config.jwt.keys_cooldown_ms = 1000;
    ck_assert_str_eq(problem(), "");
    config.jwt.keys_max_age_ms = 999;
    ck_assert_ptr_nonnull(strstr(problem(), "HUB_JWT_KEYS_MAX_AGE: must be 0"));
    config.jwt.keys_max_age_ms = 1000;
    ck_assert_str_eq(problem(), "");
    config.jwt.keys_ca_file = path;
    ck_assert_ptr_nonnull(strstr(problem(), "HUB_JWT_KEYS_CA_FILE="));
    write_file(strdup(""), 0600);
    ck_assert_str_eq(problem(), "");
}
END_TEST

START_TEST(an_audience_is_required)
{
    config.jwt.keys_file = path;
    config.jwt.audience = NULL;
    ck_assert_ptr_nonnull(strstr(problem(), "HUB_JWT_AUDIENCE: not set"));
    config.jwt.audience = (char *)"*";
    ck_assert_str_eq(problem(), "");
}
END_TEST

START_TEST(algorithms_go_with_the_kind_of_key)
{
    config.jwt.keys_file = path;
    ck_assert_uint_eq(token_keys_algorithms(&config),
                      JWT_BIT(JWT_RS256) | JWT_BIT(JWT_PS256) |
                          JWT_BIT(JWT_ES256) | JWT_BIT(JWT_ES384) |
                          JWT_BIT(JWT_EDDSA));
    config.jwt.algorithms = JWT_BIT(JWT_RS512);
    ck_assert_uint_eq(token_keys_algorithms(&config), JWT_BIT(JWT_RS512));
    ck_assert_str_eq(problem(), "");
    config.jwt.algorithms |= JWT_BIT(JWT_HS512);
    ck_assert_str_eq(problem(),
                     "HUB_JWT_ALGORITHMS: must have none of HS256, HS384 and "
                     "HS512 with HUB_JWT_KEYS_FILE");
    config.jwt.keys_file = NULL;
    config.jwt.secret_file = path;
    ck_assert_str_eq(problem(),
                     "HUB_JWT_ALGORITHMS: must have only HS256, HS384 or "
                     "HS512 with HUB_JWT_SECRET_FILE");
    config.jwt.algorithms = 0;
    ck_assert_uint_eq(token_keys_algorithms(&config), JWT_BIT(JWT_HS256));
    ck_assert_str_eq(problem(), "");
}
END_TEST

START_TEST(a_short_secret_is_an_error)
{
    char secret[] = "0123456789abcdef0123456789abcdef";

    config.jwt.secret = secret;
    ck_assert_str_eq(problem(), "");
    ck_assert_uint_eq(count_of(read_keys()), 1);
    ck_assert_str_eq(warning, "");
    config.jwt.algorithms = JWT_BIT(JWT_HS256) | JWT_BIT(JWT_HS384);
    ck_assert_ptr_nonnull(strstr(problem(), "at least 48 bytes"));
    config.jwt.algorithms = 0;
    secret[31] = '\0';
    ck_assert_ptr_nonnull(strstr(problem(), "at least 32 bytes"));
    ck_assert_ptr_null(strstr(error, secret));
}
END_TEST

/* Secrets in files. ------------------------------------------------------- */

#define FIRST "0123456789 abcdef 0123456789 abcdef"
#define SECOND "\xc3\xa9 fedcba 9876543210 fedcba 9876543210"

START_TEST(a_file_holds_one_secret_or_two)
{
    static const struct {
        const char *text;
        size_t count;
    } cases[] = {
        {FIRST, 1},
        {FIRST "\n", 1},
        {"\n\n" FIRST "\r\n", 1},
        {FIRST "\n" SECOND "\n", 2},
        {FIRST "\r\n\r\n" SECOND, 2},
    };

    config.jwt.secret_file = path;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_file(strdup(cases[i].text), 0600);
        ck_assert_uint_eq(count_of(read_keys()), cases[i].count);
        ck_assert_str_eq(warning, "");
    }
}
END_TEST

START_TEST(what_is_no_secret_is_told_without_it)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"", "contains no secret"},
        {"\n\r\n", "contains no secret"},
        {"s3cret", "too short"},
        {FIRST "\ns3cret", "too short"},
        {FIRST "\n" SECOND "\n" FIRST, "more than two secrets"},
        {FIRST " s3cret \n", "not a secret"},
        {" " FIRST " s3cret", "not a secret"},
        {FIRST " s3cret\t", "not a secret"},
    };

    config.jwt.secret_file = path;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_file(strdup(cases[i].text), 0600);
        ck_assert_ptr_null(read_keys());
        ck_assert_msg(strstr(error, cases[i].wanted) != NULL, "%s", error);
        ck_assert_ptr_null(strstr(error, "s3cret"));
        ck_assert_ptr_nonnull(strstr(error, path));
    }
    write_file(mint_text("%04097d", 0), 0600);
    ck_assert_ptr_null(read_keys());
    write_file(mint_text("%04096d", 0), 0600);
    ck_assert_uint_eq(count_of(read_keys()), 1);
}
END_TEST

START_TEST(a_secret_that_others_can_read_is_warned_of)
{
    config.jwt.secret_file = path;
    write_file(strdup(FIRST), 0644);
    ck_assert_uint_eq(count_of(read_keys()), 1);
    ck_assert_ptr_nonnull(strstr(warning, "0600"));
    config.jwt.secret_file = NULL;
    config.jwt.keys_file = path;
    write_file(mint_pem(MINT_RSA), 0644);
    ck_assert_uint_eq(count_of(read_keys()), 1);
    ck_assert_str_eq(warning, "");
}
END_TEST

/* Public keys in files. --------------------------------------------------- */

START_TEST(a_file_holds_a_key_set_or_pem)
{
    char *jwk = mint_jwk(MINT_RSA, ""), *jwks = mint_jwks(jwk);

    config.jwt.keys_file = path;
    write_file(mint_text(" \r\n\t%s\n", jwks), 0600);
    ck_assert_uint_eq(count_of(read_keys()), 1);
    write_file(mint_pem(MINT_P256), 0600);
    ck_assert_uint_eq(count_of(read_keys()), 1);
    write_file(mint_certificate(MINT_ED25519), 0600);
    ck_assert_uint_eq(count_of(read_keys()), 1);
    free(jwk), free(jwks);
}
END_TEST

START_TEST(what_holds_no_key_is_told)
{
    config.jwt.keys_file = path;
    ck_assert_ptr_null(read_keys());
    ck_assert_ptr_nonnull(strstr(error, "No such file"));
    write_file(strdup(""), 0600);
    ck_assert_ptr_null(read_keys());
    ck_assert_ptr_nonnull(strstr(error, "neither a JWKS nor PEM"));
    write_file(strdup("{\"keys\":[]}"), 0600);
    ck_assert_ptr_null(read_keys());
    ck_assert_ptr_nonnull(strstr(error, "no usable key"));
    write_file(mint_private_pem(MINT_P256), 0600);
    ck_assert_ptr_null(read_keys());
    ck_assert_ptr_nonnull(strstr(error, "HUB_JWT_KEYS_FILE="));
    ck_assert_ptr_nonnull(strstr(error, "private key"));
    write_file(mint_text("%0262145d", 0), 0600);
    ck_assert_ptr_null(read_keys());
    ck_assert_ptr_nonnull(strstr(error, "larger than 256 KB"));
    unlink(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_ptr_null(read_keys());
    ck_assert_ptr_nonnull(strstr(error, "directory"));
}
END_TEST

START_TEST(a_key_is_described)
{
    static const struct {
        struct jwt_key_info info;
        const char *wanted;
    } cases[] = {
        {{"a", "RSA", 2048, JWT_BIT(JWT_RS256) | JWT_BIT(JWT_PS256), NULL},
         "kid=a type=RSA bits=2048 alg=RS256,PS256"},
        {{"", "P-256", 256, JWT_BIT(JWT_ES256), NULL},
         "kid=- type=P-256 bits=256 alg=ES256"},
        {{"a\n\"", NULL, 0, 0, "is not a JSON object"},
         "kid=a\\n\\\": left out: it is not a JSON object"},
        {{"b", "RSA", 1024, 0, "has fewer than 2048 bits"},
         "kid=b type=RSA bits=1024: left out: it has fewer than 2048 bits"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        struct linebuf line;

        linebuf_init(&line, text, sizeof(text));
        token_keys_describe(&cases[i].info, &line);
        ck_assert_str_eq(text, cases[i].wanted);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token_keys");
    TCase *tc = tcase_create("token_keys");

    tcase_add_unchecked_fixture(tc, token_setup, token_teardown);
    tcase_add_checked_fixture(tc, settings_setup, settings_teardown);
    tcase_add_test(tc, keys_come_from_one_place);
    tcase_add_test(tc, a_url_is_safe_and_takes_an_issuer);
    tcase_add_test(tc, times_of_a_url_go_together);
    tcase_add_test(tc, an_audience_is_required);
    tcase_add_test(tc, algorithms_go_with_the_kind_of_key);
    tcase_add_test(tc, a_short_secret_is_an_error);
    tcase_add_test(tc, a_file_holds_one_secret_or_two);
    tcase_add_test(tc, what_is_no_secret_is_told_without_it);
    tcase_add_test(tc, a_secret_that_others_can_read_is_warned_of);
    tcase_add_test(tc, a_file_holds_a_key_set_or_pem);
    tcase_add_test(tc, what_holds_no_key_is_told);
    tcase_add_test(tc, a_key_is_described);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
