/* fanout.c - see fanout.h.
 *
 * Invariant: conn->caught_up is how many of the collected frames a connection
 * already has, and 0 for all connections in the loop's table when none are
 * collected.
 */
#include "loop/fanout.h"

#include <string.h>

#include "base/mem.h"
#include "loop/batch.h"
#include "loop/conn_queue.h"
#include "loop/conn_write.h"

#define FRAMES_FIRST 16u
#define JOINED_KEPT 65536 /* bytes; more is released after a peak */

/* How much a turn may broadcast: bounded per connection, and for all
 * connections together, though never below what is worth a system call, so that
 * reading and heartbeats get their turn too. A single message is never split.
 */
#define SPREAD_BYTES_MIN 16384
#define SPREAD_BYTES_ALL ((size_t)64 << 20)

/* Drops the collected frames. */
static void clear(struct hub__fanout *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        hub__frame_unref(f->frames[i]);
    f->count = 0;
    f->bytes = 0;
    if (f->joined_size > JOINED_KEPT) {
        hub__free(f->joined);
        f->joined = NULL;
        f->joined_size = 0;
    }
}

void hub__fanout_init(struct hub__fanout *f, struct hub__host *host)
{
    *f = (struct hub__fanout){.host = host};
}

void hub__fanout_fini(struct hub__fanout *f)
{
    clear(f);
    hub__free(f->frames);
    hub__free(f->joined);
    *f = (struct hub__fanout){.host = f->host};
}

/* Collecting. ---------------------------------------------------------- */

static bool reserve(struct hub__fanout *f)
{
    uint32_t size = f->size == 0 ? FRAMES_FIRST : f->size * 2;
    struct hub__frame **frames;

    if (f->count < f->size)
        return true;
    frames = hub__realloc(f->frames, size * sizeof(struct hub__frame *));
    if (frames == NULL)
        return false;
    f->frames = frames;
    f->size = size;
    return true;
}

/* Queues it for each connection, except for those marked as having it. */
static void queue_all(const struct hub__fanout *f, struct hub__frame *frame)
{
    for (uint32_t i = f->host->conn_count; i-- > 0;) {
        struct hub__conn *c = f->host->conns[i];

        if (c->caught_up == 0)
            hub__conn_queue(c, frame);
        else
            c->caught_up = 0;
    }
}

void hub__fanout_add(struct hub__fanout *f, struct hub__frame *frame,
                     struct hub__conn *const *except, size_t except_count)
{
    bool collects = reserve(f);

    if (!collects) {
        hub__fanout_spread(f);
        collects = f->size > 0;
    }
    for (size_t i = 0; i < except_count; i++) {
        hub__fanout_catch_up(f, except[i]);
        except[i]->caught_up = f->count + 1;
    }
    if (!collects) {
        queue_all(f, frame);
        return;
    }
    hub__frame_ref(frame, 1);
    f->frames[f->count++] = frame;
    f->bytes += frame->bytes;
}

bool hub__fanout_is_full(const struct hub__fanout *f)
{
    size_t share = SPREAD_BYTES_ALL / (f->host->conn_count + (size_t)1);

    if (share < SPREAD_BYTES_MIN)
        share = SPREAD_BYTES_MIN;
    if (share > HUB__TURN_BYTES)
        share = HUB__TURN_BYTES;
    return f->bytes >= share;
}

void hub__fanout_catch_up(struct hub__fanout *f, struct hub__conn *c)
{
    while (c->caught_up < f->count)
        hub__conn_queue(c, f->frames[c->caught_up++]);
}

void hub__fanout_skip(const struct hub__fanout *f, struct hub__conn *c)
{
    c->caught_up = f->count;
}

/* Spreading. ----------------------------------------------------------- */

/* Joins all frames in one piece, when it is first needed. Returns false without
 * memory for it. */
static bool join(struct hub__fanout *f, struct iovec *piece)
{
    size_t at = 0;

    if (piece->iov_len > 0)
        return true;
    if (f->count == 1) {
        *piece = (struct iovec){f->frames[0]->data, f->frames[0]->bytes};
        return true;
    }
    if (f->joined_size < f->bytes) {
        hub__free(f->joined);
        f->joined_size = f->bytes < JOINED_KEPT ? JOINED_KEPT : f->bytes;
        f->joined = hub__malloc(f->joined_size);
        if (f->joined == NULL) {
            f->joined_size = 0;
            return false;
        }
    }
    for (uint32_t i = 0; i < f->count; i++) {
        memcpy(f->joined + at, f->frames[i]->data, f->frames[i]->bytes);
        at += f->frames[i]->bytes;
    }
    *piece = (struct iovec){f->joined, f->bytes};
    return true;
}

/* Queues what a write did not take. */
static void keep_rest(struct hub__fanout *f, struct hub__conn *c,
                      ssize_t result)
{
    size_t done = hub__conn_wrote_frames(c, f->frames, f->count, result);

    while (done < f->count)
        hub__conn_queue(c, f->frames[done++]);
}

/* See hub__batch_write(). */
static void take_result(void *context, struct hub__conn *c,
                        const struct hub__write *w)
{
    struct hub__fanout *f = context;

    if (w->result == (ssize_t)f->bytes) {
        f->whole++;
        c->messages_out += f->count;
        c->bytes_out += f->bytes;
    } else {
        keep_rest(f, c, w->result);
    }
}

static void write_batch(struct hub__fanout *f)
{
    struct hub__host *host = f->host;

    if (host->batch->count == 0)
        return;
    f->whole = 0;
    hub__batch_write(host, take_result, f);
    for (uint32_t i = 0; i < f->count; i++)
        hub__host_delivered(host, f->frames[i], f->whole);
    hub__count(&host->counters.messages_out, f->whole * f->count);
    hub__count(&host->counters.bytes_out, f->whole * f->bytes);
}

static void spread_to(struct hub__fanout *f, struct hub__batch *b,
                      struct hub__conn *c, struct iovec *piece)
{
    if (c->caught_up > 0 || !hub__conn_is_clear(c) || !join(f, piece)) {
        hub__fanout_catch_up(f, c);
        c->caught_up = 0;
        return;
    }
    b->writes[b->count] = (struct hub__write){
        .fd = c->fd,
        .iov = piece,
        .iov_count = 1,
        .bytes = piece->iov_len,
    };
    b->conns[b->count++] = c;
    if (hub__batch_is_full(b))
        write_batch(f);
}

void hub__fanout_spread(struct hub__fanout *f)
{
    const struct hub__host *host = f->host;
    struct iovec piece = {0};

    if (f->count == 0)
        return;
    /* Backwards, since a connection that dies of the write is replaced in the
     * table by the last one. */
    for (uint32_t i = host->conn_count; i-- > 0;)
        spread_to(f, host->batch, host->conns[i], &piece);
    write_batch(f);
    clear(f);
}
