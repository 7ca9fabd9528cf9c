/* frame.h - frames of RFC 6455 from the client's side: writes the client's,
 * reads the server's, whole or in pieces of any size. Pure. hub-bench, the soak
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
 * first byte, with any value; `out` has room for `bytes` and
 * FRAME_OWN_HEADER_MAX more. Returns the bytes of the frame. */
size_t frame_write(uint8_t *out, unsigned first, const void *payload,
                   size_t bytes, const uint8_t mask[FRAME_MASK_BYTES]);

/* A frame that was found. */
struct frame {
    unsigned first;         /* FIN and the opcode */
    const uint8_t *payload; /* valid until the next call at least */
    size_t payload_bytes;   /* available bytes of it */
};

/* Looks at the frame that `data` begins with. Returns its length, 0 if it is
 * incomplete, or -1 if no server may send a frame that begins like this. */
long frame_whole(const uint8_t *data, size_t bytes, struct frame *out);

/* Reads a stream. One per connection, zeroed before its first byte. */
struct frame_reader {
    uint64_t left; /* payload of a data frame that is still to come */
    bool open;     /* a fragmented message is under way */
    uint8_t kept;  /* bytes in `start` */
    uint8_t start[FRAME_START_MAX]; /* of a frame that was split */
};

enum frame_result {
    FRAME_MORE,    /* all bytes were used */
    FRAME_DATA,    /* a data frame begins: the rest of its payload comes next */
    FRAME_CONTROL, /* all of a control frame */
    FRAME_BROKEN,  /* a protocol error: the connection is unusable */
};

/* Reads the next frame from *at on, and moves *at past what it used. `out` has
 * the first `look` bytes of a data frame's payload, at most FRAME_LOOK_MAX, or
 * all of a shorter one; of a control frame all of it. Only after the payload of
 * the previous data frame has been taken. */
enum frame_result frame_next(struct frame_reader *r, size_t look,
                             const uint8_t **at, const uint8_t *end,
                             struct frame *out);

/* Takes payload of the current data frame, from *at on. Returns how many bytes
 * that is; when `left` is 0 the frame has ended, and if `open` is false too, so
 * has its message. */
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
