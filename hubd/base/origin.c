/* origin.c - patterns are stored as lower-case text and parsed again for each
 * comparison, which happens once per connection.
 */
#include "base/origin.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"

#define HOST_BYTES_MAX 255

/* scheme://host:port, pointing into a text. */
struct origin {
    const char *scheme; /* or "null", and the rest is unset */
    size_t scheme_bytes;
    const char *host; /* with the [] of an IPv6 address */
    size_t host_bytes;
    unsigned port; /* the scheme's default if none is given; 0: it has none */
    bool any_port; /* only in a pattern */
};

/* Character classes of RFC 3986, independent of the locale. */
static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_scheme_byte(char c)
{
    return is_alpha(c) || ascii_is_digit(c) || c == '+' || c == '-' || c == '.';
}

static bool is_host_byte(char c)
{
    return is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '.' || c == '_';
}

static bool same_text(const char *a, size_t a_bytes, const char *b,
                      size_t b_bytes)
{
    return a_bytes == b_bytes && strncasecmp(a, b, a_bytes) == 0;
}

static unsigned default_port(const char *scheme, size_t bytes)
{
    static const struct {
        const char *scheme;
        unsigned port;
    } known[] = {{"http", 80}, {"https", 443}, {"ws", 80}, {"wss", 443}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (same_text(scheme, bytes, known[i].scheme, strlen(known[i].scheme)))
            return known[i].port;
    }
    return 0;
}

/* The 16 bytes of a host in brackets. */
static int parse_ip6(const char *host, size_t bytes, unsigned char out[16])
{
    char text[INET6_ADDRSTRLEN];

    if (bytes < 3 || bytes - 2 >= sizeof(text) || host[0] != '[' ||
        host[bytes - 1] != ']')
        return -1;
    memcpy(text, host + 1, bytes - 2);
    text[bytes - 2] = '\0';
    return inet_pton(AF_INET6, text, out) == 1 ? 0 : -1;
}

/* Where the host that begins at `p` ends, or NULL. */
static const char *host_end(const char *p, const char *end, bool pattern)
{
    unsigned char ip6[16];
    const char *at = p;

    if (p < end && *p == '[') {
        at = memchr(p, ']', (size_t)(end - p));
        if (!at || parse_ip6(p, (size_t)(at + 1 - p), ip6))
            return NULL;
        return at + 1;
    }
    if (pattern && end - p > 2 && p[0] == '*' && p[1] == '.')
        at = p += 2;
    while (at < end && is_host_byte(*at))
        at++;
    if (at == p || *p == '.' || at - p > HOST_BYTES_MAX)
        return NULL;
    return at;
}

static int parse_port(const char *p, const char *end, unsigned *port)
{
    unsigned value = 0;

    if (end - p < 1 || end - p > 5)
        return -1;
    for (; p < end; p++) {
        if (!ascii_is_digit(*p))
            return -1;
        value = value * 10 + (unsigned)(*p - '0');
    }
    if (value < 1 || value > 65535)
        return -1;
    *port = value;
    return 0;
}

/* Parses what is between the slashes and the end. */
static int parse_authority(struct origin *out, const char *end, bool pattern)
{
    const char *p = out->host;

    out->port = default_port(out->scheme, out->scheme_bytes);
    if (out->port == 0 && p == end)
        return 0; /* "file://" */
    if (out->port == 0 && pattern && *p == '*' && (p + 1 == end || p[1] == ':'))
        p++; /* browser extensions, whose ids differ between profiles */
    else
        p = host_end(p, end, pattern);
    if (!p)
        return -1;
    out->host_bytes = (size_t)(p - out->host);
    if (p == end)
        return 0;
    if (*p++ != ':')
        return -1;
    out->any_port = pattern && end - p == 1 && *p == '*';
    return out->any_port ? 0 : parse_port(p, end, &out->port);
}

static int parse(struct origin *out, struct slice text, bool pattern)
{
    const char *p = text.start, *end = p + text.bytes;

    if (p == end || !is_alpha(*p))
        return -1;
    while (p < end && is_scheme_byte(*p))
        p++;
    *out = (struct origin){.scheme = text.start,
                           .scheme_bytes = (size_t)(p - text.start)};
    if (p == end)
        return same_text(text.start, text.bytes, "null", 4) ? 0 : -1;
    if (end - p < 3 || memcmp(p, "://", 3) != 0)
        return -1;
    out->host = p + 3;
    return parse_authority(out, end, pattern);
}

/* The pattern as it is stored. */
static char *lower_copy(struct slice piece)
{
    char *copy = strndup(piece.start, piece.bytes);

    for (char *p = copy; p && *p; p++) {
        if (is_alpha(*p))
            *p = (char)(*p | 0x20);
    }
    return copy;
}

