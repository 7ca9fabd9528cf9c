/* scanner.c - a frame is judged as soon as its header and, of a message, the
 * bytes up to the end of the number are there; a control frame, which is short,
 * when all of it is there. Those bytes lie in the piece itself or, if they were
 * cut in two, have been put together in scanner.start.
 */
#include "scanner.h"

#include <string.h>

#include "message.h"

#define OPCODE_CONTINUATION 0x0
#define OPCODE_BINARY 0x2
#define OPCODE_CLOSE 0x8
#define OPCODE_PING 0x9
#define OPCODE_PONG 0xA
#define FIN 0x80
#define RESERVED 0x70
#define MASKED 0x80

_Static_assert(10 + MESSAGE_START_BYTES <= 2 + SCANNER_CONTROL_MAX,
               "the start of a message fits where a frame is put together");

static bool is_control(const uint8_t *frame)
{
    return (frame[0] & 0x08) != 0;
}

static size_t header_bytes(const uint8_t *frame)
{
    switch (frame[1] & 0x7f) {
    case 126:
        return 4;
    case 127:
        return 10;
    default:
        return 2;
    }
}

static uint64_t payload_bytes(const uint8_t *frame)
{
    size_t header = header_bytes(frame);
    uint64_t bytes = 0;

    if (header == 2)
        return frame[1] & 0x7f;
    for (size_t i = 2; i < header; i++)
        bytes = bytes << 8 | frame[i];
    return bytes;
}

/* How much of a data frame's payload is looked at. */
static size_t looked_at(const uint8_t *frame, uint64_t payload)
{
    if ((frame[0] & 0x0f) == OPCODE_CONTINUATION || payload >> 63 != 0)
        return 0; /* the latter is broken, which the header tells */
    return payload < MESSAGE_START_BYTES ? (size_t)payload
                                         : MESSAGE_START_BYTES;
}

/* How many bytes of a frame have to be there before it can be judged, as far
 * as the first `bytes` of it tell. */
static size_t wanted(const uint8_t *frame, size_t bytes)
{
    size_t header;

    if (bytes < 2)
        return 2;
    header = header_bytes(frame);
    if (is_control(frame)) /* a longer one is broken, which two bytes tell */
        return header == 2 ? 2u + (frame[1] & 0x7f) : 2;
    if (bytes < header)
        return header;
    return header + looked_at(frame, payload_bytes(frame));
}

static enum scan_result take_control(const uint8_t *frame, struct scan *out)
{
    if ((frame[0] & FIN) == 0 || header_bytes(frame) != 2)
        return SCAN_BROKEN;
    out->payload = frame + 2;
    out->payload_bytes = frame[1];
    switch (frame[0] & 0x0f) {
    case OPCODE_CLOSE:
        return SCAN_CLOSE;
    case OPCODE_PING:
        return SCAN_PING;
    case OPCODE_PONG:
        return SCAN_PONG;
    default:
        return SCAN_BROKEN;
    }
}

/* Begins to count off a data frame. */
static enum scan_result take_data(struct scanner *s, const uint8_t *frame)
{
    unsigned opcode = frame[0] & 0x0f;
    uint64_t payload = payload_bytes(frame);
    size_t looked = looked_at(frame, payload);

    if (opcode > OPCODE_BINARY || payload >> 63 != 0 ||
        (opcode == OPCODE_CONTINUATION) != s->open)
        return SCAN_BROKEN;
    if (opcode != OPCODE_CONTINUATION)
        s->ours = looked == MESSAGE_START_BYTES &&
                  message_number(frame + header_bytes(frame), &s->number);
    s->final = (frame[0] & FIN) != 0;
    s->open = !s->final;
    s->skip = payload - looked;
    return SCAN_MORE;
}

/* A frame of which enough is there. SCAN_MORE: its payload comes next. */
static enum scan_result take(struct scanner *s, const uint8_t *frame,
                             struct scan *out)
{
    if ((frame[0] & RESERVED) != 0 || (frame[1] & MASKED) != 0)
        return SCAN_BROKEN;
    return is_control(frame) ? take_control(frame, out) : take_data(s, frame);
}

/* Moves bytes from *at to s->start until there are enough for a frame to be
 * judged. Returns whether there are. */
static bool put_together(struct scanner *s, const uint8_t **at,
                         const uint8_t *end)
{
    for (;;) {
        size_t want = wanted(s->start, s->kept), left = (size_t)(end - *at);
        size_t bytes = want - s->kept;

        if (bytes == 0)
            return true;
        if (bytes > left)
            bytes = left;
        memcpy(s->start + s->kept, *at, bytes);
        s->kept = (uint8_t)(s->kept + bytes);
        *at += bytes;
        if (bytes == left && s->kept < want)
            return false;
    }
}

/* The frame that begins at *at, or whose start is kept: NULL if it has to wait
 * for more bytes. */
static const uint8_t *next_frame(struct scanner *s, const uint8_t **at,
                                 const uint8_t *end)
{
    const uint8_t *frame = *at;
    size_t left = (size_t)(end - frame), want;

    if (s->kept == 0 && left >= 2) {
        want = wanted(frame, left);
        if (want <= left) {
            *at += want;
            return frame;
        }
    }
    if (!put_together(s, at, end))
        return NULL;
    s->kept = 0;
    return s->start;
}

/* Counts off payload. Returns whether the frame is over. */
static bool skip(struct scanner *s, const uint8_t **at, const uint8_t *end)
{
    uint64_t left = (uint64_t)(end - *at);
    uint64_t bytes = left < s->skip ? left : s->skip;

    *at += bytes;
    s->skip -= bytes;
    return s->skip == 0;
}

enum scan_result scanner_next(struct scanner *s, const uint8_t **at,
                              const uint8_t *end, struct scan *out)
{
    for (;;) {
        if (s->skip == 0) {
            const uint8_t *frame = next_frame(s, at, end);
            enum scan_result result;

            if (frame == NULL)
                return SCAN_MORE;
            result = take(s, frame, out);
            if (result != SCAN_MORE)
                return result;
        }
        if (!skip(s, at, end))
            return SCAN_MORE;
        if (s->final) {
            out->number = s->number;
            return s->ours ? SCAN_MESSAGE : SCAN_OTHER;
        }
    }
}
