/* auth.c - X-API-Key, or Authorization: Bearer.
 *
 * A duplicate header, two headers that disagree, another scheme: all of them
 * count as no key, so that the answer reveals nothing.
 */
#include "access/auth.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"

static void report(const struct auth *auth, uint64_t count)
{
    if (count > 0)
        log_event(LEVEL_WARN, "unauthorized", LOG_STR("realm", auth->realm),
                  LOG_INT("requests", count), LOG_INT("window_ms", WINDOW_MS));
}

/* `before` is NULL at first. */
static struct keys *load(const struct keys *before, const struct config *config,
                         char *error, size_t error_bytes)
{
    char warning[512] = "";
    struct keys *keys =
        before == NULL
            ? keys_load(config, error, error_bytes, warning, sizeof(warning))
            : keys_reload(before, config, error, error_bytes, warning,
                          sizeof(warning));

    if (keys != NULL && warning[0] != '\0')
        log_event(LEVEL_WARN, "key", LOG_STR("warning", warning));
    return keys;
}

int auth_init(struct auth *auth, const struct config *config, char *error,
              size_t error_bytes)
{
    *auth = (struct auth){.realm = "API"};
    auth->keys = load(NULL, config, error, error_bytes);
    if (auth->keys == NULL)
        return -1;
    (void)pthread_rwlock_init(&auth->lock, NULL);
    return 0;
}

int auth_init_metrics(struct auth *auth, const struct config *config,
                      const struct auth *api, char *error, size_t error_bytes)
{
    char warning[256] = "";

    *auth = (struct auth){.realm = "metrics"};
    auth->keys =
        keys_load_metrics(config, error, error_bytes, warning, sizeof(warning));
    if (auth->keys == NULL)
        return -1;
    (void)pthread_rwlock_init(&auth->lock, NULL);
    if (warning[0] != '\0')
        log_event(LEVEL_WARN, "key", LOG_STR("warning", warning));
    auth_compare(auth, api);
    return 0;
}

void auth_compare(const struct auth *metrics, const struct auth *api)
{
    if (keys_overlap(api->keys, metrics->keys))
        log_event(LEVEL_WARN, "key", LOG_STR("warning", KEYS_OVERLAP_WARNING));
}

void auth_fini(struct auth *auth)
{
    report(auth, window_rest(&auth->refused));
    keys_free(auth->keys);
    (void)pthread_rwlock_destroy(&auth->lock);
}

void auth_reload(struct auth *auth, const struct config *config)
{
    char error[512] = "";
    struct keys *keys;

    if (config->api_key_file == NULL)
        return;
    keys = load(auth->keys, config, error, sizeof(error));
    if (keys == NULL) {
        log_event(LEVEL_ERROR, "reload_failed", LOG_STR("error", error),
                  LOG_STR("keys", "unchanged"));
        return;
    }
    (void)pthread_rwlock_wrlock(&auth->lock);
    struct keys *old = auth->keys;
    auth->keys = keys;
    (void)pthread_rwlock_unlock(&auth->lock);
    keys_free(old);
    log_event(LEVEL_INFO, "reloaded", LOG_STR("keys", "read"),
              LOG_INT("accepted", keys_count(keys)));
}

/* The key that a request presents. Returns 0, or -1 if that is ambiguous. */
static int presented(const struct exchange *x, struct slice *key)
{
    static const char scheme[] = "Bearer ";
    unsigned keys, bearers;
    struct slice bearer = exchange_header(x, "Authorization", &bearers);

    *key = exchange_header(x, "X-API-Key", &keys);
    if (keys > 1 || bearers > 1 || keys + bearers == 0)
        return -1;
    if (bearers == 0)
        return 0;
    if (bearer.bytes < sizeof(scheme) - 1 ||
        strncasecmp(bearer.start, scheme, sizeof(scheme) - 1) != 0)
        return -1;
    bearer.start += sizeof(scheme) - 1;
    bearer.bytes -= sizeof(scheme) - 1;
    while (bearer.bytes > 0 && *bearer.start == ' ') {
        bearer.start++;
        bearer.bytes--;
    }
    /* Comparing what the client itself sent need not be constant-time. */
    if (keys == 1 && (key->bytes != bearer.bytes ||
                      memcmp(key->start, bearer.start, key->bytes) != 0))
        return -1;
    *key = bearer;
    return 0;
}

int auth_check(struct auth *auth, const struct exchange *x, struct refusal *why)
{
    struct slice key;
    bool known = false;

    if (presented(x, &key) == 0) {
        (void)pthread_rwlock_rdlock(&auth->lock);
        known = keys_match(auth->keys, key.start, key.bytes);
        (void)pthread_rwlock_unlock(&auth->lock);
    }
    auth_forget(x);
    if (known) {
        exchange_trust(x);
        return 0;
    }
    window_count(&auth->refused);
    auth_report(auth);
    return refuse(why, REFUSAL_UNAUTHORIZED, "a valid %s key is required",
                  auth->realm);
}

void auth_forget(const struct exchange *x)
{
    exchange_forget_header(x, "X-API-Key");
    exchange_forget_header(x, "Authorization");
}

void auth_report(struct auth *auth)
{
    report(auth, window_due(&auth->refused));
}
