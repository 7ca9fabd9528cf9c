/* url.c - see url.h. libcurl parses URLs, and is more lenient than a benchmark
 * should be: "ws:/h", "ws://h:" and "ws://h:0080" are rejected here. The target
 * is the text as it was given.
 */
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define SCHEME "ws://"
#define PORT_DEFAULT 80
#define FORM "must be ws://host:port/path"
#define LIBCURL_FLAGS                                                          \
    (CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER | CURLU_PATH_AS_IS)

/* Without bytes that would end the request line, or that no URL may contain. */
static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || *text == '\x7f' || *text == '#')
            return false;
    }
    return true;
}

/* The name to look up, and its form in a Host header: an IPv6 address is in
 * brackets there, without its zone, which only has a meaning on this machine.
 */
static const char *take_host(struct url *out, const char *host,
                             const char *zone)
{
    bool v6 = *host == '[';
    size_t bytes = strlen(host) - (v6 ? 2 : 0);
    int used =
        snprintf(out->host, sizeof(out->host), "%.*s%s%s", (int)bytes,
                 host + v6, zone == NULL ? "" : "%", zone == NULL ? "" : zone);

    if (used < 1 || (size_t)used >= sizeof(out->host))
        return "must have a host after ws://";
    (void)snprintf(out->authority, sizeof(out->authority), "%s:%u", host,
                   (unsigned)out->port);
    return NULL;
}

/* `end` is where the authority ends, `digits` its port; NULL: none. */
static const char *take_port(struct url *out, const char *end,
                             const char *digits)
{
    unsigned long port = PORT_DEFAULT;
    bool as_spelled = end[-1] != ':';

    if (digits != NULL) {
        port = strtoul(digits, NULL, 10);
        as_spelled = *(end - strlen(digits) - 1) == ':';
    }
    if (port == 0 || !as_spelled)
        return "must have a port from 1 to 65535";
    out->port = (uint16_t)port;
    return NULL;
}

/* Translates libcurl's error. */
static const char *explain(CURLUcode code)
{
    if (code == CURLUE_OK)
        return NULL;
    if (code == CURLUE_OUT_OF_MEMORY)
        return "out of memory";
    if (code == CURLUE_BAD_PORT_NUMBER)
        return "must have a port from 1 to 65535";
    if (code == CURLUE_BAD_HOSTNAME || code == CURLUE_BAD_IPV6 ||
        code == CURLUE_NO_HOST || code == CURLUE_USER_NOT_ALLOWED)
        return "must have a host after ws://";
    return FORM;
}

static const char *take_parts(struct url *out, CURLU *parts)
{
    char *host = NULL, *zone = NULL, *port = NULL;
    const char *why;

    (void)curl_url_get(parts, CURLUPART_ZONEID, &zone, 0);
    (void)curl_url_get(parts, CURLUPART_PORT, &port, 0);
    why = explain(curl_url_get(parts, CURLUPART_HOST, &host, 0));
    if (why == NULL)
        why = take_port(out, out->target, port);
    if (why == NULL)
        why = take_host(out, host, zone);
    curl_free(port);
    curl_free(zone);
    curl_free(host);
    return why;
}

const char *url_parse(struct url *out, const char *text)
{
    const char *authority, *why;
    CURLU *parts;

    if (strncmp(text, "wss://", 6) == 0)
        return "TLS is not supported: use ws://";
    if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
        return FORM;
    if (!is_plain(text))
        return "must not contain white space, control characters or '#'";
    authority = text + strlen(SCHEME);
    out->target = authority + strcspn(authority, "/?");
    if (out->target == authority)
        return "must have a host after ws://";
    parts = curl_url();
    why = explain(parts == NULL ? CURLUE_OUT_OF_MEMORY
                                : curl_url_set(parts, CURLUPART_URL, text,
                                               LIBCURL_FLAGS));
    if (why == NULL)
        why = take_parts(out, parts);
    curl_url_cleanup(parts);
    if (why == NULL &&
        url_expand(NULL, 0, out->target, UINT32_MAX) >= URL_TARGET_BYTES)
        why = "the path is too long";
    return why;
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
