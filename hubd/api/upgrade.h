/* upgrade.h - GET /ws: a connection becomes a WebSocket of the hub's.
 *
 * Threads: the front's workers.
 */
#ifndef HUBD_UPGRADE_H
#define HUBD_UPGRADE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <hub/hub.h>

#include "access/client_auth.h"
#include "access/gate.h"
#include "api/control.h"
#include "front/exchange.h"

struct upgrade_context {
    hub_t *hub;
    struct gate *gate;
    struct client_auth *auth;
    struct control *control;
    const char *subprotocols; /* that may be accepted: "a,b", or NULL */
    const _Atomic bool *draining;
};

void upgrade_answer(struct exchange *x, struct upgrade_context *context);

#endif
