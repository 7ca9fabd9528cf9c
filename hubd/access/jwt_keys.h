/* jwt_keys.h - the keys that tokens are verified with: from a key set (JWKS,
 * RFC 7517), from PEM, or secrets. A set is immutable and reference-counted.
 *
 * Threads: any.
 */
#ifndef HUBD_JWT_KEYS_H
#define HUBD_JWT_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "access/jwt_key.h"
#include "base/slice.h"

#define JWT_KEYS_MAX 64      /* in a set, including unusable ones */
#define JWT_CANDIDATES_MAX 4 /* keys tried for one token */

struct jwt_keys;

/* Each returns a set with one reference, or NULL and what is wrong, as a phrase
 * to follow the name of the source. `allowed` are the algorithms that the keys
 * may be used with. Unusable keys are left out, but listed; a set without a
 * usable key is an error. */

/* `is_file`: the set is from a local file, where a private key is an error; in
 * sets from servers, private keys are left out. */
struct jwt_keys *jwt_keys_from_jwks(struct slice json, unsigned allowed,
                                    bool is_file, const char **why);
/* Public keys and certificates, of which only the key is used. A private key is
 * an error. */
struct jwt_keys *jwt_keys_from_pem(struct slice pem, unsigned allowed,
                                   const char **why);

#define JWT_SECRETS_MAX 2

/* Copies the secrets to memory of secret.h. All must be usable. */
struct jwt_keys *jwt_keys_from_secrets(const struct slice *secrets,
                                       size_t count, unsigned allowed,
                                       const char **why);

/* Adds a reference. Returns the set. */
struct jwt_keys *jwt_keys_hold(struct jwt_keys *keys);
/* NULL is allowed. */
void jwt_keys_release(struct jwt_keys *keys);

/* The number of usable keys. */
size_t jwt_keys_count(const struct jwt_keys *keys);

/* All keys, in order; NULL after the last. */
const struct jwt_key_info *jwt_keys_info(const struct jwt_keys *keys,
                                         size_t index);

struct jwt_signature {
    enum jwt_algorithm algorithm;
    const char *kid; /* of the key named by the token, or NULL */
    struct slice input, bytes;
};

/* Returns the key that verifies the signature, or NULL and `why`, a constant
 * phrase. `unknown`: no key has that name, so a newer set may have it. */
const struct jwt_key_info *
jwt_keys_verify(const struct jwt_keys *keys,
                const struct jwt_signature *signature, const char **why,
                bool *unknown);

#endif
