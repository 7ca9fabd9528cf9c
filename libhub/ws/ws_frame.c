/* ws_frame.c - see ws_frame.h. A header is checked byte by byte as it arrives,
 * so that a faulty peer is told before it has sent its payload. */
#include "ws/ws_frame.h"

#include <string.h>

static bool opcode_known(uint8_t opcode)
{
    return opcode <= HUB__WS_BINARY ||
           (opcode >= HUB__WS_CLOSE && opcode <= HUB__WS_PONG);
}

static uint64_t read_be(const uint8_t *in, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | in[i];
    return value;
}

int hub__ws_header_read(const uint8_t *in, size_t bytes,
                        struct hub__ws_header *h)
{
    size_t extended;

    if (bytes < 1)
        return 0;
    h->fin = (in[0] & 0x80) != 0;
    h->opcode = in[0] & 0x0F;
    if ((in[0] & 0x70) != 0 || !opcode_known(h->opcode))
        return -1;
    if (hub__ws_is_control(h->opcode) && !h->fin)
        return -1;

    if (bytes < 2)
        return 0;
    if ((in[1] & 0x80) == 0)
        return -1;
    h->payload_bytes = in[1] & 0x7F;
    if (hub__ws_is_control(h->opcode) && h->payload_bytes > HUB__WS_CONTROL_MAX)
        return -1;

    extended = h->payload_bytes == 126 ? 2 : h->payload_bytes == 127 ? 8 : 0;
    if (extended > 0) {
        /* The top bit of a 64-bit length can be judged by its first byte. */
        if (extended == 8 && bytes > 2 && (in[2] & 0x80) != 0)
            return -1;
        /* And by the sixth whether it needs more than two. */
        if (extended == 8 && bytes >= 8 && read_be(in + 2, 6) == 0)
            return -1;
        if (bytes < 2 + extended)
            return 0;
        h->payload_bytes = read_be(in + 2, extended);
        if (extended == 2 && h->payload_bytes < 126)
            return -1;
    }

    h->header_bytes = (uint8_t)(2 + extended + 4);
    if (bytes < h->header_bytes)
        return 0;
    memcpy(h->masking_key, in + 2 + extended, 4);
    return h->header_bytes;
}

size_t hub__ws_header_write(uint8_t out[HUB__WS_HEADER_OUT_MAX],
                            enum hub__ws_opcode opcode, uint64_t payload_bytes)
{
    size_t extended = 0;

    out[0] = (uint8_t)(0x80 | opcode);
    if (payload_bytes < 126) {
        out[1] = (uint8_t)payload_bytes;
    } else if (payload_bytes <= 0xFFFF) {
        out[1] = 126;
        extended = 2;
    } else {
        out[1] = 127;
        extended = 8;
    }
    for (size_t i = 0; i < extended; i++)
        out[2 + i] = (uint8_t)(payload_bytes >> (8 * (extended - 1 - i)));
    return 2 + extended;
}

void hub__ws_unmask(uint8_t *data, size_t bytes, const uint8_t key[4],
                    uint64_t phase)
{
    uint8_t pattern[8];
    uint64_t mask, word;

    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = key[(phase + i) & 3];
    memcpy(&mask, pattern, sizeof mask);

    for (; bytes >= 8; data += 8, bytes -= 8) {
        memcpy(&word, data, sizeof word);
        word ^= mask;
        memcpy(data, &word, sizeof word);
    }
    for (size_t i = 0; i < bytes; i++)
        data[i] ^= pattern[i];
}

bool hub__ws_status_valid(unsigned code)
{
    /* 1012 to 1014 were registered with IANA after the RFC; 1004 to 1006 and
     * 1015 are reserved and never travel; the rest below 3000 is unassigned. */
    if (code >= 1000 && code <= 1014)
        return code < 1004 || code > 1006;
    return code >= 3000 && code <= 4999;
}
