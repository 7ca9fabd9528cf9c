/* outbox.h - the queue of one connection: frames in order, and how much of the
 * first has been written.
 *
 * Invariant: the first frame is `first`; the others are in the ring, which
 * exists only while there are any, and is charged to the budget of the frame
 * that made it grow. An empty outbox holds no memory. `bytes` is what is still
 * to be written. Not locked: it belongs to the thread of its connection's loop.
 */
#ifndef HUB_OUTBOX_H
#define HUB_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "message/frame.h"

struct hub__outbox_ring;

struct hub__outbox {
    struct hub__frame *first;
    struct hub__outbox_ring *ring; /* NULL: no frame after the first */
    size_t offset;                 /* bytes of the first already written */
    size_t bytes;
};

static inline bool hub__outbox_empty(const struct hub__outbox *outbox)
{
    return outbox->first == NULL;
}

/* The memory it holds, shared frames included. */
size_t hub__outbox_memory(const struct hub__outbox *outbox);

/* Appends a frame, and takes its own reference. Returns 0 or HUB_ENOMEM. */
int hub__outbox_push(struct hub__outbox *outbox, struct hub__frame *frame);

/* The same, but before all frames that are not partly written; for control
 * frames, which may come between messages (RFC 6455, 5.5). */
int hub__outbox_push_front(struct hub__outbox *outbox,
                           struct hub__frame *frame);

/* Puts a frame of hub__frame_lead() into an empty outbox, where it counts as
 * partly written from the start: so no frame gets before it, and of the
 * functions below only _pop() and _fini() drop it. Takes over the reference. */
void hub__outbox_lead(struct hub__outbox *outbox, struct hub__frame *lead);

/* How much of that frame is still to be written, without its greeting. */
size_t hub__outbox_leading(const struct hub__outbox *outbox);

/* Fills in up to `max` pieces of up to `max_bytes` bytes in all (the first
 * piece is always included). Returns how many; `bytes` gets their sum. */
size_t hub__outbox_gather(const struct hub__outbox *outbox, struct iovec *iov,
                          size_t max, size_t max_bytes, size_t *bytes);

/* Counts bytes as written, up to the end of the first frame. Returns that
 * frame, with the reference, or NULL if it is not written completely; *bytes is
 * what is left of the bytes. */
struct hub__frame *hub__outbox_advance(struct hub__outbox *outbox,
                                       size_t *bytes);

/* Drops the oldest data frame of which nothing has been written. Returns
 * whether there was one. */
bool hub__outbox_drop_oldest(struct hub__outbox *outbox);

/* Drops all frames of which nothing has been written. */
void hub__outbox_drop_unsent(struct hub__outbox *outbox);

/* Removes the first frame, even if partly written; the caller gets the
 * reference. */
struct hub__frame *hub__outbox_pop(struct hub__outbox *outbox);

/* Drops everything. */
void hub__outbox_fini(struct hub__outbox *outbox);

#endif
