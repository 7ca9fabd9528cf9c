/* conn_life.h - how a connection ends in good order: what waits for it goes out
 * first, then a Close frame. The loop's thread only.
 */
#ifndef HUB_CONN_LIFE_H
#define HUB_CONN_LIFE_H

#include <hub/hub.h>

#include "loop/conn.h"
#include "message/frame.h"

/* Closes behind what is queued; `frame` is the Close frame. NULL: there is no
 * memory for one, or it is a member with a callback, which gets none. Does
 * nothing if it is closing. */
void hub__conn_close(struct hub__conn *conn, struct hub__frame *frame, int code,
                     enum hub_close_cause cause);

/* The same with a frame made here. */
void hub__conn_close_code(struct hub__conn *conn, int code, const char *reason,
                          enum hub_close_cause cause);

/* hub_unregister(): without a Close frame. */
void hub__conn_drop(struct hub__conn *conn);

/* The peer's Close frame came. */
void hub__conn_answer_close(struct hub__conn *conn, int code);

/* RFC 6455, 7.1.7: the peer broke the protocol, or we cannot follow it any
 * more; nothing it still sends counts, and what waits for it is not worth
 * sending. */
void hub__conn_fail(struct hub__conn *conn, int status, const char *reason);

#endif
