/* secret.h - memory for what must not leave the process: pages of its own, left
 * out of core dumps, empty in a forked child, and kept from swap where the
 * limit on locked memory allows it. Threads: any.
 */
#ifndef HUBD_SECRET_H
#define HUBD_SECRET_H

#include <stddef.h>

/* Zeroed. Returns NULL without memory. */
void *secret_new(size_t bytes);

/* Wipes and releases what secret_new() gave for as many bytes. NULL is
 * allowed. */
void secret_free(void *secret, size_t bytes);

#endif
