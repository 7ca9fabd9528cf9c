/* json_string.h - decodes the escapes of a JSON string. Pure; any thread.
 *
 * The slices are strings or names that json_scan() or a json_scanner has found,
 * without the quotes: nothing is checked again.
 */
#ifndef HUBD_JSON_STRING_H
#define HUBD_JSON_STRING_H

#include <stdbool.h>

#include "base/slice.h"

bool json_string_equals(struct slice string, const char *name);

#define JSON_STRING_TOO_LONG (-1)
#define JSON_STRING_NUL (-2)       /* it contains U+0000 */
#define JSON_STRING_HALF_PAIR (-3) /* it contains an unpaired surrogate */

/* Writes the decoded string and a NUL. Returns the number of bytes before the
 * NUL, or the first of the three errors above; JSON_STRING_TOO_LONG: it does
 * not fit into `size`. */
long json_string_decode(struct slice string, char *out, size_t size);

#endif
