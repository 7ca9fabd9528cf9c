/* pieces.h - the pieces of a comma list, without the blanks around them.
 *
 * Pure: pieces point into the list.
 */
#ifndef HUBD_PIECES_H
#define HUBD_PIECES_H

#include <stdbool.h>
#include <stddef.h>

struct piece {
    const char *text;
    size_t bytes;
};

/* How many there are; "" is one empty piece. */
size_t piece_count(const char *list);

/* Takes the first piece and moves *list behind its comma, or to NULL after the
 * last one. Returns false if *list is NULL. */
bool piece_next(const char **list, struct piece *piece);

/* The bytes from `start` to before `end` without spaces and tabs around. */
struct piece piece_trim(const char *start, const char *end);

/* As a string, cut to fit. */
void piece_copy(struct piece piece, char *out, size_t size);

#endif
