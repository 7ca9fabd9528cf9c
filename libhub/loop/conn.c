/* conn.c - see conn.h.
 *
 * Invariant: a connection in NEW or OPEN is in the registry unless hub_close()
 * or hub_unregister() took it out, whose post is then on its way. Nothing here
 * frees a connection that is in use up the stack: hub__conn_cut() only moves it
 * to the list of dying ones.
 */
#include "loop/conn.h"

#include <string.h>

#include "base/mem.h"

#define TABLE_FIRST 64u
#define NOT_IN_TABLE UINT32_MAX

struct hub__conn *hub__conn_new(const struct hub_member *member)
{
    size_t user_bytes = strlen(member->user_id) + 1;
    size_t session_bytes =
        member->session_id == NULL ? 0 : strlen(member->session_id) + 1;
    struct hub__conn *c = hub__calloc(1, sizeof *c + member->address_bytes +
                                             user_bytes + session_bytes);
    char *ids;

    if (c == NULL)
        return NULL;
    c->fd = -1;
    c->address_bytes = (uint8_t)member->address_bytes;
    if (member->address_bytes > 0)
        memcpy(c->ids, member->address, member->address_bytes);
    ids = c->ids + member->address_bytes;
    c->entry.user_id = memcpy(ids, member->user_id, user_bytes);
    if (session_bytes > 0)
        c->entry.session_id =
            memcpy(ids + user_bytes, member->session_id, session_bytes);
    return c;
}

void hub__conn_fill(struct hub__conn *c, const struct hub__wire *wire,
                    const struct hub_member *member, int fd,
                    struct hub__frame *first)
{
    c->wire = wire;
    c->deliver = member->deliver;
    c->data = member->data;
    c->fd = fd;
    if (first == NULL)
        return;
    if (wire->takes_frames) {
        hub__outbox_lead(&c->outbox, first);
        return;
    }
    /* Into an empty outbox this takes no memory. */
    (void)hub__outbox_push(&c->outbox, first);
    hub__frame_unref(first);
}

void hub__conn_empty(struct hub__conn *c)
{
    hub__outbox_fini(&c->outbox);
    c->fd = -1;
}

void hub__conn_free(struct hub__conn *c)
{
    hub__outbox_fini(&c->outbox);
    hub__reader_drop(&c->reader);
    if (c->pong != NULL)
        hub__frame_unref(c->pong);
    hub__free(c);
}

struct hub_connection hub__conn_view(const struct hub__conn *c)
{
    return (struct hub_connection){
        .id = c->entry.id,
        .user_id = c->entry.user_id,
        .session_id = c->entry.session_id,
        .data = c->data,
    };
}

/* The table. ---------------------------------------------------------- */

static int table_add(struct hub__host *host, struct hub__conn *c)
{
    c->index = NOT_IN_TABLE;
    if (host->conn_count == host->conn_size) {
        uint32_t size =
            host->conn_size == 0 ? TABLE_FIRST : host->conn_size * 2;
        struct hub__conn **conns =
            hub__realloc(host->conns, size * sizeof(struct hub__conn *));

        if (conns == NULL)
            return HUB_ENOMEM;
        host->conns = conns;
        host->conn_size = size;
    }
    c->index = host->conn_count;
    host->conns[host->conn_count++] = c;
    return 0;
}

static void table_remove(struct hub__host *host, struct hub__conn *c)
{
    struct hub__conn **shrunk;

    if (c->index == NOT_IN_TABLE)
        return;
    host->conns[c->index] = host->conns[--host->conn_count];
    host->conns[c->index]->index = c->index;
    c->index = NOT_IN_TABLE;
    if (host->conn_size <= TABLE_FIRST ||
        host->conn_count >= host->conn_size / 4)
        return;
    shrunk = hub__realloc(host->conns,
                          host->conn_size / 2 * sizeof(struct hub__conn *));
    if (shrunk != NULL) {
        host->conns = shrunk;
        host->conn_size /= 2;
    }
}

