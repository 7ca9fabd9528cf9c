/* refresh.h - tokens that clients send while they are connected, checked by
 * threads of their own: a signature takes a loop too long.
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

/* What waits is forgotten. Before the hub is destroyed. */
void refresh_destroy(struct refresh *refresh);

/* Has a token checked, which is a JSON string as it was written. Then the
 * connection lasts for as long as that one, and is told; or it is told why not.
 * Returns 0, or -1 where too many are waiting. */
int refresh_ask(struct refresh *refresh,
                const struct hub_connection *connection, struct slice token);

#endif
