/* router.c - see router.h.
 *
 * Posts for one call are first made, one chain a loop, and then handed over,
 * which cannot fail; both under the locks of the shards that were looked up, so
 * that no recipient can leave in between. Loops are woken after the locks.
 */
#include "router.h"

#include "base/mem.h"
#include "internal.h"

#define WORK_MAX ((uint64_t)1 << 30) /* bytes; about a second of a loop's */
#define WORK_MAX_ONE (WORK_MAX / 16)

/* What one call has for one loop. */
struct parcel {
    struct hub__chain chain;
    bool wake; /* it was handed over, and the loop sleeps */
};

struct batch {
    hub_t *hub;
    struct parcel *parcels; /* one a loop */
    struct parcel few[16];  /* usually they are these */
};

static int batch_init(struct batch *b, hub_t *hub)
{
    size_t max = sizeof b->few / sizeof b->few[0];

    *b = (struct batch){.hub = hub};
    b->parcels = b->few;
    if (hub->loop_count > max)
        b->parcels = hub__calloc(hub->loop_count, sizeof *b->parcels);
    return b->parcels == NULL ? HUB_ENOMEM : 0;
}

/* Memory is bounded by what waits, which a broadcast does once. The time until
 * it is someone else's turn, a newcomer's say, is bounded too: by what all its
 * connections together get written. A single one is always let through, and so
 * are some more, whatever their size. */
static bool is_behind(const struct batch *b, const struct hub__loop *loop,
                      enum hub__post_kind kind)
{
    const struct hub__mailbox *m = &loop->mailbox;

    if (kind == HUB__POST_BROADCAST &&
        atomic_load_explicit(&m->work, memory_order_relaxed) >= WORK_MAX)
        return true;
    return atomic_load_explicit(&m->bytes, memory_order_relaxed) >
           b->hub->options.backlog_bytes;
}

static uint64_t work_of(const struct hub__frame *frame, size_t connections)
{
    if (connections > WORK_MAX_ONE / frame->bytes)
        return WORK_MAX_ONE;
    return (uint64_t)frame->bytes * connections;
}

static int batch_add(struct batch *b, struct hub__loop *loop,
                     enum hub__post_kind kind, struct hub__conn *conn,
                     struct hub__frame *frame)
{
    struct hub__post *post;

    if (frame != NULL && is_behind(b, loop, kind))
        return HUB_EAGAIN;
    post = hub__post_new(kind, conn, frame);
    if (post == NULL)
        return HUB_ENOMEM;
    if (frame != NULL && kind == HUB__POST_BROADCAST)
        post->work = work_of(frame, atomic_load_explicit(&loop->host.open,
                                                         memory_order_relaxed));
    hub__chain_add(&b->parcels[loop - b->hub->loops].chain, post);
    return 0;
}

/* Hands the chains over. */
static void batch_post(struct batch *b)
{
    for (unsigned i = 0; i < b->hub->loop_count; i++) {
        struct parcel *p = &b->parcels[i];

        if (p->chain.first == NULL)
            continue;
        p->wake = hub__mailbox_post(&b->hub->loops[i].mailbox, &p->chain);
        p->chain = (struct hub__chain){0};
    }
}

/* After the locks: wakes who sleeps, and releases what was not handed over. */
static void batch_fini(struct batch *b)
{
    for (unsigned i = 0; i < b->hub->loop_count; i++) {
        hub__chain_free(&b->parcels[i].chain);
        if (b->parcels[i].wake)
            hub__mailbox_wake(&b->hub->loops[i].mailbox);
    }
    if (b->parcels != b->few)
        hub__free(b->parcels);
}

/* The loop with the fewest connections; a race only costs some balance. */
static struct hub__loop *choose_loop(hub_t *hub)
{
    struct hub__loop *best = &hub->loops[0];
    size_t least = SIZE_MAX;

