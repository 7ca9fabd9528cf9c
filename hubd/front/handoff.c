/* handoff.c - taking the socket out of civetweb's hands.
 *
 * Once the 101 is out, the socket is duplicated to a number that civetweb never
 * uses, and its own number gets a stand-in: one end of a socket pair, from
 * which it reads one small frame with a marker, and then the end of the stream.
 * The marker is unique. If it is the first thing civetweb delivers, then
 * civetweb had read nothing behind the handshake, and the number was the right
 * one: the hub may have the duplicate. If anything else comes, the client had
 * sent bytes before the 101, which it must not (RFC 6455, 4.1), and which are
 * lost for the hub: the connection is ended.
 *
 * Meanwhile the socket is corked, so that the 101 leaves when the hub knows the
 * connection: whoever has seen it is reached by the next message.
 */
#include "front/handoff.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <civetweb.h>

#include "access/admission.h"
#include "access/gate.h"
#include "api/ws.h"
#include "base/log.h"
#include "front/http_conn.h"
#include "observe/tally.h"

#define MARKER_BYTES 16
#define BINARY_FRAME 0x82 /* FIN, opcode 2: RFC 6455, 5.2 */

struct handoff {
    struct handoffs *shared;
    struct session *session; /* NULL: given back, or the hub's */
    struct ws_ids ids;
    int fd;           /* the duplicate, or -1 */
    uint64_t written; /* to the client's socket, before the 101 */
    unsigned char marker[MARKER_BYTES];
};

static struct session *open_session(struct handoffs *handoffs,
                                    const struct exchange *x,
                                    const char *user_id, struct refusal *why)
{
    struct netaddr addr;

    if (exchange_remote(x, &addr) < 0) {
        (void)refuse_as(why, REFUSAL_OUT_OF_MEMORY);
        return NULL;
    }
    return admission_open(handoffs->admission, &addr,
                          exchange_remote_port(x, &addr), user_id, why);
}

int handoff_begin(struct handoffs *handoffs, struct exchange *x,
                  struct refusal *why)
{
    struct handoff *h = malloc(sizeof(*h));
    uint64_t number = atomic_fetch_add(&handoffs->begun, 1);
    int err;

    if (h == NULL)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    h->shared = handoffs;
    h->fd = -1;
    memcpy(h->marker, handoffs->secret, sizeof(handoffs->secret));
    memcpy(h->marker + sizeof(handoffs->secret), &number, sizeof(number));
    err = ws_check(&h->ids, &x->request, gate_enter(handoffs->gate), why);
    gate_leave(handoffs->gate);
    if (err < 0)
        goto fail;
    if (http_conn_fd(x->client) < 0) {
        (void)refuse(why, REFUSAL_AT_CAPACITY,
                     "the server cannot take the connection over");
        why->headers = REFUSAL_AGAIN(1);
        goto fail;
    }
    h->session = open_session(handoffs, x, h->ids.user_id, why);
    if (h->session == NULL)
        goto fail;
    x->client->handoff = h;
    x->upgrade = true;
    return 0;

fail:
    free(h);
    return -1;
}

static void give_back(struct handoff *h)
{
    if (h->session != NULL)
        admission_close(h->session, h->ids.user_id);
    h->session = NULL;
}

void handoff_end(struct http_conn *client)
{
    struct handoff *h = client->handoff;

    if (h == NULL)
        return;
    if (h->fd >= 0)
        (void)close(h->fd);
    give_back(h);
    free(h);
    client->handoff = NULL;
}

/* A socket pair whose one end delivers the marker and then nothing. Returns
 * that end, or -1 with errno. */
static int make_stand_in(const struct handoff *h)
{
    unsigned char frame[2 + MARKER_BYTES] = {BINARY_FRAME, MARKER_BYTES};
    int ends[2];
    ssize_t sent;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   ends) < 0)
        return -1;
    memcpy(frame + 2, h->marker, MARKER_BYTES);
    sent = send(ends[1], frame, sizeof(frame), MSG_NOSIGNAL);
    (void)close(ends[1]);
    if (sent == (ssize_t)sizeof(frame))
        return ends[0];
    (void)close(ends[0]);
    return -1;
}

/* Returns 0, or -1 with errno and civetweb's socket where it was. */
static int take_socket(struct handoff *h, struct http_conn *client)
{
    int fd = atomic_load(&client->fd);
    int stand_in = make_stand_in(h);

    if (stand_in < 0)
        return -1;
    h->fd = fcntl(fd, F_DUPFD_CLOEXEC, h->shared->base);
    if (h->fd < 0 || dup3(stand_in, fd, O_CLOEXEC) < 0) {
        (void)close(stand_in);
        return -1;
    }
    (void)close(stand_in);
    return 0;
}

