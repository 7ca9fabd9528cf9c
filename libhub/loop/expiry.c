/* expiry.c - see expiry.h. */
#include "loop/expiry.h"

#include "loop/conn_life.h"

#define CLOSES_PER_S 1000      /* of all loops together */
#define STEP_MS 10             /* between two batches */
#define CATCH_UP_MS 100        /* a late loop makes up for so much */
#define WARNINGS_PER_TURN 256u /* so that other work is not held up */

void hub__expiry_init(struct hub__expiry *e, struct hub__host *host)
{
    *e = (struct hub__expiry){.host = host, .due_ms = INT64_MAX};
}

void hub__expiry_fini(struct hub__expiry *e)
{
    hub__heap_fini(&e->host->warnings);
    hub__heap_fini(&e->host->closes);
}

/* Notes when something is due next. */
static void update_due(struct hub__expiry *e)
{
    int64_t warning_ms = hub__heap_next(&e->host->warnings);
    int64_t close_ms = hub__heap_next(&e->host->closes);

    if (close_ms < e->resume_ms)
        close_ms = e->resume_ms;
    e->due_ms = warning_ms < close_ms ? warning_ms : close_ms;
}

/* Between two closes of one loop; all loops together keep to the rate. */
static int64_t interval_ms(const struct hub__expiry *e)
{
    return (int64_t)e->host->shared.loop_count * 1000 / CLOSES_PER_S;
}

static void add(struct hub__conn *c, bool warned, int64_t at_ms)
{
    struct hub__host *host = c->host;

    c->term.warned = warned;
    if (hub__heap_add(warned ? &host->closes : &host->warnings, at_ms,
                      &c->term.place) == 0)
        return;
    hub__conn_close(c, &(struct hub__ending){
                           .cause = HUB_CLOSED_ERROR,
                           .code = HUB__WS_INTERNAL_ERROR,
                           .reason = "out of memory",
                       });
}

void hub__expiry_set(struct hub__expiry *e, struct hub__conn *c, int64_t at_ms)
{
    const struct hub_options *o = hub__host_options(e->host);

    if (c->state != HUB__CONN_OPEN)
        return;
    hub__conn_drop_term(c);
    if (at_ms != HUB__NEVER_MS && o->expiring != NULL)
        add(c, false, at_ms - (int64_t)o->expiry_warning_ms);
    else if (at_ms != HUB__NEVER_MS)
        add(c, true, at_ms + (int64_t)o->expiry_grace_ms);
    update_due(e);
}

/* Removes the connection that is due first. */
static struct hub__conn *take_first(const struct hub__heap *heap)
{
    struct hub__conn *c = hub__conn_of_term(heap->items[0].place);

    hub__conn_drop_term(c);
    return c;
}

static void warn_first(struct hub__expiry *e)
{
    const struct hub__shared *shared = &e->host->shared;
    const struct hub_options *o = shared->options;
    int64_t at_ms =
        hub__heap_next(&e->host->warnings) + (int64_t)o->expiry_warning_ms;
    int64_t left_ms = at_ms - e->host->clock_ms;
    struct hub__conn *c = take_first(&e->host->warnings);
    struct hub_connection connection = hub__conn_view(c);

    add(c, true, at_ms + (int64_t)o->expiry_grace_ms);
    if (c->state == HUB__CONN_OPEN)
        o->expiring(shared->hub, &connection, left_ms > 0 ? left_ms : 0);
}

static void warn_due(struct hub__expiry *e)
{
    struct hub__host *host = e->host;

    for (unsigned i = 0; hub__heap_next(&host->warnings) <= host->clock_ms;
         i++) {
        if (i == WARNINGS_PER_TURN) {
            host->again = true;
            return;
        }
        warn_first(e);
    }
}

static bool has_close_due(const struct hub__expiry *e)
{
    return hub__heap_next(&e->host->closes) <= e->host->clock_ms;
}

static void close_due(struct hub__expiry *e)
{
    int64_t now_ms = e->host->clock_ms;
    int64_t since_ms = hub__heap_next(&e->host->closes);

    /* Not for time in which none was due. */
    if (since_ms < now_ms - CATCH_UP_MS)
        since_ms = now_ms - CATCH_UP_MS;
    if (e->next_close_ms < since_ms)
        e->next_close_ms = since_ms;
    while (has_close_due(e) && e->next_close_ms <= now_ms) {
        hub__conn_expire(take_first(&e->host->closes));
        e->next_close_ms += interval_ms(e);
    }
    e->resume_ms = e->next_close_ms;
    if (has_close_due(e) && e->resume_ms < now_ms + STEP_MS)
        e->resume_ms = now_ms + STEP_MS;
}

void hub__expiry_act(struct hub__expiry *e)
{
    warn_due(e);
    if (has_close_due(e) && e->resume_ms <= e->host->clock_ms)
        close_due(e);
    update_due(e);
}
