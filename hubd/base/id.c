/* id.c - see id.h. */
#include "base/id.h"

#include <stdbool.h>

#include "base/utf8.h"

/* The bytes are UTF-8, so that 0xc2 can only be the first of two. */
static bool has_control(const char *id, size_t bytes)
{
    const unsigned char *p = (const unsigned char *)id;

    for (size_t i = 0; i < bytes; i++) {
        if (p[i] < 0x20 || p[i] == 0x7f)
            return true;
        if (p[i] == 0xc2 && p[i + 1] < 0xa0)
            return true;
    }
    return false;
}

const char *id_problem(const char *id, size_t bytes)
{
    if (bytes == 0)
        return "is empty";
    if (bytes > HUB_ID_BYTES_MAX)
        return ID_TOO_LONG;
    if (!utf8_is_valid(id, bytes))
        return "is not valid UTF-8";
    if (has_control(id, bytes))
        return "contains a control character";
    return NULL;
}
