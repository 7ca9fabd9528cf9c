/* url.h - the URL of the hub, and replacing {user} in a URL. Pure. */
#ifndef HUB_BENCH_URL_H
#define HUB_BENCH_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/handshake.h"

#define URL_USER "{user}"
#define URL_USER_BYTES_MAX 16 /* "user-4294967295" and its NUL */
#define URL_HOST_BYTES 256
#define URL_TARGET_BYTES HANDSHAKE_TARGET_BYTES /* with users filled in */

struct url {
    /* A name or an address, for getaddrinfo(). */
    char host[URL_HOST_BYTES];
    /* host:port, for the Host header. */
    char authority[HANDSHAKE_AUTHORITY_BYTES];
    uint16_t port;
    /* Path and query, in the text that was parsed; starts with '/' or '?', or
     * is empty. */
    const char *target;
};

/* Parses ws://host[:port][/path][?query]. Returns NULL, or what is wrong. */
const char *url_parse(struct url *out, const char *text);

bool url_has_user(const char *text);

/* The name that client `index` connects as. */
void url_user(char out[URL_USER_BYTES_MAX], uint32_t index);

/* Copies `text` with every {user} replaced by that name. Returns its length
 * without the NUL, as snprintf() does. */
size_t url_expand(char *out, size_t size, const char *text, uint32_t index);

#endif
