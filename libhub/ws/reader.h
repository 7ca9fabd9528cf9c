/* reader.h - turns the bytes a client sends into messages and control frames:
 * fragments, UTF-8, limits (RFC 6455, sections 5.4 to 5.6 and 8.1).
 *
 * A reader exists only while a frame or a message is incomplete: what arrives
 * whole is unmasked in place and never copied. Not locked.
 */
#ifndef HUB_READER_H
#define HUB_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "ws/utf8.h"
#include "ws/ws_frame.h"

/* A message may come in this many fragments, plus one for every
 * HUB__FRAGMENT_BYTES received: that bounds tiny fragments without restricting
 * how clients split messages. */
#define HUB__FRAGMENTS_FREE 1024
#define HUB__FRAGMENT_BYTES 64

struct hub__reader_limits {
    size_t message_bytes;       /* the largest message */
    struct hub__budget *budget; /* for incomplete messages; NULL: none */
};

struct hub__reader {
    struct hub__budget *budget;
    int64_t started_ms; /* when the first byte of the incomplete message came */

    /* The current frame. */
    struct hub__ws_header frame;
    bool in_frame;       /* the header is complete, the payload is not */
    uint8_t header_have; /* bytes of `header`, while that is incomplete */
    uint8_t header[HUB__WS_HEADER_MAX];
    uint64_t payload_have; /* bytes of the payload */
    uint8_t control[HUB__WS_CONTROL_MAX];

    /* The message that the fragments belong to. */
    uint8_t opcode; /* of the first fragment; 0: no message begun */
    size_t fragments;
    struct hub__utf8 utf8;
    uint8_t *message;
    size_t message_bytes, message_size;
};

struct hub__reader_event {
    uint8_t opcode; /* text, binary, ping, pong or close */
    const uint8_t *payload;
    size_t payload_bytes;
    int status; /* close: its code, or HUB__WS_NO_STATUS */
};

/* Receives an event; the payload is valid during the call. Returns whether to
 * continue. The reader must not be released in it. */
typedef bool hub__reader_fn(void *context,
                            const struct hub__reader_event *event);

/* Takes the next bytes of a stream, and modifies them. `*slot` is the stream's
 * reader: NULL at first, created and released as needed. Returns 0, or the
 * status to close the connection with: HUB__WS_PROTOCOL_ERROR, _INVALID_DATA,
 * _POLICY (too many fragments), _TOO_BIG, _TRY_LATER (the budget has no share
 * left for it), _INTERNAL_ERROR (no memory). After that, or after `take`
 * returned false, the stream is over. */
int hub__reader_feed(struct hub__reader **slot, uint8_t *data, size_t bytes,
                     const struct hub__reader_limits *limits, int64_t now_ms,
                     hub__reader_fn *take, void *context);

/* Releases an incomplete message. */
void hub__reader_drop(struct hub__reader **slot);

#endif
