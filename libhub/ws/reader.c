/* reader.c - see reader.h.
 *
 * Invariant between two calls: *slot is NULL, or the stream stands inside a
 * header (header_have > 0), inside a payload (in_frame), or between the
 * fragments of a message (opcode != 0).
 */
#include "ws/reader.h"

#include <string.h>

#include "base/mem.h"

/* The state of one call of hub__reader_feed(). */
struct feed {
    struct hub__reader **slot;
    uint8_t *data;
    size_t bytes;
    const struct hub__reader_limits *limits;
    int64_t now_ms;
    hub__reader_fn *take;
    void *context;
    bool stopped; /* take() returned false */
};

static struct hub__reader *ensure_reader(struct feed *f)
{
    if (*f->slot == NULL) {
        *f->slot = hub__calloc(1, sizeof **f->slot);
        if (*f->slot != NULL) {
            (*f->slot)->budget = f->limits->budget;
            (*f->slot)->started_ms = f->now_ms;
        }
    }
    return *f->slot;
}

static bool is_idle(const struct hub__reader *r)
{
    return !r->in_frame && r->header_have == 0 && r->opcode == 0;
}

static void skip(struct feed *f, size_t bytes)
{
    f->data += bytes;
    f->bytes -= bytes;
}

static void emit(struct feed *f, uint8_t opcode, const uint8_t *payload,
                 size_t bytes, int status)
{
    struct hub__reader_event event = {opcode, payload, bytes, status};

    if (!f->take(f->context, &event))
        f->stopped = true;
}

/* RFC 6455, 5.5.1: a body is a code, then UTF-8. */
static int emit_close(struct feed *f, const uint8_t *payload, size_t bytes)
{
    unsigned status = HUB__WS_NO_STATUS;

    if (bytes == 1)
        return HUB__WS_PROTOCOL_ERROR;
    if (bytes >= 2) {
        status = (unsigned)payload[0] << 8 | payload[1];
        if (!hub__ws_status_valid(status))
            return HUB__WS_PROTOCOL_ERROR;
        if (!hub__utf8_valid(payload + 2, bytes - 2))
            return HUB__WS_INVALID_DATA;
    }
    emit(f, HUB__WS_CLOSE, payload, bytes, (int)status);
    return 0;
}

static int emit_control(struct feed *f, uint8_t opcode, const uint8_t *payload,
                        size_t bytes)
{
    if (opcode == HUB__WS_CLOSE)
        return emit_close(f, payload, bytes);
    emit(f, opcode, payload, bytes, 0);
    return 0;
}

/* Whether this frame may come now, judging by its header alone. */
static int judge(const struct feed *f, const struct hub__ws_header *h)
{
    const struct hub__reader *r = *f->slot;
    bool in_message = r != NULL && r->opcode != 0;
    size_t have = in_message ? r->message_bytes : 0;

    if (hub__ws_is_control(h->opcode))
        return 0;
    if (in_message != (h->opcode == HUB__WS_CONTINUATION))
        return HUB__WS_PROTOCOL_ERROR;
    /* have never exceeds the limit, so this cannot wrap around. */
    if (h->payload_bytes > f->limits->message_bytes - have)
        return HUB__WS_TOO_BIG;
    if (in_message &&
        r->fragments >=
            HUB__FRAGMENTS_FREE + r->message_bytes / HUB__FRAGMENT_BYTES)
        return HUB__WS_POLICY;
    return 0;
}

/* A frame that is here completely and is not a fragment. */
static int take_whole(struct feed *f, const struct hub__ws_header *h)
{
    uint8_t *payload = f->data;
    size_t bytes = (size_t)h->payload_bytes;

    hub__ws_unmask(payload, bytes, h->masking_key, 0);
    skip(f, bytes);
    if (hub__ws_is_control(h->opcode))
        return emit_control(f, h->opcode, payload, bytes);
    if (h->opcode == HUB__WS_TEXT && !hub__utf8_valid(payload, bytes))
        return HUB__WS_INVALID_DATA;
    emit(f, h->opcode, payload, bytes, 0);
    return 0;
}

static void drop_message(struct hub__reader *r)
{
    if (r->budget != NULL)
        hub__budget_give(r->budget, r->message_size);
    hub__free(r->message);
    r->message = NULL;
    r->message_bytes = r->message_size = 0;
}

/* Makes room as bytes arrive: the length in a header alone takes no memory. */
static int grow_message(struct feed *f, struct hub__reader *r, size_t more)
{
    size_t need = r->message_bytes + more;
    size_t most = f->limits->message_bytes;
    size_t size;
    uint8_t *grown;

    if (need <= r->message_size)
        return 0;
    if (r->frame.fin)
        most = r->message_bytes +
               (size_t)(r->frame.payload_bytes - r->payload_have);
    size = r->message_size > most / 2 ? most : r->message_size * 2;
    if (size < need)
        size = need;
    /* The largest message must fit into the smallest allowed limit. */
    if (r->budget != NULL &&
        size > hub__budget_share_with(r->budget, r->message_size))
        return HUB__WS_TRY_LATER;
    grown = hub__realloc(r->message, size);
    if (grown == NULL)
        return HUB__WS_INTERNAL_ERROR;
    if (r->budget != NULL)
        hub__budget_charge(r->budget, size - r->message_size);
    r->message = grown;
    r->message_size = size;
    return 0;
}

