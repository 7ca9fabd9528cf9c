/* client.h - one TCP connection while civetweb holds it: its descriptor, and
 * until when it may take to do what it is waited for.
 *
 * civetweb's own timeouts begin anew with every byte and hold a worker thread
 * meanwhile. So each wait has a total deadline here, and clients_sweep() ends
 * the waiting by shutting the socket down, which the worker sees as the end of
 * the stream.
 *
 * Threads: one worker has the client; the sweep comes from another one. The
 * descriptor stays open while the client is in the list, because civetweb
 * closes it only after client_destroy().
 */
#ifndef HUBD_CLIENT_H
#define HUBD_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <civetweb.h>

#include "netaddr.h"
#include "peer_socket.h"
#include "tally.h"

/* How long a connection that is kept may wait for its next request. */
#define CLIENT_NEXT_S 15

/* What a worker waits for. */
enum client_wait {
    CLIENT_WAIT_HEAD, /* the first request of a connection */
    CLIENT_WAIT_NEXT, /* the next one */
    CLIENT_WAIT_BODY,
    CLIENT_WAIT_WRITE,   /* that the peer takes our bytes */
    CLIENT_WAIT_HANDOFF, /* see handoff.c */
};

struct clients {
    pthread_mutex_t lock;
    struct client *first; /* lock */
    struct peer_sockets *sockets;
    _Atomic unsigned workers; /* that civetweb has */
    _Atomic unsigned open;    /* clients in the list */
    _Atomic bool ending;      /* none stays open behind its reply */
    int64_t head_ms;          /* the longest wait for a first request */
    int64_t write_ms;         /* ... for the peer to take a reply */
};

struct client {
    struct clients *clients;
    struct client *previous, *next; /* clients->lock */
    const struct mg_connection *conn;
    _Atomic int fd;              /* -1: not known */
    _Atomic int64_t deadline_ms; /* CLOCK_MONOTONIC; 0: none */
    _Atomic int wait;            /* enum client_wait */

    /* Of the request in hand; worker only. */
    struct netaddr peer;
    uint16_t peer_port;
    enum tally_endpoint endpoint;
    bool expired; /* it came too late: the socket is shut down for reading */
    bool in_request;
    bool head;        /* HEAD: the reply has no body */
    bool keep_alive;  /* the connection may stay open afterwards */
    bool unread_body; /* bytes of this request may still come */
    struct timespec began;
    struct handoff *handoff; /* an upgrade under way, or NULL */
};

/* Returns 0 or -1: no memory. */
int clients_init(struct clients *clients, int base, unsigned workers,
                 int64_t read_timeout_ms, int64_t write_timeout_ms);
void clients_fini(struct clients *clients);

/* Ends the waits whose deadline has passed. */
void clients_sweep(struct clients *clients);

/* Wakes every worker that waits for bytes: the end of the server is near. */
void clients_wake(struct clients *clients);

/* Whether workers are becoming scarce: connections must not idle then. */
bool clients_crowded(const struct clients *clients);

/* NULL: no memory. */
struct client *client_create(struct clients *clients,
                             const struct mg_connection *conn);
void client_destroy(struct client *client);

/* Fills in the peer. civetweb tells it only once there is a request. */
void client_meet(struct client *client, const struct mg_request_info *info);

/* Its descriptor, looked for if it is not known; or -1. */
int client_fd(struct client *client);

/* Its descriptor is not the client's any more. */
void client_forget_fd(struct client *client);

/* Starts a wait of at most `ms`, or of the wait's own length if 0. */
void client_wait(struct client *client, enum client_wait wait, int64_t ms);

/* Ends it. Returns whether the deadline had passed. */
bool client_done(struct client *client);

/* Whether the kernel holds bytes that civetweb has not read. */
bool client_has_unread(struct client *client);

/* The bytes that have been written to its descriptor so far. */
uint64_t client_written(struct client *client);

/* Whether more than `bytes` bytes have come for its first request, or bytes are
 * waiting to be read. */
bool client_sent_more_than(struct client *client, uint64_t bytes);

/* Sends the end of our stream and reads what the peer still sends, for a short
 * time: closing with unread bytes would reset the connection, and the reply
 * might be lost with it. */
void client_linger(struct client *client);

int64_t client_now_ms(void);

#endif
