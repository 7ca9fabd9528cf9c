/* json.h - one strict pass over a JSON text (RFC 8259, UTF-8) that finds where
 * its values are, without changing it: over a whole text, or over one that
 * arrives in pieces.
 *
 * No allocation and no recursion. Positions are offsets from the start of the
 * text, so that they mean the same in both cases; how the text was cut into
 * pieces affects neither what is found nor the order.
 *
 * Threads: any, a scanner is its caller's.
 */
#ifndef HUBD_JSON_H
#define HUBD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/utf8.h"

#define JSON_DEPTH_MAX 1000 /* of nested arrays and objects */
#define JSON_ITEM_DEPTH_MAX 4

enum json_type {
    JSON_TYPE_OBJECT,
    JSON_TYPE_ARRAY,
    JSON_TYPE_STRING,
    JSON_TYPE_NUMBER,
    JSON_TYPE_TRUE,
    JSON_TYPE_FALSE,
    JSON_TYPE_NULL,
};

/* A range of the text. */
struct json_span {
    size_t offset, bytes;
};

struct json_value {
    enum json_type type;
    struct json_span text; /* of strings, without the quotes */
};

/* A member of an object, or an element of an array. */
struct json_place {
    bool is_member;
    struct json_span name; /* of a member; escapes as written: json_string.h */
    size_t index;          /* among its siblings, from 0 */
};

/* An item that was read completely; so it comes after those within it. */
struct json_item {
    unsigned depth; /* 1: in the outermost object or array */
    /* `depth` places, from the outermost one to its own. For the callback to
     * use. */
    const struct json_place *path;
    struct json_value value;
};

/* Any result but 0 ends the scan with it. */
typedef int json_item_fn(void *context, const struct json_item *item);

/* What to report about a text, apart from whether it is JSON. */
struct json_report {
    json_item_fn *on_item;
    void *context;
    unsigned depth; /* items down to here, at most JSON_ITEM_DEPTH_MAX */
};

struct json_error {
    const char *what; /* a constant English phrase, without bytes of the text */
    size_t offset;    /* byte of the text, from 0 */
};

#define JSON_INVALID (-1)

/* A text that is there whole. --------------------------------------------- */

/* Scans `bytes` bytes at `text`; `report` may be NULL. Returns 0 and the top
 * value; JSON_INVALID and `error`, whose offset is where the text stops being
 * the beginning of valid JSON (its length when it ends too early); or what
 * `on_item` returned. Items are reported as they are found, so an error may
 * still follow. */
int json_scan(const char *text, size_t bytes, const struct json_report *report,
              struct json_value *top, struct json_error *error);

static inline struct slice json_slice(const char *text, struct json_span span)
{
    return (struct slice){text + span.offset, span.bytes};
}

/* A text that comes in pieces. -------------------------------------------- */

struct json_scanner {
    struct json_value top;   /* once json_end() has returned 0 */
    struct json_error error; /* once JSON_INVALID was returned */

    /* The rest is internal to the scanner. The piece that is being read: */
    const unsigned char *start, *at, *end;
    size_t before; /* bytes of the text before it */
    int result;    /* of a scan that failed or was ended */

    unsigned expect; /* what may come next */
    unsigned part;   /* of a token that continues there, or 0 */
    unsigned step;   /* how far that part has been read */
    unsigned char cut[UTF8_BYTES_MAX]; /* a character that continues there */
    struct json_item item;             /* its value is also the latest token */

    unsigned depth; /* number of open levels */
    bool in_object; /* the innermost one */
    struct json_report report;

    /* For open levels only; undefined for others. */
    /* Bit n: level n + 1 is an object. */
    uint64_t objects[(JSON_DEPTH_MAX + 63) / 64];
    size_t opened[JSON_ITEM_DEPTH_MAX + 1]; /* where level n + 1 began */
    struct json_place path[JSON_ITEM_DEPTH_MAX];
};

void json_begin(struct json_scanner *scanner, const struct json_report *report);

/* Takes the next bytes, which need not stay in memory, and reports the items
 * that end within them; a number only ends with the byte after it. Returns 0 as
 * long as the text may continue, or a result as json_scan(): that is final, and
 * returned again whatever is fed. */
int json_feed(struct json_scanner *scanner, const char *bytes, size_t count);

/* Ends the text. What is still open is now an error, and a number that could
 * have continued is complete, and may be reported. Returns as json_scan(). */
int json_end(struct json_scanner *scanner);

/* Up to where a caller may discard the text it has fed: no further item at
 * `depth` or deeper refers to bytes before this offset, nor do the places of
 * its path from path[depth - 1] on. `depth` is at least 1 and at most that of
 * the report. */
size_t json_kept(const struct json_scanner *scanner, unsigned depth);

#endif
