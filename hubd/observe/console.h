/* console.h - the live page of HUB_CONSOLE=on: /console, what is below it, and
 * the figures it shows. It needs no key, for it can do nothing that a stranger
 * could not; the key for sending is typed into it.
 *
 * Threads: civetweb's workers.
 */
#ifndef HUBD_CONSOLE_H
#define HUBD_CONSOLE_H

#include <stdbool.h>

#include <civetweb.h>

#include "front/http_conn.h"
#include "front/request.h"
#include "server.h"

/* Whether exactly this path is one of the console's. */
bool console_has(const char *path);

/* Answers a GET or HEAD of such a path. Returns the status. */
int console_reply(struct server *server, struct mg_connection *conn,
                  struct http_conn *client, const struct request *request);

#endif
