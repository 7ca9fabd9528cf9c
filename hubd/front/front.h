/* front.h - civetweb: its listeners, its workers, and the requests they read.
 * The rest of hubd does not depend on it.
 *
 * Threads: one thread starts, sweeps and stops it; handlers are called by its
 *          workers.
 */
#ifndef HUBD_FRONT_H
#define HUBD_FRONT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/netaddr.h"
#include "front/exchange.h"
#include "front/http_conn.h"
#include "front/listen.h"
#include "front/refusal.h"
#include "front/refused.h"

struct mg_callbacks;
struct mg_context;

struct front_options {
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    unsigned workers; /* maximum of threads that serve connections */
    unsigned queue;   /* accepted sockets that wait for a worker */
    int base;         /* the front's descriptors are below this */
    int64_t read_timeout_ms, write_timeout_ms, keepalive_timeout_ms;
    const struct netaddr_list *trusted_proxies;

    /* Answers a request. */
    void (*handle)(void *data, struct exchange *x);
    /* Called for each answer when it is about to be sent. */
    void (*count)(void *data, unsigned endpoint, enum refusal_kind kind);
    void *data;
};

struct front {
    struct front_options options; /* with the bound ports */
    struct http_conns conns;
    struct refused refused;
    struct mg_context *http;
    int stand_in;               /* see handoff.c */
    _Atomic unsigned in_flight; /* requests being answered */
};

/* Does not listen yet. Returns 0, or -1 with errno. */
int front_init(struct front *front, const struct front_options *options);
void front_fini(struct front *front);

/* Requests may arrive before this returns. Returns 0, or -1 and one line in
 * `error`. */
int front_start(struct front *front, char *error, size_t error_bytes);

/* Returns when all workers have ended; those that wait for bytes need
 * front_wake() for that. */
void front_stop(struct front *front);

/* From now on every connection closes after its answer. */
void front_end(struct front *front);

/* Ends waits that took too long, and logs malformed requests; to be called a
 * few times a second. */
void front_sweep(struct front *front);

/* Wakes every worker that waits for bytes. */
void front_wake(struct front *front);

/* The bound port; 0: there is no such listener. */
unsigned front_port(const struct front *front, enum listener_role role);

/* Requests being answered, TCP connections in hand, and workers. */
unsigned front_in_flight(const struct front *front);
unsigned front_connections(const struct front *front);
unsigned front_workers(const struct front *front);

/* Between front.c and exchange.c: civetweb's callbacks, and the ports it has
 * bound, which must be known before the first request arrives. */
extern const struct mg_callbacks exchange_callbacks;
void front_take_ports(struct front *front, const struct mg_context *http);

#endif
