/* server.h - the parts of hubd, put together.
 *
 * Threads: started and stopped by one thread; in between, the front's workers
 *          and the hub's loops use it, and fields without a note do not change.
 */
#ifndef HUBD_SERVER_H
#define HUBD_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <hub/hub.h>

#include "access/auth.h"
#include "access/gate.h"
#include "clients.h"
#include "config/config.h"
#include "front/front.h"
#include "observe/tally.h"
#include "resources/fd_plan.h"
#include "resources/memory.h"
#include "routes.h"

struct server {
    const struct config *config;
    hub_t *hub;
    struct fd_plan plan;
    struct front front;
    struct memory memory;
    struct auth auth;         /* of the API */
    struct auth metrics_auth; /* unused without HUB_METRICS_KEY */
    struct gate gate;
    struct clients clients;
    struct tally tally;
    struct routes routes;
    _Atomic bool draining; /* nothing new is let in */
};

/* Returns 0; or an exit code and one line in `error`, with nothing left to
 * stop: EX_CONFIG if a setting is to blame. */
int server_start(struct server *server, const struct config *config,
                 char *error, size_t error_bytes);

/* Releases what is left after the front has stopped. */
void server_release(struct server *server);

#endif
