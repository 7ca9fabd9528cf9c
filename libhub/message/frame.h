/* frame.h - one encoded message: the bytes of a server's frame, written once
 * and shared by all its recipients.
 *
 * Immutable after hub__frame_new(); references are counted atomically, so any
 * thread may take and drop them.
 */
#ifndef HUB_FRAME_H
#define HUB_FRAME_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <hub/hub.h>

#include "base/budget.h"
#include "ws/ws_frame.h"

/* For hub__frame_lead(). The opcode is that of a reserved control frame, so
 * that it is never mistaken for a message that may be dropped. */
#define HUB__FRAME_LEAD 0xF
#define HUB__FRAME_LEAD_HEADER 1 /* bytes */

struct hub__frame {
    atomic_size_t references;
    struct hub__budget *budget; /* that the frame is charged to, or NULL */
    size_t bytes;               /* of data */
    int64_t called_us;          /* when hub_send() or hub_broadcast() was
                                   called, by the hub's clock; set before it is
                                   shared */
    uint32_t greeting_bytes;    /* HUB__FRAME_LEAD: of the message at its end */
    uint8_t header_bytes;
    uint8_t opcode;
    uint8_t data[]; /* header, then payload */
};

/* The most memory that a frame with such a payload takes. */
static inline size_t hub__frame_memory_max(size_t payload_bytes)
{
    size_t more = sizeof(struct hub__frame) + HUB__WS_HEADER_OUT_MAX;

    return payload_bytes < SIZE_MAX - more ? payload_bytes + more : SIZE_MAX;
}

/* Copies the payload. Returns one reference, or NULL without memory. */
struct hub__frame *hub__frame_new(enum hub__ws_opcode opcode,
                                  const void *payload, size_t payload_bytes);

/* The same for a valid message. */
struct hub__frame *hub__frame_of(const struct hub_message *message);

/* What a connection is sent first: bytes that belong to no message, and are
 * sent as they are, and a copy of the frame `last`, or NULL; see
 * hub__outbox_lead(). The header is one byte that is not sent. */
struct hub__frame *hub__frame_lead(const void *bytes, size_t count,
                                   const struct hub__frame *last);

/* Charges the frame to the budget until it is released. Only before it is
 * shared. Returns false if the budget does not have enough left. force: charges
 * it anyway. */
bool hub__frame_charge(struct hub__frame *frame, struct hub__budget *budget);
void hub__frame_charge_force(struct hub__frame *frame,
                             struct hub__budget *budget);

/* Makes a Close frame with a code that may be sent; reason may be NULL.
 * HUB__WS_NO_STATUS makes one without a body. */
struct hub__frame *hub__frame_close(int code, const char *reason);

void hub__frame_ref(struct hub__frame *frame, size_t count);
void hub__frame_unref(struct hub__frame *frame);

static inline bool hub__frame_is_data(const struct hub__frame *frame)
{
    return !hub__ws_is_control(frame->opcode);
}

/* Whether a message has been sent once this frame has. */
static inline bool hub__frame_has_message(const struct hub__frame *frame)
{
    return hub__frame_is_data(frame) || frame->greeting_bytes > 0;
}

static inline struct hub_message hub__frame_message(const struct hub__frame *f)
{
    return (struct hub_message){
        .struct_size = sizeof(struct hub_message),
        .kind = f->opcode == HUB__WS_TEXT ? HUB_TEXT : HUB_BINARY,
        .payload = f->data + f->header_bytes,
        .payload_bytes = f->bytes - f->header_bytes,
    };
}

#endif
