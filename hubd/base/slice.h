/* slice.h - a part of a text that is owned elsewhere, and the entries of
 * comma-separated lists.
 *
 * Pure: a slice points into the text and is valid as long as the text is.
 */
#ifndef HUBD_SLICE_H
#define HUBD_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *start; /* no NUL ends it */
    size_t bytes;
};

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

/* Without the blanks (spaces and tabs) around it. */
struct slice slice_trim(struct slice text);

/* Copies it as a string, truncated to fit. */
void slice_copy(struct slice text, char *out, size_t size);

/* The number of entries in a comma-separated list; "" is one empty entry. */
size_t slice_count(const char *list);

/* Takes the first entry of a list, trimmed, and moves *list past its comma, or
 * to NULL after the last one. Returns false if *list is NULL. */
bool slice_next(const char **list, struct slice *piece);

#endif
