/* check_token_auth.c - tokens and the current keys, which can change. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>

#include "access/token_auth.h"
#include "suite.h"
#include "token_fixture.h"

static struct token_auth *auth;
static struct identity who;
static const char *why;

static void create(void)
{
    auth = token_auth_create(&config, error, sizeof(error));
    ck_assert_msg(auth != NULL, "%s", error);
}

static enum token_result check(char *token)
{
    enum token_result result =
        token_auth_check(auth, slice_of(token), &who, &why);

    ck_assert((why == NULL) == (result == TOKEN_GOOD));
    free(token);
    return result;
}

static char *signed_with(const char *algorithm, enum mint_key key,
                         const char *members, int seconds)
{
    char *claims = claims_for(seconds), *token;
    char *header = mint_text("{\"alg\":\"%s\"%s}", algorithm, members);

    token = mint_token(algorithm, key, header, claims);
    free(header), free(claims);
    return token;
}

static uint64_t keys_in_force(void)
{
    struct token_auth_figures figures;

    token_auth_figures(auth, &figures);
    return figures.keys;
}

START_TEST(a_token_is_for_somebody_and_expires)
{
    config.jwt.secret = (char *)mint_secret(MINT_SECRET);
    create();
    ck_assert_int_eq(check(signed_with("HS256", MINT_SECRET, "", 60)),
                     TOKEN_GOOD);
    ck_assert_str_eq(who.user_id, "ada");
    ck_assert_int_eq(who.method, IDENTITY_JWT);
    ck_assert_int_gt(who.expires_in_ms, 50000);
    ck_assert_int_le(who.expires_in_ms, 60000);
    ck_assert_int_eq(check(signed_with("HS256", MINT_SECRET, "", -20)),
                     TOKEN_GOOD);
    ck_assert_int_eq(check(signed_with("HS256", MINT_SECRET, "", -40)),
                     TOKEN_EXPIRED);
    ck_assert_int_eq(check(signed_with("HS256", MINT_OTHER_SECRET, "", 60)),
                     TOKEN_BAD);
    ck_assert_str_eq(who.user_id, "");
    ck_assert_int_eq(check(signed_with("HS512", MINT_SECRET, "", 60)),
                     TOKEN_BAD);
    ck_assert_int_eq(check(strdup("a.b.c")), TOKEN_BAD);
    ck_assert_uint_eq(keys_in_force(), 1);
    token_auth_reload(auth); /* there is nothing to read again */
    ck_assert_int_eq(check(signed_with("HS256", MINT_SECRET, "", 60)),
                     TOKEN_GOOD);
    token_auth_destroy(auth);
    token_auth_destroy(NULL);
}
END_TEST

START_TEST(settings_that_cannot_be_are_told)
{
    ck_assert_ptr_null(token_auth_create(&config, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "HUB_JWT_KEYS_URL: not set"));
    ck_assert_int_eq(
        token_auth_check_settings(&config, true, error, sizeof(error)), -1);
    ck_assert_int_eq(
        token_auth_check_settings(&config, false, error, sizeof(error)), 0);
    config.jwt.keys_file = path;
    ck_assert_int_eq(
        token_auth_check_settings(&config, true, error, sizeof(error)), 0);
    ck_assert_ptr_null(token_auth_create(&config, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "No such file"));
}
END_TEST

START_TEST(the_policy_is_that_of_the_settings)
{
    config.jwt.secret = (char *)mint_secret(MINT_SECRET);
    config.jwt.audience = (char *)"*";
    config.jwt.issuer = (char *)"me";
    config.jwt.user_claim = (char *)"/u/0";
    config.jwt.session_claim = (char *)"sid";
    config.jwt.type = (char *)"x";
    config.jwt.algorithms = JWT_BIT(JWT_HS512);
    create();
    ck_assert_int_eq(
        check(mint_token("HS512", MINT_SECRET,
                         "{\"alg\":\"HS512\",\"typ\":\"x\"}",
                         "{\"u\":[\"bob\"],\"sid\":\"s\",\"iss\":\"me\","
                         "\"exp\":4000000000}")),
        TOKEN_GOOD);
    ck_assert_str_eq(who.user_id, "bob");
    ck_assert_str_eq(who.session_id, "s");
    token_auth_destroy(auth);
}
END_TEST

