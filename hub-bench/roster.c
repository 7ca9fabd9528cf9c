/* roster.c - see roster.h. */
#include "roster.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int roster_init(struct roster *r, const struct options *o, int notify)
{
    *r = (struct roster){.options = o,
                         .notify = notify,
                         .lock = PTHREAD_MUTEX_INITIALIZER,
                         .refusal.taken = ATOMIC_FLAG_INIT,
                         .loss.taken = ATOMIC_FLAG_INIT};
    r->readable = calloc(o->clients, sizeof(*r->readable));
    return r->readable == NULL ? ENOMEM : 0;
}

void roster_fini(struct roster *r)
{
    free((void *)r->readable);
    (void)pthread_mutex_destroy(&r->lock);
    r->readable = NULL;
}

bool roster_pick(const struct roster *r, uint64_t random, uint32_t *client)
{
    uint32_t clients = r->options->clients;
    uint32_t at = (uint32_t)((random >> 32) * clients >> 32);

    for (uint32_t tried = 0; tried < clients; tried++) {
        if (atomic_load_explicit(&r->readable[at], memory_order_relaxed)) {
            *client = at;
            return true;
        }
        at = at + 1 == clients ? 0 : at + 1;
    }
    return false;
}

bool roster_is_stalled(const struct roster *r, uint32_t client)
{
    uint64_t clients = r->options->clients;
    double share = r->options->stalled_percent / 100;
    uint64_t all = (uint64_t)(share * (double)clients + 0.5);

    /* Spread evenly: client n is stalled if the running total increases there.
     */
    return (client + UINT64_C(1)) * all / clients != client * all / clients;
}

void roster_blame(struct roster_reason *reason, const char *text)
{
    if (atomic_flag_test_and_set(&reason->taken))
        return;
    (void)snprintf(reason->text, sizeof(reason->text), "%s", text);
    atomic_store(&reason->there, true);
}

const char *roster_reason(const struct roster_reason *reason)
{
    return atomic_load(&reason->there) ? reason->text : "";
}
