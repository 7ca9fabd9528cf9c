/* jwks_url.h - keys from a URL: a thread that fetches them now and then, when
 * somebody shows a token of an unknown key, and after a failure soon again.
 *
 * Whoever verifies tokens never waits for it. A fetch that fails changes
 * nothing. Threads: any, where nothing else is said.
 */
#ifndef HUBD_JWKS_URL_H
#define HUBD_JWKS_URL_H

#include <stddef.h>
#include <stdint.h>

#include "access/jwt_keys.h"

struct jwks_url_options {
    const char *url;     /* of a set of keys, or of an OpenID configuration */
    const char *ca_file; /* or NULL */
    const char *issuer;  /* that such a configuration has to be of */
    unsigned allowed;    /* algorithms */
    int64_t refresh_ms; /* between fetches; max-age of the answer shortens it */
    int64_t cooldown_ms; /* between fetches, whoever wants them */
    /* Takes a set over; called by the thread that fetches. */
    void (*take)(void *context, struct jwt_keys *keys);
    void *context;
};

struct jwks_url;

/* Texts of the options have to stay. Returns NULL and one line in `error`. */
struct jwks_url *jwks_url_create(const struct jwks_url_options *options,
                                 char *error, size_t error_bytes);
/* Ends the thread, whatever it is waiting for. NULL is allowed. */
void jwks_url_destroy(struct jwks_url *source);

/* Starts the thread, which fetches at once. Returns 0, or -1 with errno. */
int jwks_url_start(struct jwks_url *source);

/* Fetches once, where there is no thread. Returns 0, or -1 and one line in
 * `error`. */
int jwks_url_fetch(struct jwks_url *source, char *error, size_t error_bytes);

/* There is a token of an unknown key: fetches, unless it was tried within the
 * cooldown, and then behind that. However often it is called in between, it is
 * one fetch. */
void jwks_url_want(struct jwks_url *source);

/* Fetches at once. */
void jwks_url_refresh(struct jwks_url *source);

struct jwks_url_figures {
    uint64_t fetches; /* that succeeded */
    uint64_t failures;
    int64_t age_ms; /* since the last one that succeeded; -1: none has */
};

void jwks_url_figures(struct jwks_url *source,
                      struct jwks_url_figures *figures);

#endif
