/* conn_write.h - writing to a connection that has a socket, from its outbox.
 * The loop's thread only.
 */
#ifndef HUB_CONN_WRITE_H
#define HUB_CONN_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop/conn.h"

/* It has something to write, which will be done at the end of the turn. */
void hub__conn_later(struct hub__conn *conn);

/* Notes how many bytes the kernel holds for the peer. */
void hub__conn_measure(struct hub__conn *conn);

/* The same, and starts the time that the peer has for taking them. */
void hub__conn_begins_wait(struct hub__conn *conn);

/* Whether the peer has taken bytes since they were measured last. */
bool hub__conn_takes_bytes(struct hub__conn *conn);

/* The peer has ended its stream, which is no longer watched for input; what
 * waits is still sent. */
void hub__conn_ended(struct hub__conn *conn);

/* The socket takes bytes again. */
void hub__conn_writable(struct hub__conn *conn);

/* Whether messages may be queued for it, and a write may make progress. */
bool hub__conn_is_ready(const struct hub__conn *conn);

/* Writes once, with the host's batch; what is left in the batch at the end must
 * be written with hub__conn_write_all(). */
void hub__conn_send(struct hub__conn *conn);
void hub__conn_write_all(struct hub__host *host);

/* Writes once, at once, apart from any batch. */
void hub__conn_flush(struct hub__conn *conn);

/* A write of `frames` that bypassed the outbox has sent `result` bytes or
 * failed, see struct hub__write. Returns how many of them are done with: the
 * rest of the last one is then in the outbox, and those after it have yet to be
 * queued. */
size_t hub__conn_wrote_frames(struct hub__conn *conn,
                              struct hub__frame *const *frames, size_t count,
                              ssize_t result);

/* Counts what has been sent. */
void hub__conn_count_out(struct hub__conn *conn, uint64_t messages,
                         uint64_t bytes);

#endif
