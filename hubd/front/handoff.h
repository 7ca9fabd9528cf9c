/* handoff.h - an upgrade under way: from the accepted request to the moment
 * when the hub owns the socket.
 *
 * Threads: the worker that has the connection.
 */
#ifndef HUBD_HANDOFF_H
#define HUBD_HANDOFF_H

#include <civetweb.h>

#include "front/http_conn.h"
#include "front/refusal.h"
#include "front/request.h"
#include "server.h"

/* Tells civetweb what is at /ws. */
void handoff_register(struct mg_context *http);

/* Whose request it is, behind the proxies that are trusted. Returns 0, or -1
 * without memory to find out, with the peer's own address. */
int handoff_address(struct netaddr *addr, const struct server *server,
                    const struct http_conn *client,
                    const struct mg_request_info *info);

/* Checks an upgrade and reserves what it needs. Returns 0: civetweb may answer
 * it now; or -1 and `why`. */
int handoff_begin(struct server *server, struct http_conn *client,
                  const struct request *request, struct refusal *why);

/* The connection is about to close: gives back what was not handed over. */
void handoff_end(struct http_conn *client);

#endif
