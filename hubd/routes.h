/* routes.h - which handler serves which path.
 *
 * Threads: the front's workers.
 */
#ifndef HUBD_ROUTES_H
#define HUBD_ROUTES_H

#include <stdbool.h>

#include "api/intake.h"
#include "api/send.h"
#include "api/tickets.h"
#include "api/upgrade.h"
#include "observe/console.h"
#include "observe/health.h"
#include "observe/metrics.h"

/* What the handlers work with. */
struct routes {
    struct intake intake;
    struct send_context send;
    struct tickets_context tickets;
    struct upgrade_context upgrade;
    struct health health;
    struct metrics_sources metrics;
    struct console console;
    bool has_console;
    bool has_metrics; /* HUB_METRICS=on: not on a listener of their own */
    bool has_api;     /* a listener of its own */
};

struct server;

/* Gives each handler just the parts of the server that it needs; all but the
 * front must be initialized. */
void routes_init(struct server *server);

/* For front_options: `data` is a struct server. */
void routes_handle(void *data, struct exchange *x);

#endif