static int take_fragment(struct feed *f, struct hub__reader *r, size_t bytes)
{
    int status = grow_message(f, r, bytes);

    if (status != 0)
        return status;
    if (r->opcode == HUB__WS_TEXT && !hub__utf8_feed(&r->utf8, f->data, bytes))
        return HUB__WS_INVALID_DATA;
    if (bytes > 0)
        memcpy(r->message + r->message_bytes, f->data, bytes);
    r->message_bytes += bytes;
    return 0;
}

static int end_frame(struct feed *f, struct hub__reader *r)
{
    r->in_frame = false;
    if (hub__ws_is_control(r->frame.opcode))
        return emit_control(f, r->frame.opcode, r->control,
                            (size_t)r->payload_have);
    if (!r->frame.fin)
        return 0;
    if (r->opcode == HUB__WS_TEXT && !hub__utf8_complete(&r->utf8))
        return HUB__WS_INVALID_DATA;
    emit(f, r->opcode, r->message, r->message_bytes, 0);
    drop_message(r);
    r->opcode = 0;
    return 0;
}

static int take_payload(struct feed *f, struct hub__reader *r)
{
    uint64_t left = r->frame.payload_bytes - r->payload_have;
    size_t bytes = f->bytes < left ? f->bytes : (size_t)left;
    int status = 0;

    hub__ws_unmask(f->data, bytes, r->frame.masking_key, r->payload_have);
    if (hub__ws_is_control(r->frame.opcode))
        memcpy(r->control + r->payload_have, f->data, bytes);
    else
        status = take_fragment(f, r, bytes);
    if (status != 0)
        return status;
    r->payload_have += bytes;
    skip(f, bytes);
    return r->payload_have == r->frame.payload_bytes ? end_frame(f, r) : 0;
}

static int begin_frame(struct feed *f, const struct hub__ws_header *h)
{
    struct hub__reader *r;
    bool first = *f->slot == NULL || (*f->slot)->opcode == 0;
    int status = judge(f, h);

    if (status != 0)
        return status;
    if (h->fin && (first || hub__ws_is_control(h->opcode)) &&
        f->bytes >= h->payload_bytes)
        return take_whole(f, h);

    r = ensure_reader(f);
    if (r == NULL)
        return HUB__WS_INTERNAL_ERROR;
    r->frame = *h;
    r->in_frame = true;
    r->payload_have = 0;
    if (!hub__ws_is_control(h->opcode)) {
        if (first) {
            r->opcode = h->opcode;
            r->fragments = 0;
            r->utf8 = (struct hub__utf8){0};
        }
        r->fragments++;
    }
    return take_payload(f, r);
}

/* Returns the header's length once it is complete, 0 when the bytes ran out,
 * or a negative status. */
static int take_header(struct feed *f, struct hub__ws_header *h)
{
    struct hub__reader *r = *f->slot;
    size_t have = r == NULL ? 0 : r->header_have;
    size_t bytes = sizeof r->header - have;
    int length;

    if (bytes > f->bytes)
        bytes = f->bytes;
    if (have == 0) {
        length = hub__ws_header_read(f->data, bytes, h);
    } else {
        memcpy(r->header + have, f->data, bytes);
        length = hub__ws_header_read(r->header, have + bytes, h);
    }
    if (length < 0)
        return -HUB__WS_PROTOCOL_ERROR;
    if (length > 0) {
        if (r != NULL)
            r->header_have = 0;
        skip(f, (size_t)length - have);
        return length;
    }

    r = ensure_reader(f);
    if (r == NULL)
        return -HUB__WS_INTERNAL_ERROR;
    memcpy(r->header + have, f->data, bytes);
    r->header_have = (uint8_t)(have + bytes);
    skip(f, bytes);
    return 0;
}

static int feed_some(struct feed *f)
{
    struct hub__reader *r = *f->slot;
    struct hub__ws_header h;
    int length;

    if (r != NULL && r->in_frame)
        return take_payload(f, r);
    if (r != NULL && is_idle(r))
        r->started_ms = f->now_ms; /* right after the end of another message */
    length = take_header(f, &h);
    if (length < 0)
        return -length;
    return length > 0 ? begin_frame(f, &h) : 0;
}

int hub__reader_feed(struct hub__reader **slot, uint8_t *data, size_t bytes,
                     const struct hub__reader_limits *limits, int64_t now_ms,
                     hub__reader_fn *take, void *context)
{
    struct feed f = {
        .slot = slot,
        .data = data,
        .bytes = bytes,
        .limits = limits,
        .now_ms = now_ms,
        .take = take,
        .context = context,
    };
    int status = 0;

    while (f.bytes > 0 && status == 0 && !f.stopped)
        status = feed_some(&f);

    if (*slot != NULL && is_idle(*slot))
        hub__reader_drop(slot);
    return status;
}

void hub__reader_drop(struct hub__reader **slot)
{
    if (*slot == NULL)
        return;
    drop_message(*slot);
    hub__free(*slot);
    *slot = NULL;
}
