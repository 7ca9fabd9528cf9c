/* connect.c - the public functions by which connections come and go. Threads:
 * any; what is not checked here is checked under a lock further down.
 */
#include <string.h>
#include <sys/socket.h>

#include <hub/hub.h>

#include "internal.h"
#include "router.h"
#include "ws/utf8.h"

#define MEMBER_BYTES_MIN sizeof(struct hub_member)

static bool id_is_valid(const char *id)
{
    size_t bytes = strnlen(id, HUB_ID_BYTES_MAX + 1);

    return bytes >= 1 && bytes <= HUB_ID_BYTES_MAX;
}

static int read_member(struct hub_member *out, const struct hub_member *in)
{
    /* The size in the first version of the library is the least. */
    if (in == NULL || in->struct_size < MEMBER_BYTES_MIN ||
        hub__struct_read(out, sizeof *out, in) != 0)
        return HUB_EINVAL;
    if (out->user_id == NULL || !id_is_valid(out->user_id))
        return HUB_EINVAL;
    if (out->session_id != NULL && !id_is_valid(out->session_id))
        return HUB_EINVAL;
    if (out->preamble == NULL && out->preamble_bytes > 0)
        return HUB_EINVAL;
    return 0;
}

static int hold_place(hub_t *hub)
{
    uint64_t most = hub->options.max_connections;
    uint_fast64_t held = atomic_load(&hub->held);

    do {
        if (most != 0 && held >= most)
            return HUB_EFULL;
    } while (!atomic_compare_exchange_weak(&hub->held, &held, held + 1));
    return 0;
}

static int enter_connection(hub_t *hub, const struct hub__wire *wire,
                            const struct hub_member *member, int fd, hub_id *id)
{
    struct hub__conn *conn;
    int err = hub__enter(hub);

    if (err != 0)
        return err;
    err = hold_place(hub);
    if (err != 0)
        goto leave;
    conn = hub__conn_new(wire, member, fd);
    err = conn == NULL ? HUB_ENOMEM : hub__router_add(hub, conn, id);
    if (err != 0) {
        if (conn != NULL)
            hub__conn_free(conn);
        atomic_fetch_sub(&hub->held, 1);
    }
leave:
    hub__leave(hub);
    return err;
}

int hub_register(hub_t *hub, const struct hub_member *member, hub_id *id)
{
    struct hub_member read;
    int err;

    if (hub == NULL)
        return HUB_EINVAL;
    err = read_member(&read, member);
    if (err != 0)
        return err;
    if (read.deliver == NULL || read.preamble != NULL)
        return HUB_EINVAL;
    return enter_connection(hub, &hub__wire_member, &read, -1, id);
}

static bool is_connected_stream(int fd)
{
    struct sockaddr_storage peer;
    socklen_t peer_bytes = sizeof peer;
    int type = 0;
    socklen_t type_bytes = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_bytes) == 0 &&
           type == SOCK_STREAM &&
           getpeername(fd, (struct sockaddr *)&peer, &peer_bytes) == 0;
}

int hub_adopt(hub_t *hub, int fd, const struct hub_member *member, hub_id *id)
{
    struct hub_member read;
    int err;

    if (hub == NULL)
        return HUB_EINVAL;
    err = read_member(&read, member);
    if (err != 0)
        return err;
    if (read.deliver != NULL)
        return HUB_EINVAL;
    if (!is_connected_stream(fd))
        return HUB_ENOTSOCK;
    return enter_connection(hub, &hub__wire_websocket, &read, fd, id);
}

static int end_connection(hub_t *hub, hub_id id, struct hub__frame *frame,
                          int code)
{
    /* A hub that shuts down ends every connection anyway. */
    int err = hub__enter(hub);

    if (err != 0)
        return HUB_ENOENT;
    err = hub__router_end(hub, id, frame, code);
    hub__leave(hub);
    return err;
}

int hub_close(hub_t *hub, hub_id id, int code, const char *reason)
{
    struct hub__frame *frame;
    int err;

    if (hub == NULL || code < 0 || !hub__ws_status_valid((unsigned)code))
        return HUB_EINVAL;
    if (reason != NULL && (strlen(reason) > HUB_REASON_BYTES_MAX ||
                           !hub__utf8_valid(reason, strlen(reason))))
        return HUB_EINVAL;
    frame = hub__frame_close(code, reason);
    if (frame == NULL)
        return HUB_ENOMEM;
    err = end_connection(hub, id, frame, code);
    hub__frame_unref(frame);
    return err;
}

int hub_unregister(hub_t *hub, hub_id id)
{
    return hub == NULL ? HUB_EINVAL
                       : end_connection(hub, id, NULL, HUB__WS_ABNORMAL);
}
