/* reject.c - sockets that are only told why they are rejected. Threads: any.
 *
 * Each is a connection that is closing from the start, in no registry, without
 * a place or callbacks; see wire_rejected.c for how it ends.
 */
#include <hub/hub.h>

#include "internal.h"
#include "loop/mailbox.h"

static int read_rejection(struct hub_rejection *out,
                          const struct hub_rejection *in)
{
    if (in == NULL || hub__struct_read(out, sizeof *out, in) != 0)
        return HUB_EINVAL;
    if ((out->preamble == NULL && out->preamble_bytes > 0) || out->code < 0 ||
        !hub__ws_status_valid((unsigned)out->code) ||
        !hub__reason_is_valid(out->reason))
        return HUB_EINVAL;
    return 0;
}

static bool take_turn(hub_t *hub)
{
    size_t now = atomic_load(&hub->rejecting);

    do {
        if (now >= HUB_REJECTIONS_MAX)
            return false;
    } while (!atomic_compare_exchange_weak(&hub->rejecting, &now, now + 1));
    return true;
}

static struct hub__frame *make_lead(const struct hub_rejection *rejection)
{
    struct hub__frame *close =
        hub__frame_close(rejection->code, rejection->reason);
    struct hub__frame *lead = NULL;

    if (close == NULL)
        return NULL;
    lead =
        hub__frame_lead(rejection->preamble, rejection->preamble_bytes, close);
    hub__frame_unref(close);
    return lead;
}

/* Returns NULL without memory; then the descriptor is still the caller's. */
static struct hub__post *make_post(int fd,
                                   const struct hub_rejection *rejection)
{
    static const struct hub_member nobody = {.user_id = ""};
    struct hub__conn *conn = hub__conn_new(&nobody);
    struct hub__post *post = hub__post_new(HUB__POST_REJECT, conn, NULL);
    struct hub__frame *lead = make_lead(rejection);

    if (conn != NULL && post != NULL && lead != NULL) {
        hub__conn_fill(conn, &hub__wire_rejected, &nobody, fd, lead);
        conn->code = (uint16_t)rejection->code;
        return post;
    }
    if (conn != NULL)
        hub__conn_free(conn);
    if (lead != NULL)
        hub__frame_unref(lead);
    hub__post_free(post);
    return NULL;
}

static int reject(hub_t *hub, int fd, const struct hub_rejection *rejection)
{
    struct hub__chain chain = {0};
    struct hub__post *post;
    struct hub__loop *loop;

    if (!take_turn(hub))
        return HUB_EFULL;
    post = make_post(fd, rejection);
    if (post == NULL) {
        atomic_fetch_sub(&hub->rejecting, 1);
        return HUB_ENOMEM;
    }
    loop = &hub->loops[atomic_fetch_add(&hub->rejected, 1) % hub->loop_count];
    post->conn->host = &loop->host;
    hub__chain_add(&chain, post);
    if (hub__mailbox_post(&loop->mailbox, &chain))
        hub__mailbox_wake(&loop->mailbox);
    return 0;
}

int hub_reject(hub_t *hub, int fd, const struct hub_rejection *rejection)
{
    struct hub_rejection read;
    int err;

    if (hub == NULL || read_rejection(&read, rejection) != 0)
        return HUB_EINVAL;
    if (!hub__is_connected_stream(fd))
        return HUB_ENOTSOCK;
    err = hub__enter(hub);
    if (err != 0)
        return err;
    err = reject(hub, fd, &read);
    hub__leave(hub);
    return err;
}
