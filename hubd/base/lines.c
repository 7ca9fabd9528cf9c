/* lines.c - see lines.h.
 *
 * The buffer has room for the longest line and for a CR after it, which may or
 * may not be followed by an LF.
 */
#include "base/lines.h"

#include <string.h>

#include "base/ascii.h"

void lines_begin(struct lines *lines, char *buffer, size_t size,
                 line_fn *on_line, void *context)
{
    *lines = (struct lines){
        .on_line = on_line,
        .context = context,
        .buffer = buffer,
        .size = size,
        .number = 1,
    };
}

static bool is_empty(struct slice text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        if (!ascii_is_blank(text.start[i]) && text.start[i] != '\r')
            return false;
    }
    return true;
}

static void tell(struct lines *lines, struct slice text, bool too_long)
{
    const struct line line = {lines->number, text, too_long};

    lines->result = lines->on_line(lines->context, &line);
}

/* `text` is the line up to its LF. */
static void tell_line(struct lines *lines, struct slice text)
{
    if (is_empty(text))
        return;
    if (text.start[text.bytes - 1] == '\r')
        text.bytes--;
    tell(lines, text, false);
}

/* Whether the line, of which `part` comes next, is too long even if a CR at its
 * end is part of the line end. */
static bool is_too_long(const struct lines *lines, struct slice part)
{
    size_t room = lines->size - lines->used;

    return part.bytes > room ||
           (part.bytes == room && room > 0 && part.start[room - 1] != '\r');
}

/* Takes the next bytes of a line; `ended`: an LF follows them. */
static void take(struct lines *lines, struct slice part, bool ended)
{
    if (!lines->skipping && is_too_long(lines, part)) {
        lines->skipping = true;
        tell(lines, (struct slice){NULL, 0}, true);
    }
    if (!lines->skipping && (lines->used > 0 || !ended)) {
        memcpy(lines->buffer + lines->used, part.start, part.bytes);
        lines->used += part.bytes;
        part = (struct slice){lines->buffer, lines->used};
    }
    if (!ended)
        return;
    if (!lines->skipping)
        tell_line(lines, part);
    lines->skipping = false;
    lines->used = 0;
    lines->number++;
}

int lines_feed(struct lines *lines, const char *bytes, size_t count)
{
    while (count > 0 && lines->result == 0) {
        const char *end = memchr(bytes, '\n', count);
        size_t part = end ? (size_t)(end - bytes) : count;

        take(lines, (struct slice){bytes, part}, end != NULL);
        part += end != NULL;
        bytes += part;
        count -= part;
    }
    return lines->result;
}

int lines_end(struct lines *lines)
{
    struct slice rest = {lines->buffer, lines->used};

    lines->used = 0;
    if (lines->result == 0 && !lines->skipping)
        tell_line(lines, rest);
    return lines->result;
}
