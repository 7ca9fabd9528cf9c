/* linebuf.h - text put together piece by piece in a buffer of fixed size, with
 * the bytes of strangers made harmless on the way in.
 *
 * The text always ends with a NUL. A piece that does not fit is left out whole
 * and `full` says so; `used` may be set back to undo what was added since.
 */
#ifndef HUBD_LINEBUF_H
#define HUBD_LINEBUF_H

#include <stdbool.h>
#include <stddef.h>

struct linebuf {
    char *at;
    size_t size; /* at least 1 */
    size_t used; /* without the NUL */
    bool full;   /* something did not fit */
};

void linebuf_init(struct linebuf *line, char *at, size_t size);

void linebuf_add(struct linebuf *line, const char *text);
__attribute__((format(printf, 2, 3))) void
linebuf_addf(struct linebuf *line, const char *format, ...);

/* Whether escaping would leave the text as it is, and it holds no space and no
 * '=' and is not empty: whether it can stand in logfmt without quotes. */
bool linebuf_is_plain(const char *text);

/* Adds the text with quotes, backslashes, control characters, line separators,
 * characters that are invisible or turn the writing direction, and bytes that
 * are not UTF-8 written as C escapes. After `max_bytes` bytes of the text comes
 * "..." instead of the rest. */
void linebuf_add_escaped(struct linebuf *line, const char *text,
                         size_t max_bytes);

/* The same for the inside of a JSON string (RFC 8259, 7). Bytes that are not
 * UTF-8 become U+FFFD. */
void linebuf_add_json(struct linebuf *line, const char *text, size_t max_bytes);

#endif
