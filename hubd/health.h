/* health.h - how the server is: /health, /livez and /readyz.
 *
 * Threads: civetweb's workers.
 */
#ifndef HUBD_HEALTH_H
#define HUBD_HEALTH_H

#include <civetweb.h>

#include "client.h"
#include "server.h"

/* Each returns the status it has answered with. */
int health_reply(struct server *server, struct mg_connection *conn,
                 struct client *client);
int health_reply_alive(struct server *server, struct mg_connection *conn,
                       struct client *client);
int health_reply_ready(struct server *server, struct mg_connection *conn,
                       struct client *client);

#endif
