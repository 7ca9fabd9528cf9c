/* base64url.c - see base64url.h. */
#include "base/base64url.h"

#include <limits.h>
#include <stdint.h>

#define BITS 6

/* One more than the value of a character; 0: it has none. */
static const unsigned char values[UCHAR_MAX + 1] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,
    ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12,
    ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
    ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
    ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
    ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
    ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
    ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
    ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

static const char characters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t base64url_encode(const void *bytes, size_t count, char *out)
{
    const unsigned char *from = bytes;
    char *at = out;
    uint32_t rest = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < count; i++) {
        rest = rest << CHAR_BIT | from[i];
        for (bits += CHAR_BIT; bits >= BITS; bits -= BITS)
            *at++ = characters[rest >> (bits - BITS) & ((1U << BITS) - 1)];
    }
    if (bits > 0)
        *at++ = characters[rest << (BITS - bits) & ((1U << BITS) - 1)];
    *at = '\0';
    return (size_t)(at - out);
}

ssize_t base64url_decode(struct slice text, void *out, size_t size)
{
    unsigned char *at = out, *end = at + size;
    uint32_t rest = 0; /* bits that make no byte yet */
    unsigned bits = 0;

    if (text.bytes % 4 == 1)
        return -1;
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned value = values[(unsigned char)text.start[i]];

        if (value == 0)
            return -1;
        rest = rest << BITS | (value - 1);
        bits += BITS;
        if (bits < CHAR_BIT)
            continue;
        if (at == end)
            return -1;
        bits -= CHAR_BIT;
        *at++ = (unsigned char)(rest >> bits);
        rest &= (1U << bits) - 1;
    }
    return rest == 0 ? at - (unsigned char *)out : -1;
}
