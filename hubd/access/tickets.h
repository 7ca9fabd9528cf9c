/* tickets.h - tickets, which a backend requests for a client and which open one
 * connection: its user and session are those that the backend gave. Those are
 * kept here, under the SHA-256 of the ticket's text and without the text
 * itself, until the client connects or the ticket expires.
 *
 * The text names the node that issued the ticket: "hubt_<node>_", and 256
 * random bits.
 *
 * Threads: any. There is one lock; nothing is allocated or freed under it.
 */
#ifndef HUBD_TICKETS_H
#define HUBD_TICKETS_H

#include <stdint.h>

#include <hub/hub.h>

#include "access/identity.h"
#include "base/slice.h"
#include "config/config.h"
#include "front/refusal.h"

#define TICKET_PREFIX "hubt_"
#define TICKET_RANDOM_BYTES 32
#define TICKET_RANDOM_TEXT 43 /* characters of base64url */
#define TICKET_TEXT_MAX                                                        \
    (sizeof(TICKET_PREFIX "_") + CONFIG_NODE_BYTES_MAX + TICKET_RANDOM_TEXT)
#define TICKET_HASH_BYTES 32

#define TICKET_TTL_MS_MIN 1000
#define TICKET_TTL_MS_MAX 300000
#define TICKET_ORIGIN_MAX 320 /* bytes, NUL included */

/* How many may be put back beyond the limit: concurrent handshakes. */
#define TICKETS_HELD_MAX 1024

struct tickets;

struct ticket_request {
    const char *user_id;
    const char *session_id;    /* NULL or "": none */
    const char *origin;        /* of the pages that may use it; NULL or "": any
                                  client */
    int64_t ttl_ms;            /* until it must be used */
    int64_t connection_ttl_ms; /* of the connection, once opened; 0:
                                  unlimited */
};

enum ticket_result {
    TICKET_GOOD,
    TICKET_BAD,       /* unknown, used, expired, or for another origin */
    TICKET_ELSEWHERE, /* issued by another node */
};

/* A ticket that was taken, to be put back if the client is rejected for another
 * reason. All zeros: none. There is nothing to release. */
struct ticket_held {
    unsigned char hash[TICKET_HASH_BYTES];
    int64_t expires_at_ms; /* by clock_now_ms() */
    int64_t connection_ttl_ms;
    char user_id[HUB_ID_BYTES_MAX + 1]; /* "": no ticket */
    char session_id[HUB_ID_BYTES_MAX + 1];
    char origin[TICKET_ORIGIN_MAX];
};

/* Totals so far. issued + put_back = redeemed + expired + waiting. */
struct tickets_figures {
    uint64_t issued, put_back, redeemed, expired;
    uint64_t waiting; /* now */
};

/* For the node of that name, with at most `max` waiting at once. Returns NULL
 * if out of memory. */
struct tickets *tickets_create(const char *node, size_t max);
void tickets_destroy(struct tickets *tickets);

/* Returns 0 and the text, or -1 and `why`. */
int tickets_issue(struct tickets *tickets, const struct ticket_request *request,
                  char out[TICKET_TEXT_MAX], struct refusal *why);

/* Takes a ticket out, so that nobody can use it again, if it may be used from
 * that origin (empty: the client sent none). Sets `out` and `held` if the
 * result is TICKET_GOOD. */
enum ticket_result tickets_take(struct tickets *tickets, struct slice text,
                                struct slice origin, struct identity *out,
                                struct ticket_held *held);

/* Undoes that, unless the ticket has expired or there is no memory. Clears
 * `held`. */
void tickets_put_back(struct tickets *tickets, struct ticket_held *held);

/* Removes expired tickets, without looking at others; to be called a few times
 * a second. */
void tickets_sweep(struct tickets *tickets);

void tickets_read(struct tickets *tickets, struct tickets_figures *out);

#endif
