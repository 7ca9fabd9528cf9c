/* router.h - posts to the mailboxes of the loops that own a target's
 * connections. All or nothing: either every recipient's loop gets its post, or
 * none does. Threads: any. */
#ifndef HUB_ROUTER_H
#define HUB_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include <hub/hub.h>

#include "loop/conn.h"
#include "loop/mailbox.h"
#include "message/frame.h"

/* Adds a connection that expires at `deadline_ms` of the hub's clock. Returns 0
 * and its id, or HUB_ENOMEM; then the connection is still the caller's. */
int hub__router_add(hub_t *hub, struct hub__conn *conn, int64_t deadline_ms,
                    hub_id *id);

/* What a call that got HUB_EAGAIN has to wait for: a loop to catch up, or
 * memory. */
struct hub__want {
    const hub_t *hub;
    const struct hub__loop *loop; /* NULL: memory */
    enum hub__post_kind kind;     /* of the post to that loop */
    size_t bytes;                 /* of memory */
};

/* Sends to the connections that a valid target names. Returns the number of
 * recipients, HUB_ENOENT (for a target that is just an id), HUB_ENOMEM, or
 * HUB_EAGAIN and what to wait for. */
int64_t hub__router_send(hub_t *hub, const struct hub_target *target,
                         struct hub__frame *frame, struct hub__want *want);

/* Whether a loop is too far behind to accept a message post of this kind. */
bool hub__router_is_behind(const hub_t *hub, const struct hub__loop *loop,
                           enum hub__post_kind kind);

/* Removes a connection and tells its loop to close it with `frame` and `code`,
 * or, without a frame, to drop it. Returns 0, HUB_ENOENT or HUB_ENOMEM. */
int hub__router_end(hub_t *hub, hub_id id, struct hub__frame *frame, int code);

/* Tells a connection's loop when it expires. Returns 0, HUB_ENOENT or
 * HUB_ENOMEM. */
int hub__router_extend(hub_t *hub, hub_id id, int64_t deadline_ms);

#endif
