/* body.h - the body of a request: all of it, within one deadline, or nothing.
 *
 * Threads: the worker that has the request.
 */
#ifndef HUBD_BODY_H
#define HUBD_BODY_H

#include <civetweb.h>

#include "client.h"
#include "refusal.h"
#include "request.h"

struct body {
    char *bytes;
    size_t count;
};

/* Reads a body of at most `limit` bytes. Returns 0, or -1 and `why` with
 * nothing to release. */
int body_read(struct body *body, struct mg_connection *conn,
              struct client *client, const struct request *request,
              size_t limit, int64_t timeout_ms, struct refusal *why);

void body_release(struct body *body);

#endif