static int add_piece(struct origin_list *list, struct slice piece)
{
    struct origin parsed;

    if (piece.bytes == 1 && *piece.start == '*') {
        list->any = true;
        return 0;
    }
    if (same_text(piece.start, piece.bytes, "same", 4)) {
        list->same = true;
        return 0;
    }
    if (parse(&parsed, piece, true))
        return -1;
    list->patterns[list->count] = lower_copy(piece);
    if (!list->patterns[list->count])
        return -2;
    list->count++;
    return 0;
}

int origin_list_parse(struct origin_list *out, const char *text, char *bad,
                      size_t bad_bytes)
{
    struct origin_list list = {0};
    struct slice piece;

    list.patterns = calloc(slice_count(text), sizeof(*list.patterns));
    if (!list.patterns)
        return -2;
    while (slice_next(&text, &piece)) {
        int err = add_piece(&list, piece);

        if (err) {
            if (err == -1)
                slice_copy(piece, bad, bad_bytes);
            origin_list_release(&list);
            return err;
        }
    }
    *out = list;
    return 0;
}

void origin_list_release(struct origin_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->patterns[i]);
    free(list->patterns);
    *list = (struct origin_list){0};
}

/* A host of ours, as the one of an origin with that scheme. */
static int parse_host(struct origin *out, struct slice text, const char *scheme,
                      size_t scheme_bytes)
{
    *out = (struct origin){
        .scheme = scheme, .scheme_bytes = scheme_bytes, .host = text.start};
    return parse_authority(out, text.start + text.bytes, false);
}

static int add_host(struct origin_hosts *list, struct slice piece)
{
    static const char scheme[] = "https";
    struct origin parsed;

    if (parse_host(&parsed, piece, scheme, sizeof(scheme) - 1))
        return -1;
    list->hosts[list->count] = lower_copy(piece);
    if (!list->hosts[list->count])
        return -2;
    list->count++;
    return 0;
}

int origin_hosts_parse(struct origin_hosts *out, const char *text, char *bad,
                       size_t bad_bytes)
{
    struct origin_hosts list = {0};
    struct slice piece;

    list.hosts = calloc(slice_count(text), sizeof(*list.hosts));
    if (!list.hosts)
        return -2;
    while (slice_next(&text, &piece)) {
        int err = add_host(&list, piece);

        if (err) {
            if (err == -1)
                slice_copy(piece, bad, bad_bytes);
            origin_hosts_release(&list);
            return err;
        }
    }
    *out = list;
    return 0;
}

void origin_hosts_release(struct origin_hosts *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->hosts[i]);
    free(list->hosts);
    *list = (struct origin_hosts){0};
}

static bool host_matches(const struct origin *pattern,
                         const struct origin *origin)
{
    unsigned char a[16], b[16];

    if (!pattern->host || !origin->host) /* "null" */
        return pattern->host == origin->host;
    if (pattern->host_bytes == 0)
        return origin->host_bytes == 0;
    if (pattern->host[0] == '*') { /* "*.x.org": ends in ".x.org" */
        size_t tail = pattern->host_bytes - 1;

        return origin->host_bytes > tail &&
               same_text(pattern->host + 1, tail,
                         origin->host + origin->host_bytes - tail, tail);
    }
    if (!parse_ip6(pattern->host, pattern->host_bytes, a) &&
        !parse_ip6(origin->host, origin->host_bytes, b))
        return memcmp(a, b, sizeof(a)) == 0;
    return same_text(pattern->host, pattern->host_bytes, origin->host,
                     origin->host_bytes);
}

/* Only what has been loaded over the web has a host that says where from. */
static bool is_of_hosts(const struct origin_hosts *list,
                        const struct origin *origin)
{
    struct origin host;

    if (!default_port(origin->scheme, origin->scheme_bytes))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        if (!parse_host(&host, slice_of(list->hosts[i]), origin->scheme,
                        origin->scheme_bytes) &&
            host.port == origin->port && host_matches(&host, origin))
            return true;
    }
    return false;
}

static bool is_same(const struct origin *pattern, const struct origin *origin)
{
    return (pattern->any_port || pattern->port == origin->port) &&
           same_text(pattern->scheme, pattern->scheme_bytes, origin->scheme,
                     origin->scheme_bytes) &&
           host_matches(pattern, origin);
}

bool origin_list_allows(const struct origin_list *list, const char *origin)
{
    struct origin given, pattern;

    if (list->any || !origin)
        return true;
    if (parse(&given, slice_of(origin), false))
        return false;
    if (list->same && list->hosts && is_of_hosts(list->hosts, &given))
        return true;
    for (size_t i = 0; i < list->count; i++) {
        if (!parse(&pattern, slice_of(list->patterns[i]), true) &&
            is_same(&pattern, &given))
            return true;
    }
    return false;
}

bool origin_is_valid(struct slice text)
{
    struct origin parsed;

    return !parse(&parsed, text, false);
}

bool origin_equals(struct slice a, struct slice b)
{
    struct origin one, other;

    return !parse(&one, a, false) && !parse(&other, b, false) &&
           is_same(&one, &other);
}
