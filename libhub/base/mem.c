/* mem.c - the allocator hook of the library's test build. Tests set it while no
 * hub is running, so the two variables need no lock. */
#include "base/mem.h"

#ifdef HUB_TESTING

static hub__mem_hook_fn *hook_fn;
static void *hook_context;

void hub__mem_set_hook(hub__mem_hook_fn *hook, void *context)
{
    hook_fn = hook;
    hook_context = context;
}

static int allowed(size_t bytes)
{
    return hook_fn == NULL || hook_fn(hook_context, bytes);
}

void *hub__malloc(size_t bytes)
{
    return allowed(bytes) ? malloc(bytes) : NULL;
}

void *hub__calloc(size_t count, size_t bytes)
{
    return allowed(count * bytes) ? calloc(count, bytes) : NULL;
}

void *hub__realloc(void *memory, size_t bytes)
{
    return allowed(bytes) ? realloc(memory, bytes) : NULL;
}

#else

/* ISO C requires a translation unit to declare something. */
typedef int hub__mem_has_no_hook;

#endif
