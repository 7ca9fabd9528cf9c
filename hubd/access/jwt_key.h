/* jwt_key.h - one key that verifies tokens: a public key, or a secret. Once
 * initialized it does not change, and any thread may verify with it.
 *
 * For jwt_keys.c and jwk.c.
 */
#ifndef HUBD_JWT_KEY_H
#define HUBD_JWT_KEY_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "access/identity.h"
#include "base/jwt_algorithm.h"
#include "base/slice.h"

#define JWT_SIGNATURE_BYTES_MAX 1024 /* of the largest RSA key */

/* What is known about a key. */
struct jwt_key_info {
    char kid[IDENTITY_KID_MAX]; /* "": none */
    const char *type;           /* "RSA", "P-256", ..., or NULL: unknown */
    unsigned bits;              /* 0: unknown */
    unsigned algorithms;        /* it is used with: JWT_BIT() of each */
    const char *skipped;        /* why it is not used at all, or NULL */
};

struct jwt_key {
    struct jwt_key_info info;
    /* Of a public key. */
    EVP_PKEY *pkey;
    EVP_MD_CTX *ready[JWT_ALGORITHMS]; /* a verification begins with a copy */
    /* Of a secret. */
    struct slice secret;
    EVP_MAC *mac;
};

/* Initializes a zeroed key, except for its kid, for those of `algorithms` that
 * fit its type. Takes over `pkey`; a secret is not copied and must outlive the
 * key. Returns NULL, or why the key cannot be used; it must be released even
 * then. */
const char *jwt_key_init(struct jwt_key *key, EVP_PKEY *pkey,
                         unsigned algorithms);
const char *jwt_key_init_secret(struct jwt_key *key, struct slice secret,
                                unsigned algorithms);
void jwt_key_fini(struct jwt_key *key);

#define JWT_KEY_NOT_ALLOWED "cannot be used with any of HUB_JWT_ALGORITHMS"

/* The minimum length of a secret for these (RFC 7518, 3.2), in bytes. */
size_t jwt_key_secret_least(unsigned algorithms);

/* Whether `signature`, in the format of tokens, is the key's signature of
 * `input`. The key must be for the algorithm. */
bool jwt_key_verify(const struct jwt_key *key, enum jwt_algorithm algorithm,
                    struct slice input, struct slice signature);

#endif
