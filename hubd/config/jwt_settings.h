/* jwt_settings.h - the settings of tokens and of the keys that verify them.
 * Strings may be NULL unless they have a default.
 */
#ifndef HUBD_JWT_SETTINGS_H
#define HUBD_JWT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jwt_algorithm.h"

struct jwt_settings {
    char *secret;
    char *secret_file;
    char *keys_file;
    char *keys_url;
    char *keys_ca_file;
    char *issuer;
    char *audience; /* "*": any */
    char *audience_claim;
    unsigned algorithms; /* JWT_BIT() of each; 0: the default for the source */
    char *type;
    int64_t leeway_ms;
    int64_t keys_refresh_ms;
    int64_t keys_cooldown_ms;
    int64_t keys_max_age_ms; /* 0: unlimited */
    char *user_claim;
    char *session_claim;
    char *groups_claim; /* always NULL: there are no groups yet */
};

/* Whether this can be a secret: text without control characters, and without a
 * space at either end, which others may not take as part of it. The required
 * length depends on the algorithm. */
bool jwt_settings_is_secret(const char *text, size_t bytes);

#endif
