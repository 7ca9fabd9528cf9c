/* http_conn.h - one TCP connection while civetweb holds it: its descriptor, and
 * the deadline of the current wait.
 *
 * civetweb's own timeouts start over with every byte, and occupy a worker
 * thread meanwhile. So each wait has a total deadline here, and
 * http_conns_sweep() ends it by shutting the socket down, which the worker sees
 * as the end of the stream.
 *
 * Threads: one worker has the client; another thread sweeps. The descriptor
 *          stays open while the client is in the list, because civetweb closes
 *          it only after http_conn_destroy().
 */
#ifndef HUBD_HTTP_CONN_H
#define HUBD_HTTP_CONN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/netaddr.h"
#include "front/tap.h"

/* What a worker waits for. */
enum http_conn_wait {
    HTTP_CONN_WAIT_HEAD, /* the first request of a connection */
    HTTP_CONN_WAIT_NEXT, /* the next one, */
    HTTP_CONN_WAIT_KEPT, /* of a trusted client */
    HTTP_CONN_WAIT_BODY,
    HTTP_CONN_WAIT_WRITE, /* for the peer to take our bytes */
};

struct mg_request_info;

struct http_conns {
    pthread_mutex_t lock;
    struct http_conn *first;  /* lock */
    _Atomic unsigned workers; /* that civetweb has */
    _Atomic unsigned open;    /* clients in the list */
    _Atomic bool ending;      /* every connection closes after its reply */
    int64_t head_ms;          /* the longest wait for a first request */
    int64_t write_ms;         /* ... for the peer to take a reply */
    int64_t next_ms;          /* ... for the next request, */
    int64_t kept_ms;          /* ... of a trusted client */
};

/* The Date of replies; formatted once a second. */
struct http_date {
    time_t when;
    char text[40];
};

struct http_conn {
    struct http_conns *clients;
    struct http_conn *previous, *next; /* clients->lock */
    struct tap tap;
    _Atomic int64_t deadline_ms; /* CLOCK_MONOTONIC; 0: none */
    _Atomic int wait;            /* enum http_conn_wait */

    /* Worker only. Kept here because thread-local bytes may cost each worker
     * another page of stack. */
    struct http_date date;

    /* Of the current request; worker only. */
    struct netaddr peer;
    uint16_t peer_port;
    bool in_request;
    bool trusted; /* it came with a key */
    struct timespec began;
};

void http_conns_init(struct http_conns *clients, unsigned workers,
                     int64_t read_timeout_ms, int64_t write_timeout_ms,
                     int64_t keepalive_timeout_ms);
void http_conns_fini(struct http_conns *clients);

/* Ends the waits whose deadline has passed. */
void http_conns_sweep(struct http_conns *clients);

/* Wakes every worker that waits for bytes, when the server is shutting down. */
void http_conns_wake(struct http_conns *clients);

/* Whether workers are becoming scarce: connections must not idle then. */
bool http_conns_crowded(const struct http_conns *clients);

/* Called by the worker that gets the connection. NULL: no memory. */
struct http_conn *http_conn_create(struct http_conns *clients);
void http_conn_destroy(struct http_conn *client);

/* Fills in the peer's address, which civetweb only knows once there is a
 * request. */
void http_conn_meet(struct http_conn *client,
                    const struct mg_request_info *info);

/* Its descriptor, or -1 if unknown. */
int http_conn_fd(const struct http_conn *client);

/* The descriptor no longer belongs to the client. */
void http_conn_forget_fd(struct http_conn *client);

/* How many seconds it may be idle, as the peer is told: one less than we wait,
 * so that a request and our close do not cross. */
int http_conn_idle_s(const struct http_conn *client);

/* Starts a wait for the next request. */
void http_conn_idle(struct http_conn *client);

/* Starts a wait of at most `ms`, or of the wait's own length if 0. */
void http_conn_wait(struct http_conn *client, enum http_conn_wait wait,
                    int64_t ms);

/* Ends it. Returns whether the deadline had passed. */
bool http_conn_done(struct http_conn *client);

/* Whether the kernel holds bytes that civetweb has not read. */
bool http_conn_has_unread(struct http_conn *client);

/* Sends the end of our stream and reads what the peer still sends, for a short
 * time: closing with unread bytes would reset the connection, and the reply
 * might be lost with it. */
void http_conn_linger(struct http_conn *client);

#endif
