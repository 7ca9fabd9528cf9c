/* slice.h - a piece of a text that belongs to somebody else.
 *
 * Pure: a slice points into the text and is good for as long as that is.
 */
#ifndef HUBD_SLICE_H
#define HUBD_SLICE_H

#include <stddef.h>

struct slice {
    const char *start; /* no NUL ends it */
    size_t bytes;
};

#endif
