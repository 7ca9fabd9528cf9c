/* jwks_url.c - see jwks_url.h. The thread sleeps until a fetch is due. Requests
 * for one set a flag, and only the first wakes the thread, so that in a flood
 * of unknown keys each costs an atomic exchange.
 */
#include "access/jwks_url.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access/openid.h"
#include "base/clock.h"
#include "base/log.h"
#include "outbound/http_client.h"

#define DOCUMENT_BYTES_MAX ((size_t)256 << 10)
#define TIMEOUT_MS 10000
#define FIRST_RETRY_MS 1000
#define ERROR_BYTES 512

struct jwks_url {
    struct jwks_url_options options;
    struct http_client *client;
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;
    pthread_cond_t wake; /* CLOCK_MONOTONIC */
    bool stopping;       /* mutex */
    bool at_once;        /* mutex */
    atomic_bool wanted;
    /* Only for the thread. */
    int64_t tried_ms; /* end of the last fetch */
    int64_t due_ms;   /* when the next one begins, unless requested earlier */
    int64_t retry_ms; /* delay after the next failure */
    /* Statistics. */
    _Atomic uint64_t fetches, failures;
    _Atomic int64_t fetched_ms; /* 0: never */
};

/* Fetching. --------------------------------------------------------------- */

static int ask(struct jwks_url *source, const char *url,
               struct http_document *document, char *error, size_t error_bytes)
{
    const struct http_question question = {
        .url = url,
        .ca_file = source->options.ca_file,
        .bytes_max = DOCUMENT_BYTES_MAX,
        .timeout_ms = TIMEOUT_MS,
    };

    return http_client_ask(source->client, &question, document, error,
                           error_bytes);
}

static struct slice text_of(const struct http_document *document)
{
    return (struct slice){document->text, document->bytes};
}

/* Replaces a configuration with the set of keys that it refers to. */
static int follow(struct jwks_url *source, struct http_document *document,
                  char *error, size_t error_bytes)
{
    char url[OPENID_URL_BYTES], problem[ERROR_BYTES - 16];
    const char *why = NULL;

    switch (openid_read(text_of(document), source->options.issuer, url, &why)) {
    case OPENID_KEYS:
        return 0;
    case OPENID_WRONG:
        (void)snprintf(error, error_bytes, "%s", why);
        return -1;
    case OPENID_CONFIG:
        break;
    }
    free(document->text);
    if (ask(source, url, document, problem, sizeof(problem)) == 0)
        return 0;
    (void)snprintf(error, error_bytes, "its jwks_uri %s", problem);
    return -1;
}

/* Returns the maximum age of the keys, or -1. */
static int64_t fetch(struct jwks_url *source, char *error, size_t error_bytes)
{
    const struct jwks_url_options *options = &source->options;
    struct http_document document;
    struct jwt_keys *keys = NULL;
    const char *why = NULL;

    if (ask(source, options->url, &document, error, error_bytes) == 0 &&
        follow(source, &document, error, error_bytes) == 0) {
        keys = jwt_keys_from_jwks(text_of(&document), options->allowed, false,
                                  &why);
        if (keys == NULL)
            (void)snprintf(error, error_bytes, "%s", why);
    }
    free(document.text);
    if (keys == NULL) {
        (void)atomic_fetch_add(&source->failures, 1);
        return -1;
    }
    (void)atomic_fetch_add(&source->fetches, 1);
    atomic_store(&source->fetched_ms, clock_now_ms());
    options->take(options->context, keys);
    return document.max_age_ms >= 0 && document.max_age_ms < options->refresh_ms
               ? document.max_age_ms
               : options->refresh_ms;
}

int jwks_url_fetch(struct jwks_url *source, char *error, size_t error_bytes)
{
    char problem[ERROR_BYTES];

    if (fetch(source, problem, sizeof(problem)) >= 0)
        return 0;
    (void)snprintf(error, error_bytes, "HUB_JWT_KEYS_URL=%s: %s",
                   source->options.url, problem);
    return -1;
}

