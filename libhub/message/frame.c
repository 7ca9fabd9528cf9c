/* frame.c - see frame.h. */
#include "message/frame.h"

#include <string.h>

#include "base/mem.h"

/* One whose payload is still to be written. */
static struct hub__frame *make(uint8_t opcode, const uint8_t *header,
                               size_t header_bytes, size_t payload_bytes)
{
    struct hub__frame *frame;

    if (payload_bytes > SIZE_MAX / 2)
        return NULL;
    frame = hub__malloc(sizeof *frame + header_bytes + payload_bytes);
    if (frame == NULL)
        return NULL;
    atomic_init(&frame->references, 1);
    frame->budget = NULL;
    frame->called_us = 0;
    frame->greeting_bytes = 0;
    frame->bytes = header_bytes + payload_bytes;
    frame->header_bytes = (uint8_t)header_bytes;
    frame->opcode = opcode;
    memcpy(frame->data, header, header_bytes);
    return frame;
}

struct hub__frame *hub__frame_new(enum hub__ws_opcode opcode,
                                  const void *payload, size_t payload_bytes)
{
    uint8_t header[HUB__WS_HEADER_OUT_MAX];
    size_t header_bytes = hub__ws_header_write(header, opcode, payload_bytes);
    struct hub__frame *frame =
        make((uint8_t)opcode, header, header_bytes, payload_bytes);

    if (frame != NULL && payload_bytes > 0)
        memcpy(frame->data + header_bytes, payload, payload_bytes);
    return frame;
}

struct hub__frame *hub__frame_of(const struct hub_message *message)
{
    return hub__frame_new(message->kind == HUB_TEXT ? HUB__WS_TEXT
                                                    : HUB__WS_BINARY,
                          message->payload, message->payload_bytes);
}

struct hub__frame *hub__frame_lead(const void *bytes, size_t count,
                                   const struct hub__frame *last)
{
    static const uint8_t header[HUB__FRAME_LEAD_HEADER];
    size_t last_bytes = last == NULL ? 0 : last->bytes;
    struct hub__frame *lead;

    if (count > SIZE_MAX / 4 || last_bytes > UINT32_MAX)
        return NULL;
    lead = make(HUB__FRAME_LEAD, header, sizeof header, count + last_bytes);
    if (lead == NULL)
        return NULL;
    if (count > 0)
        memcpy(lead->data + sizeof header, bytes, count);
    if (last != NULL)
        memcpy(lead->data + sizeof header + count, last->data, last_bytes);
    if (last != NULL && hub__frame_is_data(last)) {
        lead->greeting_bytes = (uint32_t)last_bytes;
        lead->called_us = last->called_us;
    }
    return lead;
}

static size_t memory_of(const struct hub__frame *frame)
{
    return sizeof *frame + frame->bytes;
}

bool hub__frame_charge(struct hub__frame *frame, struct hub__budget *budget)
{
    if (!hub__budget_take(budget, memory_of(frame)))
        return false;
    frame->budget = budget;
    return true;
}

void hub__frame_charge_force(struct hub__frame *frame,
                             struct hub__budget *budget)
{
    hub__budget_charge(budget, memory_of(frame));
    frame->budget = budget;
}

struct hub__frame *hub__frame_close(int code, const char *reason)
{
    uint8_t body[HUB__WS_CONTROL_MAX];
    size_t bytes = 0;

    if (code != HUB__WS_NO_STATUS) {
        body[bytes++] = (uint8_t)(code >> 8);
        body[bytes++] = (uint8_t)code;
        if (reason != NULL) {
            size_t length = strnlen(reason, sizeof body - bytes);

            memcpy(body + bytes, reason, length);
            bytes += length;
        }
    }
    return hub__frame_new(HUB__WS_CLOSE, body, bytes);
}

void hub__frame_ref(struct hub__frame *frame, size_t count)
{
    /* The caller already holds a reference, so there is nothing to order. */
    atomic_fetch_add_explicit(&frame->references, count, memory_order_relaxed);
}

void hub__frame_unref(struct hub__frame *frame)
{
    /* Release: this thread's reads of the frame happen before the last holder
     * frees it, which acquires. */
    if (atomic_fetch_sub_explicit(&frame->references, 1,
                                  memory_order_acq_rel) != 1)
        return;
    if (frame->budget != NULL)
        hub__budget_give(frame->budget, memory_of(frame));
    hub__free(frame);
}
