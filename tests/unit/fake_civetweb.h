/* fake_civetweb.h - a request as civetweb presents it: parsed in place, with
 * its pointers into one buffer and NULs over colons and line ends. Accepts and
 * drops what civetweb 1.15 accepts and drops; also tabs and bytes above 127,
 * which other versions may accept.
 */
#ifndef FAKE_CIVETWEB_H
#define FAKE_CIVETWEB_H

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include <civetweb.h>

/* Returns where the next word begins, or NULL. */
static inline char *fake_word(char *at, bool last)
{
    while (isgraph((unsigned char)*at) || (unsigned char)*at > 127)
        at++;
    if (last ? *at != '\r' && *at != '\n' : *at != ' ')
        return NULL;
    do
        *at++ = '\0';
    while (isspace((unsigned char)*at));
    return at;
}

/* One field line at *at, which moves behind it. Returns 1, 0 where civetweb's
 * list ends, or -1 where it refuses. */
static inline int fake_field(char **at, struct mg_header *header)
{
    char *p = *at;

    while (*p > ' ' && *p < 127 && *p != ':')
        p++;
    if (p == *at)
        return 0;
    while (*p == ' ')
        *p++ = '\0';
    if (*p != ':')
        return -1;
    *p++ = '\0';
    p += strspn(p, " \t");
    *header = (struct mg_header){*at, p};
    p += strcspn(p, "\r\n");
    if (*p == '\r') {
        *p++ = '\0';
        if (*p != '\n')
            return -1;
    }
    if (*p == '\n')
        *p++ = '\0';
    *at = p;
    return 1;
}

/* How long the head at `at` is, up to and with an empty line, or 0. */
static inline size_t fake_head_bytes(const char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char c = at[i], before = i > 0 ? at[i - 1] : 'x';

        if (iscntrl((unsigned char)c) && c != '\r' && c != '\n' && c != '\t')
            return 0;
        if (c == '\n' && before == '\n')
            return i + 1;
        if (c == '\n' && before == '\r' && i >= 3 && at[i - 2] == '\n' &&
            at[i - 3] == '\r')
            return i + 1;
    }
    return 0;
}

/* It has a list of them, of which all are spelt with these. */
static inline bool fake_method(const char *method)
{
    return strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == strlen(method);
}

/* Parses what is in the buffer. Returns false where civetweb refuses. */
static inline bool fake_civetweb(char *buffer, size_t size,
                                 struct mg_request_info *info)
{
    char *at = buffer, *query;
    size_t bytes;
    int more = 1;

    memset(info, 0, sizeof(*info));
    while (at < buffer + size && isspace((unsigned char)*at))
        at++;
    bytes = fake_head_bytes(at, size - (size_t)(at - buffer));
    if (bytes == 0)
        return false;
    at[bytes - 1] = '\0';
    info->request_method = at;
    info->request_uri = at = fake_word(at, false);
    if (at == NULL)
        return false;
    info->http_version = at = fake_word(at, false);
    if (at == NULL)
        return false;
    at = fake_word(at, true);
    if (at == NULL || strncmp(info->http_version, "HTTP/", 5) != 0 ||
        !fake_method(info->request_method))
        return false;
    info->http_version += strlen("HTTP/");
    while (more > 0 && info->num_headers < MG_MAX_HEADERS) {
        more = fake_field(&at, &info->http_headers[info->num_headers]);
        if (more < 0)
            return false;
        info->num_headers += more;
        if (*at == '\r' || *at == '\n' || *at == '\0')
            break;
    }
    if (*info->request_uri != '/')
        return false; /* of another server, or of none */
    query = strchr(info->request_uri, '?');
    if (query != NULL) {
        *query = '\0';
        info->query_string = query + 1;
    }
    info->local_uri_raw = info->request_uri;
    return true;
}

#endif
