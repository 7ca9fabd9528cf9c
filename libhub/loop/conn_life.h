/* conn_life.h - how a connection ends in good order: behind what waits for it.
 * The loop's thread only.
 *
 * Whoever ends it, all that was queued for it before goes out first, while its
 * peer takes it. When it is the peer who does, posts made before that may still
 * be in the mailbox: the connection is LEAVING until they have been handled.
 */
#ifndef HUB_CONN_LIFE_H
#define HUB_CONN_LIFE_H

#include <hub/hub.h>

#include "loop/conn.h"
#include "message/frame.h"

/* How it is to end. */
struct hub__ending {
    enum hub_close_cause cause;
    int code;           /* of the Close frame; see struct hub_close_info */
    const char *reason; /* in it, or NULL */
    struct hub__frame *frame; /* NULL: one with code and reason is made */
};

/* Why we cannot follow a peer any more. */
enum hub__fault {
    HUB__FAULT_NONE,
    HUB__FAULT_PROTOCOL,     /* it broke RFC 6455 */
    HUB__FAULT_TEXT,         /* a text is not UTF-8 */
    HUB__FAULT_FRAGMENTS,    /* too many of them, with too little in them */
    HUB__FAULT_TOO_BIG,      /* a message over the limit */
    HUB__FAULT_RATE,         /* too many messages */
    HUB__FAULT_SLOW_MESSAGE, /* one that took too long */
    HUB__FAULT_BUDGET,       /* ours: it has no share left for a message */
    HUB__FAULT_MEMORY,       /* ours */
};

/* Closes behind what is queued. Does nothing if it is closing. */
void hub__conn_close(struct hub__conn *conn, const struct hub__ending *ending);

/* The peer's Close frame came, with this code. */
void hub__conn_answer_close(struct hub__conn *conn, int code);

/* RFC 6455, 7.1.7: fails the connection. Nothing the peer still sends counts.
 */
void hub__conn_fail(struct hub__conn *conn, enum hub__fault fault);

/* All that was posted for it before it was LEAVING is queued: closes it. */
void hub__conn_part(struct hub__conn *conn);

#endif