START_TEST(a_secret_rolls_over)
{
    const char *old = mint_secret(MINT_SECRET);
    const char *new = mint_secret(MINT_OTHER_SECRET);

    config.jwt.secret_file = path;
    write_file(mint_text("%s\n", old), 0600);
    create();
    ck_assert_int_eq(check(signed_with("HS256", MINT_SECRET, "", 60)),
                     TOKEN_GOOD);
    write_file(mint_text("%s\n%s\n", new, old), 0600);
    token_auth_reload(auth);
    ck_assert_uint_eq(keys_in_force(), 2);
    ck_assert_int_eq(check(signed_with("HS256", MINT_SECRET, "", 60)),
                     TOKEN_GOOD);
    ck_assert_int_eq(check(signed_with("HS256", MINT_OTHER_SECRET, "", 60)),
                     TOKEN_GOOD);
    write_file(mint_text("%s\n", new), 0600);
    token_auth_reload(auth);
    ck_assert_int_eq(check(signed_with("HS256", MINT_SECRET, "", 60)),
                     TOKEN_BAD);
    ck_assert_int_eq(check(signed_with("HS256", MINT_OTHER_SECRET, "", 60)),
                     TOKEN_GOOD);
    token_auth_destroy(auth);
}
END_TEST

START_TEST(keys_stay_in_force_when_reading_again_fails)
{
    config.jwt.keys_file = path;
    write_file(mint_pem(MINT_P256), 0600);
    create();
    write_file(strdup("{}"), 0600);
    token_auth_reload(auth);
    ck_assert_int_eq(check(signed_with("ES256", MINT_P256, "", 60)),
                     TOKEN_GOOD);
    unlink(path);
    token_auth_reload(auth);
    ck_assert_int_eq(check(signed_with("ES256", MINT_P256, "", 60)),
                     TOKEN_GOOD);
    write_file(mint_pem(MINT_OTHER_P256), 0600);
    token_auth_reload(auth);
    ck_assert_int_eq(check(signed_with("ES256", MINT_P256, "", 60)), TOKEN_BAD);
    ck_assert_int_eq(check(signed_with("ES256", MINT_OTHER_P256, "", 60)),
                     TOKEN_GOOD);
    token_auth_destroy(auth);
}
END_TEST

/* A file that comes does not bring back what is unknown. */
START_TEST(an_unknown_key_is_no_reason_to_wait)
{
    config.jwt.keys_file = path;
    write_file(mint_pem(MINT_P256), 0600);
    create();
    ck_assert_int_eq(
        check(signed_with("ES256", MINT_OTHER_P256, ",\"kid\":\"x\"", 60)),
        TOKEN_BAD);
    ck_assert_int_eq(check(signed_with("RS256", MINT_RSA, "", 60)), TOKEN_BAD);
    token_auth_destroy(auth);
}
END_TEST

/* Threads. ---------------------------------------------------------------- */

#define THREADS 3
#define ROUNDS 200

static atomic_bool done;
static char *token;

static void *check_many(void *unused)
{
    (void)unused;
    while (!atomic_load(&done)) {
        struct identity out;
        const char *problem;

        if (token_auth_check(auth, slice_of(token), &out, &problem) !=
            TOKEN_GOOD)
            return (void *)problem;
    }
    return NULL;
}

START_TEST(tokens_are_checked_while_keys_change)
{
    pthread_t threads[THREADS];

    config.jwt.secret_file = path;
    write_file(mint_text("%s\n", mint_secret(MINT_SECRET)), 0600);
    create();
    token = signed_with("HS256", MINT_SECRET, "", 60);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_create(&threads[i], NULL, check_many, NULL);
    for (int i = 0; i < ROUNDS; i++)
        token_auth_reload(auth);
    atomic_store(&done, true);
    for (int i = 0; i < THREADS; i++) {
        void *problem;

        (void)pthread_join(threads[i], &problem);
        ck_assert_msg(problem == NULL, "%s", (const char *)problem);
    }
    free(token);
    token_auth_destroy(auth);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token_auth");
    TCase *tc = tcase_create("token_auth");

    log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    tcase_add_unchecked_fixture(tc, token_setup, token_teardown);
    tcase_add_checked_fixture(tc, settings_setup, settings_teardown);
    tcase_add_test(tc, a_token_is_for_somebody_and_expires);
    tcase_add_test(tc, settings_that_cannot_be_are_told);
    tcase_add_test(tc, the_policy_is_that_of_the_settings);
    tcase_add_test(tc, a_secret_rolls_over);
    tcase_add_test(tc, keys_stay_in_force_when_reading_again_fails);
    tcase_add_test(tc, an_unknown_key_is_no_reason_to_wait);
    tcase_add_test(tc, tokens_are_checked_while_keys_change);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
