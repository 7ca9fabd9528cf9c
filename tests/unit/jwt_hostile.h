/* jwt_hostile.h - shared by the tests of forged tokens: each is checked with
 * public keys, with keys that have only one algorithm, and with secrets.
 *
 * The unmodified token is accepted first, so that a modified one is rejected
 * because of the modification.
 */
#ifndef TESTS_JWT_HOSTILE_H
#define TESTS_JWT_HOSTILE_H

#include "jwt_fixture.h"

static struct jwt_keys *pinned; /* each with one algorithm, RS256 or ES256 */

static inline void setup(void)
{
    char *rsa, *ec, *list, *jwks;

    jwt_setup();
    rsa = mint_jwk(MINT_RSA, ",\"kid\":\"rsa\",\"alg\":\"RS256\"");
    ec = mint_jwk(MINT_P256, ",\"kid\":\"ec\",\"alg\":\"ES256\"");
    list = mint_text("%s,%s", rsa, ec);
    jwks = mint_jwks(list);
    pinned = read_jwks(jwks);
    ck_assert_ptr_nonnull(pinned);
    free(rsa), free(ec), free(list), free(jwks);
}

static inline void teardown(void)
{
    jwt_keys_release(pinned);
    jwt_teardown();
}

static inline bool is_taken(const struct jwt_keys *set,
                            const struct jwt_policy *p, struct slice token)
{
    enum jwt_result result = verify_bytes(set, p, token);

    return result == JWT_GOOD || result == JWT_EXPIRED;
}

static inline void refuse_bytes(const char *name, struct slice token)
{
    ck_assert_msg(!is_taken(keys, &policy, token), "%s", name);
    ck_assert_msg(!is_taken(pinned, &policy, token), "%s, pinned", name);
    ck_assert_msg(!is_taken(secrets, &secret_policy, token), "%s, secret",
                  name);
}

/* Takes the token. */
static inline void refuse(const char *name, char *token)
{
    refuse_bytes(name, slice_of(token));
    free(token);
}

static inline char *good(const char *algorithm, enum mint_key key)
{
    char *header = mint_text("{\"alg\":\"%s\"}", algorithm);
    char *token = mint_token(algorithm, key, header, CLAIMS);

    free(header);
    if (key == MINT_SECRET)
        ck_assert(is_taken(secrets, &secret_policy, slice_of(token)));
    else
        ck_assert(is_taken(keys, &policy, slice_of(token)));
    return token;
}

static inline char *good_input(const char *algorithm)
{
    char *header = mint_text("{\"alg\":\"%s\"}", algorithm);
    char *input = mint_input(header, CLAIMS);

    free(header);
    return input;
}

static inline void refuse_signature(const char *name, const char *algorithm,
                                    const void *signature, size_t bytes)
{
    char *input = good_input(algorithm);

    refuse(name, mint_join(input, signature, bytes));
    free(input);
}

/* A signature of that algorithm under a header that says another one. */
static inline void refuse_header(const char *header, const char *algorithm,
                                 enum mint_key key)
{
    refuse(header, mint_token(algorithm, key, header, CLAIMS));
}

#endif
