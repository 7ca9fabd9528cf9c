/* head_fault.c - explains what is wrong with a head that civetweb rejected, in
 * words that help to fix it.
 *
 * Before civetweb parses, the bytes are as they came. Then it puts NULs between
 * words and lines, and only struct head knows what was there.
 */
#include <ctype.h>
#include <string.h>

#include "front/head.h"

#define NAME_SHOWN 40 /* bytes of a header name */

/* The bytes that arrived, without leading empty lines. */
struct bytes {
    const unsigned char *at;
    size_t count;
};

static bool invalid(struct refusal *why, const char *fault)
{
    (void)refuse(why, REFUSAL_INVALID_REQUEST, "%s", fault);
    return true;
}

/* Other protocols. ------------------------------------------------------ */

#define TLS                                                                    \
    "this looks like TLS, but the port speaks plain HTTP: use http:// or "     \
    "ws://, or terminate TLS in a proxy"
#define PROXY                                                                  \
    "this looks like the PROXY protocol, which is not supported: have the "    \
    "proxy send X-Forwarded-For instead"
#define HTTP2 "this looks like HTTP/2, but only HTTP/1.1 is supported"

static const struct foreign {
    const char *begin;
    size_t bytes;
    size_t start; /* after this many bytes of empty lines */
    const char *fault;
} foreigners[] = {
    {"\x16\x03", 2, 0, TLS}, {"PROXY!", 6, 0, PROXY},
    {"PROXY ", 6, 0, PROXY}, {"\0\r\nQUIT\n", 7, 4, PROXY}, /* version 2 */
    {"PRI ", 4, 0, HTTP2},   {"PRI\0", 4, 0, HTTP2},
};

/* A control character is enough: civetweb reads no further then. */
static bool begins(struct bytes b, const struct foreign *foreign)
{
    size_t bytes = foreign->bytes;

    if (b.count < bytes && iscntrl((unsigned char)foreign->begin[0]))
        bytes = b.count;
    return b.count >= bytes && memcmp(b.at, foreign->begin, bytes) == 0;
}

static const char *find_foreign(const struct head *h, struct bytes b)
{
    for (size_t i = 0; i < sizeof(foreigners) / sizeof(foreigners[0]); i++) {
        if (h->start == foreigners[i].start && begins(b, &foreigners[i]))
            return foreigners[i].fault;
    }
    return NULL;
}

/* Heads that were not parsed.
 * --------------------------------------------------- */

/* The name of the field that a byte is in. */
static void name_field(char name[NAME_SHOWN + 1], struct bytes b, size_t at)
{
    size_t bytes = 0;

    while (at > 0 && b.at[at - 1] != '\n')
        at--;
    while (bytes < NAME_SHOWN && at + bytes < b.count &&
           (isalnum(b.at[at + bytes]) || b.at[at + bytes] == '-')) {
        name[bytes] = (char)b.at[at + bytes];
        bytes++;
    }
    name[bytes] = '\0';
}

/* The first byte that a head must not contain; the count if there is none. */
static size_t find_bad_byte(struct bytes b)
{
    size_t i = 0;

    while (i < b.count && (b.at[i] >= 128 || isprint(b.at[i]) ||
                           b.at[i] == '\r' || b.at[i] == '\n'))
        i++;
    return i;
}

static void tell_bad_byte(const struct head *h, struct bytes b, size_t at,
                          struct refusal *why)
{
    static const char start[] = "this is not an HTTP request";
    static const char line[] = "the request line contains a control character";
    static const char field[] = "a header contains a control character";
    const char *fault = at == 0 ? start : line;
    char name[NAME_SHOWN + 1];

    if (h->fields > 0 && h->start + at >= h->fields) {
        name_field(name, b, at);
        (void)refuse(why, REFUSAL_INVALID_REQUEST, "%s: byte 0x%02x in \"%s\"",
                     field, b.at[at], name);
        why->fault = field;
        return;
    }
    (void)refuse(why, REFUSAL_INVALID_REQUEST, "%s: byte 0x%02x", fault,
                 b.at[at]);
    why->fault = fault;
}

/* The longest field is most likely the cause. */
static void tell_too_large(struct bytes b, size_t size, struct refusal *why)
{
    char name[NAME_SHOWN + 1] = "";
    size_t longest = 0, line = 0;

    for (size_t i = 0; i <= b.count; i++) {
        if (i < b.count && b.at[i] != '\n')
            continue;
        if (line > 0 && i - line > longest) {
            longest = i - line;
            name_field(name, b, line);
        }
        line = i + 1;
    }
    (void)refuse(why, REFUSAL_HEADERS_TOO_LARGE,
                 "the request head is larger than %zu bytes%s%s", size,
                 name[0] != '\0' ? "; its longest header is " : "", name);
    why->fault = "the request head is too large";
}

static bool tell_unparsed(const struct head *h, struct bytes b, size_t count,
                          size_t size, struct refusal *why)
{
    size_t bad = find_bad_byte(b);

    if (bad < b.count)
        tell_bad_byte(h, b, bad, why);
    else if (h->end == 0 && count >= size)
        tell_too_large(b, size, why);
    else
        return invalid(
            why, "the connection closed before the request head was complete");
    return true;
}

/* Heads that were parsed in part. -------------------------------------- */

static bool is_method(struct bytes b)
{
    static const char *const methods[] = {
        "GET",     "POST",    "PUT",    "DELETE",    "HEAD",
        "OPTIONS", "CONNECT", "PATCH",  "PROPFIND",  "MKCOL",
        "LOCK",    "UNLOCK",  "REPORT", "PROPPATCH",
    };
    size_t bytes = 0;

    while (bytes < b.count && isgraph(b.at[bytes]))
        bytes++;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strlen(methods[i]) == bytes && memcmp(methods[i], b.at, bytes) == 0)
            return true;
    }
    return false;
}

static const char *line_fault(const struct head *h, struct bytes b)
{
    if (h->plain)
        return is_method(b) ? "the request line is malformed"
                            : "the request method is unknown";
    for (size_t i = 0; i < h->fields - h->start && i < b.count; i++) {
        if (b.at[i] >= 128)
            return "the request line contains non-ASCII bytes, which must "
                   "be percent-encoded";
    }
    return "the request line is malformed";
}

static const char *parsed_fault(const struct head *h, struct bytes b,
                                enum head_parsed parsed)
{
    if (h->bare_lf)
        return "a line does not end with CR LF";
    if (h->strange)
        return "the request target is neither a path nor http://host/path";
    switch (parsed) {
    case HEAD_UNPARSED:
    case HEAD_LINE_FAILED:
        break;
    case HEAD_FIELD_FAILED:
        return "a header line is malformed";
    case HEAD_CODING_FAILED:
        return "Transfer-Encoding must be \"chunked\", on one line";
    case HEAD_LENGTH_FAILED:
        return "Content-Length is not a number";
    }
    return line_fault(h, b);
}

bool head_fault(const struct head *head, const char *text, size_t count,
                size_t size, enum head_parsed parsed, struct refusal *why)
{
    struct bytes b = {(const unsigned char *)text, count};
    const char *fault;

    if (count == head->start)
        return count == 0 && text == NULL
                   ? invalid(why, "the request is malformed")
                   : false;
    b.at += head->start;
    b.count -= head->start;
    fault = find_foreign(head, b);
    if (fault != NULL)
        return invalid(why, fault);
    if (parsed == HEAD_UNPARSED)
        return tell_unparsed(head, b, count, size, why);
    return invalid(why, parsed_fault(head, b, parsed));
}
