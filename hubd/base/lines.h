/* lines.h - splits bytes that come in pieces into lines, as for NDJSON: each
 * line is passed on as soon as its end arrives, however the bytes were cut.
 *
 * Lines end with LF, or CR LF; the last one may lack it. Lines of only white
 * space are skipped, but counted. No allocation: a line within a single piece
 * is not copied, others are assembled in the caller's buffer.
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
    /* The line is too long; text.start is NULL. Reported once, as soon as that
     * is known; the rest of the line is skipped. */
    bool too_long;
};

/* Any result but 0 ends the splitting with it. */
typedef int line_fn(void *context, const struct line *line);

struct lines {
    line_fn *on_line;
    void *context;
    char *buffer;
    size_t size; /* of the buffer */

    size_t used;     /* of the buffer, by the start of a line */
    uint64_t number; /* of the line that is being read */
    bool skipping;   /* skipping the rest of a line that is too long */
    int result;
};

/* Lines may have `size` - 1 bytes, without their line end; `size` is at least
 * 1. The buffer stays the caller's and is used until the last call. */
void lines_begin(struct lines *lines, char *buffer, size_t size,
                 line_fn *on_line, void *context);

/* Returns 0, or what `on_line` returned: that is final, and returned again
 * whatever is fed. */
int lines_feed(struct lines *lines, const char *bytes, size_t count);

/* Ends the input, so that what follows the last line end is a line. Returns as
 * lines_feed(). */
int lines_end(struct lines *lines);

#endif
