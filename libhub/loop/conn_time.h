/* conn_time.h - what a connection is given time for: taking bytes, answering a
 * ping, finishing a message, answering a Close. One sweep a tick looks at every
 * connection of a loop; there are no timers of their own. The loop's thread
 * only.
 */
#ifndef HUB_CONN_TIME_H
#define HUB_CONN_TIME_H

#include "loop/conn.h"

/* Acts on what is overdue, where there is a peer at a socket. */
void hub__conn_tick(struct hub__conn *conn);

/* The process has not run for a while. What came meanwhile has perhaps not been
 * read yet, and what fits into the socket now has not been written: if it was
 * pinged it is so once more, if it took nothing it gets time to, and much may
 * come at once. */
void hub__conn_forgive(struct hub__conn *conn);

#endif
