/* connect.c - the public functions that add and remove connections. Threads:
 * any; what is not checked here is checked further down, under a lock.
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

static int read_member(const hub_t *hub, struct hub_member *out,
                       const struct hub_member *in)
{
    /* The size in the first version of the library is the minimum. */
    if (in == NULL || in->struct_size < MEMBER_BYTES_MIN ||
        hub__struct_read(out, sizeof *out, in) != 0)
        return HUB_EINVAL;
    if (out->address_bytes > HUB_ADDRESS_BYTES_MAX ||
        (out->address_bytes > 0 && out->address == NULL))
        return HUB_EINVAL;
    if (hub->options.max_connections_per_address == 0)
        out->address_bytes = 0; /* need not be kept */
    if (out->session_id != NULL && !id_is_valid(out->session_id))
        return HUB_EINVAL;
    if (out->preamble == NULL && out->preamble_bytes > 0)
        return HUB_EINVAL;
    if (out->user_id == NULL)
        return out->place != NULL ? 0 : HUB_EINVAL;
    return id_is_valid(out->user_id) ? 0 : HUB_EINVAL;
}

/* Places. -------------------------------------------------------------- */

/* A place is the future connection itself: allocated and counted, but without a
 * member yet. */
static struct hub__conn *conn_of(hub_place_t *place)
{
    return (struct hub__conn *)(void *)place;
}

static int take_place(hub_t *hub, const struct hub_member *member,
                      hub_place_t **place)
{
    struct hub__conn *conn;
    int err = hub__places_take(&hub->places, member->user_id, member->address,
                               member->address_bytes);

    if (err != 0)
        return err;
    conn = hub__conn_new(member);
    if (conn == NULL) {
        hub__places_give(&hub->places, member->user_id, member->address,
                         member->address_bytes);
        return HUB_ENOMEM;
    }
    *place = (hub_place_t *)(void *)conn;
    return 0;
}

void hub_release(hub_t *hub, hub_place_t *place)
{
    struct hub__conn *conn = conn_of(place);

    if (hub == NULL || place == NULL)
        return;
    hub__places_give(&hub->places, conn->entry.user_id, conn->ids,
                     conn->address_bytes);
    hub__conn_free(conn);
}

int hub_reserve(hub_t *hub, const struct hub_member *member,
                hub_place_t **place)
{
    struct hub_member read;
    int err;

    if (hub == NULL || place == NULL || read_member(hub, &read, member) != 0 ||
        read.user_id == NULL)
        return HUB_EINVAL;
    err = hub__enter(hub);
    if (err != 0)
        return err;
    err = take_place(hub, &read, place);
    hub__leave(hub);
    return err;
}

int hub_set_max_connections(hub_t *hub, uint64_t max_connections)
{
    if (hub == NULL)
        return HUB_EINVAL;
    atomic_store(&hub->places.limit, max_connections);
    return 0;
}

static bool is_same(const char *said, const char *known)
{
    return said == NULL || (known != NULL && strcmp(said, known) == 0);
}

/* Whether a place was reserved for this member, as far as the member's fields
 * are set. */
static bool is_for(hub_place_t *place, const struct hub_member *member)
{
    const struct hub__conn *conn = conn_of(place);

    return is_same(member->user_id, conn->entry.user_id) &&
           is_same(member->session_id, conn->entry.session_id) &&
           (member->address_bytes == 0 ||
            (member->address_bytes == conn->address_bytes &&
             memcmp(member->address, conn->ids, conn->address_bytes) == 0));
}

/* Coming. -------------------------------------------------------------- */

/* By the hub's clock. */
static int64_t deadline_of(const hub_t *hub, int64_t expires_ms)
{
    if (expires_ms == 0)
        return HUB__NEVER_MS;
    if (expires_ms > HUB__EXPIRES_MS_MAX)
        expires_ms = HUB__EXPIRES_MS_MAX;
    return hub__clock_ms(hub) + expires_ms;
}

/* Makes what is sent first: the preamble and the greeting, if there are any. */
static int make_first(hub_t *hub, const struct hub__wire *wire,
                      const struct hub_member *member,
                      struct hub__frame **first)
{
    struct hub__frame *greeting = NULL, *lead;

