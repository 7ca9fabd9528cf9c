/* scanner.h - finds the messages in what a server sends over a WebSocket.
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

#define SCANNER_CONTROL_MAX 125 /* payload of a control frame, RFC 6455 5.5 */

enum scan_result {
    SCAN_MORE,    /* all was used up */
    SCAN_MESSAGE, /* a message of ours is complete */
    SCAN_OTHER,   /* a message that is none of ours is complete */
    SCAN_PING,
    SCAN_PONG,
    SCAN_CLOSE,
    SCAN_BROKEN, /* not the protocol: the connection is of no use any more */
};

struct scanner {
    uint64_t skip;   /* payload bytes of this frame that are still to come */
    uint64_t number; /* of the message under way */
    bool ours;       /* the message under way has a number */
    bool open;       /* a fragmented message is under way */
    bool final;      /* this frame ends its message */
    uint8_t kept;    /* bytes in `start` */
    uint8_t start[2 + SCANNER_CONTROL_MAX]; /* of a frame cut in two */
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
