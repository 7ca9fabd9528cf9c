/* token_auth.c - see token_auth.h. A set of keys is taken from under the lock
 * and held while a token is verified, so that nobody waits for that.
 */
#include "access/token_auth.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access/jwt.h"
#include "access/token_keys.h"
#include "base/log.h"

#define ERROR_BYTES 512

struct token_auth {
    const struct config *config;
    struct jwt_policy policy;
    pthread_rwlock_t lock;
    struct jwt_keys *keys; /* lock */
};

/* Keys. ------------------------------------------------------------------- */

static struct jwt_keys *hold(struct token_auth *auth)
{
    struct jwt_keys *keys;

    (void)pthread_rwlock_rdlock(&auth->lock);
    keys = jwt_keys_hold(auth->keys);
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

static void log_keys(const struct config *config, const struct jwt_keys *keys)
{
    const struct jwt_key_info *info;
    size_t left_out = 0;

    for (size_t i = 0; (info = jwt_keys_info(keys, i)) != NULL; i++) {
        if (info->skipped == NULL)
            continue;
        left_out++;
        log_left_out(info);
    }
    log_event(
        LEVEL_INFO, "token_keys", LOG_STR("from", token_keys_source(config)),
        LOG_INT("keys", jwt_keys_count(keys)), LOG_INT("left_out", left_out));
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
        log_keys(config, keys);
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
    /* Wherever they came from, they have been checked. */
    (void)json_path_parse(&policy->audience_claim, jwt->audience_claim);
    (void)json_path_parse(&policy->user_claim, jwt->user_claim);
    if (jwt->session_claim != NULL)
        (void)json_path_parse(&policy->session_claim, jwt->session_claim);
}

struct token_auth *token_auth_create(const struct config *config, char *error,
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
    read_policy(&auth->policy, config);
    auth->keys = read_keys(config, error, error_bytes);
    if (auth->keys == NULL) {
        free(auth);
        return NULL;
    }
    (void)pthread_rwlock_init(&auth->lock, NULL);
    return auth;
}

void token_auth_destroy(struct token_auth *auth)
{
    if (auth == NULL)
        return;
    jwt_keys_release(auth->keys);
    (void)pthread_rwlock_destroy(&auth->lock);
    free(auth);
}

void token_auth_reload(struct token_auth *auth)
{
    char error[ERROR_BYTES] = "";
    struct jwt_keys *keys;

    if (!token_keys_can_change(auth->config))
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

enum token_result token_auth_check(struct token_auth *auth, struct slice token,
                                   struct identity *out, const char **why)
{
    struct jwt_keys *keys = hold(auth);
    enum jwt_result result =
        jwt_verify(keys, &auth->policy, token, now_ms(), out, why);

    jwt_keys_release(keys);
    switch (result) {
    case JWT_GOOD:
        return TOKEN_GOOD;
    case JWT_EXPIRED:
        return TOKEN_EXPIRED;
    case JWT_UNKNOWN:
    case JWT_BAD:
        break;
    }
    return TOKEN_BAD;
}

void token_auth_figures(struct token_auth *auth,
                        struct token_auth_figures *figures)
{
    struct jwt_keys *keys = hold(auth);

    *figures = (struct token_auth_figures){.keys = jwt_keys_count(keys)};
    jwt_keys_release(keys);
}
