/* outbox.c - see outbox.h. The first frame has a field of its own because it is
 * usually the only one; then nothing is allocated. */
#include "message/outbox.h"

#include <assert.h>

#include "base/mem.h"

#define RING_SIZE_FIRST 4u

struct hub__outbox_ring {
    struct hub__budget *budget; /* that the ring is charged to, or NULL */
    uint32_t head, count, size; /* size: a power of two */
    struct hub__frame *frames[];
};

static struct hub__frame **ring_at(struct hub__outbox_ring *r, uint32_t i)
{
    return &r->frames[(r->head + i) & (r->size - 1)];
}

static uint32_t ring_count(const struct hub__outbox *o)
{
    return o->ring == NULL ? 0 : o->ring->count;
}

static size_t ring_memory(uint32_t size)
{
    return sizeof(struct hub__outbox_ring) +
           (size_t)size * sizeof(struct hub__frame *);
}

static void ring_free(struct hub__outbox_ring *r)
{
    if (r != NULL && r->budget != NULL)
        hub__budget_give(r->budget, ring_memory(r->size));
    hub__free(r);
}

/* Makes room for one more frame, `frame`. */
static int ring_reserve(struct hub__outbox *o, const struct hub__frame *frame)
{
    struct hub__outbox_ring *old = o->ring, *ring;
    struct hub__budget *budget = frame->budget;
    uint32_t count = ring_count(o);
    uint32_t size = old == NULL ? RING_SIZE_FIRST : old->size * 2;

    if (old != NULL && count < old->size)
        return 0;
    if (size < count)
        return HUB_ENOMEM;
    ring = hub__malloc(ring_memory(size));
    if (ring == NULL)
        return HUB_ENOMEM;
    if (budget == NULL && old != NULL)
        budget = old->budget;
    if (budget != NULL)
        hub__budget_charge(budget, ring_memory(size));
    *ring = (struct hub__outbox_ring){budget, .count = count, .size = size};
    for (uint32_t i = 0; i < count; i++)
        ring->frames[i] = *ring_at(old, i);
    ring_free(old);
    o->ring = ring;
    return 0;
}

/* Removes the first frame, and with the last one the ring. */
static void ring_shift(struct hub__outbox *o)
{
    struct hub__outbox_ring *r = o->ring;

    r->head = (r->head + 1) & (r->size - 1);
    r->count--;
    if (r->count == 0) {
        ring_free(r);
        o->ring = NULL;
    }
}

static void took(struct hub__outbox *o, struct hub__frame *frame)
{
    hub__frame_ref(frame, 1);
    o->bytes += frame->bytes;
}

size_t hub__outbox_memory(const struct hub__outbox *o)
{
    if (o->first == NULL)
        return 0;
    return o->bytes + (1 + (size_t)ring_count(o)) * sizeof(struct hub__frame) +
           (o->ring == NULL ? 0 : ring_memory(o->ring->size));
}

int hub__outbox_push(struct hub__outbox *o, struct hub__frame *frame)
{
    if (o->first == NULL) {
        o->first = frame;
    } else {
        int err = ring_reserve(o, frame);

        if (err != 0)
            return err;
        *ring_at(o->ring, o->ring->count++) = frame;
    }
    took(o, frame);
    return 0;
}

int hub__outbox_push_front(struct hub__outbox *o, struct hub__frame *frame)
{
    struct hub__frame *second = frame;

    if (o->first == NULL)
        return hub__outbox_push(o, frame);
    if (ring_reserve(o, frame) != 0)
        return HUB_ENOMEM;
    if (o->offset == 0) {
        second = o->first;
        o->first = frame;
    }
    o->ring->head = (o->ring->head - 1) & (o->ring->size - 1);
    o->ring->count++;
    *ring_at(o->ring, 0) = second;
    took(o, frame);
    return 0;
}

void hub__outbox_lead(struct hub__outbox *o, struct hub__frame *lead)
{
    assert(o->first == NULL);
    o->first = lead;
    o->offset = HUB__FRAME_LEAD_HEADER;
    o->bytes = lead->bytes - o->offset;
}

size_t hub__outbox_leading(const struct hub__outbox *o)
{
    const struct hub__frame *lead = o->first;
    size_t end;

    if (lead == NULL || lead->opcode != HUB__FRAME_LEAD)
        return 0;
    end = lead->bytes - lead->greeting_bytes;
    return o->offset < end ? end - o->offset : 0;
}

size_t hub__outbox_gather(const struct hub__outbox *o, struct iovec *iov,
                          size_t max, size_t max_bytes, size_t *bytes)
{
    size_t count = 0;

    *bytes = 0;
    if (o->first == NULL || max == 0)
        return 0;
    iov[count++] = (struct iovec){
        .iov_base = o->first->data + o->offset,
        .iov_len = o->first->bytes - o->offset,
    };
    *bytes = iov[0].iov_len;
    for (uint32_t i = 0; i < ring_count(o) && count < max; i++) {
        struct hub__frame *frame = *ring_at(o->ring, i);

        if (*bytes + frame->bytes > max_bytes)
            break;
        iov[count++] = (struct iovec){
            .iov_base = frame->data,
            .iov_len = frame->bytes,
        };
        *bytes += frame->bytes;
    }
    return count;
}

struct hub__frame *hub__outbox_pop(struct hub__outbox *o)
{
    struct hub__frame *frame = o->first;

    if (frame == NULL)
        return NULL;
    o->bytes -= frame->bytes - o->offset;
    o->offset = 0;
    o->first = NULL;
    if (o->ring != NULL) {
        o->first = *ring_at(o->ring, 0);
        ring_shift(o);
    }
    return frame;
}

struct hub__frame *hub__outbox_advance(struct hub__outbox *o, size_t *bytes)
{
    size_t left;

    if (*bytes == 0)
        return NULL;
    assert(o->first != NULL); /* no write takes more than there is */
    left = o->first->bytes - o->offset;
    if (*bytes < left) {
        o->offset += *bytes;
        o->bytes -= *bytes;
        *bytes = 0;
        return NULL;
    }
    *bytes -= left;
    return hub__outbox_pop(o);
}

bool hub__outbox_drop_oldest(struct hub__outbox *o)
{
    struct hub__frame *victim;

    if (o->first == NULL)
        return false;
    if (o->offset == 0 && hub__frame_is_data(o->first)) {
        hub__frame_unref(hub__outbox_pop(o));
        return true;
    }
    for (uint32_t i = 0; i < ring_count(o); i++) {
        victim = *ring_at(o->ring, i);
        if (!hub__frame_is_data(victim))
            continue;
        /* Only control frames can be before it: a handful at most. */
        for (; i > 0; i--)
            *ring_at(o->ring, i) = *ring_at(o->ring, i - 1);
        ring_shift(o);
        o->bytes -= victim->bytes;
        hub__frame_unref(victim);
        return true;
    }
    return false;
}

void hub__outbox_drop_unsent(struct hub__outbox *o)
{
    struct hub__frame *half = NULL;
    size_t offset = o->offset;

    if (offset > 0)
        half = hub__outbox_pop(o);
    hub__outbox_fini(o);
    if (half != NULL) {
        o->first = half;
        o->offset = offset;
        o->bytes = half->bytes - offset;
    }
}

void hub__outbox_fini(struct hub__outbox *o)
{
    struct hub__frame *frame;

    while ((frame = hub__outbox_pop(o)) != NULL)
        hub__frame_unref(frame);
}
