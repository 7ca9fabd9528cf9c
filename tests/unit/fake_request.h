/* fake_request.h - a request as civetweb hands it out: parsed in place, with
 * its pointers into one buffer and NULs over colons and line ends. Takes and
 * drops what civetweb 1.15 takes and drops.
 */
#ifndef FAKE_REQUEST_H
#define FAKE_REQUEST_H

#include <check.h>
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include <civetweb.h>

#include "request.h"

struct fake_request {
    _Alignas(16) char bytes[REQUEST_HEAD_MAX]; /* as malloc has it */
    struct mg_request_info info;
};

static inline char *fake_word(char *at, bool last)
{
    while (isgraph((unsigned char)*at))
        at++;
    ck_assert(last ? *at == '\r' || *at == '\n' : *at == ' ');
    do
        *at++ = '\0';
    while (isspace((unsigned char)*at));
    return at;
}

/* One field line; NULL where civetweb's list ends. */
static inline char *fake_field(char *at, struct mg_header *header)
{
    char *name = at;

    while (*at > ' ' && *at < 127 && *at != ':')
        at++;
    if (at == name)
        return NULL;
    while (*at == ' ')
        *at++ = '\0';
    ck_assert_int_eq(*at, ':');
    *at++ = '\0';
    at += strspn(at, " \t");
    *header = (struct mg_header){name, at};
    at += strcspn(at, "\r\n");
    if (*at == '\r')
        *at++ = '\0';
    if (*at == '\n')
        *at++ = '\0';
    return at;
}

static inline void fake_parse(struct fake_request *fake, const char *text,
                              size_t bytes)
{
    struct mg_request_info *info = &fake->info;
    char *at = fake->bytes;

    ck_assert_uint_le(bytes, sizeof(fake->bytes));
    memset(fake->bytes, 'x', sizeof(fake->bytes));
    memset(info, 0, sizeof(*info));
    memcpy(fake->bytes, text, bytes);
    fake->bytes[bytes - 1] = '\0';
    while (isspace((unsigned char)*at))
        at++;
    info->request_method = at;
    info->request_uri = at = fake_word(at, false);
    info->http_version = at = fake_word(at, false);
    at = fake_word(at, true);
    info->http_version += strlen("HTTP/");
    while (info->num_headers < MG_MAX_HEADERS) {
        at = fake_field(at, &info->http_headers[info->num_headers]);
        if (at == NULL)
            break;
        info->num_headers++;
        if (*at == '\r' || *at == '\n')
            break;
    }
    char *query = strchr(info->request_uri, '?');
    if (query != NULL) {
        *query = '\0';
        info->query_string = query + 1;
    }
    info->local_uri_raw = info->request_uri;
}

/* Parses and checks, as if it were the first in its buffer. */
static inline int fake_check(struct fake_request *fake, struct request *request,
                             const char *text, struct refusal *why)
{
    const char *buffer = fake->bytes;

    fake_parse(fake, text, strlen(text));
    return request_check(request, &fake->info, &buffer, why);
}

#endif
