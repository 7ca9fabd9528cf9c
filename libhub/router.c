/* router.c - see router.h.
 *
 * The posts of one call are first made, one chain per loop, and then handed
 * over, which cannot fail; both under the locks of the shards that were looked
 * up, so that no recipient can leave in between. Loops are woken after the
 * locks are released.
 */
#include "router.h"

#include "base/mem.h"
#include "directory/select.h"
#include "internal.h"

#define WORK_MAX ((uint64_t)1 << 30) /* bytes; about a second for a loop */
#define WORK_MAX_ONE (WORK_MAX / 16)

/* What one call posts to one loop. */
struct parcel {
    struct hub__chain chain;
    bool wake;                   /* handed over; the loop must be woken */
    size_t excluded;             /* how many of its connections are left out */
    struct hub__post *broadcast; /* in the chain, or NULL */
};

struct batch {
    hub_t *hub;
    struct hub__want *want; /* what was missing, or NULL */
    struct parcel *parcels; /* one per loop */
    struct parcel few[16];  /* usually these suffice */
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

/* backlog_bytes bounds memory, of which a broadcast takes one copy. WORK_MAX
 * bounds the time until others get their turn, such as a new connection: a
 * broadcast counts with all the bytes it writes to the loop's connections. Each
 * counts for at most WORK_MAX_ONE, so that several are always accepted,
 * whatever their size. */
bool hub__router_is_behind(const hub_t *hub, const struct hub__loop *loop,
                           enum hub__post_kind kind)
{
    const struct hub__mailbox *m = &loop->mailbox;

    if (kind == HUB__POST_BROADCAST && atomic_load(&m->work) >= WORK_MAX)
        return true;
    return atomic_load(&m->bytes) > hub->options.backlog_bytes;
}

/* Returns 0, or HUB_EAGAIN and notes why. */
static int check_behind(const struct batch *b, const struct hub__loop *loop,
                        enum hub__post_kind kind)
{
    if (!hub__router_is_behind(b->hub, loop, kind))
        return 0;
    *b->want = (struct hub__want){.hub = b->hub, .loop = loop, .kind = kind};
    return HUB_EAGAIN;
}

static uint64_t work_of(const struct hub__frame *frame, size_t connections)
{
    if (connections > WORK_MAX_ONE / frame->bytes)
        return WORK_MAX_ONE;
    return (uint64_t)frame->bytes * connections;
}

static struct parcel *parcel_for(struct batch *b, const struct hub__loop *loop)
{
    return &b->parcels[loop - b->hub->loops];
}

static int batch_add(struct batch *b, struct hub__loop *loop,
                     enum hub__post_kind kind, struct hub__conn *conn,
                     struct hub__frame *frame)
{
    struct hub__post *post;

