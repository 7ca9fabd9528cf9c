/* conn_life.h - how a connection is closed in an orderly way: after what is
 * queued for it. The loop's thread only.
 *
 * Whichever side closes it, everything queued before is sent first, as long as
 * the peer takes it. If the peer closes, or if the connection expires, earlier
 * posts may still be in the mailbox: the connection is LEAVING until they have
 * been handled.
 */
#ifndef HUB_CONN_LIFE_H
#define HUB_CONN_LIFE_H

#include <hub/hub.h>

#include "loop/conn.h"
#include "message/frame.h"

/* How a connection is to end. */
struct hub__ending {
    enum hub_close_cause cause;
    int code;           /* of the Close frame, see struct hub_close_info */
    const char *reason; /* in it, or NULL */
    struct hub__frame *frame; /* NULL: made from code and reason */
};

/* Why we give up on a peer. */
enum hub__fault {
    HUB__FAULT_NONE,
    HUB__FAULT_PROTOCOL,     /* it broke RFC 6455 */
    HUB__FAULT_TEXT,         /* a text is not UTF-8 */
    HUB__FAULT_FRAGMENTS,    /* too many fragments with too little in them */
    HUB__FAULT_TOO_BIG,      /* a message over the limit */
    HUB__FAULT_RATE,         /* too many messages */
    HUB__FAULT_SLOW_MESSAGE, /* a message that took too long */
    HUB__FAULT_BUDGET,       /* ours: its share of memory is too small */
    HUB__FAULT_MEMORY,       /* ours: out of memory */
};

/* Closes after what is queued. Does nothing if it is already closing. */
void hub__conn_close(struct hub__conn *conn, const struct hub__ending *ending);

/* The peer's Close frame has arrived, with this code. */
void hub__conn_answer_close(struct hub__conn *conn, int code);

/* RFC 6455, 7.1.7: fails the connection. Further input is ignored. */
void hub__conn_fail(struct hub__conn *conn, enum hub__fault fault);

/* Closes an OPEN connection that has expired. Its messages are ignored from now
 * on, but it may answer the Close frame. */
void hub__conn_expire(struct hub__conn *conn);

/* Closes a LEAVING connection, once all earlier posts for it are queued. */
void hub__conn_part(struct hub__conn *conn);

#endif
