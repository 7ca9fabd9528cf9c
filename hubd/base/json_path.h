/* json_path.h - which value of a JSON text is meant: that of a member of the
 * outermost object, by its name; or one within, by a JSON pointer (RFC 6901)
 * such as /realm/user, which begins with a '/'.
 *
 * Pure. A path is a value: it may be copied.
 */
#ifndef HUBD_JSON_PATH_H
#define HUBD_JSON_PATH_H

#include "base/json.h"

#define JSON_PATH_BYTES_MAX 256

struct json_path {
    unsigned depth; /* of what it names, from 1; 0: it names nothing */
    unsigned short part[JSON_ITEM_DEPTH_MAX]; /* where each begins in `parts` */
    char parts[JSON_PATH_BYTES_MAX + 1];      /* with a NUL behind each */
};

/* Takes a name of 1 to JSON_PATH_BYTES_MAX bytes, or a pointer that long with
 * at most JSON_ITEM_DEPTH_MAX parts. Returns 0, or -1: it is neither. */
int json_path_parse(struct json_path *path, const char *text);

enum json_path_match {
    JSON_PATH_OTHER,
    JSON_PATH_ABOVE, /* what is meant is in it, if it is there */
    JSON_PATH_SAME,
};

/* What an item that a scan of `text` has reported is to the path. */
enum json_path_match json_path_match(const struct json_path *path,
                                     const char *text,
                                     const struct json_item *item);

#endif
