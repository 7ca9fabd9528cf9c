/* ws.h - whether a request is a WebSocket opening handshake (RFC 6455, 4.2.1)
 * that may be accepted, and who is connecting.
 *
 * Pure; any thread.
 */
#ifndef HUBD_WS_H
#define HUBD_WS_H

#include <hub/hub.h>

#include "base/origin.h"
#include "front/refusal.h"
#include "front/request.h"

struct ws_upgrade {
    char user_id[HUB_ID_BYTES_MAX + 1];
    char session_id[HUB_ID_BYTES_MAX + 1]; /* "" without one */
    char accept[HUB_ACCEPT_BYTES + 1];     /* Sec-WebSocket-Accept */
    struct slice subprotocol;              /* from the given list, or empty */
};

/* Returns 0 and the request's data, or -1 and `why`. `subprotocols` are those
 * that may be accepted, as a comma-separated list, or NULL. */
int ws_check(struct ws_upgrade *upgrade, const struct request *request,
             const struct origin_list *origins, const char *subprotocols,
             struct refusal *why);

/* Reads just the query; NULL for none. */
int ws_read_ids(struct ws_upgrade *upgrade, const char *query,
                struct refusal *why);

#endif
