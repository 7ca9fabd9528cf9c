/* send.h - what backends call: POST /api/send and /api/broadcast.
 *
 * Threads: civetweb's workers.
 */
#ifndef HUBD_SEND_H
#define HUBD_SEND_H

#include <civetweb.h>

#include "front/http_conn.h"
#include "api/publish.h"
#include "front/request.h"
#include "server.h"

/* Answers the request. Returns the status. */
int send_handle(struct server *server, struct mg_connection *conn,
                struct http_conn *client, const struct request *request,
                enum publish_kind kind);

#endif
