/* admission.h - admits WebSockets: reserves a place in the hub before the
 * handshake is answered, and keeps the client's address for the log.
 *
 * Threads: any.
 */
#ifndef HUBD_ADMISSION_H
#define HUBD_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include <hub/hub.h>

#include "base/netaddr.h"
#include "front/refusal.h"

#define CONNECTION_ID_MAX 33 /* 128 random bits in hexadecimal, and a NUL */

/* Additional data of a client that speaks hub.v1. */
struct v1_session {
    char connection_id[CONNECTION_ID_MAX];
    int64_t refresh_ms; /* see control.c; the connection's loop */
};

/* Kept small: there is one for each connection. */
struct session {
    struct netaddr addr;
    uint16_t port; /* 0: unknown, behind a trusted proxy */
    bool speaks_v1;
    struct v1_session v1[]; /* one, if speaks_v1 */
};

#define ADMISSION_REMOTE_MAX (NETADDR_TEXT_MAX + 8) /* "[addr]:port" */

/* Reserves a place for a member whose ids are set, and makes its data a
 * session. Returns 0, or -1 and `why`. Either hub_adopt() takes both, and
 * admission_on_closed() ends the session, or admission_close() does. */
int admission_open(hub_t *hub, const struct netaddr *addr, uint16_t port,
                   bool speaks_v1, struct hub_member *member,
                   struct refusal *why);

/* For a handshake that failed. Does nothing without a session. */
void admission_close(hub_t *hub, struct hub_member *member);

/* The client's address, as text. */
void admission_remote(const struct session *session,
                      char out[ADMISSION_REMOTE_MAX]);

/* For hub_options: members of the hub carry their session as data. */
void admission_on_opened(hub_t *hub, const struct hub_connection *connection);
void admission_on_closed(hub_t *hub, const struct hub_connection *connection,
                         const struct hub_close_info *info);

#endif
