/* scanner.h - finds our messages in what a server sends over a WebSocket.
 *
 * Bytes come in pieces of any size. Only the number of a message is needed: its
 * start is read, the rest is skipped, and nothing is copied unless a frame's
 * start is split by the end of a piece. Pure; one scanner per connection,
 * zeroed before its first byte.
 */
#ifndef HUB_BENCH_SCANNER_H
#define HUB_BENCH_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/frame.h"

enum scan_result {
    SCAN_MORE,    /* all bytes were used */
    SCAN_MESSAGE, /* a message of ours is complete */
    SCAN_OTHER,   /* a message that is not ours is complete */
    SCAN_PING,
    SCAN_PONG,
    SCAN_CLOSE,
    SCAN_BROKEN, /* a protocol error: the connection is unusable */
};

/* The fields that every message uses come first, in one cache line. */
struct scanner {
    uint64_t number; /* of the current message */
    bool ours;       /* the current message has a number */
    struct frame_reader frames;
};

struct scan {
    uint64_t number;        /* SCAN_MESSAGE */
    const uint8_t *payload; /* control frames; until the next call */
    size_t payload_bytes;
};

/* Reads from *at to the next event, and moves *at past it. */
enum scan_result scanner_next(struct scanner *s, const uint8_t **at,
                              const uint8_t *end, struct scan *out);

#endif
