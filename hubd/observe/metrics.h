/* metrics.h - GET /metrics: metrics for Prometheus, in its text format.
 *
 * Threads: civetweb's workers.
 */
#ifndef HUBD_METRICS_H
#define HUBD_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>

#include <hub/hub.h>

#include "access/auth.h"
#include "access/client_auth.h"
#include "access/tickets.h"
#include "base/linebuf.h"
#include "front/exchange.h"
#include "observe/tally.h"
#include "resources/fd_plan.h"
#include "resources/memory.h"
#include "resources/proc.h"

#define METRICS_FAMILY_MAX 32768 /* the longest family: three quarters */

/* Where the values come from. */
struct metrics_sources {
    hub_t *hub;
    struct auth *auth; /* NULL: anybody may read them */
    const struct memory *memory;
    const struct tally *tally;
    struct tickets *tickets; /* NULL: tickets are off */
    const struct client_auth *clients;
    const struct fd_plan *plan;
    const _Atomic bool *draining;
    uint64_t started_ms; /* start of the process, since 1970 */
};

/* All values, read one after the other. */
struct metrics {
    struct hub_stats hub;
    struct proc_memory memory;
    uint64_t cpu_ns, fds, fds_max, started_ms;
    const struct tally *tally;
    struct tickets_figures tickets;
    struct token_auth_figures tokens;
    uint64_t token_keys_fetched_ms; /* since 1970; 0: never */
    const struct client_auth *clients;
    uint64_t connections_max, draining;
    uint64_t http_connections, http_workers;
    uint64_t bodies_bytes;
    uint64_t queued_limit, received_limit, bodies_limit; /* in bytes */
};

/* metrics_table.c: writes one family, from the first (0) on. Returns false if
 * there are no more. */
bool metrics_write(struct linebuf *out, const struct metrics *metrics,
                   size_t family);

/* Answers the request. */
void metrics_answer(struct exchange *x, const struct metrics_sources *sources);

#endif
