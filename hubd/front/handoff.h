/* handoff.h - a socket's way out of civetweb's hands, into the hub's.
 *
 * Threads: the worker that has the connection.
 */
#ifndef HUBD_HANDOFF_H
#define HUBD_HANDOFF_H

#include <hub/hub.h>

#include "front/exchange.h"
#include "front/refusal.h"

/* Whether the socket of a request may be handed over: it is known, and nothing
 * behind the request has been read. Returns 0, or -1 and `why`. */
int handoff_check(struct exchange *x, struct refusal *why);

/* Hands it over, after handoff_check(). The answer is member->preamble, with
 * status 101. Returns 0; or -1 and `why`, with everything as it was. */
int handoff(struct exchange *x, hub_t *hub, const struct hub_member *member,
            struct refusal *why);

#endif
