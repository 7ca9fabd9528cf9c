/* slice.h - a piece of a text that belongs to somebody else, and the pieces of
 * comma lists.
 *
 * Pure: a slice points into the text and is good for as long as that is.
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

/* As a string, cut to fit. */
void slice_copy(struct slice text, char *out, size_t size);

/* How many pieces a comma list has; "" is one empty piece. */
size_t slice_count(const char *list);

/* Takes the first piece of a list, trimmed, and moves *list behind its comma,
 * or to NULL after the last one. Returns false if *list is NULL. */
bool slice_next(const char **list, struct slice *piece);

#endif
