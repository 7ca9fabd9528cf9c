/* base64url.h - base64url without padding, the encoding of tokens (RFC 4648, 5;
 * RFC 7515, 2).
 *
 * Pure. Each sequence of bytes has one encoding and no other is accepted, so
 * that a token has only one spelling.
 */
#ifndef HUBD_BASE64URL_H
#define HUBD_BASE64URL_H

#include <sys/types.h>

#include "base/slice.h"

/* The maximum number of bytes that so many characters encode. */
#define BASE64URL_BYTES(characters) ((characters) / 4 * 3 + 2)

/* Decodes `text`. Returns the number of bytes; or -1 for an invalid character
 * or length, unused bits that are not 0, or more than `size` bytes. */
ssize_t base64url_decode(struct slice text, void *out, size_t size);

/* The number of characters that encode so many bytes. */
#define BASE64URL_CHARACTERS(bytes) (((bytes)*4 + 2) / 3)

/* Writes the encoding and a NUL. Returns the length without it. */
size_t base64url_encode(const void *bytes, size_t count, char *out);

#endif
