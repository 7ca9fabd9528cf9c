/* request.c - checks RFC 9112, by the traces of civetweb's parser.
 *
 * For each field line civetweb has put a NUL over the colon and over the line
 * end: "Name\0 value\0\0Next\0 ...", the last one followed by the CR of the
 * empty line and a NUL where its LF was. A bare LF leaves one NUL instead of
 * two, white space before a colon more than one; a folded line, a line without
 * a name, and the line after MG_MAX_HEADERS end the list early.
 */
#include "front/request.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <civetweb.h>

#include "base/ascii.h"

/* Bytes from the end of the last value to the end of the head. */
#define HEAD_TAIL 4

static int bad(struct refusal *why, const char *what)
{
    return refuse(why, REFUSAL_INVALID_REQUEST, "%s", what);
}

bool request_text_is(struct slice text, const char *wanted)
{
    return text.start != NULL && strlen(wanted) == text.bytes &&
           strncasecmp(text.start, wanted, text.bytes) == 0;
}

struct slice request_header(const struct mg_request_info *info,
                            const char *name, unsigned *count)
{
    struct slice found = {NULL, 0};
    unsigned seen = 0;

    for (int i = 0; i < info->num_headers; i++) {
        const struct mg_header *header = &info->http_headers[i];

        if (strcasecmp(header->name, name) != 0)
            continue;
        if (seen++ == 0)
            found = slice_trim(slice_of(header->value));
    }
    if (count != NULL)
        *count = seen;
    return found;
}

bool request_next(const struct request *request, unsigned *at,
                  const char **name, const char **value)
{
    const struct mg_request_info *info = request->info;

    if (*at >= (unsigned)info->num_headers)
        return false;
    *name = info->http_headers[*at].name;
    *value = info->http_headers[(*at)++].value;
    return true;
}

bool request_next_header(const struct request *request, const char *name,
                         unsigned *at, struct slice *value)
{
    const struct mg_request_info *info = request->info;

    while ((int)*at < info->num_headers) {
        const struct mg_header *header = &info->http_headers[(*at)++];

        if (strcasecmp(header->name, name) == 0) {
            *value = slice_trim(slice_of(header->value));
            return true;
        }
    }
    return false;
}

void request_wipe(const struct mg_request_info *info, const char *name)
{
    for (int i = 0; i < info->num_headers; i++) {
        const struct mg_header *header = &info->http_headers[i];

        /* In civetweb's buffer, which is writable: it has put NULs there. */
        if (strcasecmp(header->name, name) == 0)
            explicit_bzero((char *)header->value, strlen(header->value));
    }
}

/* Cuts the first member off a line, even an empty one. */
static struct slice cut(struct slice *line)
{
    const char *comma = memchr(line->start, ',', line->bytes);
    size_t bytes = comma != NULL ? (size_t)(comma - line->start) : line->bytes;
    struct slice member = slice_trim((struct slice){line->start, bytes});

    line->start += bytes + (comma != NULL);
    line->bytes -= bytes + (comma != NULL);
    return member;
}

bool request_list_next(struct request_list *list, struct slice *member)
{
    const struct mg_request_info *info = list->info;

    for (;;) {
        while (list->rest.bytes > 0) {
            *member = cut(&list->rest);
            if (member->bytes > 0)
                return true;
        }
        while (list->next < info->num_headers &&
               strcasecmp(info->http_headers[list->next].name, list->name) != 0)
            list->next++;
        if (list->next == info->num_headers)
            return false;
        list->rest.start = info->http_headers[list->next++].value;
        list->rest.bytes = strlen(list->rest.start);
    }
}

bool request_lists(const struct mg_request_info *info, const char *name,
                   const char *member)
{
    struct request_list list = {.info = info, .name = name};
    struct slice text;

    while (request_list_next(&list, &text)) {
        if (request_text_is(text, member))
            return true;
    }
    return false;
}

/* civetweb skips white space before a request, and with empty lines in it
 * considers the head finished too early and parses on into old buffer contents.
 * They have been turned into CRs by now. */
static int check_start(const char *method, const char *buffer,
                       struct refusal *why)
{
    if (buffer == NULL || method < buffer ||
        method >= buffer + REQUEST_HEAD_MAX)
        return bad(why, "the request cannot be checked byte by byte");
    while (buffer < method && *buffer == '\r')
        buffer++;
    if (buffer < method)
        return bad(why, "white space before the request line");
    return 0;
}

static int check_request_line(const struct mg_request_info *info,
                              struct refusal *why)
{
    const char *uri = info->request_uri;
    const char *uri_end = info->query_string != NULL
                              ? info->query_string + strlen(info->query_string)
                              : uri + strlen(uri);
    const char *version = info->http_version - strlen("HTTP/");

    if (uri != info->request_method + strlen(info->request_method) + 1 ||
        version != uri_end + 1)
        return bad(why, "the request line is malformed");
    return 0;
}

static int check_field(const struct mg_header *header, struct refusal *why)
{
    const char *gap = header->name + strlen(header->name) + 1;

    if (!ascii_is_token(header->name, strlen(header->name)))
        return bad(why,
                   "a header name is empty or contains an invalid character");
    for (; gap < header->value; gap++) {
        if (!ascii_is_blank(*gap))
            return bad(why, "white space between a header name and its colon");
    }
    return 0;
}

static int check_fields(const struct mg_request_info *info, const char *buffer,
                        struct refusal *why)
{
    const char *end = info->http_version + strlen(info->http_version);

