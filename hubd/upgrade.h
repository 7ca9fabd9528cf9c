/* upgrade.h - whether a request is a WebSocket opening handshake (RFC 6455,
 * 4.2.1) that may be answered with 101, and who is asking.
 *
 * Everything civetweb would refuse is refused here before it sees the request:
 * its own replies to an upgrade have no status line.
 *
 * Pure; any thread.
 */
#ifndef HUBD_UPGRADE_H
#define HUBD_UPGRADE_H

#include <hub/hub.h>

#include "origin.h"
#include "refusal.h"
#include "request.h"

struct upgrade_ids {
    char user_id[HUB_ID_BYTES_MAX + 1];
    char session_id[HUB_ID_BYTES_MAX + 1]; /* "" without one */
};

/* Returns 0 and the ids, or -1 and `why`. */
int upgrade_check(struct upgrade_ids *ids, const struct request *request,
                  const struct origin_list *origins, struct refusal *why);

/* The query alone; NULL for none. */
int upgrade_read_ids(struct upgrade_ids *ids, const char *query,
                     struct refusal *why);

#endif
