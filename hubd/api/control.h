/* control.h - hub.v1: the frames that a client and hubd exchange about their
 * connection, beside the messages that it carries. docs/protocol.md has them.
 *
 * Each is a text message that is a JSON object with a string "hub", which says
 * what it is, and without "type", which the messages of backends always have.
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
/* Two ids, each byte of which may take six. */
#define CONTROL_HELLO_MAX (2 * 6 * HUB_ID_BYTES_MAX + 256)

struct control {
    const struct config *config;
    struct refresh *refresh; /* NULL: tokens are not allowed */
};

/* The first frame of a connection. Any thread. */
void control_hello(const struct control *control,
                   const struct identity *identity,
                   const struct session *session, char out[CONTROL_HELLO_MAX]);

/* A message has come from a client that speaks hub.v1. One that is no control
 * frame is not looked at. */
void control_message(struct control *control, hub_t *hub,
                     const struct hub_connection *connection,
                     const struct hub_message *message);

/* Its time is nearly up. */
void control_expiring(hub_t *hub, const struct hub_connection *connection,
                      int64_t remaining_ms);

#endif
