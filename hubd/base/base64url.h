/* base64url.h - bytes as the letters, digits, '-' and '_' that tokens are
 * written in: base64url without padding (RFC 4648, 5; RFC 7515, 2).
 *
 * Pure. A run of bytes has one spelling and no other is taken, so that a token
 * cannot be spelt in a second way.
 */
#ifndef HUBD_BASE64URL_H
#define HUBD_BASE64URL_H

#include <sys/types.h>

#include "base/slice.h"

/* The most bytes that as many characters stand for. */
#define BASE64URL_BYTES(characters) ((characters) / 4 * 3 + 2)

/* Writes the bytes that `text` stands for. Returns how many, or -1: a character
 * that is none of these, a length that there is not, bits behind the last byte
 * that are not 0, or more than `size` bytes. */
ssize_t base64url_decode(struct slice text, void *out, size_t size);

/* How many characters as many bytes take. */
#define BASE64URL_CHARACTERS(bytes) (((bytes)*4 + 2) / 3)

/* Writes them, and a NUL. Returns how many there are without it. */
size_t base64url_encode(const void *bytes, size_t count, char *out);

#endif
