/* token_auth.h - checks tokens with the current keys and the settings.
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

/* Checks the settings of tokens, if they are `in_use`, like a start does: for
 * conflicting and missing ones. Opens no file. Returns 0, or -1 and one line in
 * `error`. */
int token_auth_check_settings(const struct config *config, bool in_use,
                              char *error, size_t error_bytes);

/* Checks the settings, which must outlive it, and reads the keys, or starts a
 * thread that fetches them from a URL. Returns NULL and one line in `error` if
 * a setting is to blame. Logs a warning, if there is one. */
struct token_auth *token_auth_create(const struct config *config, char *error,
                                     size_t error_bytes);
/* The same without a thread: waits for keys from a URL. */
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
    TOKEN_EXPIRED, /* otherwise good */
    TOKEN_NO_KEYS, /* none have been fetched yet, or none for too long */
};

/* Never waits. If the token is TOKEN_GOOD or TOKEN_EXPIRED, `out` is set to its
 * identity, otherwise zeroed. `why` is a constant phrase for the log, never for
 * the client; NULL if the token is good. */
enum token_result token_auth_check(struct token_auth *auth, struct slice token,
                                   struct identity *out, const char **why);

struct token_auth_figures {
    uint64_t keys; /* current */
    /* From a URL; 0 without one. */
    uint64_t fetches; /* that succeeded */
    uint64_t failures;
    int64_t age_ms; /* of the keys; -1: none have been fetched */
};

void token_auth_figures(struct token_auth *auth,
                        struct token_auth_figures *figures);

#endif
