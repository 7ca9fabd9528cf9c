/* control.h - hub.v1: the control frames that a client and hubd exchange
 * besides messages; see docs/protocol.md.
 *
 * Each is a text message: a JSON object with a string "hub", which names the
 * frame, and without "type", which the messages of backends always have.
 *
 * Threads: the connection's loop, unless said otherwise.
 */
#ifndef HUBD_CONTROL_H
#define HUBD_CONTROL_H

#include <stdatomic.h>
#include <stdint.h>

#include <hub/hub.h>

#include "access/admission.h"
#include "access/identity.h"
#include "api/refresh.h"
#include "config/config.h"

#define CONTROL_BYTES_MAX 16384 /* of a frame from a client */
/* Two ids, of which each byte may be escaped with six. */
#define CONTROL_HELLO_MAX (2 * 6 * HUB_ID_BYTES_MAX + 256)

struct control {
    const struct config *config;
    struct refresh *refresh; /* NULL: tokens are not allowed */
};

/* The first frame of a connection. Any thread. */
void control_hello(const struct control *control,
                   const struct identity *identity,
                   const struct session *session, char out[CONTROL_HELLO_MAX]);

/* Handles a message from a client that speaks hub.v1. Ignores it unless it is a
 * control frame. */
void control_message(struct control *control, hub_t *hub,
                     const struct hub_connection *connection,
                     const struct hub_message *message);

/* The connection will expire soon. */
void control_expiring(hub_t *hub, const struct hub_connection *connection,
                      int64_t remaining_ms);

#endif
