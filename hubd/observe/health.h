/* health.h - how the server is: /health, /livez and /readyz.
 *
 * Threads: civetweb's workers; health_is_stuck() any.
 */
#ifndef HUBD_HEALTH_H
#define HUBD_HEALTH_H

#include <stdbool.h>

#include <civetweb.h>
#include <hub/hub.h>

#include "front/http_conn.h"
#include "server.h"

/* Whether an event loop has not turned for so long that it is no more. Just
 * after a pause of the whole process it looks as if; a second look tells. */
bool health_is_stuck(const struct hub_stats *stats);

/* Each returns the status it has answered with. */
int health_reply(struct server *server, struct mg_connection *conn,
                 struct http_conn *client);
int health_reply_alive(struct server *server, struct mg_connection *conn,
                       struct http_conn *client);
int health_reply_ready(struct server *server, struct mg_connection *conn,
                       struct http_conn *client);

#endif
