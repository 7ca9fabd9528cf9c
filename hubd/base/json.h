/* json.h - one strict pass over a JSON text (RFC 8259, UTF-8) that finds where
 * the members of its outermost objects lie, and changes nothing.
 *
 * Pure: no allocation, no recursion, no state. Everything a slice names are
 * bytes of the text that was given.
 */
#ifndef HUBD_JSON_H
#define HUBD_JSON_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH_MAX 1000 /* of nested arrays and objects */

enum json_type {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

/* A piece of the text; strings without their quotes, escapes as written. */
struct json_slice {
    const char *start;
    size_t bytes;
};

struct json_value {
    enum json_type type;
    struct json_slice text; /* the whole value; strings without quotes */
};

/* One member of the top object (depth 1), or of an object that is a member of
 * it (depth 2). A member is reported when its value has been read, so those of
 * depth 2 come before the member that holds them. */
struct json_member {
    unsigned depth;
    struct json_slice parent; /* depth 2: name of the member that holds it */
    struct json_slice name;   /* escapes as written: see json_string_equals */
    struct json_value value;
};

/* Called for each member. Anything but 0 ends the scan with that result. */
typedef int json_member_fn(void *context, const struct json_member *member);

struct json_error {
    const char *what; /* a constant English phrase, no user bytes in it */
    size_t offset;    /* byte of the text, from 0 */
};

#define JSON_INVALID (-1)

/* Scans `bytes` bytes at `text`. Returns 0 and the top value; JSON_INVALID and
 * `error`, whose offset is where the text stops being the beginning of valid
 * JSON (its length when it ends too early); or what `on_member` (which may be
 * NULL) returned. Members are reported on the way: an error may come after. */
int json_scan(const char *text, size_t bytes, json_member_fn *on_member,
              void *context, struct json_value *top, struct json_error *error);

/* Whether a string of the text, once its escapes are undone, is `name`. */
bool json_string_equals(struct json_slice string, const char *name);

#define JSON_STRING_TOO_LONG (-1)
#define JSON_STRING_NUL (-2)       /* it holds U+0000 */
#define JSON_STRING_HALF_PAIR (-3) /* it holds half a surrogate pair */

/* Undoes the escapes of a string that json_scan() accepted, and ends it with a
 * NUL. Returns the number of bytes before that, or the first of the three above
 * that it meets; JSON_STRING_TOO_LONG: it does not fit into `size`. */
long json_string_decode(struct json_slice string, char *out, size_t size);

#endif
