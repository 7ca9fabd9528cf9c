/* tickets.h - what backends call for a client: POST /api/tickets.
 *
 * Threads: the front's workers.
 */
#ifndef HUBD_API_TICKETS_H
#define HUBD_API_TICKETS_H

#include <stdint.h>

#include "access/tickets.h"
#include "api/intake.h"

/* The longest that a connection may be given: a year. */
#define TICKETS_CONNECTION_MS_MAX (INT64_C(365) * 24 * 60 * 60 * 1000)

struct tickets_context {
    const struct intake *intake;
    struct tickets *tickets; /* NULL: clients cannot come with one */
    int64_t ttl_ms;          /* of a ticket whose backend does not say */
};

/* What a body asks for. */
struct tickets_body {
    char user_id[HUB_ID_BYTES_MAX + 1];
    char session_id[HUB_ID_BYTES_MAX + 1]; /* "": none */
    char origin[TICKET_ORIGIN_MAX];        /* "": any */
    int64_t ttl_ms;                        /* 0: it does not say */
    int64_t connection_ttl_ms;             /* 0: no end */
};

/* Reads a body. Returns 0, or -1 and `why`, in which no byte of the body ever
 * shows up. */
int tickets_body_read(struct tickets_body *out, const char *body, size_t bytes,
                      struct refusal *why);

/* Answers the request. */
void tickets_answer(struct exchange *x, const struct tickets_context *context);

#endif
