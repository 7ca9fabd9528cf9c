/* netaddr.h - IP addresses and networks, and the client behind a proxy. */
#ifndef HUBD_NETADDR_H
#define HUBD_NETADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETADDR_TEXT_MAX 46 /* INET6_ADDRSTRLEN */

struct netaddr { /* IPv4 as ::ffff:a.b.c.d, RFC 4291 2.5.5.2 */
    uint8_t bytes[16];
};

struct netaddr_list {
    struct netaddr_net {
        struct netaddr base;
        unsigned prefix_bits; /* of 128 */
    } * nets;
    size_t count;
};

/* A numeric address; IPv6 optionally in [], optionally with a port as proxies
 * write it ("10.0.0.1:4711", "[::1]:80"). Returns 0 or -1. */
int netaddr_parse(struct netaddr *out, const char *text, size_t bytes);

/* Canonical text; IPv4 without the ::ffff: prefix. */
void netaddr_format(const struct netaddr *addr, char out[NETADDR_TEXT_MAX]);

/* 127.0.0.0/8 or ::1. */
bool netaddr_is_loopback(const struct netaddr *addr);

/* A comma-separated list of addresses and CIDR networks, whose bits after the
 * prefix are ignored. IPv4 is in no IPv6 network larger than ::ffff:0:0/96.
 * Returns 0, or -1 with the invalid entry in `bad`. -2: out of memory. */
int netaddr_list_parse(struct netaddr_list *out, const char *text, char *bad,
                       size_t bad_bytes);
void netaddr_list_release(struct netaddr_list *list);
bool netaddr_list_has(const struct netaddr_list *list,
                      const struct netaddr *addr);

/* The client that sent a request: `peer`, unless it is a trusted proxy; then
 * the rightmost address in X-Forwarded-For that is not one. `forwarded` holds
 * the values of all such header lines joined by ", ", or is NULL. An entry that
 * is not an address ends the search: then it is the last trusted hop. */
struct netaddr netaddr_client(const struct netaddr_list *trusted,
                              struct netaddr peer, const char *forwarded);

#endif