    if (member->greeting != NULL) {
        greeting = hub__frame_of(member->greeting);
        if (greeting == NULL)
            return HUB_ENOMEM;
        greeting->called_us = hub->clock();
    }
    *first = greeting;
    if (wire->takes_frames &&
        (greeting != NULL || member->preamble_bytes > 0)) {
        lead =
            hub__frame_lead(member->preamble, member->preamble_bytes, greeting);
        if (greeting != NULL)
            hub__frame_unref(greeting);
        if (lead == NULL)
            return HUB_ENOMEM;
        *first = lead;
    }
    /* A full budget is no reason to refuse a connection. */
    if (member->greeting != NULL)
        hub__frame_charge_force(*first, &hub->budget);
    return 0;
}

static int fill_place(hub_t *hub, const struct hub__wire *wire,
                      const struct hub_member *member, int fd, hub_id *id)
{
    struct hub__conn *conn = conn_of(member->place);
    struct hub__frame *first;
    int err = make_first(hub, wire, member, &first);

    if (err != 0)
        return err;
    hub__conn_fill(conn, wire, member, fd, first);
    err = hub__router_add(hub, conn, deadline_of(hub, member->expires_ms), id);
    if (err != 0) {
        hub__conn_empty(conn);
        hub__room_made(&hub->room); /* by dropping the greeting */
    }
    return err;
}

static int enter_connection(hub_t *hub, const struct hub__wire *wire,
                            struct hub_member *member, int fd, hub_id *id)
{
    bool has_place = member->place != NULL;
    int err;

    if (member->expires_ms < 0 ||
        (member->greeting != NULL &&
         !hub__message_is_valid(member->greeting)) ||
        (has_place && !is_for(member->place, member)))
        return HUB_EINVAL;
    err = hub__enter(hub);
    if (err != 0)
        return err;
    if (!has_place)
        err = take_place(hub, member, &member->place);
    if (err == 0) {
        err = fill_place(hub, wire, member, fd, id);
        if (err != 0 && !has_place)
            hub_release(hub, member->place);
    }
    hub__leave(hub);
    return err;
}

int hub_register(hub_t *hub, const struct hub_member *member, hub_id *id)
{
    struct hub_member read;
    int err;

    if (hub == NULL)
        return HUB_EINVAL;
    err = read_member(hub, &read, member);
    if (err != 0)
        return err;
    if (read.deliver == NULL || read.preamble != NULL)
        return HUB_EINVAL;
    return enter_connection(hub, &hub__wire_member, &read, -1, id);
}

bool hub__is_connected_stream(int fd)
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
    err = read_member(hub, &read, member);
    if (err != 0)
        return err;
    if (read.deliver != NULL)
        return HUB_EINVAL;
    if (!hub__is_connected_stream(fd))
        return HUB_ENOTSOCK;
    return enter_connection(hub, &hub__wire_websocket, &read, fd, id);
}

/* Expiring. ------------------------------------------------------------ */

int hub_extend(hub_t *hub, hub_id id, int64_t expires_ms)
{
    int err;

    if (hub == NULL || expires_ms < 0)
        return HUB_EINVAL;
    /* A hub that shuts down ends every connection anyway. */
    err = hub__enter(hub);
    if (err != 0)
        return HUB_ENOENT;
    err = hub__router_extend(hub, id, deadline_of(hub, expires_ms));
    hub__leave(hub);
    return err;
}

/* Going. --------------------------------------------------------------- */

static int end_connection(hub_t *hub, hub_id id, struct hub__frame *frame,
                          int code)
{
    /* A hub that is shutting down ends every connection anyway. */
    int err = hub__enter(hub);

    if (err != 0)
        return HUB_ENOENT;
    err = hub__router_end(hub, id, frame, code);
    hub__leave(hub);
    return err;
}

bool hub__reason_is_valid(const char *reason)
{
    size_t bytes =
        reason == NULL ? 0 : strnlen(reason, HUB_REASON_BYTES_MAX + 1);

    return bytes <= HUB_REASON_BYTES_MAX &&
           (bytes == 0 || hub__utf8_valid(reason, bytes));
}

int hub_close(hub_t *hub, hub_id id, int code, const char *reason)
{
    struct hub__frame *frame;
    int err;

    if (hub == NULL || code < 0 || !hub__ws_status_valid((unsigned)code) ||
        !hub__reason_is_valid(reason))
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
