/* inbox.c - see inbox.h. Payload of messages goes to the reader as it comes. */
#include "inbox.h"

static enum inbox_result take_control(const struct frame *frame)
{
    switch (frame->first & FRAME_OPCODE) {
    case FRAME_CLOSE:
        return frame->payload_bytes == 1 ? INBOX_BROKEN : INBOX_CLOSE;
    case FRAME_PING:
        return INBOX_PING;
    default:
        return INBOX_PONG;
    }
}

/* INBOX_MORE: a message has begun. */
static enum inbox_result next_frame(struct inbox *box, const uint8_t **at,
                                    const uint8_t *end, bool *begun)
{
    struct frame frame;

    *begun = false;
    switch (frame_next(&box->frames, 0, at, end, &frame)) {
    case FRAME_MORE:
        return INBOX_MORE;
    case FRAME_CONTROL:
        box->control = frame;
        return take_control(&frame);
    case FRAME_DATA:
        if (frame.first != (FRAME_FIN | FRAME_TEXT))
            return INBOX_BROKEN;
        letter_begin(&box->reader);
        *begun = true;
        return INBOX_MORE;
    case FRAME_BROKEN:
        break;
    }
    return INBOX_BROKEN;
}

enum inbox_result inbox_next(struct inbox *box, const uint8_t **at,
                             const uint8_t *end)
{
    const uint8_t *from;

    if (box->frames.left == 0) {
        bool begun;
        enum inbox_result result = next_frame(box, at, end, &begun);

        if (!begun)
            return result;
    }
    from = *at;
    letter_feed(&box->reader, from, frame_payload(&box->frames, at, end));
    if (box->frames.left > 0)
        return INBOX_MORE;
    return letter_end(&box->reader) ? INBOX_LETTER : INBOX_ALTERED;
}
