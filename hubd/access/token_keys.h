/* token_keys.h - where the keys of tokens come from, as the settings have it: a
 * secret, a file, or a URL. Nothing here waits for a network.
 */
#ifndef HUBD_TOKEN_KEYS_H
#define HUBD_TOKEN_KEYS_H

#include "access/jwt_keys.h"
#include "base/linebuf.h"
#include "config/config.h"

/* Whether there is a setting that says where keys come from. */
bool token_keys_are_set(const struct config *config);

/* The algorithms that count: HUB_JWT_ALGORITHMS, or what goes with where the
 * keys come from. */
unsigned token_keys_algorithms(const struct config *config);

/* Looks for settings that do not go together, and for those without which no
 * token can be verified; opens no file. Returns 0, or -1 and one line in
 * `error`. */
int token_keys_check(const struct config *config, char *error,
                     size_t error_bytes);

/* Whether they come from HUB_JWT_KEYS_URL: see jwks_url.h. */
bool token_keys_are_remote(const struct config *config);

/* Takes HUB_JWT_SECRET, or reads the file, which there must be. Returns a set
 * that is held once, or NULL and one line in `error`. `warning` gets one line,
 * or "". Neither ever holds a secret. */
struct jwt_keys *token_keys_read(const struct config *config, char *error,
                                 size_t error_bytes, char *warning,
                                 size_t warning_bytes);

/* The name of the setting that they come from. */
const char *token_keys_source(const struct config *config);

/* Adds what there is to tell of a key: kid=a type=RSA bits=2048 alg=RS256,PS256
 * or, of one that is left out, why. */
void token_keys_describe(const struct jwt_key_info *info, struct linebuf *line);

#endif
