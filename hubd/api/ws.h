/* ws.h - whether a request is a WebSocket opening handshake (RFC 6455,
 * 4.2.1) that may be answered with 101, and who is asking.
 *
 * Everything civetweb would refuse is refused here before it sees the request:
 * its own replies to an upgrade have no status line.
 *
 * Pure; any thread.
 */
#ifndef HUBD_WS_H
#define HUBD_WS_H

#include <hub/hub.h>

#include "base/origin.h"
#include "front/refusal.h"
#include "front/request.h"

struct ws_ids {
    char user_id[HUB_ID_BYTES_MAX + 1];
    char session_id[HUB_ID_BYTES_MAX + 1]; /* "" without one */
};

/* Returns 0 and the ids, or -1 and `why`. */
int ws_check(struct ws_ids *ids, const struct request *request,
             const struct origin_list *origins, struct refusal *why);

/* The query alone; NULL for none. */
int ws_read_ids(struct ws_ids *ids, const char *query, struct refusal *why);

#endif
