/* json_token.h - the tokens of a JSON text: strings, numbers and words, which
 * may be cut off anywhere by the end of a piece. Only for json.c.
 */
#ifndef HUBD_JSON_TOKEN_H
#define HUBD_JSON_TOKEN_H

#include "base/json.h"

enum json_token {
    JSON_TOKEN_INVALID = JSON_INVALID,
    JSON_TOKEN_WHOLE,
    JSON_TOKEN_CUT, /* all bytes were taken, and more are needed */
};

/* Each reads from the cursor on and leaves type and position in
 * scanner->item.value. The cursor never moves past a byte that cannot be part
 * of valid JSON. */

/* A string that begins at the cursor, with a quote. */
enum json_token json_token_string(struct json_scanner *s);

/* Any value except objects and arrays, or an error. */
enum json_token json_token_scalar(struct json_scanner *s);

/* U+FEFF, a byte order mark, which is always an error. To be called if the text
 * begins with its first byte. */
enum json_token json_token_mark(struct json_scanner *s);

/* Continues a token that was cut off, in the next piece. */
enum json_token json_token_resume(struct json_scanner *s);

/* Ends a token that was cut off, when no more pieces come. */
enum json_token json_token_end(struct json_scanner *s);

/* The offset of the cursor. */
static inline size_t json_offset(const struct json_scanner *s)
{
    return s->before + (size_t)(s->at - s->start);
}

/* Says what is wrong at the cursor. */
int json_fail(struct json_scanner *s, const char *what);

#endif
