/* ws.h - whether a request is a WebSocket opening handshake (RFC 6455, 4.2.1)
 * that may be accepted, and who is connecting.
 *
 * Pure; any thread.
 */
#ifndef HUBD_WS_H
#define HUBD_WS_H

#include <stdbool.h>

#include <hub/hub.h>

#include "base/origin.h"
#include "front/refusal.h"
#include "front/request.h"

struct ws_upgrade {
    /* The ids in the query; "" if missing. */
    char user_id[HUB_ID_BYTES_MAX + 1];
    char session_id[HUB_ID_BYTES_MAX + 1];
    char accept[HUB_ACCEPT_BYTES + 1]; /* Sec-WebSocket-Accept */
    struct slice subprotocol;          /* to be accepted; empty: none */
    bool speaks_v1;                    /* the subprotocol is hub.v1 */
};

/* Checks that it is a handshake, and picks the subprotocol: `subprotocols` are
 * those of the settings, comma-separated, or NULL. Returns 0, or -1 and `why`.
 */
int ws_check_handshake(struct ws_upgrade *upgrade,
                       const struct request *request, const char *subprotocols,
                       struct refusal *why);

/* Checks the origin, and reads the ids in the query. Returns 0, or -1 and
 * `why`. */
int ws_check_client(struct ws_upgrade *upgrade, const struct request *request,
                    const struct origin_list *origins, struct refusal *why);

/* Reads just the query; NULL for none. */
int ws_read_ids(struct ws_upgrade *upgrade, const char *query,
                struct refusal *why);

#endif
