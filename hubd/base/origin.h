/* origin.h - which web pages may open a WebSocket (RFC 6454, RFC 6455 10.2). */
#ifndef HUBD_ORIGIN_H
#define HUBD_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

struct origin_list {
    bool any; /* "*" */
    char **patterns;
    size_t count;
};

/* Comma list of scheme://host[:port], where the host may begin with "*." for
 * any name below it (not itself), and the port may be "*" for any. Schemes
 * other than those of the web may have no host ("file://"), or "*" for any one
 * ("moz-extension://" and a star). "null" is what browsers say where they name
 * no origin, and "*" alone allows everything. Returns 0, or -1 with the piece
 * that is wrong in `bad`. -2: out of memory. */
int origin_list_parse(struct origin_list *out, const char *text, char *bad,
                      size_t bad_bytes);
void origin_list_release(struct origin_list *list);

/* Scheme and host compare without case, ports after adding the scheme's own
 * (80, 443). NULL (no Origin header: not a browser) is allowed. */
bool origin_list_allows(const struct origin_list *list, const char *origin);

#endif
