/* json_token.h - the smallest parts of a JSON text: strings, numbers and words,
 * which may be cut anywhere by the end of a piece. For json.c alone.
 */
#ifndef HUBD_JSON_TOKEN_H
#define HUBD_JSON_TOKEN_H

#include "base/json.h"

enum json_token {
    JSON_TOKEN_INVALID = JSON_INVALID,
    JSON_TOKEN_WHOLE,
    JSON_TOKEN_CUT, /* all bytes are taken, and more must come */
};

/* Each reads on from the cursor and leaves type and place in
 * scanner->item.value.
 * The cursor never moves past a byte that cannot be part of valid JSON. */

/* A string that begins at the cursor, with a quote. */
enum json_token json_token_string(struct json_scanner *s);

/* Any value that is no object and no array, or nothing valid. */
enum json_token json_token_scalar(struct json_scanner *s);

/* U+FEFF, which some put before a text and which is always an error. To be
 * called where the text begins with the first byte of it. */
enum json_token json_token_mark(struct json_scanner *s);

/* What was cut, in the next piece. */
enum json_token json_token_resume(struct json_scanner *s);

/* What was cut, when no piece comes any more. */
enum json_token json_token_end(struct json_scanner *s);

/* The offset of the cursor. */
static inline size_t json_offset(const struct json_scanner *s)
{
    return s->before + (size_t)(s->at - s->start);
}

/* Says what is wrong at the cursor. */
int json_fail(struct json_scanner *s, const char *what);

#endif
