/* handoff.h - an upgrade under way: from the accepted request to the moment
 * when the hub owns the socket.
 *
 * Threads: the worker that has the connection.
 */
#ifndef HUBD_HANDOFF_H
#define HUBD_HANDOFF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <hub/hub.h>

#include "front/exchange.h"
#include "front/refusal.h"

struct admission;
struct gate;
struct mg_context;
struct tally;

/* What upgrades share. */
struct handoffs {
    hub_t *hub;
    struct gate *gate;
    struct admission *admission;
    struct tally *tally;
    const _Atomic bool *draining;
    int base;               /* the lowest number of an adopted socket */
    uint8_t secret[8];      /* of the markers of handoff.c */
    _Atomic uint64_t begun; /* so far */
};

/* Tells civetweb what is at /ws. */
void handoff_register(struct mg_context *http);

/* Checks an upgrade and reserves what it needs. Returns 0: civetweb may answer
 * it now; or -1 and `why`. */
int handoff_begin(struct handoffs *handoffs, struct exchange *x,
                  struct refusal *why);

/* The connection is about to close: gives back what was not handed over. */
void handoff_end(struct http_conn *client);

#endif
