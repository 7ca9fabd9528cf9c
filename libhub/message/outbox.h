/* outbox.h - what waits for one connection: frames in order, and how much of
 * the first has been written.
 *
 * Invariant: the first frame is `first`; those behind it are in the ring, which
 * is there only while there are any; it is charged to the budget of the frame
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
    struct hub__outbox_ring *ring; /* NULL: nothing behind the first */
    size_t offset;                 /* of the first, already written */
    size_t bytes;
};

static inline bool hub__outbox_empty(const struct hub__outbox *outbox)
{
    return outbox->first == NULL;
}

/* Bytes it keeps in memory, those of shared frames included. */
size_t hub__outbox_memory(const struct hub__outbox *outbox);

/* Appends, and takes a reference of its own. Returns 0 or HUB_ENOMEM. */
int hub__outbox_push(struct hub__outbox *outbox, struct hub__frame *frame);

/* The same, ahead of every frame that is not half written; for control frames,
 * which may come between messages (RFC 6455, 5.5). */
int hub__outbox_push_front(struct hub__outbox *outbox,
                           struct hub__frame *frame);

/* Puts a frame of hub__frame_raw() into an empty outbox, where it counts as
 * half written from the start: so no frame gets ahead of it, and none of the
 * functions below drops it but _pop() and _fini(). Takes the reference. */
void hub__outbox_lead(struct hub__outbox *outbox, struct hub__frame *raw);

/* How much of that is still to be written. */
size_t hub__outbox_leading(const struct hub__outbox *outbox);

/* Fills in up to `max` pieces of up to `max_bytes` bytes in all (the first
 * piece is never refused). Returns how many; `bytes` gets their sum. */
size_t hub__outbox_gather(const struct hub__outbox *outbox, struct iovec *iov,
                          size_t max, size_t max_bytes, size_t *bytes);

/* Counts bytes as written, up to the end of a frame. Returns that frame, with
 * the reference, or NULL if none is out whole; *bytes is what is left of them
 * then. */
struct hub__frame *hub__outbox_advance(struct hub__outbox *outbox,
                                       size_t *bytes);

/* Drops the oldest data frame of which nothing has been written. Returns
 * whether there was one. */
bool hub__outbox_drop_oldest(struct hub__outbox *outbox);

/* Drops all frames of which nothing has been written. */
void hub__outbox_drop_unsent(struct hub__outbox *outbox);

/* Removes the first frame, whole or not; the caller gets the reference. */
struct hub__frame *hub__outbox_pop(struct hub__outbox *outbox);

/* Drops everything. */
void hub__outbox_fini(struct hub__outbox *outbox);

#endif
