/* conn_write.h - the way out of a connection that has a socket: from its outbox
 * to there. The loop's thread only.
 */
#ifndef HUB_CONN_WRITE_H
#define HUB_CONN_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop/conn.h"

/* It has something to write: at the end of the turn it will be. */
void hub__conn_later(struct hub__conn *conn);

/* Notes how many bytes the kernel holds for the peer. */
void hub__conn_measure(struct hub__conn *conn);

/* The same, and from now on the peer has time to take them. */
void hub__conn_begins_wait(struct hub__conn *conn);

/* Whether the peer has taken bytes since they were measured last. */
bool hub__conn_takes_bytes(struct hub__conn *conn);

/* Its stream is at its end, and is not watched for more: what waits still goes
 * out. */
void hub__conn_ended(struct hub__conn *conn);

/* The socket takes bytes again. */
void hub__conn_writable(struct hub__conn *conn);

/* Whether messages are queued for it, and a write may bring something. */
bool hub__conn_is_ready(const struct hub__conn *conn);

/* Writes once, with the host's batch; what is in the batch at the end is to be
 * written with hub__conn_write_all(). */
void hub__conn_send(struct hub__conn *conn);
void hub__conn_write_all(struct hub__host *host);

/* Writes once, now, whatever else is being put together. */
void hub__conn_flush(struct hub__conn *conn);

/* A write of `frames` that went past the outbox has taken `result` bytes or
 * failed, see struct hub__write. Returns how many of them are done with: what
 * is left of the last one is in the outbox then, and what is behind it is still
 * to be queued. */
size_t hub__conn_wrote_frames(struct hub__conn *conn,
                              struct hub__frame *const *frames, size_t count,
                              ssize_t result);

/* So much has gone out. */
void hub__conn_count_out(struct hub__conn *conn, uint64_t messages,
                         uint64_t bytes);

#endif
