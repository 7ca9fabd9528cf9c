/* conn_queue.h - what may wait for one connection, and what becomes of who is
 * too slow. The loop's thread only.
 */
#ifndef HUB_CONN_QUEUE_H
#define HUB_CONN_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "loop/conn.h"
#include "message/frame.h"

/* Queues a message, if there is room for it or can be made. */
void hub__conn_queue(struct hub__conn *conn, struct hub__frame *frame);

/* Of one with a socket: makes room for so much by writing what can be written,
 * or as the policy says. Returns whether there is room now; the connection may
 * be closing otherwise. */
bool hub__conn_make_room(struct hub__conn *conn, size_t bytes);

#endif
