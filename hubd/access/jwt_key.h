/* jwt_key.h - one key that verifies tokens: a public key, or a secret. It does
 * not change once it is there, and any thread may verify with it.
 *
 * For jwt_keys.c and what it reads keys with.
 */
#ifndef HUBD_JWT_KEY_H
#define HUBD_JWT_KEY_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "access/identity.h"
#include "base/jwt_algorithm.h"
#include "base/slice.h"

#define JWT_SIGNATURE_BYTES_MAX 1024 /* of the largest RSA key */

/* What there is to tell of a key. */
struct jwt_key_info {
    char kid[IDENTITY_KID_MAX]; /* "": it has none */
    const char *type;           /* "RSA", "P-256", ..., or NULL: unknown */
    unsigned bits;              /* 0: unknown */
    unsigned algorithms;        /* that it is used with, a bit each */
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

/* Fills in all but the kid of a key that is all zeros, to be used with those of
 * `algorithms` that are for its type. The public key becomes its own; a secret
 * stays the caller's, and has to stay. Returns NULL, or why it is of no use:
 * the key is to be released then as well. */
const char *jwt_key_init(struct jwt_key *key, EVP_PKEY *pkey,
                         unsigned algorithms);
const char *jwt_key_init_secret(struct jwt_key *key, struct slice secret,
                                unsigned algorithms);
void jwt_key_fini(struct jwt_key *key);

#define JWT_KEY_NOT_ALLOWED "is for none of HUB_JWT_ALGORITHMS"

/* The least bytes a secret may have for these (RFC 7518, 3.2). */
size_t jwt_key_secret_least(unsigned algorithms);

/* Whether the key has signed `input` like this, in the form that tokens have.
 * The algorithm is one that it is used with. */
bool jwt_key_verify(const struct jwt_key *key, enum jwt_algorithm algorithm,
                    struct slice input, struct slice signature);

#endif
