/* failing_malloc.c - see failing_malloc.h. Threads: one. */
#include "failing_malloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cjson/cJSON.h>

static bool active, fails_all;
static unsigned asked, fail_at, failed;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t bytes);
FILE *__real_open_memstream(char **text, size_t *bytes);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int fd,
                  off_t offset);

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t bytes);
FILE *__wrap_open_memstream(char **text, size_t *bytes);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd,
                  off_t offset);

bool failing_malloc_hits(void)
{
    if (!active)
        return false;
    asked++;
    if (asked != fail_at && !(fails_all && asked > fail_at))
        return false;
    failed++;
    return true;
}

void *__wrap_malloc(size_t bytes)
{
    return failing_malloc_hits() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return failing_malloc_hits() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return failing_malloc_hits() ? NULL : __real_realloc(memory, bytes);
}

char *__wrap_strdup(const char *text)
{
    return failing_malloc_hits() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t bytes)
{
    return failing_malloc_hits() ? NULL : __real_strndup(text, bytes);
}

FILE *__wrap_open_memstream(char **text, size_t *bytes)
{
    return failing_malloc_hits() ? NULL : __real_open_memstream(text, bytes);
}

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd,
                  off_t offset)
{
    return failing_malloc_hits()
               ? MAP_FAILED
               : __real_mmap(at, bytes, protection, flags, fd, offset);
}

void failing_malloc_start(unsigned nth, bool all)
{
    cJSON_Hooks hooks = {.malloc_fn = __wrap_malloc, .free_fn = free};

    cJSON_InitHooks(&hooks);
    asked = failed = 0;
    fail_at = nth;
    fails_all = all;
    active = true;
}

unsigned failing_malloc_stop(void)
{
    active = false;
    return failed;
}
