/* json_string.h - what a string of a JSON text says, once its escapes are
 * undone. Pure; any thread.
 *
 * The slices are what json_scan() or a json_scanner has found to be a string or
 * a name, without the quotes: nothing is checked again.
 */
#ifndef HUBD_JSON_STRING_H
#define HUBD_JSON_STRING_H

#include <stdbool.h>

#include "base/slice.h"

bool json_string_equals(struct slice string, const char *name);

#define JSON_STRING_TOO_LONG (-1)
#define JSON_STRING_NUL (-2)       /* it holds U+0000 */
#define JSON_STRING_HALF_PAIR (-3) /* it holds half a surrogate pair */

/* Writes the string with a NUL behind it. Returns the number of bytes before
 * that, or the first of the three above that it meets; JSON_STRING_TOO_LONG: it
 * does not fit into `size`. */
long json_string_decode(struct slice string, char *out, size_t size);

#endif
