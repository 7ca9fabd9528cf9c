/* outbox.c - see outbox.h. The first frame has a field of its own because most
 * of the time it is the only one: then nothing is allocated. */
#include "outbox.h"

#include <assert.h>

#include "mem.h"

#define RING_SIZE_FIRST 4u

static struct hub__frame **ring_at(const struct hub__outbox *o, uint32_t i)
{
    return &o->ring[(o->ring_head + i) & (o->ring_size - 1)];
}

static int ring_reserve(struct hub__outbox *o)
{
    uint32_t size = o->ring_size == 0 ? RING_SIZE_FIRST : o->ring_size * 2;
    struct hub__frame **ring;

    if (o->ring_count < o->ring_size)
        return 0;
    if (size < o->ring_size)
        return HUB_ENOMEM;
    ring = hub__malloc(size * sizeof(struct hub__frame *));
    if (ring == NULL)
        return HUB_ENOMEM;
    for (uint32_t i = 0; i < o->ring_count; i++)
        ring[i] = *ring_at(o, i);
    hub__free(o->ring);
    o->ring = ring;
    o->ring_head = 0;
    o->ring_size = size;
    return 0;
}

static void ring_release(struct hub__outbox *o)
{
    hub__free(o->ring);
    o->ring = NULL;
    o->ring_head = o->ring_count = o->ring_size = 0;
}

static void took(struct hub__outbox *o, struct hub__frame *frame)
{
    hub__frame_ref(frame, 1);
    o->bytes += frame->bytes;
}

int hub__outbox_push(struct hub__outbox *o, struct hub__frame *frame)
{
    if (o->first == NULL) {
        o->first = frame;
    } else {
        int err = ring_reserve(o);

        if (err != 0)
            return err;
        *ring_at(o, o->ring_count++) = frame;
    }
    took(o, frame);
    return 0;
}

int hub__outbox_push_front(struct hub__outbox *o, struct hub__frame *frame)
{
    struct hub__frame *second = frame;

    if (o->first == NULL)
        return hub__outbox_push(o, frame);
    if (ring_reserve(o) != 0)
        return HUB_ENOMEM;
    if (o->offset == 0) {
        second = o->first;
        o->first = frame;
    }
    o->ring_head = (o->ring_head - 1) & (o->ring_size - 1);
    o->ring_count++;
    *ring_at(o, 0) = second;
    took(o, frame);
    return 0;
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
    for (uint32_t i = 0; i < o->ring_count && count < max; i++) {
        struct hub__frame *frame = *ring_at(o, i);

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
    if (o->ring_count > 0) {
        o->first = *ring_at(o, 0);
        o->ring_head = (o->ring_head + 1) & (o->ring_size - 1);
        o->ring_count--;
    }
    if (o->ring_count == 0)
        ring_release(o);
    return frame;
}

uint64_t hub__outbox_advance(struct hub__outbox *o, size_t bytes)
{
    uint64_t messages = 0;

    while (bytes > 0) {
        struct hub__frame *frame = o->first;
        size_t left;

        assert(frame != NULL); /* nobody writes more than there is */
        left = frame->bytes - o->offset;
        if (bytes < left) {
            o->offset += bytes;
            o->bytes -= bytes;
            break;
        }
        bytes -= left;
        hub__outbox_pop(o);
        messages += hub__frame_is_data(frame);
        hub__frame_unref(frame);
    }
    return messages;
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
    for (uint32_t i = 0; i < o->ring_count; i++) {
        victim = *ring_at(o, i);
        if (!hub__frame_is_data(victim))
            continue;
        /* Only control frames can stand before it: a handful at most. */
        for (; i > 0; i--)
            *ring_at(o, i) = *ring_at(o, i - 1);
        o->ring_head = (o->ring_head + 1) & (o->ring_size - 1);
        o->ring_count--;
        o->bytes -= victim->bytes;
        hub__frame_unref(victim);
        if (o->ring_count == 0)
            ring_release(o);
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
