/* json_path.c - see json_path.h. */
#include "base/json_path.h"

#include <stdio.h>
#include <string.h>

#include "base/json_string.h"

#define INDEX_BYTES 24 /* enough for any size_t */

/* Undoes the escapes of a part: ~1 is '/', and ~0 is '~'. */
static int add_part(struct json_path *path, char **out, const char *part,
                    size_t bytes)
{
    if (path->depth == JSON_ITEM_DEPTH_MAX)
        return -1;
    path->part[path->depth++] = (unsigned short)(*out - path->parts);
    for (size_t i = 0; i < bytes; i++) {
        char c = part[i];

        if (c == '~') {
            i++;
            if (i == bytes || (part[i] != '0' && part[i] != '1'))
                return -1;
            c = part[i] == '0' ? '~' : '/';
        }
        *(*out)++ = c;
    }
    *(*out)++ = '\0';
    return 0;
}

int json_path_parse(struct json_path *path, const char *text)
{
    size_t bytes = strlen(text);
    char *out = path->parts;

    *path = (struct json_path){0};
    if (bytes < 1 || bytes > JSON_PATH_BYTES_MAX)
        return -1;
    if (*text != '/') {
        path->depth = 1;
        memcpy(path->parts, text, bytes + 1);
        return 0;
    }
    /* Each '/' makes room for the NUL of its part. */
    while (*text == '/') {
        size_t part = strcspn(++text, "/");

        if (add_part(path, &out, text, part))
            return -1;
        text += part;
    }
    return 0;
}

static bool is_part(const char *text, const struct json_place *place,
                    const char *part)
{
    char index[INDEX_BYTES];

    if (place->is_member)
        return json_string_equals(json_slice(text, place->name), part);
    (void)snprintf(index, sizeof(index), "%zu", place->index);
    return strcmp(index, part) == 0;
}

enum json_path_match json_path_match(const struct json_path *path,
                                     const char *text,
                                     const struct json_item *item)
{
    if (item->depth > path->depth)
        return JSON_PATH_OTHER;
    for (unsigned i = 0; i < item->depth; i++) {
        if (!is_part(text, &item->path[i], path->parts + path->part[i]))
            return JSON_PATH_OTHER;
    }
    return item->depth == path->depth ? JSON_PATH_SAME : JSON_PATH_ABOVE;
}
