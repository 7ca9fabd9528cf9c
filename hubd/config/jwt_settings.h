/* jwt_settings.h - where the keys of tokens come from, and what a token has to
 * be, as the settings have it. Texts may be NULL unless they have a default.
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
    unsigned algorithms; /* JWT_BIT() each; 0: those that go with the keys */
    char *type;
    int64_t leeway_ms;
    int64_t keys_refresh_ms;
    int64_t keys_cooldown_ms;
    int64_t keys_max_age_ms; /* 0: any */
    char *user_claim;
    char *session_claim;
    char *groups_claim; /* always NULL: there are no groups yet */
};

/* Whether that can be a secret: text without control characters, and without a
 * space at either end, which somebody else would take for none of it. How long
 * it has to be depends on the algorithm. */
bool jwt_settings_is_secret(const char *text, size_t bytes);

#endif
