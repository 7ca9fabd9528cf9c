/* jwt_keys.h - the keys that tokens are verified with: of a key set (JWKS, RFC
 * 7517), in PEM, or secrets. A set does not change; whoever uses one holds it,
 * and it is gone with the last of them.
 *
 * Threads: any.
 */
#ifndef HUBD_JWT_KEYS_H
#define HUBD_JWT_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "access/jwt_key.h"
#include "base/slice.h"

#define JWT_KEYS_MAX 64      /* of a set, those of no use included */
#define JWT_CANDIDATES_MAX 4 /* that are tried for one token */

struct jwt_keys;

/* Each returns a set that is held once, or NULL and what is wrong, as a phrase
 * that follows what the keys came from. `allowed` are the algorithms that they
 * may be used with. A key of no use is left out, and listed; a set in which
 * there is no other is an error. */

/* `is_file`: of ours, so that a private key is an error; those of servers are
 * left out. */
struct jwt_keys *jwt_keys_from_jwks(struct slice json, unsigned allowed,
                                    bool is_file, const char **why);
/* Public keys and certificates, of which the key alone counts. A private key is
 * an error. */
struct jwt_keys *jwt_keys_from_pem(struct slice pem, unsigned allowed,
                                   const char **why);

#define JWT_SECRETS_MAX 2

/* Copies them to where secret.h keeps what must not leave the process. All have
 * to be of use. */
struct jwt_keys *jwt_keys_from_secrets(const struct slice *secrets,
                                       size_t count, unsigned allowed,
                                       const char **why);

/* Returns the set. */
struct jwt_keys *jwt_keys_hold(struct jwt_keys *keys);
/* NULL is allowed. */
void jwt_keys_release(struct jwt_keys *keys);

/* How many are used. */
size_t jwt_keys_count(const struct jwt_keys *keys);

/* All, in their order; NULL at the end. */
const struct jwt_key_info *jwt_keys_info(const struct jwt_keys *keys,
                                         size_t index);

struct jwt_signature {
    enum jwt_algorithm algorithm;
    const char *kid; /* of the key that is said to have signed, or NULL */
    struct slice input, bytes;
};

/* Returns the key that has signed. NULL: none of these, and `why`, a constant
 * phrase; `unknown` says that there is none of that name, so that a newer set
 * may have it. */
const struct jwt_key_info *
jwt_keys_verify(const struct jwt_keys *keys,
                const struct jwt_signature *signature, const char **why,
                bool *unknown);

#endif
