/* handshake.c - the public functions for the server's part of the opening
 * handshake, RFC 6455, 4.2, for programs whose HTTP server leaves it to them.
 * Pure; threads: any.
 */
#include <string.h>
#include <strings.h>

#include <hub/hub.h>

#include "base/sized.h"
#include "ws/sha1.h"

#define KEY_BYTES 24  /* 16 bytes in base64, */
#define KEY_DIGITS 22 /* of which this many are not padding */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* A header value, or a part of one. */
struct text {
    const char *start;
    size_t bytes;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct text trim(const char *start, size_t bytes)
{
    while (bytes > 0 && is_blank(start[0])) {
        start++;
        bytes--;
    }
    while (bytes > 0 && is_blank(start[bytes - 1]))
        bytes--;
    return (struct text){start, bytes};
}

static bool is(struct text text, const char *wanted)
{
    return strlen(wanted) == text.bytes &&
           strncasecmp(text.start, wanted, text.bytes) == 0;
}

/* Whether a comma list (RFC 9110, 5.6.1) has that token. */
static bool has(const char *list, const char *token)
{
    for (;;) {
        size_t bytes = strcspn(list, ",");

        if (is(trim(list, bytes), token))
            return true;
        if (list[bytes] == '\0')
            return false;
        list += bytes + 1;
    }
}

static bool is_key(struct text key)
{
    return key.bytes == KEY_BYTES &&
           memchr(key.start, '\0', KEY_BYTES) == NULL &&
           strspn(key.start, digits) == KEY_DIGITS &&
           memcmp(key.start + KEY_DIGITS, "==", 2) == 0;
}

/* Writes a digest in base64 (RFC 4648, 4): three bytes at a time, the last two
 * with padding. */
static void write_base64(char *out, const uint8_t digest[HUB__SHA1_BYTES])
{
    for (size_t i = 0; i < HUB__SHA1_BYTES; i += 3, out += 4) {
        uint32_t bits = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1]
                                                        << 8;

        if (i + 2 < HUB__SHA1_BYTES)
            bits |= digest[i + 2];
        for (unsigned j = 0; j < 4; j++)
            out[j] = digits[bits >> (18 - 6 * j) & 63];
    }
    out[-1] = '=';
    out[0] = '\0';
}

static void write_accept(char *accept, const char *key)
{
    char text[KEY_BYTES + sizeof GUID - 1];
    uint8_t digest[HUB__SHA1_BYTES];

    memcpy(text, key, KEY_BYTES);
    memcpy(text + KEY_BYTES, GUID, sizeof GUID - 1);
    hub__sha1(digest, text, sizeof text);
    write_base64(accept, digest);
}

int hub_accept_key(const char *key, char *accept)
{
    struct text trimmed;

    if (key == NULL || accept == NULL)
        return HUB_EINVAL;
    trimmed = trim(key, strlen(key));
    if (!is_key(trimmed))
        return HUB_EINVAL;
    write_accept(accept, trimmed.start);
    return 0;
}

int hub_handshake_header(struct hub_handshake *handshake, const char *name,
                         const char *value)
{
    struct hub_handshake *h = handshake;

    if (!hub__struct_is_whole(h, sizeof *h) || name == NULL || value == NULL)
        return HUB_EINVAL;
    if (strcasecmp(name, "Connection") == 0) {
        h->connection |= has(value, "upgrade");
    } else if (strcasecmp(name, "Upgrade") == 0) {
        h->upgrade |= has(value, "websocket");
    } else if (strcasecmp(name, "Sec-WebSocket-Version") == 0) {
        h->version = value;
        h->versions++;
    } else if (strcasecmp(name, "Sec-WebSocket-Key") == 0) {
        h->key = value;
        h->keys++;
    }
    return 0;
}

/* RFC 6455, 4.2.1: HTTP/1.1 or higher; major versions above 1 have no upgrades.
 */
static bool is_http_1_1(const char *version)
{
    if (version != NULL && strncmp(version, "HTTP/", 5) == 0)
        version += 5;
    return version != NULL && strncmp(version, "1.", 2) == 0 &&
           version[2] >= '1' && version[2] <= '9' && version[3] == '\0';
}

static int fail(const char **problem, int error, const char *text)
{
    if (problem != NULL)
        *problem = text;
    return error;
}

int hub_handshake_check(const struct hub_handshake *handshake, char *accept,
                        const char **problem)
{
    const struct hub_handshake *h = handshake;

    if (!hub__struct_is_whole(h, sizeof *h) || accept == NULL)
        return fail(problem, HUB_EINVAL, "an argument is missing");
    if (h->method == NULL || strcmp(h->method, "GET") != 0)
        return fail(problem, HUB_EINVAL, "a WebSocket handshake must be a GET");
    if (!is_http_1_1(h->http_version))
        return fail(problem, HUB_EINVAL,
                    "a WebSocket handshake needs HTTP/1.1");
    if (!h->connection)
        return fail(problem, HUB_EINVAL,
                    "the Connection header must include 'Upgrade'");
    if (!h->upgrade)
        return fail(problem, HUB_EINVAL,
                    "the Upgrade header must include 'websocket'");
    if (h->versions != 1 || !is(trim(h->version, strlen(h->version)), "13"))
        return fail(problem, HUB_ENOTSUP,
                    "the Sec-WebSocket-Version must be 13");
    if (h->keys != 1 || hub_accept_key(h->key, accept) != 0)
        return fail(problem, HUB_EINVAL,
                    "Sec-WebSocket-Key must be given once, as the base64 of "
                    "16 bytes");
    return 0;
}