    for (unsigned i = 0; i < hub->loop_count; i++) {
        size_t open = atomic_load_explicit(&hub->loops[i].host.open,
                                           memory_order_relaxed);

        if (open < least) {
            least = open;
            best = &hub->loops[i];
        }
    }
    return best;
}

int hub__router_add(hub_t *hub, struct hub__conn *conn, hub_id *id)
{
    struct hub__loop *loop;
    struct hub__found found;
    struct batch b;
    int err = batch_init(&b, hub);

    if (err != 0)
        return err;
    loop = choose_loop(hub);
    conn->host = &loop->host;
    err = batch_add(&b, loop, HUB__POST_ADD, conn, NULL);
    if (err == 0)
        err = hub__registry_add(&hub->registry, &conn->entry, &found);
    if (err == 0) {
        if (id != NULL)
            *id = conn->entry.id;
        atomic_fetch_add_explicit(&loop->host.open, 1, memory_order_relaxed);
        batch_post(&b);
        hub__registry_unlock(&found);
    }
    batch_fini(&b);
    return err;
}

/* Makes the posts for everyone found. Returns how many, or an error. */
static int64_t post_each(struct batch *b, const struct hub__found *found,
                         struct hub__frame *frame)
{
    struct hub__entry *entry = NULL;
    int64_t recipients = 0;

    while ((entry = hub__registry_next(found, entry)) != NULL) {
        struct hub__conn *conn = hub__conn_of(entry);
        int err =
            batch_add(b, hub__loop_of(conn), HUB__POST_FRAME, conn, frame);

        if (err != 0)
            return err;
        recipients++;
    }
    return recipients;
}

int64_t hub__router_send(hub_t *hub, const struct hub_target *target,
                         struct hub__frame *frame)
{
    struct hub__found found;
    struct batch b;
    int64_t result = batch_init(&b, hub);

    if (result != 0)
        return result;
    hub__registry_find(&hub->registry, target, &found);
    result = post_each(&b, &found, frame);
    if (result > 0)
        batch_post(&b);
    hub__registry_unlock(&found);
    batch_fini(&b);
    if (result == 0 && target->id.value != 0)
        return HUB_ENOENT;
    return result;
}

int64_t hub__router_broadcast(hub_t *hub, struct hub__frame *frame)
{
    struct batch b;
    int64_t recipients = 0;
    int err = batch_init(&b, hub);

    if (err != 0)
        return err;
    for (unsigned i = 0; i < hub->loop_count && err == 0; i++) {
        struct hub__loop *loop = &hub->loops[i];
        size_t open =
            atomic_load_explicit(&loop->host.open, memory_order_relaxed);

        if (open == 0)
            continue;
        recipients += (int64_t)open;
        err = batch_add(&b, loop, HUB__POST_BROADCAST, NULL, frame);
    }
    if (err == 0)
        batch_post(&b);
    batch_fini(&b);
    return err != 0 ? err : recipients;
}

int hub__router_end(hub_t *hub, hub_id id, struct hub__frame *frame, int code)
{
    struct hub__post *post = hub__post_new(
        frame == NULL ? HUB__POST_DROP : HUB__POST_CLOSE, NULL, frame);
    struct hub__chain chain = {0};
    struct hub__found found;
    struct hub__entry *entry;
    struct hub__loop *loop;
    bool wake;

    if (post == NULL)
        return HUB_ENOMEM;
    entry = hub__registry_take(&hub->registry, id, &found);
    if (entry == NULL) {
        hub__post_free(post);
        return HUB_ENOENT;
    }
    post->conn = hub__conn_of(entry);
    post->code = code;
    loop = hub__loop_of(post->conn);
    atomic_fetch_sub_explicit(&loop->host.open, 1, memory_order_relaxed);
    hub__chain_add(&chain, post);
    wake = hub__mailbox_post(&loop->mailbox, &chain);
    hub__registry_unlock(&found);
    if (wake)
        hub__mailbox_wake(&loop->mailbox);
    return 0;
}
