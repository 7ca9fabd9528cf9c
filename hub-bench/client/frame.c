/* frame.c - see frame.h. A frame is checked as soon as its header and the bytes
 * to look at are available; a control frame, which is short, once it is
 * complete. These bytes are in the piece itself or, if they were split,
 * assembled in frame_reader.start.
 */
#include "client/frame.h"

#include <string.h>

#define RESERVED 0x70
#define CONTROL 0x08
#define MASKED 0x80

size_t frame_write(uint8_t *out, unsigned first, const void *payload,
                   size_t bytes, const uint8_t mask[FRAME_MASK_BYTES])
{
    const uint8_t *from = payload;
    unsigned width = bytes < 126 ? 0 : bytes <= UINT16_MAX ? 2 : 8;
    size_t at = 0;

    out[at++] = (uint8_t)first;
    out[at++] = (uint8_t)(MASKED | (width == 0   ? bytes
                                    : width == 2 ? 126u
                                                 : 127u));
    while (width > 0)
        out[at++] = (uint8_t)((uint64_t)bytes >> (8 * --width));
    memcpy(out + at, mask, FRAME_MASK_BYTES);
    at += FRAME_MASK_BYTES;
    for (size_t i = 0; i < bytes; i++)
        out[at + i] = from[i] ^ mask[i % FRAME_MASK_BYTES];
    return at + bytes;
}

/* Reading. -------------------------------------------------------------- */

/* What the header of a frame says. */
struct head {
    uint64_t payload; /* bytes */
    size_t bytes;     /* of the header itself */
};

static bool is_control(const uint8_t *frame)
{
    return (frame[0] & CONTROL) != 0;
}

/* Reads a header. Returns false if it is incomplete: out->bytes is then how
 * many bytes are needed, as far as the first `bytes` tell. A control frame's
 * header is two bytes; an extended length, which it must not have, is not read.
 */
static bool read_head(const uint8_t *frame, size_t bytes, struct head *out)
{
    *out = (struct head){.bytes = 2};
    if (bytes < 2)
        return false;
    out->payload = frame[1] & 0x7f;
    if (out->payload <= FRAME_CONTROL_MAX || is_control(frame))
        return true;
    out->bytes = out->payload == 126 ? 4 : 10;
    if (bytes < out->bytes)
        return false;
    out->payload = 0;
    for (size_t i = 2; i < out->bytes; i++)
        out->payload = out->payload << 8 | frame[i];
    return true;
}

/* RFC 6455 5.2: in the shortest form, and without the top bit. */
static bool is_length(const struct head *head)
{
    if (head->bytes == 4)
        return head->payload >= 126;
    return head->bytes == 2 ||
           (head->payload > UINT16_MAX && head->payload >> 63 == 0);
}

/* Whether a server may send a frame that begins like this. */
static bool is_sound(const uint8_t *frame, const struct head *head)
{
    if ((frame[0] & RESERVED) != 0 || (frame[1] & MASKED) != 0)
        return false;
    if (is_control(frame))
        return (frame[0] & FRAME_FIN) != 0 &&
               head->payload <= FRAME_CONTROL_MAX &&
               (frame[0] & FRAME_OPCODE) <= FRAME_PONG;
    return (frame[0] & FRAME_OPCODE) <= FRAME_BINARY && is_length(head);
}

long frame_whole(const uint8_t *data, size_t bytes, struct frame *out)
{
    struct head head;

    if (!read_head(data, bytes, &head))
        return 0;
    if (!is_sound(data, &head))
        return -1;
    if (bytes - head.bytes < head.payload)
        return 0;
    *out = (struct frame){data[0], data + head.bytes, (size_t)head.payload};
    return (long)(head.bytes + head.payload);
}

/* How much of a frame's payload is looked at; nothing if it is invalid. */
static size_t looked_at(const uint8_t *frame, const struct head *head,
                        size_t look)
{
    if (is_control(frame))
        return head->payload > FRAME_CONTROL_MAX ? 0 : (size_t)head->payload;
    if ((frame[0] & FRAME_OPCODE) == FRAME_CONTINUATION ||
        head->payload >> 63 != 0)
        return 0;
    return head->payload < look ? (size_t)head->payload : look;
}

/* How many bytes of a frame are needed before it can be checked, as far as the
 * first `bytes` tell. */
static size_t wanted(const uint8_t *frame, size_t bytes, size_t look,
                     struct head *head)
{
    if (read_head(frame, bytes, head))
        return head->bytes + looked_at(frame, head, look);
    return head->bytes;
}

/* Moves bytes from *at to r->start until there are enough to check the frame.
 * Returns whether there are. */
static bool put_together(struct frame_reader *r, size_t look,
                         const uint8_t **at, const uint8_t *end,
                         struct head *head)
{
    for (;;) {
        size_t want = wanted(r->start, r->kept, look, head);
        size_t left = (size_t)(end - *at), bytes = want - r->kept;

        if (bytes == 0)
            return true;
        if (bytes > left)
            bytes = left;
        memcpy(r->start + r->kept, *at, bytes);
        r->kept = (uint8_t)(r->kept + bytes);
        *at += bytes;
        if (bytes == left && r->kept < want)
            return false;
    }
}

/* Takes a frame of which enough is available. */
static enum frame_result take(struct frame_reader *r, const uint8_t *frame,
                              const struct head *head, size_t look,
                              struct frame *out)
{
    size_t looked = looked_at(frame, head, look);

    if (!is_sound(frame, head))
        return FRAME_BROKEN;
    *out = (struct frame){frame[0], frame + head->bytes, looked};
    if (is_control(frame))
        return FRAME_CONTROL;
    if (((frame[0] & FRAME_OPCODE) == FRAME_CONTINUATION) != r->open)
        return FRAME_BROKEN;
    r->open = (frame[0] & FRAME_FIN) == 0;
    r->left = head->payload - looked;
    return FRAME_DATA;
}

enum frame_result frame_next(struct frame_reader *r, size_t look,
                             const uint8_t **at, const uint8_t *end,
                             struct frame *out)
{
    const uint8_t *frame = *at;
    size_t left = (size_t)(end - frame), want;
    struct head head;

    if (r->kept == 0) {
        want = wanted(frame, left, look, &head);
        if (want <= left) {
            *at += want;
            return take(r, frame, &head, look, out);
        }
    }
    if (!put_together(r, look, at, end, &head))
        return FRAME_MORE;
    r->kept = 0;
    return take(r, r->start, &head, look, out);
}
