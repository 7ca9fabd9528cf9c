/* token_keys.h - the source of the keys for tokens, by the settings: a secret,
 * a file, or a URL. Nothing here waits for the network.
 */
#ifndef HUBD_TOKEN_KEYS_H
#define HUBD_TOKEN_KEYS_H

#include "access/jwt_keys.h"
#include "base/linebuf.h"
#include "config/config.h"

/* Whether a source is set. */
bool token_keys_are_set(const struct config *config);

/* The accepted algorithms: HUB_JWT_ALGORITHMS, or the default for the source.
 */
unsigned token_keys_algorithms(const struct config *config);

/* Checks for conflicting and missing settings; opens no file. Returns 0, or -1
 * and one line in `error`. */
int token_keys_check(const struct config *config, char *error,
                     size_t error_bytes);

/* Whether they come from HUB_JWT_KEYS_URL: see jwks_url.h. */
bool token_keys_are_remote(const struct config *config);

/* Uses HUB_JWT_SECRET, or reads the file, one of which must be set. Returns a
 * set with one reference, or NULL and one line in `error`. `warning` gets one
 * line, or "". Neither ever contains a secret. */
struct jwt_keys *token_keys_read(const struct config *config, char *error,
                                 size_t error_bytes, char *warning,
                                 size_t warning_bytes);

/* The name of the setting that is the source. */
const char *token_keys_source(const struct config *config);

/* Describes a key: kid=a type=RSA bits=2048 alg=RS256,PS256, or why it is left
 * out. */
void token_keys_describe(const struct jwt_key_info *info, struct linebuf *line);

#endif
