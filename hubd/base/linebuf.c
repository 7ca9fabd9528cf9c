/* linebuf.c - see linebuf.h. The text is split into code points; each is added
 * as it is, or as an escape, completely or not at all.
 */
#include "base/linebuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define NO_CHARACTER UINT32_MAX /* the byte is not UTF-8 */

struct character {
    uint32_t code; /* or NO_CHARACTER, with bytes 1 */
    size_t bytes;
};

void linebuf_init(struct linebuf *line, char *at, size_t size)
{
    *line = (struct linebuf){.at = at, .size = size};
    at[0] = '\0';
}

static void add_bytes(struct linebuf *line, const char *bytes, size_t count)
{
    if (count >= line->size - line->used) {
        line->full = true;
        return;
    }
    memcpy(line->at + line->used, bytes, count);
    line->used += count;
    line->at[line->used] = '\0';
}

void linebuf_add(struct linebuf *line, const char *text)
{
    add_bytes(line, text, strlen(text));
}

void linebuf_addf(struct linebuf *line, const char *format, ...)
{
    size_t room = line->size - line->used;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line->at + line->used, room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room) {
        line->at[line->used] = '\0';
        line->full = true;
        return;
    }
    line->used += (size_t)n;
}

/* The character at `text`, which ends with a NUL: that is never a continuation
 * byte, so nothing after it is read. */
static struct character next_character(const char *text)
{
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const unsigned char *p = (const unsigned char *)text;
    size_t bad, bytes = utf8_sequence(p, UTF8_BYTES_MAX, &bad);
    uint32_t code;

    if (bytes == 0)
        return (struct character){NO_CHARACTER, 1};
    code = p[0] & mask[bytes];
    for (size_t i = 1; i < bytes; i++)
        code = code << 6 | (p[i] & 0x3f);
    return (struct character){code, bytes};
}

/* Characters that a terminal or a log viewer may act on instead of showing
 * them. */
static bool is_unsafe(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x0000, 0x001f},   /* C0 */
        {0x007f, 0x009f},   /* DEL, C1 */
        {0x00ad, 0x00ad},   /* soft hyphen */
        {0x061c, 0x061c},   /* Arabic letter mark */
        {0x200b, 0x200f},   /* zero width, direction marks */
        {0x2028, 0x202e},   /* line separators, direction embedding */
        {0x2060, 0x206f},   /* invisible operators, isolates */
        {0xfeff, 0xfeff},   /* byte order mark */
        {0xfff9, 0xfffb},   /* interlinear annotation */
        {0xe0000, 0xe007f}, /* tags */
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    }
    return false;
}

/* The letter of a two-character escape that C and JSON share, or 0. */
static char short_escape(uint32_t code)
{
    switch (code) {
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '"':
        return '"';
    case '\\':
        return '\\';
    default:
        return 0;
    }
}

bool linebuf_is_plain(const char *text)
{
    const char *p = text;

    while (*p) {
        struct character c = next_character(p);

        if (c.code == NO_CHARACTER || c.code == ' ' || c.code == '=' ||
            short_escape(c.code) || is_unsafe(c.code))
            return false;
        p += c.bytes;
    }
    return p != text;
}

static void add_escaped(struct linebuf *line, const char *at,
                        struct character c)
{
    unsigned byte = (unsigned char)*at;

    if (c.code != NO_CHARACTER && short_escape(c.code))
        linebuf_addf(line, "\\%c", short_escape(c.code));
    else if (c.code != NO_CHARACTER && !is_unsafe(c.code))
        add_bytes(line, at, c.bytes);
    else if (c.code == NO_CHARACTER || c.bytes == 1)
        linebuf_addf(line, "\\x%02x", byte);
    else if (c.code <= 0xffff)
        linebuf_addf(line, "\\u%04x", c.code);
    else
        linebuf_addf(line, "\\U%08x", c.code);
}

static void add_json(struct linebuf *line, const char *at, struct character c)
{
    if (c.code == NO_CHARACTER)
        linebuf_add(line, "\xef\xbf\xbd"); /* U+FFFD */
    else if (short_escape(c.code))
        linebuf_addf(line, "\\%c", short_escape(c.code));
    else if (!is_unsafe(c.code))
        add_bytes(line, at, c.bytes);
    else if (c.code <= 0xffff)
        linebuf_addf(line, "\\u%04x", c.code);
    else
        linebuf_addf(line, "\\u%04x\\u%04x",
                     0xd800 + ((c.code - 0x10000) >> 10),
                     0xdc00 + ((c.code - 0x10000) & 0x3ff));
}

typedef void add_fn(struct linebuf *line, const char *at, struct character c);

static void add_all(struct linebuf *line, const char *text, size_t max_bytes,
                    add_fn *add)
{
    const char *p = text;

    while (*p && !line->full) {
        struct character c = next_character(p);

        if ((size_t)(p - text) + c.bytes > max_bytes) {
            linebuf_add(line, "...");
            return;
        }
        add(line, p, c);
        p += c.bytes;
    }
}

void linebuf_add_escaped(struct linebuf *line, const char *text,
                         size_t max_bytes)
{
    add_all(line, text, max_bytes, add_escaped);
}

void linebuf_add_json(struct linebuf *line, const char *text, size_t max_bytes)
{
    add_all(line, text, max_bytes, add_json);
}
