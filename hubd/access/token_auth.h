/* token_auth.h - who a token is for: the keys in force, and what the settings
 * want a token to be.
 *
 * Threads: any; created, reloaded and destroyed by one.
 */
#ifndef HUBD_TOKEN_AUTH_H
#define HUBD_TOKEN_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/identity.h"
#include "base/slice.h"
#include "config/config.h"

struct token_auth;

/* What a start would say against the settings of tokens, if they are `in_use`:
 * those that do not go together, or are missing. Opens no file. Returns 0, or
 * -1 and one line in `error`. */
int token_auth_check_settings(const struct config *config, bool in_use,
                              char *error, size_t error_bytes);

/* Checks the settings, which have to stay, and reads the keys; those of a URL a
 * thread fetches from then on. Returns NULL and one line in `error`: a setting
 * is to blame. A warning goes to the log. */
struct token_auth *token_auth_create(const struct config *config, char *error,
                                     size_t error_bytes);
/* The same without a thread: keys of a URL are waited for. */
struct token_auth *token_auth_create_once(const struct config *config,
                                          char *error, size_t error_bytes);
/* NULL is allowed. */
void token_auth_destroy(struct token_auth *auth);

/* Reads the file of secrets or keys again, or fetches the URL at once. The old
 * ones stay in force if that fails. */
void token_auth_reload(struct token_auth *auth);

enum token_result {
    TOKEN_GOOD,
    TOKEN_BAD,
    TOKEN_EXPIRED, /* and good otherwise */
    TOKEN_NO_KEYS, /* none have been fetched yet, or none for too long */
};

/* Never waits. `out` is who it is for where it is TOKEN_GOOD or TOKEN_EXPIRED,
 * and all zeros otherwise. `why` is a constant phrase for the log, never for
 * the client; NULL where the token is good. */
enum token_result token_auth_check(struct token_auth *auth, struct slice token,
                                   struct identity *out, const char **why);

struct token_auth_figures {
    uint64_t keys; /* in force */
    /* Of a URL; without one there are no fetches. */
    uint64_t fetches; /* that succeeded */
    uint64_t failures;
    int64_t age_ms; /* of the keys; -1: none have been fetched */
};

void token_auth_figures(struct token_auth *auth,
                        struct token_auth_figures *figures);

#endif
