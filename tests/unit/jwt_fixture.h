/* jwt_fixture.h - shared by the tests of tokens: an issuer, keys that verify
 * its signatures, and a constant time.
 */
#ifndef TESTS_JWT_FIXTURE_H
#define TESTS_JWT_FIXTURE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "access/jwt.h"
#include "token_mint.h"

#define NOW_MS INT64_C(1800000000000)
#define ALL_PUBLIC (JWT_BIT(JWT_ALGORITHMS) - 1 - JWT_WITH_SECRET)

#define HEADER(algorithm) "{\"alg\":\"" algorithm "\"}"
/* Claims with more of them: of a good token, with an hour left. */
#define CLAIMS_WITH(more)                                                      \
    "{\"sub\":\"ada\",\"aud\":\"hub\",\"iss\":\"https://id.example\","         \
    "\"exp\":1800003600" more "}"
#define CLAIMS CLAIMS_WITH("")

static struct jwt_keys *keys;    /* public ones: rsa, ec, ec384, ed */
static struct jwt_keys *secrets; /* of MINT_SECRET */
static struct jwt_policy policy, secret_policy;

static struct identity who;
static const char *why;

static inline struct jwt_keys *read_jwks(const char *jwks)
{
    return jwt_keys_from_jwks(slice_of(jwks), ALL_PUBLIC, true, &why);
}

static inline struct jwt_keys *public_keys(void)
{
    char *rsa = mint_jwk(MINT_RSA, ",\"kid\":\"rsa\"");
    char *ec = mint_jwk(MINT_P256, ",\"kid\":\"ec\"");
    char *ec384 = mint_jwk(MINT_P384, ",\"kid\":\"ec384\"");
    char *ed = mint_jwk(MINT_ED25519, ",\"kid\":\"ed\"");
    char *list = mint_text("%s,%s,%s,%s", rsa, ec, ec384, ed);
    char *jwks = mint_jwks(list);
    struct jwt_keys *set = read_jwks(jwks);

    free(rsa), free(ec), free(ec384), free(ed), free(list), free(jwks);
    ck_assert_msg(set != NULL, "%s", why);
    return set;
}

static inline void jwt_setup(void)
{
    mint_init();
    keys = public_keys();
    policy = (struct jwt_policy){
        .algorithms = ALL_PUBLIC,
        .issuer = "https://id.example",
        .audience = "hub",
        .leeway_ms = 30000,
    };
    ck_assert_int_eq(json_path_parse(&policy.audience_claim, "aud"), 0);
    ck_assert_int_eq(json_path_parse(&policy.user_claim, "sub"), 0);
    secret_policy = policy;
    secret_policy.algorithms = JWT_WITH_SECRET;
}

static inline void jwt_teardown(void)
{
    jwt_keys_release(keys);
    mint_fini();
}

/* In the process of each test: no fork gets secrets. */
static inline void secrets_setup(void)
{
    struct slice secret = slice_of(mint_secret(MINT_SECRET));

    secrets = jwt_keys_from_secrets(&secret, 1, JWT_WITH_SECRET, &why);
    ck_assert_ptr_nonnull(secrets);
}

static inline void secrets_teardown(void)
{
    jwt_keys_release(secrets);
}

static inline enum jwt_result verify_bytes(const struct jwt_keys *set,
                                           const struct jwt_policy *p,
                                           struct slice token)
{
    static const struct identity nobody;
    enum jwt_result result = jwt_verify(set, p, token, NOW_MS, &who, &why);

    ck_assert((why == NULL) == (result == JWT_GOOD));
    if (result == JWT_GOOD || result == JWT_EXPIRED) {
        ck_assert_int_eq(who.method, IDENTITY_JWT);
        ck_assert_int_ge(who.expires_in_ms, 1);
        ck_assert_str_ne(who.user_id, "");
    } else {
        ck_assert_mem_eq(&who, &nobody, sizeof(who));
    }
    return result;
}

/* Takes the token. */
static inline enum jwt_result
verify_with(const struct jwt_keys *set, const struct jwt_policy *p, char *token)
{
    enum jwt_result result = verify_bytes(set, p, slice_of(token));

    free(token);
    return result;
}

#define ck_accept(set, p, token)                                               \
    ck_assert_msg(verify_with(set, p, token) == JWT_GOOD, "%s", why)
#define ck_refuse(set, p, token)                                               \
    ck_assert_int_eq(verify_with(set, p, token), JWT_BAD)

#endif
