/* memory.h - HUB_MEMORY_LIMIT and how it is divided: three quarters for
 * messages in the hub, one for request bodies.
 */
#ifndef HUBD_MEMORY_H
#define HUBD_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_LIMIT_MIN ((size_t)1 << 20)
#define MEMORY_PER_MESSAGE 48 /* times the largest message, at least */

struct memory {
    size_t limit; /* constant */
    _Atomic size_t bodies;
};

/* Sets the limit; if it is 0, to half of the memory of the machine or the
 * container, but no less than memory_least(). */
void memory_init(struct memory *memory, size_t limit, size_t max_message_bytes);

/* The lowest limit that is enough for messages of this size. */
size_t memory_least(size_t max_message_bytes);

/* The hub's part. */
size_t memory_for_messages(const struct memory *memory);

/* Takes from the part for bodies. Returns false if there is not enough;
 * otherwise it must be given back. Any thread. */
bool memory_take(struct memory *memory, size_t bytes);
void memory_give(struct memory *memory, size_t bytes);

/* The memory the process may use: the machine's, or the limit of its control
 * groups; see cgroup.h. */
uint64_t memory_available(const char *groups, const char *root);

#endif
