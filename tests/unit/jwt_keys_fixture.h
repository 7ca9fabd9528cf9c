/* jwt_keys_fixture.h - shared by the tests of keys: sets made from lists of
 * keys.
 */
#ifndef TESTS_JWT_KEYS_FIXTURE_H
#define TESTS_JWT_KEYS_FIXTURE_H

#include "jwt_fixture.h"

/* Takes what it is given. */
static inline struct jwt_keys *from_list(char *list, bool is_file)
{
    char *jwks = mint_jwks(list);
    struct jwt_keys *set =
        jwt_keys_from_jwks(slice_of(jwks), ALL_PUBLIC, is_file, &why);

    free(jwks);
    free(list);
    return set;
}

/* "a,b". */
static inline char *join(char *a, char *b)
{
    char *both = mint_text("%s,%s", a, b);

    free(a);
    free(b);
    return both;
}

static inline struct jwt_keys *from_pem(char *pem)
{
    struct jwt_keys *set = jwt_keys_from_pem(slice_of(pem), ALL_PUBLIC, &why);

    free(pem);
    return set;
}

static inline const struct jwt_key_info *info_of(const struct jwt_keys *set,
                                                 size_t index)
{
    const struct jwt_key_info *info = jwt_keys_info(set, index);

    ck_assert_ptr_nonnull(info);
    return info;
}

/* Whether a token that a key has signed is verified. */
static inline bool verifies(const struct jwt_keys *set, const char *algorithm,
                            enum mint_key key, const char *members)
{
    char *header = mint_text("{\"alg\":\"%s\"%s}", algorithm, members);
    enum jwt_result result =
        verify_with(set, &policy, mint_token(algorithm, key, header, CLAIMS));

    free(header);
    return result == JWT_GOOD;
}

#endif
