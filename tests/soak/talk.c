/* talk.c - see talk.h. */
#include "talk.h"

#include <string.h>

static size_t write_frame(uint8_t *out, unsigned first, const void *payload,
                          size_t bytes, struct dice *dice)
{
    uint64_t random = dice_next(dice);
    uint8_t mask[FRAME_MASK_BYTES];

    memcpy(mask, &random, sizeof(mask));
    return frame_write(out, first, payload, bytes, mask);
}

size_t talk_sense(uint8_t out[TALK_BYTES], struct dice *dice)
{
    static uint8_t text[TALK_PAYLOAD_MAX];
    size_t left = dice_below(dice, TALK_PAYLOAD_MAX + 1), used = 0;
    unsigned fragments = 1 + dice_below(dice, 3), first = FRAME_TEXT;

    memset(text, 'c', sizeof(text));
    for (; fragments > 0; fragments--, first = 0) {
        size_t part = fragments == 1 ? left : left / fragments;

        if (fragments == 1)
            first |= FRAME_FIN;
        used += write_frame(out + used, first, text, part, dice);
        left -= part;
    }
    return used;
}

size_t talk_garbage(uint8_t out[TALK_BYTES], unsigned kind, struct dice *dice,
                    unsigned *code)
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
        return write_frame(out, 0xc1, "hi", 2, dice);
    case 2: /* no such opcode */
        return write_frame(out, 0x83, "hi", 2, dice);
    case 3: /* a ping in fragments */
        return write_frame(out, 0x09, "hi", 2, dice);
    case 4: /* the end of a message that has not begun */
        return write_frame(out, 0x80, "hi", 2, dice);
    case 5:
        memcpy(out, top_bit, sizeof(top_bit));
        return sizeof(top_bit);
    case 6: /* a length that no memory could take */
        *code = 1009;
        memcpy(out, large, sizeof(large));
        return sizeof(large);
    case 7: /* not UTF-8 */
        *code = 1007;
        return write_frame(out, FRAME_FIN | FRAME_TEXT, "hi\xff", 3, dice);
    default:
        bytes =
            write_frame(out, FRAME_FIN | FRAME_TEXT, "some words", 10, dice);
        return bytes - 1 - dice_below(dice, (uint32_t)bytes - 1);
    }
}
