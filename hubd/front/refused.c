/* refused.c - see refused.h. The lock is held for copies of texts, not while
 * lines are written.
 */
#include "front/refused.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

void refused_init(struct refused *refused)
{
    memset(refused, 0, sizeof(*refused));
    (void)pthread_mutex_init(&refused->lock, NULL);
}

static void tell(struct refused *refused, struct refused_kind *kind,
                 uint64_t count)
{
    struct refused_kind copy;

    if (count == 0)
        return;
    (void)pthread_mutex_lock(&refused->lock);
    memcpy(copy.remote, kind->remote, sizeof(copy.remote));
    copy.why = kind->why;
    (void)pthread_mutex_unlock(&refused->lock);
    log_event(LEVEL_INFO, "refused", LOG_STR("remote", copy.remote),
              LOG_INT("status", copy.why.status),
              LOG_STR("code", copy.why.code),
              LOG_STR("reason", copy.why.message), LOG_INT("requests", count),
              LOG_INT("window_ms", WINDOW_MS));
}

void refused_fini(struct refused *refused)
{
    for (size_t i = 0; i < REFUSED_KINDS; i++)
        tell(refused, &refused->kinds[i],
             window_rest(&refused->kinds[i].window));
    (void)pthread_mutex_destroy(&refused->lock);
}

/* With the lock. */
static struct refused_kind *find(struct refused *refused, const char *fault)
{
    struct refused_kind *kind = refused->kinds;

    while (kind < refused->kinds + REFUSED_KINDS - 1 &&
           kind->fault[0] != '\0' &&
           strncmp(kind->fault, fault, sizeof(kind->fault) - 1) != 0)
        kind++;
    return kind;
}

void refused_add(struct refused *refused, const char *remote,
                 const struct refusal *why)
{
    const char *fault = why->fault != NULL ? why->fault : why->message;
    struct refused_kind *kind;
    size_t bytes;

    (void)pthread_mutex_lock(&refused->lock);
    kind = find(refused, fault);
    bytes = strnlen(fault, sizeof(kind->fault) - 1);
    memcpy(kind->fault, fault, bytes);
    kind->fault[bytes] = '\0';
    (void)snprintf(kind->remote, sizeof(kind->remote), "%s", remote);
    kind->why = *why;
    (void)pthread_mutex_unlock(&refused->lock);
    window_count(&kind->window);
    tell(refused, kind, window_due(&kind->window));
}

void refused_report(struct refused *refused)
{
    for (size_t i = 0; i < REFUSED_KINDS; i++)
        tell(refused, &refused->kinds[i],
             window_due(&refused->kinds[i].window));
}
