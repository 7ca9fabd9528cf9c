/* url.c - see url.h. */
#include "url.h"

#include <stdio.h>
#include <string.h>

#include "parse.h"

#define SCHEME "ws://"
#define PORT_DEFAULT 80

/* Bytes that would end the request line, or belong in no address. */
static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || *text == '\x7f' || *text == '#')
            return false;
    }
    return true;
}

/* The host: returns the byte behind it, or NULL. */
static const char *take_host(struct url *out, const char *text)
{
    const char *end;

    if (*text == '[') {
        end = strchr(++text, ']');
        if (end == NULL)
            return NULL;
    } else {
        end = text + strcspn(text, ":/?");
    }
    if (end == text || (size_t)(end - text) >= sizeof(out->host) ||
        memchr(text, '@', (size_t)(end - text)) != NULL)
        return NULL;
    memcpy(out->host, text, (size_t)(end - text));
    out->host[end - text] = '\0';
    return end + (*end == ']');
}

static const char *take_port(struct url *out, const char *text)
{
    char digits[8];
    size_t bytes;
    uint64_t port;

    out->port = PORT_DEFAULT;
    if (*text != ':')
        return text;
    text++;
    bytes = strcspn(text, "/?");
    if (bytes >= sizeof(digits))
        return NULL;
    memcpy(digits, text, bytes);
    digits[bytes] = '\0';
    if (parse_count(&port, digits) != 0 || port == 0 || port > UINT16_MAX)
        return NULL;
    out->port = (uint16_t)port;
    return text + bytes;
}

const char *url_parse(struct url *out, const char *text)
{
    const char *at;
    bool v6;

    if (strncmp(text, "wss://", 6) == 0)
        return "TLS is not spoken here: takes ws://";
    if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
        return "takes ws://host:port/path";
    if (!is_plain(text))
        return "white space, control characters and '#' do not belong here";
    at = text + strlen(SCHEME);
    v6 = *at == '[';
    at = take_host(out, at);
    if (at == NULL)
        return "takes a host behind ws://";
    at = take_port(out, at);
    if (at == NULL)
        return "takes a port from 1 to 65535";
    if (*at != '\0' && *at != '/' && *at != '?')
        return "takes ws://host:port/path";
    if (url_expand(NULL, 0, at, UINT32_MAX) >= URL_TARGET_BYTES)
        return "the path is too long";
    out->target = at;
    (void)snprintf(out->authority, sizeof(out->authority),
                   v6 ? "[%s]:%u" : "%s:%u", out->host, (unsigned)out->port);
    return NULL;
}

bool url_has_user(const char *text)
{
    return strstr(text, URL_USER) != NULL;
}

void url_user(char out[URL_USER_BYTES_MAX], uint32_t index)
{
    (void)snprintf(out, URL_USER_BYTES_MAX, "user-%u", (unsigned)index);
}

size_t url_expand(char *out, size_t size, const char *text, uint32_t index)
{
    char user[URL_USER_BYTES_MAX];
    size_t used = 0;

    url_user(user, index);
    while (*text != '\0') {
        const char *from = text;
        size_t bytes = 1;

        if (strncmp(text, URL_USER, strlen(URL_USER)) == 0) {
            from = user;
            bytes = strlen(user);
            text += strlen(URL_USER);
        } else {
            text++;
        }
        if (used + bytes < size)
            memcpy(out + used, from, bytes);
        used += bytes;
    }
    if (size > 0)
        out[used < size ? used : size - 1] = '\0';
    return used;
}
