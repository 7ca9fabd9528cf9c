/* receiver.h - a thread that owns a share of the clients: connects them, reads
 * what they get, answers pings, and closes them.
 */
#ifndef HUB_BENCH_RECEIVER_H
#define HUB_BENCH_RECEIVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>

#include "client/client.h"
#include "flights.h"
#include "histogram.h"
#include "order.h"
#include "roster.h"
#include "scanner.h"

/* What all receivers share. */
struct receiver_site {
    struct roster *roster;
    struct flights *flights;
    struct sockaddr_storage address; /* of the server */
    socklen_t address_bytes;
};

struct receiver_client {
    struct client base;
    struct scanner scanner;
};

/* Everything but `delivered` belongs to the thread until it has ended. */
struct receiver {
    const struct receiver_site *site;
    pthread_t thread;
    int epoll;
    int wake;             /* eventfd */
    unsigned index;       /* of the receiver: its clients are index, */
    unsigned step;        /* index + step, index + 2 * step, … */
    uint32_t count;       /* clients */
    uint32_t next;        /* the first client not started yet */
    uint32_t opening;     /* clients that are connecting now */
    uint32_t opening_max; /* at once */
    bool settled;         /* all have been tried */
    struct receiver_client *clients;
    struct order *orders;       /* by client, then by lane */
    uint8_t *buffer;            /* for reading all clients */
    _Atomic uint64_t delivered; /* any thread may read it */
    struct histogram connect, delivery;
    int64_t last_delivery_ns;
    uint64_t out_of_order, foreign;
    uint32_t stalled_dropped;
};

/* Returns 0 or an errno. */
int receiver_start(struct receiver *r, const struct receiver_site *site,
                   unsigned index);
void receiver_wake(struct receiver *r);
void receiver_join(struct receiver *r);
void receiver_fini(struct receiver *r);

/* Internal, in receiver_connect.c; called by the thread. */

/* Starts as many connections as may be opening at once. */
void receiver_connect(struct receiver *r);

/* Gives up clients that got no answer in time. */
void receiver_refuse_late(struct receiver *r);

/* The client could not connect. */
void receiver_refuse(struct receiver *r, struct receiver_client *c,
                     const char *why);

/* Its socket is connected: sends the handshake. */
void receiver_request(struct receiver *r, struct receiver_client *c);

/* Takes bytes of the answer, which are at the start of the buffer. Returns its
 * length if it was valid and the client is now open, otherwise 0. */
size_t receiver_answer(struct receiver *r, struct receiver_client *c,
                       size_t bytes);

static inline uint32_t receiver_index(const struct receiver *r,
                                      const struct receiver_client *c)
{
    return (uint32_t)(c - r->clients) * r->step + r->index;
}

#endif
