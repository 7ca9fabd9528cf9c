/* handoff.h - hands a socket over from civetweb to the hub.
 *
 * Threads: the worker that has the connection.
 */
#ifndef HUBD_HANDOFF_H
#define HUBD_HANDOFF_H

#include <hub/hub.h>

#include "front/exchange.h"
#include "front/refusal.h"

/* Whether the socket of a request can be handed over: it is known, and nothing
 * after the request has been read. Returns 0, or -1 and `why`. */
int handoff_check(struct exchange *x, struct refusal *why);

/* Hands it over, after handoff_check(). The answer, with status 101, is
 * member->preamble. Returns 0; or -1 and `why`, with nothing changed. */
int handoff(struct exchange *x, hub_t *hub, const struct hub_member *member,
            struct refusal *why);

/* Hands it over to be closed, after handoff_check(). It is counted as the
 * refusal. Returns 0, or -1 with everything as it was. */
int handoff_reject(struct exchange *x, hub_t *hub,
                   const struct hub_rejection *rejection,
                   const struct refusal *why);

#endif
