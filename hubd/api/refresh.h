/* refresh.h - tokens that clients send while connected. Separate threads check
 * them, because verifying signatures would block a loop too long.
 *
 * Threads: any.
 */
#ifndef HUBD_REFRESH_H
#define HUBD_REFRESH_H

#include <hub/hub.h>

#include "access/client_auth.h"
#include "base/slice.h"

#define REFRESH_WAITING_MAX 1024

struct refresh;

/* `threads` check at once. `auth` counts what comes of it. Returns NULL without
 * memory or threads. */
struct refresh *refresh_create(hub_t *hub, struct client_auth *auth,
                               unsigned threads);

/* Discards waiting tokens. To be called before the hub is destroyed. */
void refresh_destroy(struct refresh *refresh);

/* Has a token checked, which is still an encoded JSON string. If it is valid,
 * the connection's expiry is extended and the client is told; otherwise it is
 * told why not. Returns 0, or -1 if too many are waiting. */
int refresh_ask(struct refresh *refresh,
                const struct hub_connection *connection, struct slice token);

#endif
