/* origin.h - which web pages may open a WebSocket (RFC 6454, RFC 6455 10.2). */
#ifndef HUBD_ORIGIN_H
#define HUBD_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Names under which browsers reach this server. */
struct origin_hosts {
    char **hosts; /* "host" or "host:port" */
    size_t count;
};

struct origin_list {
    bool any;  /* "*" */
    bool same; /* "same": pages loaded from one of `hosts` */
    const struct origin_hosts *hosts; /* set by the owner; NULL: none */
    char **patterns;
    size_t count;
};

/* A comma-separated list of scheme://host[:port], where the host may begin with
 * "*." for any subdomain (but not the domain itself), and the port may be "*"
 * for any. Schemes other than those of the web may have no host ("file://"), or
 * "*" for any ("moz-extension://" and a star). "null" is what browsers send for
 * opaque origins, "same" stands for pages of the server itself, and "*" alone
 * allows everything. Returns 0, or -1 with the invalid entry in `bad`. -2: out
 * of memory. */
int origin_list_parse(struct origin_list *out, const char *text, char *bad,
                      size_t bad_bytes);
void origin_list_release(struct origin_list *list);

/* A comma-separated list of host[:port], without stars. Returns as above. */
int origin_hosts_parse(struct origin_hosts *out, const char *text, char *bad,
                       size_t bad_bytes);
void origin_hosts_release(struct origin_hosts *hosts);

/* Scheme and host are compared without case, ports after adding the scheme's
 * default (80, 443), also to a host without one. NULL (no Origin header, so not
 * a browser) is allowed. */
bool origin_list_allows(const struct origin_list *list, const char *origin);

/* Whether this is an origin as browsers send it. */
bool origin_is_valid(struct slice text);

/* Whether both are the same origin; false if one is invalid. */
bool origin_equals(struct slice a, struct slice b);

#endif
