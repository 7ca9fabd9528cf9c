/* admission.h - what one WebSocket takes of what there is: a place below the
 * limit of descriptors, and one of its address's and its user's share.
 *
 * A session is opened before the handshake is answered and closed exactly
 * once: when the handshake comes to nothing, or when the hub says that the
 * connection is gone.
 *
 * Threads: any.
 */
#ifndef HUBD_ADMISSION_H
#define HUBD_ADMISSION_H

#include <stdatomic.h>
#include <stdint.h>

#include <hub/hub.h>

#include "config/config.h"
#include "base/netaddr.h"
#include "access/quota.h"
#include "front/refusal.h"

struct admission {
    uint64_t limit;        /* of WebSockets at a time */
    _Atomic uint64_t held; /* sessions that are open */
    struct quota *per_ip;
    struct quota *per_user;
};

/* Kept small: there is one for each connection. */
struct session {
    struct admission *admission;
    struct netaddr addr;
    uint16_t port; /* 0: the client is behind a trusted proxy */
};

#define ADMISSION_REMOTE_MAX (NETADDR_TEXT_MAX + 8) /* "[addr]:port" */

/* Returns 0 or -1: no memory. */
int admission_init(struct admission *admission, const struct config *config);
void admission_fini(struct admission *admission);

/* Returns the session, or NULL and `why`. */
struct session *admission_open(struct admission *admission,
                               const struct netaddr *addr, uint16_t port,
                               const char *user_id, struct refusal *why);

/* Gives everything back; the user id is the one of admission_open(). */
void admission_close(struct session *session, const char *user_id);

/* Where it comes from, as text. */
void admission_remote(const struct session *session,
                      char out[ADMISSION_REMOTE_MAX]);

/* For hub_options: members of the hub carry their session as data. */
void admission_on_opened(hub_t *hub, const struct hub_connection *connection);
void admission_on_closed(hub_t *hub, const struct hub_connection *connection,
                         const struct hub_close_info *info);

#endif