/* The thread. ------------------------------------------------------------- */

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Fetches, and sets when the next fetch is due. */
static void fetch_and_plan(struct jwks_url *source)
{
    int64_t cooldown_ms = source->options.cooldown_ms, wait_ms;
    char error[ERROR_BYTES] = "";

    wait_ms = fetch(source, error, sizeof(error));
    source->tried_ms = clock_now_ms();
    if (wait_ms >= 0) {
        source->retry_ms = FIRST_RETRY_MS;
        source->due_ms = source->tried_ms + at_least(wait_ms, cooldown_ms);
        return;
    }
    wait_ms = source->retry_ms < cooldown_ms ? source->retry_ms : cooldown_ms;
    source->retry_ms = 2 * wait_ms;
    source->due_ms = source->tried_ms + wait_ms;
    log_event(LEVEL_WARN, "token_keys_failed",
              LOG_STR("url", source->options.url), LOG_STR("error", error),
              LOG_INT("retry_in_ms", wait_ms));
}

/* When the next fetch begins. Under the mutex. */
static int64_t next_ms(const struct jwks_url *source)
{
    int64_t soonest_ms = source->tried_ms + source->options.cooldown_ms;

    if (source->at_once)
        return 0;
    if (atomic_load(&source->wanted) && soonest_ms < source->due_ms)
        return soonest_ms;
    return source->due_ms;
}

/* Returns true if a fetch is due, false when stopping. Under the mutex. */
static bool wait_for_it(struct jwks_url *source)
{
    int64_t at_ms;

    while (!source->stopping && (at_ms = next_ms(source)) > clock_now_ms()) {
        const struct timespec at = {at_ms / 1000, at_ms % 1000 * 1000000};

        (void)pthread_cond_timedwait(&source->wake, &source->mutex, &at);
    }
    return !source->stopping;
}

static void *run(void *data)
{
    struct jwks_url *source = data;

    (void)pthread_mutex_lock(&source->mutex);
    while (wait_for_it(source)) {
        source->at_once = false;
        atomic_store(&source->wanted, false);
        (void)pthread_mutex_unlock(&source->mutex);
        fetch_and_plan(source);
        (void)pthread_mutex_lock(&source->mutex);
    }
    (void)pthread_mutex_unlock(&source->mutex);
    return NULL;
}

static void wake(struct jwks_url *source, bool *flag)
{
    (void)pthread_mutex_lock(&source->mutex);
    if (flag != NULL)
        *flag = true;
    (void)pthread_cond_signal(&source->wake);
    (void)pthread_mutex_unlock(&source->mutex);
}

void jwks_url_want(struct jwks_url *source)
{
    if (!atomic_exchange(&source->wanted, true))
        wake(source, NULL);
}

void jwks_url_refresh(struct jwks_url *source)
{
    wake(source, &source->at_once);
}

/* Life. ------------------------------------------------------------------- */

struct jwks_url *jwks_url_create(const struct jwks_url_options *options,
                                 char *error, size_t error_bytes)
{
    struct jwks_url *source = calloc(1, sizeof(*source));
    pthread_condattr_t attr;

    if (source == NULL) {
        (void)snprintf(error, error_bytes, "out of memory");
        return NULL;
    }
    source->options = *options;
    source->retry_ms = FIRST_RETRY_MS;
    source->client = http_client_create(error, error_bytes);
    if (source->client == NULL) {
        free(source);
        return NULL;
    }
    (void)pthread_mutex_init(&source->mutex, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&source->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    return source;
}

int jwks_url_start(struct jwks_url *source)
{
    errno = pthread_create(&source->thread, NULL, run, source);
    source->started = errno == 0;
    return source->started ? 0 : -1;
}

void jwks_url_destroy(struct jwks_url *source)
{
    if (source == NULL)
        return;
    if (source->started) {
        wake(source, &source->stopping);
        http_client_stop(source->client);
        (void)pthread_join(source->thread, NULL);
    }
    http_client_destroy(source->client);
    (void)pthread_cond_destroy(&source->wake);
    (void)pthread_mutex_destroy(&source->mutex);
    free(source);
}

void jwks_url_figures(struct jwks_url *source, struct jwks_url_figures *figures)
{
    int64_t fetched_ms = atomic_load(&source->fetched_ms);

    *figures = (struct jwks_url_figures){
        .fetches = atomic_load(&source->fetches),
        .failures = atomic_load(&source->failures),
        .age_ms = fetched_ms == 0 ? -1 : clock_now_ms() - fetched_ms,
    };
}
