/* linebuf.h - text assembled piece by piece in a buffer of fixed size;
 * untrusted bytes can be escaped on the way in.
 *
 * The text always ends with a NUL. A piece that does not fit is left out
 * completely, and `full` is set; `used` may be reset to undo what was added
 * since.
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

/* Whether the text can stand in logfmt without quotes: it needs no escaping,
 * has no space and no '=', and is not empty. */
bool linebuf_is_plain(const char *text);

/* Adds the text, with C escapes for quotes, backslashes, control characters,
 * line separators, characters that are invisible or change the writing
 * direction, and bytes that are not UTF-8. After `max_bytes` bytes of the text,
 * "..." stands for the rest. */
void linebuf_add_escaped(struct linebuf *line, const char *text,
                         size_t max_bytes);

/* The same for the inside of a JSON string (RFC 8259, 7). Bytes that are not
 * UTF-8 become U+FFFD. */
void linebuf_add_json(struct linebuf *line, const char *text, size_t max_bytes);

#endif
