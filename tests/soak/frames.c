/* frames.c - see frames.h. */
#include "frames.h"

#include <string.h>

#define FIN 0x80u
#define TEXT 0x1u

size_t frames_write(uint8_t *out, unsigned first, const void *payload,
                    size_t bytes, struct dice *dice)
{
    uint32_t mask = (uint32_t)dice_next(dice);
    const uint8_t *from = payload;
    uint8_t *at = out;

    *at++ = (uint8_t)first;
    *at++ = (uint8_t)(0x80 | (bytes < 126 ? bytes : 126));
    if (bytes >= 126) {
        *at++ = (uint8_t)(bytes >> 8);
        *at++ = (uint8_t)bytes;
    }
    memcpy(at, &mask, sizeof(mask));
    for (size_t i = 0; i < bytes; i++)
        at[4 + i] = from[i] ^ at[i % 4];
    return (size_t)(at - out) + 4 + bytes;
}

size_t frames_text(uint8_t out[FRAMES_BYTES], struct dice *dice)
{
    static uint8_t text[FRAMES_PAYLOAD_MAX];
    size_t left = dice_below(dice, FRAMES_PAYLOAD_MAX + 1), used = 0;
    unsigned fragments = 1 + dice_below(dice, 3), first = TEXT;

    memset(text, 'c', sizeof(text));
    for (; fragments > 0; fragments--, first = 0) {
        size_t part = fragments == 1 ? left : left / fragments;

        if (fragments == 1)
            first |= FIN;
        used += frames_write(out + used, first, text, part, dice);
        left -= part;
    }
    return used;
}

size_t frames_garbage(uint8_t out[FRAMES_BYTES], unsigned kind,
                      struct dice *dice, unsigned *code)
{
    static const uint8_t plain[] = {0x81, 2, 'h', 'i'};
    static const uint8_t large[] = {0x81, 0xff, 0, 0, 1, 0, 0,
                                    0,    0,    0, 1, 2, 3, 4};
    static const uint8_t top_bit[] = {0x81, 0xff, 0x80, 0, 0, 0, 0,
                                      0,    0,    9,    1, 2, 3, 4};
    size_t bytes;

    *code = 1002;
    switch (kind) {
    case 0: /* not masked */
        memcpy(out, plain, sizeof(plain));
        return sizeof(plain);
    case 1: /* a reserved bit */
        return frames_write(out, 0xc1, "hi", 2, dice);
    case 2: /* no such opcode */
        return frames_write(out, 0x83, "hi", 2, dice);
    case 3: /* a ping in fragments */
        return frames_write(out, 0x09, "hi", 2, dice);
    case 4: /* the end of a message that has not begun */
        return frames_write(out, 0x80, "hi", 2, dice);
    case 5:
        memcpy(out, top_bit, sizeof(top_bit));
        return sizeof(top_bit);
    case 6: /* a length that no memory could take */
        *code = 1009;
        memcpy(out, large, sizeof(large));
        return sizeof(large);
    case 7: /* not UTF-8 */
        *code = 1007;
        return frames_write(out, FRAMES_TEXT, "hi\xff", 3, dice);
    default:
        bytes = frames_write(out, FRAMES_TEXT, "some words", 10, dice);
        return bytes - 1 - dice_below(dice, (uint32_t)bytes - 1);
    }
}
