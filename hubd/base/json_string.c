/* json_string.c - see json_string.h. */
#include "base/json_string.h"

#include <string.h>

#include "base/ascii.h"

static bool is_high_half(unsigned unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_half(unsigned unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* The UTF-16 code unit of the \uXXXX at `p`, or 0 if there is none. */
static unsigned code_unit(const char *p, const char *end)
{
    unsigned unit = 0;

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return 0;
    for (int i = 2; i < 6; i++)
        unit = unit << 4 | (unsigned)ascii_hex_value(p[i]);
    return unit;
}

static size_t encode(unsigned point, char out[4])
{
    size_t length = point < 0x80      ? 1
                    : point < 0x800   ? 2
                    : point < 0x10000 ? 3
                                      : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = length - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(leads[length] | point);
    return length;
}

/* Decodes the escape at `*p`, a backslash, and moves past it. Returns how many
 * bytes of UTF-8 it stands for, 0 if it is an unpaired surrogate. */
static size_t unescape(const char **p, const char *end, char out[4])
{
    static const char kinds[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    unsigned unit, low;

    if ((*p)[1] != 'u') {
        out[0] = meanings[strchr(kinds, (*p)[1]) - kinds];
        *p += 2;
        return 1;
    }
    unit = code_unit(*p, end);
    *p += 6;
    if (is_low_half(unit))
        return 0;
    if (!is_high_half(unit))
        return encode(unit, out);
    low = code_unit(*p, end);
    if (!is_low_half(low))
        return 0;
    *p += 6;
    return encode(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), out);
}

bool json_string_equals(struct slice string, const char *name)
{
    const char *p = string.start;
    const char *end = p + string.bytes;

    while (p < end && *name) {
        char bytes[4];
        size_t count = 1;

        if (*p == '\\')
            count = unescape(&p, end, bytes);
        else
            bytes[0] = *p++;
        if (count == 0 || strncmp(bytes, name, count) != 0)
            return false;
        name += count;
    }
    return p == end && *name == '\0';
}

long json_string_decode(struct slice string, char *out, size_t size)
{
    const char *p = string.start;
    const char *end = p + string.bytes;
    size_t used = 0;

    while (p < end) {
        char bytes[4];
        size_t count = 1;

        if (*p == '\\')
            count = unescape(&p, end, bytes);
        else
            bytes[0] = *p++;
        if (count == 0)
            return JSON_STRING_HALF_PAIR;
        if (bytes[0] == '\0')
            return JSON_STRING_NUL;
        if (count >= size - used)
            return JSON_STRING_TOO_LONG;
        memcpy(out + used, bytes, count);
        used += count;
    }
    if (used == size)
        return JSON_STRING_TOO_LONG;
    out[used] = '\0';
    return (long)used;
}
