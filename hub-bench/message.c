/* message.c - see message.h. */
#include "message.h"

#include <string.h>

void message_write(char *out, size_t bytes)
{
    size_t tail = sizeof(MESSAGE_TAIL) - 1;

    memset(out, 'x', bytes);
    memcpy(out, MESSAGE_HEAD, MESSAGE_HEAD_BYTES);
    message_set_number(out, 0);
    memcpy(out + bytes - tail, MESSAGE_TAIL, tail);
}

void message_set_number(char *message, uint64_t number)
{
    char *at = message + MESSAGE_START_BYTES;

    for (int i = 0; i < MESSAGE_DIGITS; i++) {
        *--at = "0123456789abcdef"[number & 15];
        number >>= 4;
    }
}

bool message_number(const uint8_t *message, uint64_t *number)
{
    const uint8_t *at = message + MESSAGE_HEAD_BYTES;
    uint64_t value = 0;

    if (memcmp(message, MESSAGE_HEAD, MESSAGE_HEAD_BYTES) != 0)
        return false;
    for (int i = 0; i < MESSAGE_DIGITS; i++) {
        unsigned c = at[i], digit = c - '0';

        if (digit > 9) {
            digit = c - 'a' + 10;
            if (digit < 10 || digit > 15)
                return false;
        }
        value = value << 4 | digit;
    }
    *number = value;
    return true;
}
