/* slice.c - see slice.h. Blanks are those around the commas of HTTP lists
 * (RFC 9110, 5.6.1).
 */
#include "base/slice.h"

#include "base/ascii.h"

struct slice slice_trim(struct slice text)
{
    const char *start = text.start, *end = start + text.bytes;

    while (start < end && ascii_is_blank(*start))
        start++;
    while (end > start && ascii_is_blank(end[-1]))
        end--;
    return (struct slice){start, (size_t)(end - start)};
}

void slice_copy(struct slice text, char *out, size_t size)
{
    size_t bytes = text.bytes < size ? text.bytes : size - 1;

    if (size == 0)
        return;
    memcpy(out, text.start, bytes);
    out[bytes] = '\0';
}

size_t slice_count(const char *list)
{
    size_t count = 1;

    for (; *list; list++)
        count += *list == ',';
    return count;
}

bool slice_next(const char **list, struct slice *piece)
{
    const char *end;

    if (!*list)
        return false;
    end = strchrnul(*list, ',');
    *piece = slice_trim((struct slice){*list, (size_t)(end - *list)});
    *list = *end ? end + 1 : NULL;
    return true;
}
