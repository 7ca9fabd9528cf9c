/* exchange.h - a request and its answer, as handlers see them, without
 * civetweb. The body is read with body.h, the answer written with reply.h.
 *
 * Threads: the worker that has the connection. Strings are valid until the
 *          handler returns.
 */
#ifndef HUBD_EXCHANGE_H
#define HUBD_EXCHANGE_H

#include <stdbool.h>

#include "base/netaddr.h"
#include "front/listen.h"
#include "front/refusal.h"
#include "front/request.h"

struct front;
struct http_conn;
struct mg_connection;

struct exchange {
    /* The request. */
    const char *method;     /* NULL, like the path, if it could not be parsed */
    const char *path;       /* as sent, without origin and query; or "*" */
    struct request request; /* framing, headers, query */
    enum listener_role listener;
    const struct refusal *malformed; /* what is wrong with it, or NULL */
    bool late; /* it was too slow: the socket is shut down for reading */

    /* The result. */
    unsigned endpoint; /* what it is counted as; set by the handler */
    int status;        /* of the answer; 0: there is none yet */
    bool keep_alive;   /* the connection may stay open */
    bool unread_body;  /* bytes of this request may still come */

    /* Only for front/. */
    struct front *front;
    struct http_conn *client; /* NULL: there was no memory for it */
    const char *held;         /* what arrived after the head; NULL: unknown */
    size_t held_bytes;
    struct mg_connection *conn;
};

/* The value of the first header with that name, without surrounding white
 * space, and how many there are (`count` may be NULL). */
struct slice exchange_header(const struct exchange *x, const char *name,
                             unsigned *count);

/* Iterates over all headers with that name; `at` is 0 at first. Returns false
 * when there are no more. */
bool exchange_next_header(const struct exchange *x, const char *name,
                          unsigned *at, struct slice *value);

/* Whether a list header, on one line or more, has that member, without case. */
bool exchange_lists(const struct exchange *x, const char *name,
                    const char *member);

/* Wipes the values of all headers with that name, which are then empty. */
void exchange_forget_header(const struct exchange *x, const char *name);

/* For the log: notes a refusal that is an error of HTTP itself. */
void exchange_refused(const struct exchange *x, const struct refusal *why);

bool exchange_is_head(const struct exchange *x);

/* The client's address, behind trusted proxies. Returns 0, or -1 and the peer's
 * own address, without memory to find out. */
int exchange_remote(const struct exchange *x, struct netaddr *addr);

/* Whether the peer itself is a trusted proxy. */
bool exchange_is_from_proxy(const struct exchange *x);

/* The client has presented a valid key: the connection is kept open for longer.
 */
void exchange_trust(const struct exchange *x);

/* The peer's own port, or 0 if the request came through a trusted proxy, so
 * that `addr` is not the peer's. */
uint16_t exchange_remote_port(const struct exchange *x,
                              const struct netaddr *addr);

#endif
