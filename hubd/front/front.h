/* front.h - civetweb: its listeners, its workers, and the requests they read.
 * Nobody else knows that it is there.
 *
 * Threads: started and stopped by one thread, swept by one; handlers are called
 * by its workers.
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
    unsigned workers; /* threads that read requests, at most */
    unsigned queue;   /* accepted sockets that wait for one */
    int base;         /* descriptors of the front are below this */
    int64_t read_timeout_ms, write_timeout_ms, keepalive_timeout_ms;
    const struct netaddr_list *trusted_proxies;

    /* Answers a request. */
    void (*handle)(void *data, struct exchange *x);
    /* Is told of each answer when it is about to leave. */
    void (*count)(void *data, unsigned endpoint, enum refusal_kind kind);
    void *data;
};

struct front {
    struct front_options options; /* ports as they were bound */
    struct http_conns conns;
    struct refused refused;
    struct mg_context *http;
    int stand_in;               /* see handoff.c */
    _Atomic unsigned in_flight; /* requests being answered */
};

/* Nothing listens yet. Returns 0, or -1 with errno. */
int front_init(struct front *front, const struct front_options *options);
void front_fini(struct front *front);

/* Requests arrive before it returns. Returns 0, or -1 and one line in `error`.
 */
int front_start(struct front *front, char *error, size_t error_bytes);

/* Returns when all workers have ended; those that wait for bytes need a
 * front_wake() meanwhile. */
void front_stop(struct front *front);

/* From now on no connection stays open behind its answer. */
void front_end(struct front *front);

/* Ends waits that took too long, and tells of requests that were none; to be
 * called a few times a second. */
void front_sweep(struct front *front);

/* Wakes every worker that waits for bytes. */
void front_wake(struct front *front);

/* As it was bound; 0: there is no such listener. */
unsigned front_port(const struct front *front, enum listener_role role);

/* Requests being answered, TCP connections in hand, and workers. */
unsigned front_in_flight(const struct front *front);
unsigned front_connections(const struct front *front);
unsigned front_workers(const struct front *front);

/* Between front.c and exchange.c: what civetweb calls, and the ports it has
 * bound, which must be known before the first request comes. */
extern const struct mg_callbacks exchange_callbacks;
void front_take_ports(struct front *front, const struct mg_context *http);

#endif
