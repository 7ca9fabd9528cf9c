/* failing_malloc.h - makes the nth allocation fail, of the code that a test
 * links statically and of cJSON. The linker wraps malloc and the like, see
 * CMakeLists.txt.
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
