/* ws_frame.h - the frame header of RFC 6455, section 5.2, read and written.
 *
 * Pure: bytes in, values out. Whether a frame is allowed at this point of a
 * message is checked in reader.h.
 */
#ifndef HUB_WS_FRAME_H
#define HUB_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUB__WS_HEADER_MAX 14     /* from a client: with its masking key */
#define HUB__WS_HEADER_OUT_MAX 10 /* from a server */
#define HUB__WS_CONTROL_MAX 125   /* payload of a control frame, 5.5 */

enum hub__ws_opcode {
    HUB__WS_CONTINUATION = 0x0,
    HUB__WS_TEXT = 0x1,
    HUB__WS_BINARY = 0x2,
    HUB__WS_CLOSE = 0x8,
    HUB__WS_PING = 0x9,
    HUB__WS_PONG = 0xA,
};

/* Status codes, 7.4.1. */
enum hub__ws_status {
    HUB__WS_NORMAL = 1000,
    HUB__WS_GOING_AWAY = 1001,
    HUB__WS_PROTOCOL_ERROR = 1002,
    HUB__WS_NO_STATUS = 1005,
    HUB__WS_ABNORMAL = 1006,
    HUB__WS_INVALID_DATA = 1007,
    HUB__WS_POLICY = 1008,
    HUB__WS_TOO_BIG = 1009,
    HUB__WS_INTERNAL_ERROR = 1011,
    HUB__WS_TRY_LATER = 1013,
    HUB__WS_UNAUTHORIZED = 3000, /* registered with IANA */
};

struct hub__ws_header {
    bool fin;
    uint8_t opcode;
    uint8_t header_bytes;
    uint8_t masking_key[4];
    uint64_t payload_bytes; /* below 2^63 */
};

/* Reads the header of a client's frame from the first `bytes` bytes of it.
 * Returns its length, 0 when more bytes are needed to tell, or -1 as soon as
 * what is there breaks section 5: a reserved bit or opcode, no mask, a length
 * not in its shortest form or with its top bit set, a control frame that is
 * fragmented or longer than 125. */
int hub__ws_header_read(const uint8_t *in, size_t bytes,
                        struct hub__ws_header *header);

/* Writes the header of a final, unmasked frame. Returns its length. */
size_t hub__ws_header_write(uint8_t out[HUB__WS_HEADER_OUT_MAX],
                            enum hub__ws_opcode opcode, uint64_t payload_bytes);

/* Undoes the mask in place; `phase` is the offset of data in the payload. */
void hub__ws_unmask(uint8_t *data, size_t bytes, const uint8_t key[4],
                    uint64_t phase);

/* Whether a Close frame may carry this code, sent or received, 7.4. */
bool hub__ws_status_valid(unsigned code);

static inline bool hub__ws_is_control(uint8_t opcode)
{
    return (opcode & 0x8) != 0;
}

#endif
