/* secret.h - memory for secrets that must not leave the process: pages of its
 * own, left out of core dumps, zeroed in a forked child, and locked against
 * swapping if the limit on locked memory allows it. Threads: any.
 */
#ifndef HUBD_SECRET_H
#define HUBD_SECRET_H

#include <stddef.h>

/* Zeroed. Returns NULL without memory. */
void *secret_new(size_t bytes);

/* Wipes and releases what secret_new() returned for this many bytes. NULL is
 * allowed. */
void secret_free(void *secret, size_t bytes);

#endif
