/* threads.h - how many threads the process may still have. Where there are
 * fewer than civetweb is told to start, it says it has started, and then hands
 * connections to workers that are not there, or accepts none at all.
 */
#ifndef HUBD_THREADS_H
#define HUBD_THREADS_H

#include <stddef.h>

/* Starts up to `wanted` threads that do nothing, and ends them. Returns how
 * many there were. The C library keeps their stacks for threads with stacks of
 * the same size, and to no use without any. */
unsigned threads_available(unsigned wanted, size_t stack_bytes);

/* How many there are now, or -1 if that cannot be told. */
int threads_count(void);

#endif
