/* mem.h - every allocation of libhub goes through here, so that the tests can
 * make any of them fail. In the library these are malloc and friends. */
#ifndef HUB_MEM_H
#define HUB_MEM_H

#include <stddef.h>
#include <stdlib.h>

#ifdef HUB_TESTING

/* The hook is asked before each allocation; false makes it fail. */
typedef int hub__mem_hook_fn(void *context, size_t bytes);
void hub__mem_set_hook(hub__mem_hook_fn *hook, void *context);

void *hub__malloc(size_t bytes);
void *hub__calloc(size_t count, size_t bytes);
void *hub__realloc(void *memory, size_t bytes);

#else

#define hub__malloc(bytes) malloc(bytes)
#define hub__calloc(count, bytes) calloc((count), (bytes))
#define hub__realloc(memory, bytes) realloc((memory), (bytes))

#endif

#define hub__free(memory) free(memory)

#endif
