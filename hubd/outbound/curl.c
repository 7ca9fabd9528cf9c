/* curl.c - see curl.h. */
#include "outbound/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SONAME "libcurl.so.4" /* matches the headers */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct curl curl;
static char problem[256]; /* "": loaded */

/* POSIX allows dlsym() to return functions. */
static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);

    memcpy(function, &found, sizeof(found));
    return found != NULL;
}

static bool find_all(void *library)
{
    bool found = true;

#define CURL_FIND(name)                                                        \
    found = found && find(library, "curl_" #name, (void *)&curl.name);
    CURL_FUNCTIONS(CURL_FIND)
#undef CURL_FIND
    return found;
}

static void load(void)
{
    void *library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL || !find_all(library))
        (void)snprintf(problem, sizeof(problem), "cannot load libcurl: %s",
                       dlerror());
    else if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        (void)snprintf(problem, sizeof(problem), "cannot start libcurl");
}

const struct curl *curl_load(char *error, size_t error_bytes)
{
    (void)pthread_once(&once, load);
    if (problem[0] == '\0')
        return &curl;
    (void)snprintf(error, error_bytes, "%s", problem);
    return NULL;
}
