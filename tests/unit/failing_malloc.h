/* failing_malloc.h - lets the nth allocation of what a test links statically
 * fail, and of cJSON. The linker is told to wrap malloc and its like, see
 * FAILING_MALLOC of CMakeLists.txt.
 */
#ifndef FAILING_MALLOC_H
#define FAILING_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* The nth from now on fails, and, with `all`, each one after it. */
void failing_malloc_start(unsigned nth, bool all);

/* Ends that. Returns how many have failed. */
unsigned failing_malloc_stop(void);

/* Whether the next one fails: for what allocates in other ways. */
bool failing_malloc_hits(void);

#endif
