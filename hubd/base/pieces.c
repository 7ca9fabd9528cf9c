/* pieces.c - see pieces.h. Blanks are spaces and tabs, as around the commas of
 * HTTP lists (RFC 9110, 5.6.1).
 */
#include "base/pieces.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

size_t piece_count(const char *list)
{
    size_t count = 1;

    for (; *list; list++)
        count += *list == ',';
    return count;
}

struct piece piece_trim(const char *start, const char *end)
{
    while (start < end && is_blank(*start))
        start++;
    while (end > start && is_blank(end[-1]))
        end--;
    return (struct piece){start, (size_t)(end - start)};
}

bool piece_next(const char **list, struct piece *piece)
{
    const char *end;

    if (!*list)
        return false;
    end = strchrnul(*list, ',');
    *piece = piece_trim(*list, end);
    *list = *end ? end + 1 : NULL;
    return true;
}

void piece_copy(struct piece piece, char *out, size_t size)
{
    size_t bytes = piece.bytes < size ? piece.bytes : size - 1;

    if (size == 0)
        return;
    memcpy(out, piece.text, bytes);
    out[bytes] = '\0';
}
