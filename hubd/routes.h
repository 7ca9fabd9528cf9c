/* routes.h - which path leads where.
 *
 * Threads: the front's workers.
 */
#ifndef HUBD_ROUTES_H
#define HUBD_ROUTES_H

#include <stdbool.h>

#include "api/send.h"
#include "front/handoff.h"
#include "observe/console.h"
#include "observe/health.h"
#include "observe/metrics.h"

/* What the handlers work with. */
struct routes {
    struct send_context send;
    struct handoffs handoffs;
    struct health health;
    struct metrics_sources metrics;
    struct console console;
    bool has_console;
    bool has_metrics; /* on the main listener */
    const _Atomic bool *draining;
};

struct server;

/* Gives each handler what it needs of the server, whose parts are there but for
 * its front, and no more. Returns 0, or -1 with errno without random bytes. */
int routes_init(struct server *server);

/* For front_options: `data` is a struct server. */
void routes_handle(void *data, struct exchange *x);

#endif
