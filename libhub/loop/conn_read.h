/* conn_read.h - reads what a peer sends: messages go to the callback, pings are
 * answered, a Close or a fault ends the connection. The loop's thread only.
 */
#ifndef HUB_CONN_READ_H
#define HUB_CONN_READ_H

#include "loop/conn.h"

/* The socket has something to read, or is broken. */
void hub__conn_readable(struct hub__conn *conn);

/* The same for a rejected socket, whose input is discarded up to its Close
 * frame, with little memory. */
void hub__conn_read_away(struct hub__conn *conn);

#endif
