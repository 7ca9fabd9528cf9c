/* handoff.c - see handoff.h.
 *
 * The socket is duplicated to a number that civetweb never uses, and the hub
 * adopts the duplicate along with the answer to the handshake: so a client that
 * has seen the answer is already in the hub. Then a stand-in, a socket that was
 * never connected, replaces civetweb's descriptor, which civetweb may shut down
 * and close as it likes. Until then the request can be refused like any other.
 *
 * Nothing is assumed: tap.h has seen which descriptor civetweb reads from, and
 * how much. If that goes beyond the end of the request, the client has sent
 * more before it was answered, which is not allowed (RFC 6455, 4.1), and would
 * be lost for the hub.
 */
#include "front/handoff.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <civetweb.h>

#include "base/log.h"
#include "front/front.h"
#include "front/http_conn.h"

static int refuse_takeover(struct refusal *why)
{
    (void)refuse(why, REFUSAL_AT_CAPACITY,
                 "the server cannot take over the connection");
    why->headers = REFUSAL_AGAIN(1);
    return -1;
}

static int refuse_unknown(struct refusal *why)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;

    if (!atomic_flag_test_and_set(&told))
        log_event(LEVEL_ERROR, "handoff",
                  LOG_STR("error",
                          "this civetweb library does not call poll() "
                          "and recv() to wait and read, so its sockets "
                          "cannot be taken over"));
    return refuse_takeover(why);
}

int handoff_check(struct exchange *x, struct refusal *why)
{
    if (x->held == NULL || http_conn_fd(x->client) < 0)
        return refuse_unknown(why);
    if (x->held_bytes == 0)
        return 0;
    x->unread_body = true; /* more may follow */
    return refuse(why, REFUSAL_INVALID_HANDSHAKE,
                  "data was sent before the handshake was answered");
}

static int refuse_adoption(int err, struct refusal *why)
{
    if (err == HUB_ESHUTDOWN)
        return refuse_as(why, REFUSAL_DRAINING);
    if (err == HUB_ENOMEM)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    return refuse_takeover(why);
}

/* Takes the hub's socket out of civetweb's reach. */
static void replace_socket(struct exchange *x)
{
    int fd = http_conn_fd(x->client);

    /* It can only fail if descriptors are not what they seem; then civetweb
     * closes the connection. */
    if (dup3(x->front->stand_in, fd, O_CLOEXEC) < 0)
        log_event(LEVEL_ERROR, "handoff", LOG_STR("error", strerror(errno)));
    http_conn_forget_fd(x->client);
    mg_disable_connection_keep_alive(x->conn);
}

/* Returns another number for the socket, or -1. */
static int duplicate(const struct exchange *x)
{
    return fcntl(http_conn_fd(x->client), F_DUPFD_CLOEXEC,
                 x->front->options.base);
}

int handoff(struct exchange *x, hub_t *hub, const struct hub_member *member,
            struct refusal *why)
{
    int fd = duplicate(x), err;

    if (fd < 0)
        return refuse_takeover(why);
    err = hub_adopt(hub, fd, member, NULL);
    if (err != 0) {
        (void)close(fd);
        return refuse_adoption(err, why);
    }
    replace_socket(x);
    x->status = 101;
    return 0;
}

int handoff_reject(struct exchange *x, hub_t *hub,
                   const struct hub_rejection *rejection,
                   const struct refusal *why)
{
    const struct front_options *options = &x->front->options;
    int fd = duplicate(x);

    if (fd < 0)
        return -1;
    if (hub_reject(hub, fd, rejection) != 0) {
        (void)close(fd);
        return -1;
    }
    replace_socket(x);
    x->status = 101;
    options->count(options->data, x->endpoint, why->kind);
    return 0;
}
