/* exchange.h - a request and its answer, as handlers see them: nothing of
 * civetweb. The body is read by body.h, the answer written by reply.h.
 *
 * Threads: the worker that has the connection. Strings are valid until the
 * handler returns.
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
    /* What was asked. */
    const char *method; /* NULL, as is the path, if it could not be read */
    const char *path;   /* as it was sent, without origin and query; or "*" */
    struct request request; /* framing, headers, query */
    enum listener_role listener;
    const struct refusal *malformed; /* what is wrong with it, or NULL */
    bool late; /* it was too slow: the connection is shut for reading */

    /* What comes of it. */
    unsigned endpoint; /* as which it is counted: the handler knows which */
    int status;        /* of the answer; 0: there is none yet */
    bool keep_alive;   /* the connection may stay open */
    bool unread_body;  /* bytes of this request may still come */

    /* For front/ alone. */
    struct front *front;
    struct http_conn *client; /* NULL: there was no memory for it */
    const char *held; /* what has come behind the head; NULL: not known */
    size_t held_bytes;
    struct mg_connection *conn;
};

/* The value of the first header of that name, without white space around it,
 * and how many there are (`count` may be NULL). */
struct slice exchange_header(const struct exchange *x, const char *name,
                             unsigned *count);

/* Goes through all headers of that name: `at` is 0 at first. Returns false when
 * there are no more. */
bool exchange_next_header(const struct exchange *x, const char *name,
                          unsigned *at, struct slice *value);

/* Whether a list of that name, in one line or more, has that member, without
 * case. */
bool exchange_lists(const struct exchange *x, const char *name,
                    const char *member);

/* Overwrites the values of all headers of that name, which are empty then. */
void exchange_forget_header(const struct exchange *x, const char *name);

/* For the log: what is wrong with a request as HTTP, whatever it asks for. */
void exchange_refused(const struct exchange *x, const struct refusal *why);

bool exchange_is_head(const struct exchange *x);

/* Who asks, behind the proxies that are trusted. Returns 0, or -1 without
 * memory to find out, with the peer's own address. */
int exchange_remote(const struct exchange *x, struct netaddr *addr);

/* Whoever asks has shown that they may: the connection is kept for longer. */
void exchange_trust(const struct exchange *x);

/* The peer's own port, or 0 if the request came through a trusted proxy, whose
 * address is not `addr` then. */
uint16_t exchange_remote_port(const struct exchange *x,
                              const struct netaddr *addr);

#endif
