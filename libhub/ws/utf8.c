/* utf8.c - RFC 3629, section 4, byte by byte, with a shortcut over runs of
 * ASCII; pure.
 *
 * Invariant: while `expected` is not 0, low and high bound the next byte. Only
 * the first continuation byte has special bounds: they rule out overlong forms,
 * surrogates and everything above U+10FFFF.
 */
#include "ws/utf8.h"

#include <string.h>

/* Skips the run of ASCII that starts at `at`, up to seven bytes short of its
 * end; the caller checks those one by one. */
static const uint8_t *skip_ascii(const uint8_t *at, const uint8_t *end)
{
    uint64_t word;

    while (end - at >= 8) {
        memcpy(&word, at, sizeof word);
        if (word & 0x8080808080808080u)
            break;
        at += 8;
    }
    return at;
}

static bool lead(struct hub__utf8 *u, uint8_t byte)
{
    u->low = 0x80;
    u->high = 0xBF;
    if (byte >= 0xC2 && byte <= 0xDF) {
        u->expected = 1;
    } else if (byte >= 0xE0 && byte <= 0xEF) {
        u->expected = 2;
        if (byte == 0xE0)
            u->low = 0xA0;
        else if (byte == 0xED)
            u->high = 0x9F;
    } else if (byte >= 0xF0 && byte <= 0xF4) {
        u->expected = 3;
        if (byte == 0xF0)
            u->low = 0x90;
        else if (byte == 0xF4)
            u->high = 0x8F;
    } else {
        return false;
    }
    return true;
}

bool hub__utf8_feed(struct hub__utf8 *u, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    const uint8_t *end = at + bytes;

    while (at < end) {
        if (u->expected > 0) {
            if (*at < u->low || *at > u->high)
                return false;
            u->low = 0x80;
            u->high = 0xBF;
            u->expected--;
            at++;
        } else if (*at < 0x80) {
            at = skip_ascii(at, end);
            while (at < end && *at < 0x80)
                at++;
        } else if (!lead(u, *at++)) {
            return false;
        }
    }
    return true;
}

bool hub__utf8_complete(const struct hub__utf8 *u)
{
    return u->expected == 0;
}

bool hub__utf8_valid(const void *data, size_t bytes)
{
    struct hub__utf8 u = {0};

    return hub__utf8_feed(&u, data, bytes) && hub__utf8_complete(&u);
}
