/* threads.h - how many more threads the process may have. If there are fewer
 * than civetweb is told to start, it still reports success, and then hands
 * connections to workers that do not exist, or accepts none at all.
 */
#ifndef HUBD_THREADS_H
#define HUBD_THREADS_H

#include <stddef.h>

/* Starts up to `wanted` threads that do nothing, and ends them. Returns how
 * many could be started. The C library caches their stacks, so `stack_bytes`
 * should be that of the threads to come. */
unsigned threads_available(unsigned wanted, size_t stack_bytes);

/* The current number of threads, or -1 if unknown. */
int threads_count(void);

#endif
