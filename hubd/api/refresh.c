/* refresh.c - see refresh.h. A bounded queue, first come, first served. */
#include "api/refresh.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/frames.h"
#include "base/json_string.h"

/* A waiting token, and the ids that it must have. */
struct job {
    struct job *next;
    hub_id id;
    char user_id[HUB_ID_BYTES_MAX + 1];
    char session_id[HUB_ID_BYTES_MAX + 1];
    size_t bytes;
    char token[]; /* NUL-terminated */
};

struct refresh {
    hub_t *hub;
    struct client_auth *auth;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct job *first, **last; /* lock */
    unsigned waiting;          /* lock */
    bool ending;               /* lock */
    unsigned thread_count;
    pthread_t threads[];
};

static void free_job(struct job *job)
{
    explicit_bzero(job->token, job->bytes);
    free(job);
}

/* Checking. ------------------------------------------------------------- */

static void count(struct refresh *refresh, enum client_auth_result result)
{
    (void)atomic_fetch_add_explicit(&refresh->auth->refreshes[result], 1,
                                    memory_order_relaxed);
}

static bool is_of(const struct refresh *refresh, const struct job *job,
                  const struct identity *identity)
{
    return strcmp(job->user_id, identity->user_id) == 0 &&
           (refresh->auth->sessions == SESSION_FROM_QUERY ||
            strcmp(job->session_id, identity->session_id) == 0);
}

static void extend(struct refresh *refresh, const struct job *job,
                   const struct identity *identity)
{
    if (!is_of(refresh, job, identity)) {
        count(refresh, CLIENT_AUTH_MISMATCH);
        (void)hub_close(refresh->hub, job->id, FRAMES_FORBIDDEN, "forbidden");
        return;
    }
    if (hub_extend(refresh->hub, job->id, identity->expires_in_ms) != 0)
        return; /* it has closed */
    count(refresh, CLIENT_AUTH_OK);
    frames_send(refresh->hub, job->id,
                "{\"hub\":\"refreshed\",\"expiresInMs\":%" PRId64 "}",
                identity->expires_in_ms);
}

static void refuse_job(struct refresh *refresh, const struct job *job,
                       enum client_auth_result result, const char *code,
                       const char *message)
{
    count(refresh, result);
    frames_error(refresh->hub, job->id, code, "refresh", message);
}

static void check(struct refresh *refresh, const struct job *job)
{
    struct identity identity;
    const char *reason;

    switch (token_auth_check(refresh->auth->tokens,
                             (struct slice){job->token, job->bytes}, &identity,
                             &reason)) {
    case TOKEN_GOOD:
        extend(refresh, job, &identity);
        break;
    case TOKEN_EXPIRED:
        refuse_job(refresh, job, CLIENT_AUTH_EXPIRED, "unauthorized",
                   "the token has expired");
        break;
    case TOKEN_NO_KEYS:
        refuse_job(refresh, job, CLIENT_AUTH_UNAVAILABLE, "keys_unavailable",
                   "tokens cannot be checked now; try again");
        break;
    case TOKEN_BAD:
    default:
        refuse_job(refresh, job, CLIENT_AUTH_INVALID, "unauthorized",
                   "a valid token is required");
        break;
    }
}

/* The queue. ------------------------------------------------------------ */

/* Waits for a job. Returns NULL when ending. */
static struct job *next_job(struct refresh *refresh)
{
    struct job *job;

    (void)pthread_mutex_lock(&refresh->lock);
    while (refresh->first == NULL && !refresh->ending)
        (void)pthread_cond_wait(&refresh->more, &refresh->lock);
    job = refresh->ending ? NULL : refresh->first;
    if (job != NULL) {
        refresh->first = job->next;
        refresh->waiting--;
        if (refresh->first == NULL)
            refresh->last = &refresh->first;
    }
    (void)pthread_mutex_unlock(&refresh->lock);
    return job;
}

static void *run(void *context)
{
    struct refresh *refresh = context;
    struct job *job;

    while ((job = next_job(refresh)) != NULL) {
        check(refresh, job);
        free_job(job);
    }
    return NULL;
}

static bool append(struct refresh *refresh, struct job *job)
{
    bool room;

    (void)pthread_mutex_lock(&refresh->lock);
    room = refresh->waiting < REFRESH_WAITING_MAX && !refresh->ending;
    if (room) {
        *refresh->last = job;
        refresh->last = &job->next;
        refresh->waiting++;
        (void)pthread_cond_signal(&refresh->more);
    }
    (void)pthread_mutex_unlock(&refresh->lock);
    return room;
}

static struct job *make_job(const struct hub_connection *connection,
                            struct slice token)
{
    struct job *job = malloc(sizeof(*job) + token.bytes + 1);
    long bytes;

    if (job == NULL)
        return NULL;
    *job = (struct job){.id = connection->id};
    (void)stpcpy(job->user_id, connection->user_id);
    if (connection->session_id != NULL)
        (void)stpcpy(job->session_id, connection->session_id);
    /* Decoding never makes it longer. If it cannot be decoded, it is not a
     * token. */
    bytes = json_string_decode(token, job->token, token.bytes + 1);
    job->bytes = bytes < 0 ? 0 : (size_t)bytes;
    return job;
}

int refresh_ask(struct refresh *refresh,
                const struct hub_connection *connection, struct slice token)
{
    struct job *job = make_job(connection, token);

    if (job != NULL && append(refresh, job))
        return 0;
    if (job != NULL)
        free_job(job);
    count(refresh, CLIENT_AUTH_OVERLOADED);
    return -1;
}

/* Start and end. -------------------------------------------------------- */

struct refresh *refresh_create(hub_t *hub, struct client_auth *auth,
                               unsigned threads)
{
    struct refresh *refresh =
        calloc(1, sizeof(*refresh) + threads * sizeof(refresh->threads[0]));

    if (refresh == NULL)
        return NULL;
    refresh->hub = hub;
    refresh->auth = auth;
    refresh->last = &refresh->first;
    (void)pthread_mutex_init(&refresh->lock, NULL);
    (void)pthread_cond_init(&refresh->more, NULL);
    while (refresh->thread_count < threads &&
           pthread_create(&refresh->threads[refresh->thread_count], NULL, run,
                          refresh) == 0)
        refresh->thread_count++;
    if (refresh->thread_count > 0)
        return refresh;
    refresh_destroy(refresh);
    return NULL;
}

void refresh_destroy(struct refresh *refresh)
{
    struct job *job;

    if (refresh == NULL)
        return;
    (void)pthread_mutex_lock(&refresh->lock);
    refresh->ending = true;
    (void)pthread_cond_broadcast(&refresh->more);
    (void)pthread_mutex_unlock(&refresh->lock);
    for (unsigned i = 0; i < refresh->thread_count; i++)
        (void)pthread_join(refresh->threads[i], NULL);
    while ((job = refresh->first) != NULL) {
        refresh->first = job->next;
        free_job(job);
    }
    (void)pthread_cond_destroy(&refresh->more);
    (void)pthread_mutex_destroy(&refresh->lock);
    free(refresh);
}
