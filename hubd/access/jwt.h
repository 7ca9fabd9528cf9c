/* jwt.h - what a token is good for: a JSON Web Token (RFC 7519) in the compact
 * form of a JSON Web Signature (RFC 7515), as RFC 8725 advises to read it.
 *
 * Nothing that a token brings along is used to verify it: no keys, no
 * addresses, no certificates. A token has one spelling; another one is refused.
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

/* What a token has to be. Texts are the caller's. */
struct jwt_policy {
    unsigned algorithms;  /* a bit each */
    const char *type;     /* exactly; NULL: none, JWT or at+jwt */
    const char *issuer;   /* exactly; NULL: any */
    const char *audience; /* one of them; NULL: any */
    struct json_path audience_claim;
    struct json_path user_claim;
    struct json_path session_claim; /* may be of depth 0 */
    int64_t leeway_ms;              /* that clocks may be apart */
};

enum jwt_result {
    JWT_GOOD,
    JWT_BAD,
    JWT_EXPIRED, /* and good otherwise */
    JWT_UNKNOWN, /* its signature cannot be judged: a newer set may have the
                    key */
};

/* Verifies a token at the time `now_ms`, since the Unix epoch. `out` is who it
 * is for where it is JWT_GOOD or JWT_EXPIRED, and all zeros otherwise. `why` is
 * a constant phrase for logs, NULL where it is JWT_GOOD. Without keys (NULL)
 * what could be good is JWT_UNKNOWN. */
enum jwt_result jwt_verify(const struct jwt_keys *keys,
                           const struct jwt_policy *policy, struct slice token,
                           int64_t now_ms, struct identity *out,
                           const char **why);

#endif
