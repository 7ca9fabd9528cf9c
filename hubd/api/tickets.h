/* tickets.h - POST /api/tickets: backends request a ticket for a client.
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
    struct tickets *tickets; /* NULL: tickets are off */
    int64_t ttl_ms;          /* default of tickets */
};

/* The contents of a body. */
struct tickets_body {
    char user_id[HUB_ID_BYTES_MAX + 1];
    char session_id[HUB_ID_BYTES_MAX + 1]; /* "": none */
    char origin[TICKET_ORIGIN_MAX];        /* "": any */
    int64_t ttl_ms;                        /* 0: not given */
    int64_t connection_ttl_ms;             /* 0: unlimited */
};

/* Reads a body. Returns 0, or -1 and `why`, which never contains a byte of the
 * body. */
int tickets_body_read(struct tickets_body *out, const char *body, size_t bytes,
                      struct refusal *why);

/* Answers the request. */
void tickets_answer(struct exchange *x, const struct tickets_context *context);

#endif
