/* token_auth.c - see token_auth.h. While a token is verified, its set of keys
 * is referenced, not locked, so that nobody waits.
 */
#include "access/token_auth.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access/jwks_url.h"
#include "access/jwt.h"
#include "access/token_keys.h"
#include "base/log.h"

#define ERROR_BYTES 512

struct token_auth {
    const struct config *config;
    struct jwt_policy policy;
    pthread_rwlock_t lock;
    struct jwt_keys *keys;   /* lock; NULL: none have been fetched yet */
    struct jwks_url *source; /* NULL: the keys are not from a URL */
};

/* Keys. ------------------------------------------------------------------- */

/* References the current keys, or returns NULL. */
static struct jwt_keys *hold(struct token_auth *auth)
{
    struct jwt_keys *keys;

    (void)pthread_rwlock_rdlock(&auth->lock);
    keys = auth->keys != NULL ? jwt_keys_hold(auth->keys) : NULL;
    (void)pthread_rwlock_unlock(&auth->lock);
    return keys;
}

static void replace(struct token_auth *auth, struct jwt_keys *keys)
{
    struct jwt_keys *old;

    (void)pthread_rwlock_wrlock(&auth->lock);
    old = auth->keys;
    auth->keys = keys;
    (void)pthread_rwlock_unlock(&auth->lock);
    jwt_keys_release(old);
}

static void log_left_out(const struct jwt_key_info *info)
{
    log_event(LEVEL_DEBUG, "token_key_left_out", LOG_STR("kid", info->kid),
              LOG_STR("type", info->type), LOG_STR("reason", info->skipped));
}

static void log_keys(const struct config *config, const struct jwt_keys *keys,
                     enum log_level level)
{
    const struct jwt_key_info *info;
    size_t left_out = 0;

    for (size_t i = 0; (info = jwt_keys_info(keys, i)) != NULL; i++) {
        if (info->skipped == NULL)
            continue;
        left_out++;
        log_left_out(info);
    }
    log_event(level, "token_keys", LOG_STR("from", token_keys_source(config)),
              LOG_INT("keys", jwt_keys_count(keys)),
              LOG_INT("left_out", left_out));
}

static bool is_same_key(const struct jwt_key_info *a,
                        const struct jwt_key_info *b)
{
    return strcmp(a->kid, b->kid) == 0 && a->algorithms == b->algorithms;
}

/* Compares the public descriptions. */
static bool are_same(const struct jwt_keys *a, const struct jwt_keys *b)
{
    const struct jwt_key_info *info_a, *info_b;
    size_t i = 0;

    if (a == NULL)
        return false;
    do {
        info_a = jwt_keys_info(a, i);
        info_b = jwt_keys_info(b, i++);
    } while (info_a != NULL && info_b != NULL && is_same_key(info_a, info_b));
    return info_a == NULL && info_b == NULL;
}

/* Uses fetched keys; they are usually the same as before. */
static void take_fetched(void *context, struct jwt_keys *keys)
{
    struct token_auth *auth = context;

    log_keys(auth->config, keys,
             are_same(auth->keys, keys) ? LEVEL_DEBUG : LEVEL_INFO);
    replace(auth, keys);
}

/* Returns NULL and one line in `error`. */
static struct jwt_keys *read_keys(const struct config *config, char *error,
                                  size_t error_bytes)
{
    char warning[ERROR_BYTES] = "";
    struct jwt_keys *keys =
        token_keys_read(config, error, error_bytes, warning, sizeof(warning));

    if (keys != NULL && warning[0] != '\0')
        log_event(LEVEL_WARN, "key", LOG_STR("warning", warning));
    if (keys != NULL)
        log_keys(config, keys, LEVEL_INFO);
    return keys;
}

/* Life. ------------------------------------------------------------------- */

int token_auth_check_settings(const struct config *config, bool in_use,
                              char *error, size_t error_bytes)
{
    return in_use ? token_keys_check(config, error, error_bytes) : 0;
}

static void read_policy(struct jwt_policy *policy, const struct config *config)
{
    const struct jwt_settings *jwt = &config->jwt;

    *policy = (struct jwt_policy){
        .algorithms = token_keys_algorithms(config),
        .type = jwt->type,
        .issuer = jwt->issuer,
        .audience = strcmp(jwt->audience, "*") != 0 ? jwt->audience : NULL,
        .leeway_ms = jwt->leeway_ms,
    };
    /* They have been checked already. */
    (void)json_path_parse(&policy->audience_claim, jwt->audience_claim);
    (void)json_path_parse(&policy->user_claim, jwt->user_claim);
    if (jwt->session_claim != NULL)
        (void)json_path_parse(&policy->session_claim, jwt->session_claim);
}

