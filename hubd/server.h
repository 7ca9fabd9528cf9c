/* server.h - the HTTP front: civetweb, the hub behind it, and what both share.
 *
 * Threads: started and stopped by one thread; in between civetweb's workers
 * and the hub's loops use it, and fields without a note do not change.
 */
#ifndef HUBD_SERVER_H
#define HUBD_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <civetweb.h>
#include <hub/hub.h>

#include "access/auth.h"
#include "front/http_conn.h"
#include "config/config.h"
#include "resources/fd_plan.h"
#include "access/gate.h"
#include "resources/memory.h"
#include "access/admission.h"
#include "observe/tally.h"

struct server {
    const struct config *config;
    hub_t *hub;
    struct mg_context *http;
    struct fd_plan plan;
    struct http_conns clients;
    struct memory memory;
    struct admission admission;
    struct auth auth;         /* of the API */
    struct auth metrics_auth; /* unused without HUB_METRICS_KEY */
    struct gate gate;
    struct tally tally;
    unsigned port;              /* as bound */
    unsigned metrics_port;      /* of the listener for /metrics; 0: none */
    uint64_t started_ms;        /* the process, since 1970 */
    int64_t up_since_ms;        /* by clock_now_ms() */
    uint8_t secret[8];          /* of the markers of handoff.c */
    _Atomic uint64_t handoffs;  /* begun so far */
    _Atomic bool draining;      /* nothing new is let in */
    _Atomic unsigned in_flight; /* requests being answered */
};

/* Returns 0; or an exit code and one line in `error`, with nothing left to
 * stop: EX_CONFIG where a setting is to blame. */
int server_start(struct server *server, const struct config *config,
                 char *error, size_t error_bytes);

/* Stops civetweb; returns when its threads have ended, for which those that
 * wait for bytes need a http_conns_wake() meanwhile. */
void server_stop_http(struct server *server);

/* Releases the rest, after server_stop_http(). */
void server_release(struct server *server);

#endif
