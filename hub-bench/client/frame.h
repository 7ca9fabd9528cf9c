/* frame.h - frames of RFC 6455 from a client's side: its own are written, a
 * server's are read, whole or in pieces of any size. Pure. hub-bench, the soak
 * test and the unit tests of libhub link it.
 */
#ifndef HUB_BENCH_FRAME_H
#define HUB_BENCH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FRAME_CONTINUATION = 0x0,
    FRAME_TEXT = 0x1,
    FRAME_BINARY = 0x2,
    FRAME_CLOSE = 0x8,
    FRAME_PING = 0x9,
    FRAME_PONG = 0xA,
    FRAME_OPCODE = 0x0f, /* where the opcode is in the first byte */
    FRAME_FIN = 0x80,
};

#define FRAME_MASK_BYTES 4
#define FRAME_OWN_HEADER_MAX 14 /* of a client's frame, with its mask */
#define FRAME_CONTROL_MAX 125   /* payload of a control frame */
#define FRAME_START_MAX (2 + FRAME_CONTROL_MAX)
#define FRAME_LOOK_MAX (FRAME_START_MAX - 10)

/* Writes a masked frame with its length in the shortest form. `first` is the
 * first byte, whatever it may be; `out` has room for `bytes` and
 * FRAME_OWN_HEADER_MAX more. Returns the bytes of the frame. */
size_t frame_write(uint8_t *out, unsigned first, const void *payload,
                   size_t bytes, const uint8_t mask[FRAME_MASK_BYTES]);

/* A frame that was found. */
struct frame {
    unsigned first;         /* FIN and the opcode */
    const uint8_t *payload; /* where it was found, or until the next call */
    size_t payload_bytes;   /* of it that are there */
};

/* Looks at the frame that `data` begins with. Returns its bytes, 0 if it is not
 * there whole, or -1 if no server may send a frame that begins like this. */
long frame_whole(const uint8_t *data, size_t bytes, struct frame *out);

/* Reads a stream. One a connection, zeroed before its first byte. */
struct frame_reader {
    uint64_t left; /* payload of a data frame that is still to come */
    bool open;     /* a fragmented message is under way */
    uint8_t kept;  /* bytes in `start` */
    uint8_t start[FRAME_START_MAX]; /* of a frame cut in two */
};

enum frame_result {
    FRAME_MORE,    /* all was used up */
    FRAME_DATA,    /* a data frame begins: the rest of its payload comes next */
    FRAME_CONTROL, /* all of a control frame */
    FRAME_BROKEN,  /* not the protocol: the connection is of no use any more */
};

/* Goes on from *at to the next frame, and moves *at behind what it took. Of the
 * payload of a text or binary frame as much is in `out` as `look` asks for, up
 * to FRAME_LOOK_MAX, if there is as much; of a control frame all of it. Not to
 * be called before the last data frame's payload has been taken. */
enum frame_result frame_next(struct frame_reader *r, size_t look,
                             const uint8_t **at, const uint8_t *end,
                             struct frame *out);

/* Takes payload of the data frame under way, from *at on. Returns how many
 * bytes that is; when `left` is 0 the frame is over, and when `open` is false
 * as well, its message is. */
static inline size_t frame_payload(struct frame_reader *r, const uint8_t **at,
                                   const uint8_t *end)
{
    size_t here = (size_t)(end - *at);

    if (here > r->left)
        here = (size_t)r->left;
    *at += here;
    r->left -= here;
    return here;
}

#endif
