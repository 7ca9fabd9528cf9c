/* jwt.h - verifies tokens: JSON Web Tokens (RFC 7519) in the compact form of
 * JSON Web Signatures (RFC 7515), following the advice of RFC 8725.
 *
 * Nothing in a token is used to verify it: no keys, no URLs, no certificates.
 * Each token has exactly one valid spelling.
 *
 * Threads: any.
 */
#ifndef HUBD_JWT_H
#define HUBD_JWT_H

#include <stdint.h>

#include "access/identity.h"
#include "access/jwt_keys.h"
#include "base/json_path.h"

#define JWT_BYTES_MAX 16384

/* The requirements for tokens. Strings belong to the caller. */
struct jwt_policy {
    unsigned algorithms;  /* JWT_BIT() of each */
    const char *type;     /* exactly; NULL: none, JWT or at+jwt */
    const char *issuer;   /* exactly; NULL: any */
    const char *audience; /* one of them; NULL: any */
    struct json_path audience_claim;
    struct json_path user_claim;
    struct json_path session_claim; /* may be of depth 0 */
    int64_t leeway_ms;              /* that clocks may differ by */
};

enum jwt_result {
    JWT_GOOD,
    JWT_BAD,
    JWT_EXPIRED, /* otherwise good */
    JWT_UNKNOWN, /* its signature cannot be verified: a newer key set may have
                    the key */
};

/* Verifies a token at the time `now_ms`, since the Unix epoch. If the token is
 * JWT_GOOD or JWT_EXPIRED, `out` is set to its identity, otherwise zeroed.
 * `why` is a constant phrase for logs, NULL for JWT_GOOD. Without keys (NULL),
 * a token that may be good is JWT_UNKNOWN. */
enum jwt_result jwt_verify(const struct jwt_keys *keys,
                           const struct jwt_policy *policy, struct slice token,
                           int64_t now_ms, struct identity *out,
                           const char **why);

#endif