    for (int i = 0; i < info->num_headers; i++) {
        const struct mg_header *header = &info->http_headers[i];

        if (header->name != end + 2)
            return bad(why, "a line does not end with CR LF");
        if (check_field(header, why) < 0)
            return -1;
        end = header->value + strlen(header->value);
    }
    if (info->num_headers == 0) { /* HTTP/1.0, or there is no Host */
        static const char nothing_more[] = {0, 0, 0, 0};

        return memcmp(end, nothing_more, sizeof(nothing_more)) == 0
                   ? 0
                   : bad(why, "a header line is malformed");
    }
    if (end + HEAD_TAIL > buffer + REQUEST_HEAD_MAX - HEAD_TAIL)
        return refuse(why, REFUSAL_HEADERS_TOO_LARGE,
                      "the request head is larger than %d bytes",
                      REQUEST_HEAD_MAX - 2 * HEAD_TAIL);
    if (end[1] == '\0' && end[2] == '\r' && end[3] == '\0')
        return 0;
    if (info->num_headers == MG_MAX_HEADERS)
        return refuse(why, REFUSAL_HEADERS_TOO_LARGE,
                      "more than %d header lines", MG_MAX_HEADERS);
    return bad(why, "a header line is malformed or folded");
}

static int check_host(const struct request *r, struct refusal *why)
{
    unsigned count;
    struct slice host = request_header(r->info, "Host", &count);

    if (count > 1 || (count == 0 && r->http11))
        return bad(why, "exactly one Host header is required");
    for (size_t i = 0; i < host.bytes; i++) {
        unsigned char c = (unsigned char)host.start[i];

        if (c >= 127 ||
            (!isalnum(c) && strchr("-._~:[]%!$&'()*+,;=", c) == NULL))
            return bad(why, "the Host header is malformed");
    }
    return 0;
}

static int read_length(struct request *r, struct refusal *why)
{
    unsigned count;
    struct slice text = request_header(r->info, "Content-Length", &count);

    r->content_length = -1;
    if (count == 0)
        return 0;
    if (count > 1 || text.bytes == 0)
        return bad(why, "Content-Length must be given once, as a number");
    r->content_length = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        int digit = text.start[i] - '0';

        if (digit < 0 || digit > 9)
            return bad(why, "Content-Length is not a number");
        if (r->content_length > (INT64_MAX - digit) / 10)
            return bad(why, "Content-Length is out of range");
        r->content_length = r->content_length * 10 + digit;
    }
    return 0;
}

static int read_coding(struct request *r, struct refusal *why)
{
    struct request_list list = {.info = r->info, .name = "Transfer-Encoding"};
    struct slice coding, another;
    unsigned lines;

    (void)request_header(r->info, list.name, &lines);
    if (lines == 0)
        return 0;
    if (!r->http11)
        return bad(why, "Transfer-Encoding is not allowed in HTTP/1.0");
    if (r->content_length >= 0)
        return bad(why,
                   "Content-Length and Transfer-Encoding must not be combined");
    if (!request_list_next(&list, &coding) ||
        !request_text_is(coding, "chunked") ||
        request_list_next(&list, &another))
        return bad(why, "Transfer-Encoding must be \"chunked\"");
    r->chunked = true;
    return 0;
}

static int read_expectation(struct request *r, struct refusal *why)
{
    struct request_list list = {.info = r->info, .name = "Expect"};
    struct slice expected;

    /* RFC 9110, 10.1.1: to be ignored in HTTP/1.0. */
    while (r->http11 && request_list_next(&list, &expected)) {
        if (!request_text_is(expected, "100-continue"))
            return refuse_as(why, REFUSAL_EXPECTATION_FAILED);
        r->expects_continue = true;
    }
    return 0;
}

/* civetweb looks only at the first Connection header, and at nothing else if
 * there is one; it also closes after every attempt to switch protocols, and
 * after trailers. If it will close, the reply has to say so. And a proxy that
 * has passed on an upgrade request may treat whatever its client sends next as
 * another protocol, and pass it on unchecked, whatever our answer. */
static bool wants_keep_alive(const struct request *r)
{
    const struct mg_request_info *info = r->info;
    struct request_list first = {info, "Connection", info->num_headers, {0}};
    struct slice option;
    bool keeps = false;
    unsigned count, trailers, upgrades;

    (void)request_header(info, "Trailer", &trailers);
    (void)request_header(info, "Upgrade", &upgrades);
    first.rest = request_header(info, first.name, &count);
    if (trailers > 0 || upgrades > 0)
        return false;
    if (count == 0)
        return r->http11;
    if (request_lists(info, first.name, "close"))
        return false;
    while (request_list_next(&first, &option))
        keeps |= request_text_is(option, "keep-alive");
    for (int i = 0; i < info->num_headers; i++) {
        const struct mg_header *header = &info->http_headers[i];

        if (strcasecmp(header->name, first.name) == 0)
            keeps &= strcasestr(header->value, "upgrade") == NULL;
    }
    return keeps;
}

int request_check(struct request *request, const struct mg_request_info *info,
                  const char *buffer, struct refusal *why)
{
    struct request *r = request;

    *r = (struct request){
        .info = info, .query = info->query_string, .content_length = -1};
    r->http11 = strcmp(info->http_version, "1.1") == 0;
    r->has_body = true; /* until it is known that there is none */
    if (check_start(info->request_method, buffer, why) < 0 ||
        check_request_line(info, why) < 0 ||
        check_fields(info, buffer, why) < 0 || check_host(r, why) < 0 ||
        read_length(r, why) < 0 || read_coding(r, why) < 0 ||
        read_expectation(r, why) < 0)
        return -1;
    r->has_body = r->chunked || r->content_length > 0;
    r->keep_alive = wants_keep_alive(r);
    return 0;
}