static struct jwks_url *create_source(struct token_auth *auth, char *error,
                                      size_t error_bytes)
{
    const struct jwt_settings *jwt = &auth->config->jwt;
    const struct jwks_url_options options = {
        .url = jwt->keys_url,
        .ca_file = jwt->keys_ca_file,
        .issuer = jwt->issuer,
        .allowed = auth->policy.algorithms,
        .refresh_ms = jwt->keys_refresh_ms,
        .cooldown_ms = jwt->keys_cooldown_ms,
        .take = take_fetched,
        .context = auth,
    };

    return jwks_url_create(&options, error, error_bytes);
}

/* Reads the keys, or sets up fetching them. */
static int open_source(struct token_auth *auth, char *error, size_t error_bytes)
{
    if (token_keys_are_remote(auth->config)) {
        auth->source = create_source(auth, error, error_bytes);
        return auth->source != NULL ? 0 : -1;
    }
    auth->keys = read_keys(auth->config, error, error_bytes);
    return auth->keys != NULL ? 0 : -1;
}

static struct token_auth *create(const struct config *config, char *error,
                                 size_t error_bytes)
{
    struct token_auth *auth;

    if (token_auth_check_settings(config, true, error, error_bytes) < 0)
        return NULL;
    auth = calloc(1, sizeof(*auth));
    if (auth == NULL) {
        (void)snprintf(error, error_bytes, "out of memory");
        return NULL;
    }
    auth->config = config;
    (void)pthread_rwlock_init(&auth->lock, NULL);
    read_policy(&auth->policy, config);
    if (open_source(auth, error, error_bytes) == 0)
        return auth;
    token_auth_destroy(auth);
    return NULL;
}

struct token_auth *token_auth_create(const struct config *config, char *error,
                                     size_t error_bytes)
{
    struct token_auth *auth = create(config, error, error_bytes);

    if (auth == NULL || auth->source == NULL ||
        jwks_url_start(auth->source) == 0)
        return auth;
    (void)snprintf(error, error_bytes,
                   "cannot start the thread that fetches keys: %s",
                   strerror(errno));
    token_auth_destroy(auth);
    return NULL;
}

struct token_auth *token_auth_create_once(const struct config *config,
                                          char *error, size_t error_bytes)
{
    struct token_auth *auth = create(config, error, error_bytes);

    if (auth == NULL || auth->source == NULL ||
        jwks_url_fetch(auth->source, error, error_bytes) == 0)
        return auth;
    token_auth_destroy(auth);
    return NULL;
}

void token_auth_destroy(struct token_auth *auth)
{
    if (auth == NULL)
        return;
    jwks_url_destroy(auth->source);
    jwt_keys_release(auth->keys);
    (void)pthread_rwlock_destroy(&auth->lock);
    free(auth);
}

void token_auth_reload(struct token_auth *auth)
{
    char error[ERROR_BYTES] = "";
    struct jwt_keys *keys;

    if (auth->source != NULL)
        jwks_url_refresh(auth->source);
    if (auth->source != NULL || auth->config->jwt.secret != NULL)
        return;
    keys = read_keys(auth->config, error, sizeof(error));
    if (keys != NULL)
        replace(auth, keys);
    else
        log_event(LEVEL_ERROR, "reload_failed", LOG_STR("error", error),
                  LOG_STR("token_keys", "unchanged"));
}

/* Tokens. ----------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* References the current keys, unless they are too old. */
static struct jwt_keys *hold_fresh(struct token_auth *auth)
{
    int64_t most_ms = auth->config->jwt.keys_max_age_ms;
    struct jwks_url_figures figures;

    if (auth->source != NULL && most_ms != 0) {
        jwks_url_figures(auth->source, &figures);
        if (figures.age_ms > most_ms)
            return NULL;
    }
    return hold(auth);
}

enum token_result token_auth_check(struct token_auth *auth, struct slice token,
                                   struct identity *out, const char **why)
{
    struct jwt_keys *keys = hold_fresh(auth);
    enum jwt_result result =
        jwt_verify(keys, &auth->policy, token, now_ms(), out, why);
    bool have_keys = keys != NULL;

    jwt_keys_release(keys);
    switch (result) {
    case JWT_GOOD:
        return TOKEN_GOOD;
    case JWT_EXPIRED:
        return TOKEN_EXPIRED;
    case JWT_UNKNOWN:
        if (auth->source != NULL)
            jwks_url_want(auth->source);
        return have_keys ? TOKEN_BAD : TOKEN_NO_KEYS;
    case JWT_BAD:
        break;
    }
    return TOKEN_BAD;
}

void token_auth_figures(struct token_auth *auth,
                        struct token_auth_figures *figures)
{
    struct jwks_url_figures fetched = {.age_ms = -1};
    struct jwt_keys *keys = hold(auth);

    if (auth->source != NULL)
        jwks_url_figures(auth->source, &fetched);
    *figures = (struct token_auth_figures){
        .keys = keys != NULL ? jwt_keys_count(keys) : 0,
        .fetches = fetched.fetches,
        .failures = fetched.failures,
        .age_ms = fetched.age_ms,
    };
    jwt_keys_release(keys);
}
