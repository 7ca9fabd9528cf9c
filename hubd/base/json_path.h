/* json_path.h - names a value in a JSON text: a member of the outermost object,
 * by its name; or a nested one, by a JSON pointer (RFC 6901) such as
 * /realm/user.
 *
 * Pure. A path is a value: it may be copied.
 */
#ifndef HUBD_JSON_PATH_H
#define HUBD_JSON_PATH_H

#include "base/json.h"

#define JSON_PATH_BYTES_MAX 256

struct json_path {
    unsigned depth; /* of the value, from 1; 0: names nothing */
    unsigned short part[JSON_ITEM_DEPTH_MAX]; /* start of each in `parts` */
    char parts[JSON_PATH_BYTES_MAX + 1];      /* a NUL after each */
};

/* Accepts a name of 1 to JSON_PATH_BYTES_MAX bytes, or a pointer of that length
 * with at most JSON_ITEM_DEPTH_MAX parts. Returns 0 or -1. */
int json_path_parse(struct json_path *path, const char *text);

enum json_path_match {
    JSON_PATH_OTHER,
    JSON_PATH_ABOVE, /* the item may contain the value */
    JSON_PATH_SAME,
};

/* How an item reported by a scan of `text` relates to the path. */
enum json_path_match json_path_match(const struct json_path *path,
                                     const char *text,
                                     const struct json_item *item);

#endif
