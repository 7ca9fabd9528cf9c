/* flush.c - see flush.h. */
#include "loop/flush.h"

#include <string.h>

#include "base/log.h"
#include "internal.h"

void hub__flush_later(struct hub__loop *loop, struct hub__conn *c)
{
    if (c->dirty || c->state == HUB__CONN_DEAD)
        return;
    c->dirty = true;
    c->dirty_next = NULL;
    if (loop->dirty_last != NULL)
        loop->dirty_last->dirty_next = c;
    else
        loop->dirty_first = c;
    loop->dirty_last = c;
}

void hub__flush_write(struct hub__loop *loop, struct hub__write *writes,
                      size_t count)
{
    bool was_uring = hub__sender_is_uring(&loop->sender);

    hub__sender_write(&loop->sender, writes, count);
    loop->written_us = loop->hub->clock();
    if (was_uring && !hub__sender_is_uring(&loop->sender)) {
        atomic_store_explicit(&loop->by_uring, false, memory_order_relaxed);
        hub__log(&loop->hub->options, HUB_LOG_WARN,
                 "io_uring failed, an event loop goes on with sendmsg: %s",
                 strerror(loop->sender.problem));
    }
}

uint64_t hub__flush_took(struct hub__conn *c, size_t bytes)
{
    struct hub__frame *frame;
    uint64_t messages = 0;

    while ((frame = hub__outbox_advance(&c->outbox, &bytes)) != NULL) {
        if (hub__frame_is_data(frame)) {
            messages++;
            hub__loop_delivered(c->loop, frame, 1);
        }
        hub__frame_unref(frame);
    }
    return messages;
}

/* Puts a connection's output into a write with room for HUB__IOV pieces.
 * Returns whether there was any. */
static bool gather(struct hub__conn *c, struct hub__write *w, struct iovec *iov)
{
    if (!hub__conn_prepare(c))
        return false;
    if (hub__outbox_empty(&c->outbox)) {
        hub__conn_wrote(c, 0, 0); /* it may have waited for just that */
        return false;
    }
    w->fd = c->fd;
    w->iov = iov;
    w->iov_count = hub__outbox_gather(&c->outbox, iov, HUB__IOV,
                                      HUB__TURN_BYTES, &w->bytes);
    return true;
}

void hub__flush_one(struct hub__loop *loop, struct hub__conn *c)
{
    struct iovec iov[HUB__IOV];
    struct hub__write w;

    if (!gather(c, &w, iov))
        return;
    hub__flush_write(loop, &w, 1);
    hub__conn_wrote(c, w.bytes, w.result);
}

static void write_batch(struct hub__loop *loop)
{
    struct hub__batch *b = loop->batch;
    size_t count = b->count;

    b->count = 0;
    hub__flush_write(loop, b->writes, count);
    for (size_t i = 0; i < count; i++)
        hub__conn_wrote(b->conns[i], b->writes[i].bytes, b->writes[i].result);
}

void hub__flush(struct hub__loop *loop)
{
    struct hub__conn *c = loop->dirty_first, *next;
    struct hub__batch *b = loop->batch;

    loop->dirty_first = loop->dirty_last = NULL;
    for (; c != NULL; c = next) {
        next = c->dirty_next;
        c->dirty = false;
        if (c->state == HUB__CONN_DEAD)
            continue;
        if (c->deliver != NULL) {
            hub__conn_deliver(c);
        } else if (gather(c, &b->writes[b->count], b->iov[b->count])) {
            b->conns[b->count++] = c;
        }
        if (b->count == HUB__SENDER_BATCH)
            write_batch(loop);
    }
    if (b->count > 0)
        write_batch(loop);
    if (loop->dirty_first != NULL)
        loop->again = true;
}
