/* sized.h - structs of hub.h that callers fill in, whose first field is their
 * size: that of a caller built against an earlier or a later header is shorter
 * or longer than ours. Pure; any thread.
 */
#ifndef HUB_SIZED_H
#define HUB_SIZED_H

#include <stdbool.h>
#include <stddef.h>

/* Whether such a struct has all fields that we know, `known` bytes, and no
 * others that are set. */
bool hub__struct_is_whole(const void *in, size_t known);

/* Copies the part of such a struct that both sides know. Returns 0 or
 * HUB_EINVAL. */
int hub__struct_read(void *out, size_t known, const void *in);

#endif