    if (frame != NULL && check_behind(b, loop, kind) != 0)
        return HUB_EAGAIN;
    post = hub__post_new(kind, conn, frame);
    if (post == NULL)
        return HUB_ENOMEM;
    hub__chain_add(&parcel_for(b, loop)->chain, post);
    return 0;
}

static int batch_add_broadcast(struct batch *b, struct hub__loop *loop,
                               size_t recipients, struct hub__frame *frame)
{
    struct parcel *p = parcel_for(b, loop);

    if (check_behind(b, loop, HUB__POST_BROADCAST) != 0)
        return HUB_EAGAIN;
    p->broadcast = hub__post_broadcast(frame, p->excluded);
    if (p->broadcast == NULL)
        return HUB_ENOMEM;
    p->broadcast->work = work_of(frame, recipients);
    hub__chain_add(&p->chain, p->broadcast);
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

/* After the locks are released: wakes loops, and releases what was not handed
 * over. */
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

/* The loop with the fewest connections; a race only affects the balance. */
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

int hub__router_add(hub_t *hub, struct hub__conn *conn, int64_t deadline_ms,
                    hub_id *id)
{
    struct hub__found found;
    struct hub__loop *loop;
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
        parcel_for(&b, loop)->chain.first->deadline_ms = deadline_ms;
        if (id != NULL)
            *id = conn->entry.id;
        atomic_fetch_add_explicit(&loop->host.open, 1, memory_order_relaxed);
        batch_post(&b);
        hub__registry_unlock(&found);
    }
    batch_fini(&b);
    return err;
}

/* Makes the posts for all connections found. Returns how many, or an error. */
static int64_t post_found(struct batch *b, const struct hub__found *found,
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

/* Sends to the connections of one name, which are posted to as they are found.
 */
static int64_t send_to_name(struct batch *b, const struct hub_target *target,
                            struct hub__frame *frame)
{
    struct hub__found found;
    int64_t result;

    hub__registry_find(&b->hub->registry, target, &found);
    result = post_found(b, &found, frame);
    if (result > 0)
        batch_post(b);
    hub__registry_unlock(&found);
    return result == 0 && target->id.value != 0 ? HUB_ENOENT : result;
}

static int64_t post_entries(struct batch *b, const struct hub__entries *entries,
                            struct hub__frame *frame)
{
    for (size_t i = 0; i < entries->count; i++) {
        struct hub__conn *conn = hub__conn_of(entries->list[i]);
        int err =
            batch_add(b, hub__loop_of(conn), HUB__POST_FRAME, conn, frame);

        if (err != 0)
            return err;
    }
    return (int64_t)entries->count;
}

/* One post for each loop that has connections which are not excluded. */
static int64_t post_broadcasts(struct batch *b, struct hub__frame *frame)
{
    int64_t recipients = 0;
    int err = 0;

    for (unsigned i = 0; i < b->hub->loop_count && err == 0; i++) {
        struct hub__loop *loop = &b->hub->loops[i];
        size_t open =
            atomic_load_explicit(&loop->host.open, memory_order_relaxed);
        size_t excluded = b->parcels[i].excluded;

        if (open <= excluded)
            continue;
        recipients += (int64_t)(open - excluded);
        err = batch_add_broadcast(b, loop, open - excluded, frame);
    }
    return err != 0 ? err : recipients;
}

static int64_t post_all_but(struct batch *b,
                            const struct hub__entries *excluded,
                            struct hub__frame *frame)
{
    int64_t result;

    for (size_t i = 0; i < excluded->count; i++)
        parcel_for(b, hub__loop_of(hub__conn_of(excluded->list[i])))
            ->excluded++;
    result = post_broadcasts(b, frame);
    for (size_t i = 0; i < excluded->count && result > 0; i++) {
        struct hub__conn *conn = hub__conn_of(excluded->list[i]);
        struct hub__post *post = parcel_for(b, hub__loop_of(conn))->broadcast;

        if (post != NULL)
            post->except[post->except_count++] = conn;
    }
    return result;
}

static int64_t send_to_selection(struct batch *b,
                                 const struct hub_target *target,
                                 struct hub__frame *frame)
{
    struct hub__selection s;
    int64_t result = hub__select(&s, &b->hub->registry, target);

    if (result != 0)
        return result;
    result = s.everybody ? post_all_but(b, &s.excluded, frame)
                         : post_entries(b, &s.named, frame);
    if (result > 0)
        batch_post(b);
    hub__select_end(&s);
    return result;
}

/* Whether it names just one of `id`, `user_id` and `session_id`. */
static bool is_one_name(const struct hub_target *t)
{
    return t->flags == 0 && t->except == NULL && t->id_count == 0 &&
           t->user_id_count == 0 && t->session_id_count == 0 &&
           (t->id.value != 0) + (t->user_id != NULL) +
                   (t->session_id != NULL) ==
               1;
}

int64_t hub__router_send(hub_t *hub, const struct hub_target *target,
                         struct hub__frame *frame, struct hub__want *want)
{
    struct batch b;
    int64_t result = batch_init(&b, hub);

    if (result != 0)
        return result;
    b.want = want;
    result = is_one_name(target) ? send_to_name(&b, target, frame)
                                 : send_to_selection(&b, target, frame);
    batch_fini(&b);
    return result;
}

/* Hands a single post over to the loop of its connection, and unlocks. */
static void post_alone(struct hub__post *post, struct hub__found *found)
{
    struct hub__loop *loop = hub__loop_of(post->conn);
    struct hub__chain chain = {0};
    bool wake;

    hub__chain_add(&chain, post);
    wake = hub__mailbox_post(&loop->mailbox, &chain);
    hub__registry_unlock(found);
    if (wake)
        hub__mailbox_wake(&loop->mailbox);
}

int hub__router_end(hub_t *hub, hub_id id, struct hub__frame *frame, int code)
{
    struct hub__post *post = hub__post_new(
        frame == NULL ? HUB__POST_DROP : HUB__POST_CLOSE, NULL, frame);
    struct hub__found found;
    struct hub__entry *entry;

    if (post == NULL)
        return HUB_ENOMEM;
    entry = hub__registry_take(&hub->registry, id, &found);
    if (entry == NULL) {
        hub__post_free(post);
        return HUB_ENOENT;
    }
    post->conn = hub__conn_of(entry);
    post->code = code;
    atomic_fetch_sub_explicit(&post->conn->host->open, 1, memory_order_relaxed);
    post_alone(post, &found);
    return 0;
}

int hub__router_extend(hub_t *hub, hub_id id, int64_t deadline_ms)
{
    const struct hub_target target = {.id = id};
    struct hub__post *post = hub__post_new(HUB__POST_EXPIRE, NULL, NULL);
    struct hub__found found;
    struct hub__entry *entry;

    if (post == NULL)
        return HUB_ENOMEM;
    hub__registry_find(&hub->registry, &target, &found);
    entry = hub__registry_next(&found, NULL);
    if (entry == NULL) {
        hub__registry_unlock(&found);
        hub__post_free(post);
        return HUB_ENOENT;
    }
    post->conn = hub__conn_of(entry);
    post->deadline_ms = deadline_ms;
    post_alone(post, &found);
    return 0;
}
