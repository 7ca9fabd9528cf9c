/* conn_queue.h - what may wait for one connection, and what becomes of who is
 * too slow. The loop's thread only.
 */
#ifndef HUB_CONN_QUEUE_H
#define HUB_CONN_QUEUE_H

#include "loop/conn.h"
#include "message/frame.h"

/* Queues a message, or does what the slow-consumer policy says. */
void hub__conn_queue(struct hub__conn *conn, struct hub__frame *frame);

#endif
