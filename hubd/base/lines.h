/* lines.h - lines out of bytes that come in pieces, as of NDJSON: each is
 * handed on as soon as its end has come, however the bytes were cut.
 *
 * Lines end with LF, or CR LF; the last one may end with the bytes. Those with
 * nothing but white space in them are passed over, but counted. No allocation:
 * a line that is whole within a piece is not copied, others are put together in
 * the caller's buffer.
 *
 * Threads: any, a splitter is its caller's.
 */
#ifndef HUBD_LINES_H
#define HUBD_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct line {
    uint64_t number;   /* from 1 */
    struct slice text; /* until the callback returns */
    /* It has more bytes than it may; text.start is NULL. Told once, as soon as
     * it shows; the rest of the line is passed over. */
    bool too_long;
};

/* Anything but 0 ends the splitting with that result. */
typedef int line_fn(void *context, const struct line *line);

struct lines {
    line_fn *on_line;
    void *context;
    char *buffer;
    size_t size; /* of the buffer */

    size_t used;     /* of the buffer, by the beginning of a line */
    uint64_t number; /* of the line that is being read */
    bool skipping;   /* the rest of one that is too long */
    int result;
};

/* Lines may have `size` - 1 bytes, without what ends them; `size` is at least
 * 1. The buffer stays the caller's and is in use until the last call. */
void lines_begin(struct lines *lines, char *buffer, size_t size,
                 line_fn *on_line, void *context);

/* Returns 0, or what `on_line` returned: that is final, and returned again
 * whatever is fed. */
int lines_feed(struct lines *lines, const char *bytes, size_t count);

/* Says that no more comes, so that what stands behind the last line end is a
 * line. Returns as lines_feed(). */
int lines_end(struct lines *lines);

#endif
