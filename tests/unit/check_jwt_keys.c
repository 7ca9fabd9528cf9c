/* check_jwt_keys.c - keys of every kind and source, and which of them are
 * tried. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>

#include <openssl/pem.h>

#include "jwt_keys_fixture.h"
#include "suite.h"

/* Kinds. ------------------------------------------------------------------ */

static void check_kinds(const struct jwt_keys *set)
{
    static const struct {
        const char *type;
        unsigned bits, algorithms;
    } wanted[] = {
        {"RSA", 2048, JWT_WITH_RSA},
        {"P-256", 256, JWT_BIT(JWT_ES256)},
        {"P-384", 384, JWT_BIT(JWT_ES384)},
        {"Ed25519", 256, JWT_BIT(JWT_EDDSA)},
    };

    for (size_t i = 0; i < 4; i++) {
        const struct jwt_key_info *info = info_of(set, i);

        ck_assert_str_eq(info->type, wanted[i].type);
        ck_assert_uint_eq(info->bits, wanted[i].bits);
        ck_assert_uint_eq(info->algorithms, wanted[i].algorithms);
        ck_assert_ptr_null(info->skipped);
    }
    ck_assert_uint_eq(jwt_keys_count(set), 4);
    ck_assert_ptr_null(jwt_keys_info(set, 4));
    ck_assert(verifies(set, "PS384", MINT_RSA, ""));
    ck_assert(verifies(set, "ES256", MINT_P256, ""));
    ck_assert(verifies(set, "ES384", MINT_P384, ""));
    ck_assert(verifies(set, "EdDSA", MINT_ED25519, ""));
    ck_assert(!verifies(set, "RS256", MINT_OTHER_RSA, ""));
    ck_assert(!verifies(set, "ES256", MINT_OTHER_P256, ""));
}

START_TEST(a_key_set_has_keys_of_four_kinds)
{
    struct jwt_keys *set = public_keys();

    check_kinds(set);
    ck_assert_str_eq(info_of(set, 0)->kid, "rsa");
    ck_assert_str_eq(info_of(set, 3)->kid, "ed");
    jwt_keys_release(set);
}
END_TEST

/* All of them in one file, with other text around. */
static char *all_of(char *(*make)(enum mint_key key))
{
    char *rsa = make(MINT_RSA), *ec = make(MINT_P256);
    char *ec384 = make(MINT_P384), *ed = make(MINT_ED25519);
    char *text = mint_text("Bag Attributes\r\n%s\nsubject=x\n%s%s%s# end", rsa,
                           ec, ec384, ed);

    free(rsa), free(ec), free(ec384), free(ed);
    return text;
}

START_TEST(so_does_pem)
{
    struct jwt_keys *set = from_pem(all_of(mint_pem));

    ck_assert_msg(set != NULL, "%s", why);
    check_kinds(set);
    ck_assert_str_eq(info_of(set, 0)->kid, "");
    /* Whatever name a token has for it. */
    ck_assert(verifies(set, "RS256", MINT_RSA, ",\"kid\":\"anything\""));
    jwt_keys_release(set);
}
END_TEST

START_TEST(so_do_certificates)
{
    struct jwt_keys *set = from_pem(all_of(mint_certificate));

    ck_assert_msg(set != NULL, "%s", why);
    check_kinds(set);
    jwt_keys_release(set);
}
END_TEST

START_TEST(the_older_form_of_rsa_keys_is_read)
{
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    int bytes = i2d_PublicKey(mint_pkey(MINT_RSA), &der);
    struct jwt_keys *set;
    char *data;

    ck_assert_int_gt(PEM_write_bio(bio, PEM_STRING_RSA_PUBLIC, "", der, bytes),
                     0);
    bytes = (int)BIO_get_mem_data(bio, &data);
    set = jwt_keys_from_pem((struct slice){data, (size_t)bytes}, ALL_PUBLIC,
                            &why);
    ck_assert_msg(set != NULL, "%s", why);
    ck_assert(verifies(set, "RS256", MINT_RSA, ""));
    jwt_keys_release(set);
    OPENSSL_free(der);
    BIO_free(bio);
}
END_TEST

/* Secrets. ---------------------------------------------------------------- */

static struct jwt_keys *from_secrets(const char *first, const char *second,
                                     unsigned allowed)
{
    struct slice texts[2];

    texts[0] = slice_of(first);
    texts[1] = slice_of(second != NULL ? second : "");
    return jwt_keys_from_secrets(texts, second != NULL ? 2 : 1, allowed, &why);
}