/* An unmasked Close frame: RFC 6455, 5.5.1. */
static void write_close(int fd, unsigned code)
{
    unsigned char frame[4] = {0x88, 2, (unsigned char)(code >> 8),
                              (unsigned char)code};

    (void)send(fd, frame, sizeof(frame), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
}

static void give_up(struct handoff *h, unsigned code, const char *reason)
{
    char remote[ADMISSION_REMOTE_MAX] = "";

    tally_add(&h->shared->tally->failed_upgrades, 1);
    if (h->session != NULL)
        admission_remote(h->session, remote);
    log_event(LOG_INFO, "upgrade_failed", LOG_STR("user", h->ids.user_id),
              LOG_STR("remote", remote), LOG_INT("code", code),
              LOG_STR("reason", reason));
    write_close(h->fd, code);
    (void)close(h->fd);
    h->fd = -1;
    give_back(h);
}

static void cork(int fd, int on)
{
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

static struct http_conn *client_of(const struct mg_connection *conn)
{
    return mg_get_user_connection_data(conn);
}

static int on_connect(const struct mg_connection *conn, void *data)
{
    struct mg_request_info *info =
        (struct mg_request_info *)mg_get_request_info(conn);
    struct http_conn *client = client_of(conn);

    (void)data;
    /* It is left over from whoever had this thread before, or is one the client
     * has asked for and we do not speak. */
    info->acceptedWebSocketSubprotocol = NULL;
    if (client->handoff == NULL)
        return 1;
    cork(atomic_load(&client->fd), 1);
    client->handoff->written = http_conn_written(client);
    return 0;
}

/* Returns NULL, or why the socket is not ours to take. */
static const char *take_from(struct http_conn *client)
{
    struct handoff *h = client->handoff;
    int fd = atomic_load(&client->fd);
    int err;

    if (http_conn_written(client) == h->written) {
        /* The 101 went elsewhere: two connections have the same peer, and the
         * number is the other one's. */
        cork(fd, 0);
        http_conn_forget_fd(client);
        return "the socket was not found";
    }
    if (take_socket(h, client) == 0) {
        http_conn_forget_fd(client);
        return NULL;
    }
    err = errno;
    write_close(fd, 1013);
    return strerror(err);
}

static void on_ready(struct mg_connection *conn, void *data)
{
    struct http_conn *client = client_of(conn);
    const char *problem = take_from(client);

    (void)data;
    if (problem == NULL) {
        http_conn_wait(client, HTTP_CONN_WAIT_HANDOFF, 0);
        return;
    }
    tally_add(&client->handoff->shared->tally->failed_upgrades, 1);
    log_event(LOG_ERROR, "upgrade_failed",
              LOG_STR("user", client->handoff->ids.user_id),
              LOG_STR("reason", problem));
    /* civetweb does not begin to read frames then. */
    mg_disable_connection_keep_alive(conn);
}

/* The hub may close its descriptor as soon as it has it; uncorking needs one
 * that is still ours. */
static int adopt_and_uncork(struct handoff *h, const struct hub_member *member)
{
    int mine = fcntl(h->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int err;

    if (mine < 0)
        cork(h->fd, 0);
    err = hub_adopt(h->shared->hub, h->fd, member, NULL);
    if (mine >= 0) {
        cork(mine, 0);
        (void)close(mine);
    }
    return err;
}

static void adopt(struct handoff *h)
{
    struct hub_member member = HUB_MEMBER_INIT;
    struct session *session = h->session;
    int err;

    member.user_id = h->ids.user_id;
    if (h->ids.session_id[0] != '\0')
        member.session_id = h->ids.session_id;
    member.data = session;
    /* Before the call: the connection may be closed before it returns. */
    h->session = NULL;
    err = adopt_and_uncork(h, &member);
    if (err == 0) {
        h->fd = -1;
        return;
    }
    h->session = session;
    give_up(h, err == HUB_ESHUTDOWN ? 1001 : 1013, hub_strerror(err));
}

static int on_data(struct mg_connection *conn, int bits, char *data,
                   size_t count, void *context)
{
    struct handoff *h = client_of(conn)->handoff;

    (void)context;
    if (h->fd < 0)
        return 0;
    if ((bits & 0xff) == BINARY_FRAME && count == MARKER_BYTES &&
        memcmp(data, h->marker, MARKER_BYTES) == 0)
        adopt(h);
    else
        give_up(h, 1002, "bytes behind the handshake");
    mg_disable_connection_keep_alive(conn);
    return 0;
}

static void on_close(const struct mg_connection *conn, void *data)
{
    struct http_conn *client = client_of(conn);

    (void)data;
    (void)http_conn_done(client);
    if (client->handoff->fd < 0)
        return;
    if (atomic_load(client->handoff->shared->draining))
        give_up(client->handoff, 1001, "the server is stopping");
    else
        give_up(client->handoff, 1002, "bytes behind the handshake");
}

/* civetweb would look for a password file on the disk. */
static int allow(struct mg_connection *conn, void *data)
{
    (void)conn;
    (void)data;
    return 1;
}

void handoff_register(struct mg_context *http)
{
    mg_set_auth_handler(http, "/ws", allow, NULL);
    mg_set_websocket_handler(http, "/ws", on_connect, on_ready, on_data,
                             on_close, NULL);
}
