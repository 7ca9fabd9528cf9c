/* memory.h - HUB_MEMORY_LIMIT and how it is shared out: three quarters for what
 * the hub holds of messages, one for request bodies on their way there.
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

/* The limit that is set, or of its own choice if that is 0: half of what the
 * machine has or the container may use, and no less than is allowed. */
void memory_init(struct memory *memory, size_t limit, size_t max_message_bytes);

/* The least limit that messages of this size can do with. */
size_t memory_least(size_t max_message_bytes);

/* The hub's part. */
size_t memory_for_messages(const struct memory *memory);

/* Takes from the part for bodies. Returns false if there is not so much; to be
 * given back otherwise. Any thread. */
bool memory_take(struct memory *memory, size_t bytes);
void memory_give(struct memory *memory, size_t bytes);

/* What the process may use: the machine's memory, or what its control groups
 * let it have; see cgroup.h. */
uint64_t memory_available(const char *groups, const char *root);

#endif
