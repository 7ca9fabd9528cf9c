/* scanner.c - see scanner.h. */
#include "scanner.h"

#include "message.h"

_Static_assert(MESSAGE_START_BYTES <= FRAME_LOOK_MAX,
               "the start of a message can be looked at in one piece");

static enum scan_result take_control(const struct frame *frame,
                                     struct scan *out)
{
    out->payload = frame->payload;
    out->payload_bytes = frame->payload_bytes;
    switch (frame->first & FRAME_OPCODE) {
    case FRAME_CLOSE:
        return SCAN_CLOSE;
    case FRAME_PING:
        return SCAN_PING;
    default:
        return SCAN_PONG;
    }
}

/* A data frame begins, and possibly a message. */
static void take_data(struct scanner *s, const struct frame *frame)
{
    if ((frame->first & FRAME_OPCODE) != FRAME_CONTINUATION)
        s->ours = frame->payload_bytes == MESSAGE_START_BYTES &&
                  message_number(frame->payload, &s->number);
}

enum scan_result scanner_next(struct scanner *s, const uint8_t **at,
                              const uint8_t *end, struct scan *out)
{
    struct frame frame;

    for (;;) {
        if (s->frames.left == 0) {
            switch (
                frame_next(&s->frames, MESSAGE_START_BYTES, at, end, &frame)) {
            case FRAME_MORE:
                return SCAN_MORE;
            case FRAME_BROKEN:
                return SCAN_BROKEN;
            case FRAME_CONTROL:
                return take_control(&frame, out);
            case FRAME_DATA:
                take_data(s, &frame);
            }
        }
        (void)frame_payload(&s->frames, at, end);
        if (s->frames.left != 0)
            return SCAN_MORE;
        if (!s->frames.open) {
            out->number = s->number;
            return s->ours ? SCAN_MESSAGE : SCAN_OTHER;
        }
    }
}
