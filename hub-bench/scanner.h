/* scanner.h - finds our messages in what a server sends over a WebSocket.
 *
 * Bytes come in pieces of any size. Of a message only the number is wanted: its
 * start is looked at, the rest is counted off, and nothing is copied unless a
 * frame's start is cut in two by the end of a piece. Pure; one scanner a
 * connection, zeroed before its first byte.
 */
#ifndef HUB_BENCH_SCANNER_H
#define HUB_BENCH_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/frame.h"

enum scan_result {
    SCAN_MORE,    /* all was used up */
    SCAN_MESSAGE, /* a message of ours is complete */
    SCAN_OTHER,   /* a message that is none of ours is complete */
    SCAN_PING,
    SCAN_PONG,
    SCAN_CLOSE,
    SCAN_BROKEN, /* not the protocol: the connection is of no use any more */
};

/* What every message touches comes first, in one cache line. */
struct scanner {
    uint64_t number; /* of the message under way */
    bool ours;       /* the message under way has a number */
    struct frame_reader frames;
};

struct scan {
    uint64_t number;        /* SCAN_MESSAGE */
    const uint8_t *payload; /* control frames; until the next call */
    size_t payload_bytes;
};

/* Goes on from *at to the next thing worth telling, and moves *at behind it. */
enum scan_result scanner_next(struct scanner *s, const uint8_t **at,
                              const uint8_t *end, struct scan *out);

#endif
