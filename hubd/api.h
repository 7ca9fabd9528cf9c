/* api.h - what backends call: POST /api/send and /api/broadcast.
 *
 * Threads: civetweb's workers.
 */
#ifndef HUBD_API_H
#define HUBD_API_H

#include <civetweb.h>

#include "client.h"
#include "publish.h"
#include "request.h"
#include "server.h"

/* Answers the request. Returns the status. */
int api_handle(struct server *server, struct mg_connection *conn,
               struct client *client, const struct request *request,
               enum publish_kind kind);

#endif
