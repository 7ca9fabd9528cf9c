/* conn_queue.h - what may wait for one connection, and what happens to slow
 * consumers. The loop's thread only.
 */
#ifndef HUB_CONN_QUEUE_H
#define HUB_CONN_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "loop/conn.h"
#include "message/frame.h"

/* Queues a message, if there is room or room can be made. */
void hub__conn_queue(struct hub__conn *conn, struct hub__frame *frame);

/* For one with a socket: makes room by writing what can be written, or by the
 * slow-consumer policy. Returns whether there is room now; if not, the
 * connection may be closing. */
bool hub__conn_make_room(struct hub__conn *conn, size_t bytes);

#endif
