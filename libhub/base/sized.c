/* sized.c - see sized.h. */
#include "base/sized.h"

#include <string.h>

#include <hub/hub.h>

static size_t size_of(const void *in)
{
    size_t size;

    memcpy(&size, in, sizeof size);
    return size;
}

/* A longer struct comes from a caller built against a later header, and is fine
 * as long as it asks for nothing that only a later library has. */
static bool asks_for_what_is_known(const void *in, size_t known)
{
    const unsigned char *bytes = in;
    size_t size = size_of(in);

    for (size_t i = known; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

bool hub__struct_is_whole(const void *in, size_t known)
{
    return in != NULL && size_of(in) >= known &&
           asks_for_what_is_known(in, known);
}

int hub__struct_read(void *out, size_t known, const void *in)
{
    size_t size = size_of(in);

    memset(out, 0, known);
    if (size < sizeof size || !asks_for_what_is_known(in, known))
        return HUB_EINVAL;
    memcpy(out, in, size < known ? size : known);
    return 0;
}
