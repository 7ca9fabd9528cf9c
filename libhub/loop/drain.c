/* drain.c - see drain.h.
 *
 * Close frames are sent at a steady rate, and faster if time is short.
 * Connections that have had theirs are at the end of the loop's table, from the
 * cursor on: a connection that dies is replaced by the last one, so one that
 * still waits for its turn never ends up behind the cursor.
 */
#include "loop/drain.h"

#include <stdio.h>

#include "loop/conn_life.h"
#include "loop/flush.h"

#define CLOSES_PER_S 1000 /* of all loops together */
#define STEP_MS 10        /* between two batches of Close frames */

/* How long a peer is asked to wait before it comes back: until all others have
 * their Close frame too, plus the time for a restart, plus a delay of its own,
 * so that peers come back as spread out as they left. */
#define RESTART_MS 1000
#define SPREAD_MS_MIN 1000

void hub__drain_init(struct hub__drain *d, struct hub__host *host)
{
    *d = (struct hub__drain){.host = host};
}

/* Multiples of the golden ratio, modulo 1: evenly distributed, however many
 * there are. */
static int64_t own_part_ms(uint32_t number, int64_t window_ms)
{
    uint64_t spread_ms =
        window_ms > SPREAD_MS_MIN ? (uint64_t)window_ms : SPREAD_MS_MIN;
    uint32_t fraction = number * UINT32_C(0x9E3779B9);

    return (int64_t)(fraction * spread_ms >> 32);
}

/* What is left of the window in which Close frames are sent. */
static int64_t window_left_ms(const struct hub__drain *d)
{
    int64_t left_ms = d->begun_ms + d->window_ms - d->host->clock_ms;

    return left_ms > 0 ? left_ms : 0;
}

static void close_next(struct hub__drain *d)
{
    const struct hub__host *host = d->host;
    int64_t left_ms = window_left_ms(d);
    uint32_t number;
    char reason[HUB_REASON_BYTES_MAX + 1];

    d->cursor--;
    /* Other loops close one of their connections at the same moment. */
    number = d->cursor * host->shared.loop_count + host->number;
    snprintf(
        reason, sizeof reason, "shutting down; retry-after-ms=%lld",
        (long long)(left_ms + RESTART_MS + own_part_ms(number, d->window_ms)));
    hub__conn_close(host->conns[d->cursor], &(struct hub__ending){
                                                .cause = HUB_CLOSED_SHUTDOWN,
                                                .code = HUB__WS_GOING_AWAY,
                                                .reason = reason,
                                            });
}

/* How many connections may still be waiting for their turn. */
static uint32_t may_wait(const struct hub__drain *d)
{
    int64_t left_ms = window_left_ms(d);

    if (left_ms == 0)
        return 0;
    return (uint32_t)((uint64_t)d->total * (uint64_t)left_ms /
                      (uint64_t)d->window_ms);
}

void hub__drain_cut_all(struct hub__drain *d)
{
    for (uint32_t i = d->host->conn_count; i-- > 0;)
        hub__conn_cut(d->host->conns[i], HUB_CLOSED_SHUTDOWN);
}

void hub__drain_act(struct hub__drain *d)
{
    uint32_t most;

    if (!d->begun || d->cut_off || d->done)
        return;
    if (d->host->conn_count > 0 && d->host->clock_ms >= d->deadline_ms) {
        d->cut_off = true;
        hub__drain_cut_all(d);
        return;
    }
    most = may_wait(d);
    for (;;) {
        /* Some may have left meanwhile, even in a callback just now. */
        if (d->cursor > d->host->conn_count)
            d->cursor = d->host->conn_count;
        if (d->cursor <= most)
            break;
        close_next(d);
    }
    d->closed_all = d->cursor == 0;
}

/* Closes those that will not come back, which need not be spread out. */
static void close_the_rest(struct hub__drain *d)
{
    const struct hub__ending ending = {
        .cause = HUB_CLOSED_SHUTDOWN,
        .code = HUB__WS_GOING_AWAY,
    };
    struct hub__host *host = d->host;

    for (uint32_t i = host->conn_count; i-- > 0;) {
        if (!host->conns[i]->wire->comes_back)
            hub__conn_close(host->conns[i], &ending);
    }
    hub__flush(host); /* delivers what waits for them, and ends them */
    for (uint32_t i = host->conn_count; i-- > 0;) {
        if (!host->conns[i]->wire->has_place)
            hub__conn_cut(host->conns[i], HUB_CLOSED_SHUTDOWN);
    }
}

void hub__drain_begin(struct hub__drain *d, int64_t deadline_ms)
{
    const struct hub__host *host = d->host;
    int64_t half_ms = (deadline_ms - host->clock_ms) / 2;

    close_the_rest(d);
    d->begun = true;
    d->begun_ms = host->clock_ms;
    d->deadline_ms = deadline_ms;
    d->total = d->cursor = host->conn_count;
    /* The other half is for peers to read what is queued, and to answer. */
    d->window_ms =
        (int64_t)d->total * host->shared.loop_count * 1000 / CLOSES_PER_S;
    if (d->window_ms > half_ms)
        d->window_ms = half_ms;
    if (d->window_ms <= STEP_MS)
        d->window_ms = 0;
}

bool hub__drain_finish(struct hub__drain *d)
{
    if (!d->begun || d->done || d->host->conn_count > 0)
        return false;
    d->done = true;
    return true;
}

int64_t hub__drain_wait_ms(const struct hub__drain *d)
{
    if (!d->begun || d->done || d->cut_off)
        return INT64_MAX;
    return d->closed_all ? d->deadline_ms - d->host->clock_ms : STEP_MS;
}
