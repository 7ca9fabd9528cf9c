/* conn_life.h - how a connection ends in good order: behind what waits for it.
 * The loop's thread only.
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

/* Closes behind what is queued. Does nothing if it is closing. */
void hub__conn_close(struct hub__conn *conn, const struct hub__ending *ending);

/* The peer's Close frame came. */
void hub__conn_answer_close(struct hub__conn *conn, int code);

/* RFC 6455, 7.1.7: the peer broke the protocol, or we cannot follow it any
 * more; nothing it still sends counts, and what waits for it is not worth
 * sending. */
void hub__conn_fail(struct hub__conn *conn, int status, const char *reason);

#endif
