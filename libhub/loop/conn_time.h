/* conn_time.h - the timeouts of a connection: taking bytes, answering a ping,
 * finishing a message, answering a Close. One sweep per tick checks every
 * connection of a loop; there are no timers per connection. The loop's thread
 * only.
 */
#ifndef HUB_CONN_TIME_H
#define HUB_CONN_TIME_H

#include "loop/conn.h"

/* Acts on what is overdue, for connections with a socket. */
void hub__conn_tick(struct hub__conn *conn);

/* The process was suspended for a while. What came meanwhile may not have been
 * read yet, and what now fits into the socket has not been written: an
 * unanswered ping is sent again, a stalled peer gets more time, and a burst is
 * allowed. */
void hub__conn_forgive(struct hub__conn *conn);

#endif