START_TEST(a_previous_secret_is_good_as_well)
{
    struct jwt_keys *set =
        from_secrets(mint_secret(MINT_SECRET), mint_secret(MINT_OTHER_SECRET),
                     JWT_BIT(JWT_HS256));

    ck_assert_msg(set != NULL, "%s", why);
    ck_assert_uint_eq(jwt_keys_count(set), 2);
    ck_assert_str_eq(info_of(set, 1)->type, "secret");
    ck_assert_uint_eq(info_of(set, 1)->bits, 512);
    ck_accept(set, &secret_policy,
              mint_token("HS256", MINT_SECRET, HEADER("HS256"), CLAIMS));
    ck_accept(set, &secret_policy,
              mint_token("HS256", MINT_OTHER_SECRET,
                         "{\"alg\":\"HS256\",\"kid\":\"2\"}", CLAIMS));
    jwt_keys_release(set);
    set = from_secrets(mint_secret(MINT_SECRET), NULL, JWT_BIT(JWT_HS256));
    ck_assert_int_ne(verify_with(set, &secret_policy,
                                 mint_token("HS256", MINT_OTHER_SECRET,
                                            HEADER("HS256"), CLAIMS)),
                     JWT_GOOD);
    jwt_keys_release(set);
}
END_TEST

START_TEST(a_secret_is_as_long_as_its_digests)
{
    static const struct {
        unsigned allowed;
        size_t least;
    } cases[] = {
        {JWT_BIT(JWT_HS256), 32},
        {JWT_BIT(JWT_HS256) | JWT_BIT(JWT_HS384), 48},
        {JWT_WITH_SECRET, 64},
    };

    for (size_t i = 0; i < 3; i++) {
        char *text =
            mint_text("%.*s", (int)cases[i].least, mint_secret(MINT_SECRET));
        struct jwt_keys *set = from_secrets(text, NULL, cases[i].allowed);

        ck_assert_uint_eq(jwt_key_secret_least(cases[i].allowed),
                          cases[i].least);
        ck_assert_msg(set != NULL, "%s", why);
        jwt_keys_release(set);
        text[cases[i].least - 1] = '\0';
        ck_assert_ptr_null(from_secrets(text, NULL, cases[i].allowed));
        ck_assert_ptr_nonnull(strstr(why, "too short"));
        ck_assert_ptr_null(
            from_secrets(mint_secret(MINT_SECRET), text, cases[i].allowed));
        free(text);
    }
    ck_assert_ptr_null(from_secrets("", NULL, JWT_BIT(JWT_HS256)));
    ck_assert_ptr_null(
        from_secrets(mint_secret(MINT_SECRET), NULL, ALL_PUBLIC));
}
END_TEST

START_TEST(a_secret_has_4096_bytes_at_most)
{
    char *text = mint_text("%04097d", 0);
    struct jwt_keys *set;

    ck_assert_ptr_null(from_secrets(text, NULL, JWT_WITH_SECRET));
    text[4096] = '\0';
    set = from_secrets(text, text, JWT_WITH_SECRET);
    ck_assert_msg(set != NULL, "%s", why);
    jwt_keys_release(set);
    free(text);
}
END_TEST

/* Which key. -------------------------------------------------------------- */

START_TEST(a_name_decides_which_key_it_is)
{
    struct jwt_keys *set =
        from_list(join(mint_jwk(MINT_RSA, ",\"kid\":\"a\""),
                       mint_jwk(MINT_OTHER_RSA, ",\"kid\":\"b\"")),
                  true);

    ck_assert(verifies(set, "RS256", MINT_RSA, ",\"kid\":\"a\""));
    ck_assert(verifies(set, "RS256", MINT_OTHER_RSA, ",\"kid\":\"b\""));
    ck_assert(!verifies(set, "RS256", MINT_RSA, ",\"kid\":\"b\""));
    ck_assert(!verifies(set, "RS256", MINT_RSA, ",\"kid\":\"c\""));
    ck_assert(verifies(set, "RS256", MINT_RSA, ""));
    ck_assert_str_eq(who.kid, "a");
    ck_assert(verifies(set, "RS256", MINT_OTHER_RSA, ""));
    ck_assert_str_eq(who.kid, "b");
    jwt_keys_release(set);
}
END_TEST

START_TEST(keys_of_one_name_are_all_tried)
{
    struct jwt_keys *set =
        from_list(join(join(mint_jwk(MINT_RSA, ",\"kid\":\"a\""),
                            mint_jwk(MINT_OTHER_RSA, ",\"kid\":\"a\"")),
                       mint_jwk(MINT_P256, ",\"kid\":\"a\"")),
                  true);

    ck_assert(verifies(set, "RS256", MINT_RSA, ",\"kid\":\"a\""));
    ck_assert(verifies(set, "RS256", MINT_OTHER_RSA, ",\"kid\":\"a\""));
    ck_assert(verifies(set, "ES256", MINT_P256, ",\"kid\":\"a\""));
    jwt_keys_release(set);
}
END_TEST

