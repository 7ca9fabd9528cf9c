/* reply.h - answers to HTTP requests: JSON, written whole in one piece.
 *
 * Threads: the worker that has the request.
 */
#ifndef HUBD_REPLY_H
#define HUBD_REPLY_H

#include <cjson/cJSON.h>
#include <civetweb.h>

#include "client.h"
#include "refusal.h"

/* Writes a reply; releases `body` (NULL: there was no memory for it).
 * `headers` are whole lines with CRLF, or NULL. `client` may be NULL: the
 * connection is closed then. Returns the status. */
int reply_json(struct mg_connection *conn, struct client *client, int status,
               const char *headers, cJSON *body);

/* {"status":"error","code":...,"message":...} */
int reply_refusal(struct mg_connection *conn, struct client *client,
                  const struct refusal *why);

/* For when a body still comes: 100 Continue. */
void reply_continue(struct mg_connection *conn);

#endif
