/* conn_write.h - the way out of a connection: from its outbox to its socket, or
 * to its callback. The loop's thread only.
 */
#ifndef HUB_CONN_WRITE_H
#define HUB_CONN_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "loop/conn.h"
#include "loop/sender.h"

/* It has something to write: at the end of the turn it will be. */
void hub__conn_later(struct hub__conn *conn);

/* Notes how many bytes the kernel holds for the peer. */
void hub__conn_measure(struct hub__conn *conn);

/* The same, and from now on the peer has time to take them. */
void hub__conn_begins_wait(struct hub__conn *conn);

/* Whether the peer has taken bytes since they were measured last. */
bool hub__conn_takes_bytes(struct hub__conn *conn);

/* The socket takes bytes again. */
void hub__conn_writable(struct hub__conn *conn);

/* Puts what waits into a write with room for HUB__IOV pieces. Returns whether
 * there was any, and any use in trying. */
bool hub__conn_gather(struct hub__conn *conn, struct hub__write *write,
                      struct iovec *iov);

/* What came of such a write; see struct hub__write. */
void hub__conn_wrote(struct hub__conn *conn, const struct hub__write *write);

/* Writes once, now, whatever else is being put together. */
void hub__conn_flush(struct hub__conn *conn);

/* A write of `frames` that went past the outbox has taken `result` bytes or
 * failed, see struct hub__write. Returns how many of them are done with: what
 * is left of the last one is in the outbox then, and what is behind it is still
 * to be queued. */
size_t hub__conn_wrote_frames(struct hub__conn *conn,
                              struct hub__frame *const *frames, size_t count,
                              ssize_t result);

/* Hands a member what waits for it. */
void hub__conn_deliver(struct hub__conn *conn);

#endif
