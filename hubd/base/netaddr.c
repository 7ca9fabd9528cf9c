/* netaddr.c - everything is compared as 128 bits; an IPv4 address is one in
 * ::ffff:0:0/96, and only networks with a prefix of 96 bits or more contain it,
 * so that ::/0 means only IPv6.
 */
#include "base/netaddr.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

#define V4_PREFIX_BITS 96

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_v4(const struct netaddr *addr)
{
    return memcmp(addr->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

/* An address and nothing else. */
static int parse_bare(struct netaddr *out, const char *text, size_t bytes)
{
    char copy[NETADDR_TEXT_MAX];
    struct netaddr addr;

    if (bytes >= sizeof(copy) || memchr(text, '\0', bytes))
        return -1;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    if (inet_pton(AF_INET6, copy, addr.bytes) != 1) {
        memcpy(addr.bytes, v4_prefix, sizeof(v4_prefix));
        if (inet_pton(AF_INET, copy, addr.bytes + sizeof(v4_prefix)) != 1)
            return -1;
    }
    *out = addr;
    return 0;
}

bool netaddr_is_loopback(const struct netaddr *addr)
{
    static const struct netaddr v6_loopback = {{[15] = 1}};

    return is_v4(addr) ? addr->bytes[sizeof(v4_prefix)] == 127
                       : memcmp(addr, &v6_loopback, sizeof(v6_loopback)) == 0;
}

/* A decimal number of at most `max`, with nothing around it. */
static int parse_number(unsigned *out, const char *text, size_t bytes,
                        unsigned max)
{
    unsigned value = 0;

    if (bytes == 0 || bytes > 5)
        return -1;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    if (value > max)
        return -1;
    *out = value;
    return 0;
}

/* What may follow an address: nothing, or a port. */
static int check_port(const char *text, size_t bytes)
{
    unsigned port;

    if (bytes == 0)
        return 0;
    return text[0] == ':' ? parse_number(&port, text + 1, bytes - 1, 65535)
                          : -1;
}

int netaddr_parse(struct netaddr *out, const char *text, size_t bytes)
{
    const char *colon = memchr(text, ':', bytes);
    size_t length = bytes;

    if (bytes > 0 && text[0] == '[') {
        const char *end = memchr(text, ']', bytes);

        if (!end || !colon || colon > end) /* no IPv6 address inside */
            return -1;
        length = (size_t)(end - text);
        if (check_port(end + 1, bytes - length - 1))
            return -1;
        return parse_bare(out, text + 1, length - 1);
    }
    /* A single colon separates an IPv4 address from a port. */
    if (colon && !memchr(colon + 1, ':', bytes - (size_t)(colon + 1 - text))) {
        length = (size_t)(colon - text);
        if (check_port(colon, bytes - length))
            return -1;
    }
    return parse_bare(out, text, length);
}

void netaddr_format(const struct netaddr *addr, char out[NETADDR_TEXT_MAX])
{
    if (is_v4(addr))
        inet_ntop(AF_INET, addr->bytes + sizeof(v4_prefix), out,
                  NETADDR_TEXT_MAX);
    else
        inet_ntop(AF_INET6, addr->bytes, out, NETADDR_TEXT_MAX);
}

/* Lists. --------------------------------------------------------------- */

/* The mask of byte `index` for a prefix of that length. */
static uint8_t prefix_mask(unsigned prefix_bits, unsigned index)
{
    if (prefix_bits >= index * 8 + 8)
        return 0xff;
    if (prefix_bits <= index * 8)
        return 0;
    return (uint8_t)(0xff << (8 - prefix_bits % 8));
}

static int parse_net(struct netaddr_net *out, struct slice piece)
{
    const char *slash = memchr(piece.start, '/', piece.bytes);
    size_t bytes = slash ? (size_t)(slash - piece.start) : piece.bytes;
    unsigned bits = 128, offset = 0;

    if (parse_bare(&out->base, piece.start, bytes))
        return -1;
    if (!memchr(piece.start, ':', bytes))
        offset = V4_PREFIX_BITS;
    if (slash) {
        if (parse_number(&bits, slash + 1, piece.bytes - bytes - 1,
                         128 - offset))
            return -1;
        bits += offset;
    }
    out->prefix_bits = bits;
    for (unsigned i = 0; i < 16; i++)
        out->base.bytes[i] &= prefix_mask(bits, i);
    return 0;
}

int netaddr_list_parse(struct netaddr_list *out, const char *text, char *bad,
                       size_t bad_bytes)
{
    struct netaddr_list list = {0};
    struct slice piece;

    list.nets = calloc(slice_count(text), sizeof(*list.nets));
    if (!list.nets)
        return -2;
    while (slice_next(&text, &piece)) {
        if (parse_net(&list.nets[list.count], piece)) {
            slice_copy(piece, bad, bad_bytes);
            netaddr_list_release(&list);
            return -1;
        }
        list.count++;
    }
    *out = list;
    return 0;
}

void netaddr_list_release(struct netaddr_list *list)
{
    free(list->nets);
    *list = (struct netaddr_list){0};
}

static bool net_has(const struct netaddr_net *net, const struct netaddr *addr)
{
    if (net->prefix_bits < V4_PREFIX_BITS && is_v4(addr))
        return false;
    for (unsigned i = 0; i < 16; i++) {
        uint8_t mask = prefix_mask(net->prefix_bits, i);

        if ((addr->bytes[i] & mask) != net->base.bytes[i])
            return false;
    }
    return true;
}

bool netaddr_list_has(const struct netaddr_list *list,
                      const struct netaddr *addr)
{
    for (size_t i = 0; i < list->count; i++) {
        if (net_has(&list->nets[i], addr))
            return true;
    }
    return false;
}

/* Proxies. ------------------------------------------------------------- */

/* Each proxy appends the address of its client, so only what trusted ones wrote
 * can be believed: from the right, up to the first address that is not trusted.
 */
struct netaddr netaddr_client(const struct netaddr_list *trusted,
                              struct netaddr peer, const char *forwarded)
{
    const char *end = forwarded ? forwarded + strlen(forwarded) : NULL;
    struct netaddr client = peer;

    while (end && netaddr_list_has(trusted, &client)) {
        const char *comma = memrchr(forwarded, ',', (size_t)(end - forwarded));
        const char *start = comma ? comma + 1 : forwarded;
        struct slice piece =
            slice_trim((struct slice){start, (size_t)(end - start)});

        if (netaddr_parse(&client, piece.start, piece.bytes))
            break;
        end = comma;
    }
    return client;
}
