/* chunks.c - a state for each place where the bytes may end. Data is moved in
 * one go, everything else is handled byte by byte.
 */
#include "front/chunks.h"

#include <string.h>

#include "base/ascii.h"

#define DIGITS_MAX 16 /* of 64 bits */

/* What an extension or a trailer may contain. */
static bool is_text(unsigned char c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static void take_size(struct chunks *c, unsigned char byte)
{
    int digit = ascii_hex_value(byte);

    if (digit >= 0 && c->digits < DIGITS_MAX) {
        c->left = c->left << 4 | (unsigned)digit;
        c->digits++;
    } else if (c->digits > 0 && byte == '\r') {
        c->state = CHUNKS_SIZE_LF;
    } else if (c->digits > 0 && (byte == ';' || ascii_is_blank(byte))) {
        c->state = CHUNKS_EXTENSION;
    } else {
        c->state = CHUNKS_BROKEN;
    }
}

/* Takes text up to a CR. */
static void take_text(struct chunks *c, unsigned char byte, size_t most,
                      enum chunks_state behind)
{
    if (byte == '\r')
        c->state = behind;
    else if (!is_text(byte) || ++c->line_bytes > most)
        c->state = CHUNKS_BROKEN;
}

static void take_trailer_start(struct chunks *c, unsigned char byte)
{
    c->state = CHUNKS_TRAILER;
    take_text(c, byte, CHUNKS_TRAILERS_MAX, CHUNKS_END_LF);
}

static void take_line_feed(struct chunks *c, unsigned char byte,
                           enum chunks_state behind)
{
    c->state = byte == '\n' ? behind : CHUNKS_BROKEN;
}

/* Takes a byte that is not data. */
static void take(struct chunks *c, unsigned char byte)
{
    switch (c->state) {
    case CHUNKS_SIZE:
        take_size(c, byte);
        break;
    case CHUNKS_EXTENSION:
        take_text(c, byte, CHUNKS_LINE_MAX, CHUNKS_SIZE_LF);
        break;
    case CHUNKS_SIZE_LF:
        c->digits = 0;
        c->line_bytes = 0;
        take_line_feed(c, byte,
                       c->left > 0 ? CHUNKS_DATA : CHUNKS_TRAILER_START);
        break;
    case CHUNKS_DATA_CR:
        c->state = byte == '\r' ? CHUNKS_DATA_LF : CHUNKS_BROKEN;
        break;
    case CHUNKS_DATA_LF:
        take_line_feed(c, byte, CHUNKS_SIZE);
        break;
    case CHUNKS_TRAILER_START:
        take_trailer_start(c, byte);
        break;
    case CHUNKS_TRAILER:
        take_text(c, byte, CHUNKS_TRAILERS_MAX, CHUNKS_TRAILER_LF);
        break;
    case CHUNKS_TRAILER_LF:
        take_line_feed(c, byte, CHUNKS_TRAILER_START);
        break;
    case CHUNKS_END_LF:
        take_line_feed(c, byte, CHUNKS_DONE);
        break;
    case CHUNKS_DATA:
    case CHUNKS_DONE:
    case CHUNKS_BROKEN:
        break;
    }
}

/* Of `count` bytes, as many as are data. */
static size_t take_data(struct chunks *c, size_t count)
{
    if (c->state != CHUNKS_DATA)
        return 0;
    if (count > c->left)
        count = (size_t)c->left;
    c->left -= count;
    if (c->left == 0)
        c->state = CHUNKS_DATA_CR;
    return count;
}

size_t chunks_undo(struct chunks *chunks, char *bytes, size_t *count)
{
    size_t used = 0, put = 0;

    while (used < *count && chunks->state < CHUNKS_DONE) {
        size_t data = take_data(chunks, *count - used);

        if (data == 0)
            take(chunks, (unsigned char)bytes[used++]);
        memmove(bytes + put, bytes + used, data);
        put += data;
        used += data;
    }
    *count = used;
    return put;
}

size_t chunks_skip(struct chunks *chunks, const char *bytes, size_t count)
{
    size_t used = 0;

    while (used < count && chunks->state < CHUNKS_DONE) {
        size_t data = take_data(chunks, count - used);

        if (data == 0)
            take(chunks, (unsigned char)bytes[used++]);
        used += data;
    }
    return used;
}

bool chunks_broken(const struct chunks *chunks)
{
    return chunks->state == CHUNKS_BROKEN;
}

bool chunks_done(const struct chunks *chunks)
{
    return chunks->state == CHUNKS_DONE;
}

bool chunks_have_trailers(const struct chunks *chunks)
{
    return chunks->state > CHUNKS_TRAILER_START && chunks->line_bytes > 0;
}
