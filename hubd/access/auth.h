/* auth.h - who may use the API, or read metrics: the current keys, and how many
 * requests came without a valid one.
 *
 * Threads: any; a reload swaps the keys under a lock that readers share.
 */
#ifndef HUBD_AUTH_H
#define HUBD_AUTH_H

#include <pthread.h>

#include "base/window.h"

#include "config/config.h"
#include "access/keys.h"
#include "front/exchange.h"
#include "front/refusal.h"

struct auth {
    const char *realm; /* "API" or "metrics" */
    pthread_rwlock_t lock;
    struct keys *keys; /* lock */
    struct window refused;
};

/* Returns 0, or -1 and one line in `error`. A warning goes to the log. */
int auth_init(struct auth *auth, const struct config *config, char *error,
              size_t error_bytes);
/* The same with HUB_METRICS_KEY, which must be set, and auth_compare(). */
int auth_init_metrics(struct auth *auth, const struct config *config,
                      const struct auth *api, char *error, size_t error_bytes);

/* Warns if a metrics key is also an API key. Called by the thread that reloads.
 */
void auth_compare(const struct auth *metrics, const struct auth *api);

void auth_fini(struct auth *auth);

/* Reads the key file again, if there is one; the old keys stay in use if that
 * fails. */
void auth_reload(struct auth *auth, const struct config *config);

/* Returns 0, or -1 and a refusal that is the same whatever was wrong. In that
 * case the presented key is wiped. */
int auth_check(struct auth *auth, const struct exchange *x,
               struct refusal *why);

/* Overwrites the keys that a request presents. */
void auth_forget(const struct exchange *x);

/* Logs the number of refusals when due, at most once per 10 s. */
void auth_report(struct auth *auth);

#endif
