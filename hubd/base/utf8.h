/* utf8.h - whether bytes are UTF-8 (RFC 3629): shortest forms, no surrogates,
 * nothing above U+10FFFF. Pure; any thread.
 */
#ifndef HUBD_UTF8_H
#define HUBD_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#define UTF8_BYTES_MAX 4 /* of a character */

/* The length of the sequence at `p`, of which `bytes` (at least 1) are
 * available; or 0, and in `bad` the index of the first invalid byte, or `bytes`
 * if the sequence is cut short. By the table in RFC 3629, 4: only the range of
 * the second byte depends on the first. */
static inline size_t utf8_sequence(const unsigned char *p, size_t bytes,
                                   size_t *bad)
{
    unsigned char lead = p[0];
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    *bad = 0;
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (i == bytes || p[i] < low || p[i] > high) {
            *bad = i;
            return 0;
        }
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

bool utf8_is_valid(const char *text, size_t bytes);

#endif
