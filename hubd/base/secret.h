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

/* Leaves the pages that any of the bytes are in out of core dumps: for memory
 * of somebody else that secrets pass through. What else is in these pages goes
 * with them. */
void secret_undump(const void *start, size_t bytes);

/* Clears what string functions leave of what they have read in the vector
 * registers of this thread, from where it gets onto stacks (the dynamic linker
 * saves them when it binds a symbol) and into core dumps. */
void secret_clear_registers(void);

/* The same, and the stack that calls have used which have returned. */
void secret_clear_leftovers(void);

#endif
