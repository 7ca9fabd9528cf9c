/* curl.h - libcurl, loaded on first use: with its dependencies it is as large
 * as hubd, and most hubds do not need it. Only for outbound/.
 */
#ifndef HUBD_CURL_H
#define HUBD_CURL_H

#include <curl/curl.h>

#define CURL_FUNCTIONS(X)                                                      \
    X(easy_cleanup)                                                            \
    X(easy_getinfo)                                                            \
    X(easy_init)                                                               \
    X(easy_setopt)                                                             \
    X(easy_strerror)                                                           \
    X(free)                                                                    \
    X(global_init)                                                             \
    X(multi_add_handle)                                                        \
    X(multi_cleanup)                                                           \
    X(multi_info_read)                                                         \
    X(multi_init)                                                              \
    X(multi_perform)                                                           \
    X(multi_poll)                                                              \
    X(multi_remove_handle)                                                     \
    X(multi_wakeup)                                                            \
    X(url)                                                                     \
    X(url_cleanup)                                                             \
    X(url_get)                                                                 \
    X(url_set)

/* Each is curl_…(). */
struct curl {
#define CURL_MEMBER(name) __typeof__ (&curl_##name)(name);
    CURL_FUNCTIONS(CURL_MEMBER)
#undef CURL_MEMBER
};

/* Loads and initializes it in the first call, for good. Returns NULL and one
 * line in `error`. Threads: any. */
const struct curl *curl_load(char *error, size_t error_bytes);

#endif