/* Coming. ------------------------------------------------------------- */

static int enter_loop(struct hub__conn *c)
{
    int err = table_add(c->host, c);

    return err == 0 ? c->wire->open(c) : err;
}

void hub__conn_open(struct hub__conn *c)
{
    const struct hub__shared *shared = &c->host->shared;

    c->state = HUB__CONN_OPEN;
    c->opened_ms = c->heard_ms = c->host->now_ms;
    atomic_fetch_add_explicit(shared->opened, 1, memory_order_relaxed);
    if (shared->options->opened != NULL) {
        struct hub_connection connection = hub__conn_view(c);

        shared->options->opened(shared->hub, &connection);
    }
    if (enter_loop(c) != 0)
        hub__conn_cut(c, HUB_CLOSED_ERROR);
}

void hub__conn_reject(struct hub__conn *c)
{
    c->state = HUB__CONN_CLOSING;
    c->cause = HUB_CLOSED_BY_HOST;
    c->opened_ms = c->heard_ms = c->close_ms = c->host->now_ms;
    if (enter_loop(c) != 0)
        hub__conn_cut(c, HUB_CLOSED_ERROR);
}

/* Going. -------------------------------------------------------------- */

bool hub__conn_unregister(struct hub__conn *c, struct hub__moment *moment)
{
    if (!hub__registry_remove(c->host->shared.registry, &c->entry, moment))
        return false; /* already counted by whoever was first */
    atomic_fetch_sub_explicit(&c->host->open, 1, memory_order_relaxed);
    return true;
}

void hub__conn_drop_term(struct hub__conn *c)
{
    struct hub__host *host = c->host;

    if (c->term.place != 0)
        hub__heap_remove(c->term.warned ? &host->closes : &host->warnings,
                         &c->term.place);
}

void hub__conn_begin_closing(struct hub__conn *c, int code,
                             enum hub_close_cause cause)
{
    if (c->state < HUB__CONN_LEAVING)
        hub__conn_drop_term(c);
    c->state = HUB__CONN_CLOSING;
    c->cause = (uint8_t)cause;
    c->code = (uint16_t)code;
    c->close_ms = c->host->now_ms;
    (void)hub__conn_unregister(c, NULL);
}

static void tell_closed(const struct hub__conn *c)
{
    const struct hub__shared *shared = &c->host->shared;
    struct hub_connection connection = hub__conn_view(c);
    struct hub_close_info info = {
        .cause = (enum hub_close_cause)c->cause,
        .code = c->code,
        .duration_ms = c->host->now_ms - c->opened_ms,
        .messages_in = c->messages_in,
        .messages_out = c->messages_out,
        .bytes_in = c->bytes_in,
        .bytes_out = c->bytes_out,
    };

    if (shared->options->closed != NULL)
        shared->options->closed(shared->hub, &connection, &info);
}

static void leave_loop(struct hub__conn *c)
{
    c->wire->leave(c);
    table_remove(c->host, c);
    if (!c->leaving) /* else it is still in that list */
        hub__conn_push(&c->host->dying, c);
}

void hub__conn_cut(struct hub__conn *c, enum hub_close_cause cause)
{
    const struct hub__shared *shared = &c->host->shared;

    if (c->state == HUB__CONN_DEAD)
        return;
    if (c->state < HUB__CONN_LEAVING)
        hub__conn_begin_closing(c, HUB__WS_ABNORMAL, cause);
    c->state = HUB__CONN_DEAD;
    leave_loop(c);
    if (!c->wire->has_place)
        return;
    /* First, so that `closed` may already add a successor. */
    hub__count(&c->host->counters.closed_by_cause[c->cause], 1);
    hub__places_give(shared->places, c->entry.user_id, c->ids,
                     c->address_bytes);
    tell_closed(c);
}
