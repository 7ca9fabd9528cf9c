/* tickets.h - texts that a backend is given for a client, and that open one
 * connection: whoever comes with one is who the backend has said. What was said
 * is kept here, under the SHA-256 of the text and without the text itself,
 * until the client comes or its time is over.
 *
 * A text names the node that has issued it: "hubt_<node>_", and 256 random
 * bits.
 *
 * Threads: any. There is one lock, in which nothing is allocated or freed.
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

/* How many may be put back beyond the limit: clients at the door at once. */
#define TICKETS_HELD_MAX 1024

struct tickets;

struct ticket_request {
    const char *user_id;
    const char *session_id;    /* NULL or "": none */
    const char *origin;        /* of the pages that may use it; NULL or "": any,
                                  and whatever is no page */
    int64_t ttl_ms;            /* for the client to come */
    int64_t connection_ttl_ms; /* of the connection, once it has come; 0: no
                                  end */
};

enum ticket_result {
    TICKET_GOOD,
    TICKET_BAD,       /* none, used, expired, or for pages of another origin */
    TICKET_ELSEWHERE, /* only the node that has issued it knows */
};

/* A ticket that was taken, to be put back if the client is refused for another
 * reason. All zero: none. There is nothing to release. */
struct ticket_held {
    unsigned char hash[TICKET_HASH_BYTES];
    int64_t expires_at_ms; /* by clock_now_ms() */
    int64_t connection_ttl_ms;
    char user_id[HUB_ID_BYTES_MAX + 1]; /* "": none is held */
    char session_id[HUB_ID_BYTES_MAX + 1];
    char origin[TICKET_ORIGIN_MAX];
};

/* So many have been there so far. Those that were issued or put back have
 * expired, were redeemed, or are waiting. */
struct tickets_figures {
    uint64_t issued, put_back, redeemed, expired;
    uint64_t waiting; /* now */
};

/* Of a node with that name, for at most `max` that wait at once. NULL: out of
 * memory. */
struct tickets *tickets_create(const char *node, size_t max);
void tickets_destroy(struct tickets *tickets);

/* Returns 0 and the text, or -1 and `why`. */
int tickets_issue(struct tickets *tickets, const struct ticket_request *request,
                  char out[TICKET_TEXT_MAX], struct refusal *why);

/* Takes what belongs to a text away, if it may be used from that origin (no
 * bytes: the client has named none), so that nobody can take it again. Sets
 * `out` and `held` where that is TICKET_GOOD. */
enum ticket_result tickets_take(struct tickets *tickets, struct slice text,
                                struct slice origin, struct identity *out,
                                struct ticket_held *held);

/* Undoes that, unless it has expired meanwhile, or there is no memory. Nothing
 * is held then any more. */
void tickets_put_back(struct tickets *tickets, struct ticket_held *held);

/* Forgets those that have expired, and looks at no other; to be called a few
 * times a second. */
void tickets_sweep(struct tickets *tickets);

void tickets_read(struct tickets *tickets, struct tickets_figures *out);

#endif
