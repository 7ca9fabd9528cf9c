/* utf8.c - see utf8.h. */
#include "base/utf8.h"

bool utf8_is_valid(const char *text, size_t bytes)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t bad;

    for (size_t i = 0, length; i < bytes; i += length) {
        length = utf8_sequence(p + i, bytes - i, &bad);
        if (length == 0)
            return false;
    }
    return true;
}
