/* jwks_url.h - keys from a URL: a thread fetches them periodically, when a
 * client presents a token of an unknown key, and soon after a failure.
 *
 * Verifying tokens never waits for it. A failed fetch changes nothing. Threads:
 * any, unless stated otherwise.
 */
#ifndef HUBD_JWKS_URL_H
#define HUBD_JWKS_URL_H

#include <stddef.h>
#include <stdint.h>

#include "access/jwt_keys.h"

struct jwks_url_options {
    const char *url;     /* of a set of keys, or of an OpenID configuration */
    const char *ca_file; /* or NULL */
    const char *issuer;  /* required in a configuration */
    unsigned allowed;    /* algorithms */
    int64_t refresh_ms;  /* between fetches; shorter if the answer has a lower
                            max-age */
    int64_t cooldown_ms; /* minimum between fetches */
    /* Takes ownership of a set; called by the fetching thread. */
    void (*take)(void *context, struct jwt_keys *keys);
    void *context;
};

struct jwks_url;

/* The strings in the options must outlive it. Returns NULL and one line in
 * `error`. */
struct jwks_url *jwks_url_create(const struct jwks_url_options *options,
                                 char *error, size_t error_bytes);
/* Stops the thread, even while it waits. NULL is allowed. */
void jwks_url_destroy(struct jwks_url *source);

/* Starts the thread, which fetches at once. Returns 0, or -1 with errno. */
int jwks_url_start(struct jwks_url *source);

/* Fetches once, without a thread. Returns 0, or -1 and one line in `error`. */
int jwks_url_fetch(struct jwks_url *source, char *error, size_t error_bytes);

/* Requests a fetch because of an unknown key: at once, or after the cooldown.
 * All calls until then share one fetch. */
void jwks_url_want(struct jwks_url *source);

/* Fetches at once. */
void jwks_url_refresh(struct jwks_url *source);

struct jwks_url_figures {
    uint64_t fetches; /* that succeeded */
    uint64_t failures;
    int64_t age_ms; /* since the last successful fetch; -1: none */
};

void jwks_url_figures(struct jwks_url *source,
                      struct jwks_url_figures *figures);

#endif