/* Five keys with names; the fifth is MINT_RSA. */
START_TEST(a_token_without_a_name_is_not_tried_with_many_keys)
{
    char *list = mint_jwk(MINT_RSA, ",\"kid\":\"e\"");
    struct jwt_keys *set;

    for (int i = 0; i < 4; i++)
        list = join(list, mint_jwk(MINT_OTHER_RSA, ",\"kid\":\"x\""));
    set = from_list(list, true);
    ck_assert(verifies(set, "RS256", MINT_RSA, ",\"kid\":\"e\""));
    ck_assert(!verifies(set, "RS256", MINT_RSA, ""));
    ck_assert_ptr_nonnull(strstr(why, "kid"));
    jwt_keys_release(set);
}
END_TEST

START_TEST(more_than_four_keys_without_a_name_are_left_out)
{
    char *rsa = mint_jwk(MINT_OTHER_RSA, ""), *last = mint_jwk(MINT_RSA, "");
    char *ec = mint_jwk(MINT_P256, "");
    struct jwt_keys *set = from_list(
        mint_text("%s,%s,%s,%s,%s,%s", rsa, rsa, rsa, rsa, last, ec), true);

    ck_assert_uint_eq(jwt_keys_count(set), 5);
    ck_assert_ptr_null(info_of(set, 3)->skipped);
    ck_assert_ptr_nonnull(info_of(set, 4)->skipped);
    ck_assert_ptr_null(info_of(set, 5)->skipped);
    ck_assert(!verifies(set, "RS256", MINT_RSA, ""));
    ck_assert(verifies(set, "RS256", MINT_OTHER_RSA, ""));
    jwt_keys_release(set);
    free(rsa), free(last), free(ec);
}
END_TEST

START_TEST(an_algorithm_of_a_key_is_its_only_one)
{
    struct jwt_keys *set =
        from_list(mint_jwk(MINT_RSA, ",\"alg\":\"PS256\",\"use\":\"sig\","
                                     "\"key_ops\":[\"verify\"]"),
                  true);

    ck_assert_uint_eq(info_of(set, 0)->algorithms, JWT_BIT(JWT_PS256));
    ck_assert(verifies(set, "PS256", MINT_RSA, ""));
    ck_assert(!verifies(set, "RS256", MINT_RSA, ""));
    jwt_keys_release(set);
}
END_TEST

/* Threads. ---------------------------------------------------------------- */

#define THREADS 4
#define ROUNDS 300

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct jwt_keys *current; /* lock */
static char *tokens[3];
static atomic_uint good_ones;

static void *verify_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        struct identity out;
        struct jwt_keys *held;
        const char *problem;

        (void)pthread_mutex_lock(&lock);
        held = jwt_keys_hold(current);
        (void)pthread_mutex_unlock(&lock);
        if (jwt_verify(held, &policy, slice_of(tokens[i % 3]), NOW_MS, &out,
                       &problem) == JWT_GOOD)
            (void)atomic_fetch_add(&good_ones, 1);
        jwt_keys_release(held);
    }
    return NULL;
}

START_TEST(a_set_stays_for_those_who_hold_it)
{
    pthread_t threads[THREADS];

    current = public_keys();
    tokens[0] = mint_token("RS256", MINT_RSA, HEADER("RS256"), CLAIMS);
    tokens[1] = mint_token("ES256", MINT_P256, HEADER("ES256"), CLAIMS);
    tokens[2] = mint_token("EdDSA", MINT_ED25519, HEADER("EdDSA"), CLAIMS);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_create(&threads[i], NULL, verify_many, NULL);
    for (int i = 0; i < 20; i++) {
        struct jwt_keys *next = public_keys(), *old;

        (void)pthread_mutex_lock(&lock);
        old = current;
        current = next;
        (void)pthread_mutex_unlock(&lock);
        jwt_keys_release(old);
    }
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    ck_assert_uint_eq(atomic_load(&good_ones), THREADS * ROUNDS);
    jwt_keys_release(current);
    jwt_keys_release(NULL);
    for (int i = 0; i < 3; i++)
        free(tokens[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jwt_keys");
    TCase *tc = tcase_create("jwt_keys");

    tcase_add_unchecked_fixture(tc, jwt_setup, jwt_teardown);
    tcase_add_test(tc, a_key_set_has_keys_of_four_kinds);
    tcase_add_test(tc, so_does_pem);
    tcase_add_test(tc, so_do_certificates);
    tcase_add_test(tc, the_older_form_of_rsa_keys_is_read);
    tcase_add_test(tc, a_previous_secret_is_good_as_well);
    tcase_add_test(tc, a_secret_is_as_long_as_its_digests);
    tcase_add_test(tc, a_secret_has_4096_bytes_at_most);
    tcase_add_test(tc, a_name_decides_which_key_it_is);
    tcase_add_test(tc, keys_of_one_name_are_all_tried);
    tcase_add_test(tc, a_token_without_a_name_is_not_tried_with_many_keys);
    tcase_add_test(tc, more_than_four_keys_without_a_name_are_left_out);
    tcase_add_test(tc, an_algorithm_of_a_key_is_its_only_one);
    tcase_add_test(tc, a_set_stays_for_those_who_hold_it);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
