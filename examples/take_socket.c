/* take_socket.c - civetweb keeps a thread for each WebSocket and does not hand
 * over its socket, so it is taken: found by the peer's address, and moved to
 * another descriptor, while a stand-in takes its old one.
 *
 * The stand-in contains one frame, MARKER. If that is the first thing civetweb
 * reads, its buffer held nothing from the client, and the program can have the
 * socket. Then civetweb reads the end of the stream, and its thread is free.
 */
#include "take_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CIVETWEB_MAX 64 /* descriptors it needs at once: threads, queue */
#define MARKER "nothing was in between"

/* IPv4 or IPv6, in the words that civetweb has for it. */
static int is_peer(int fd, const struct mg_request_info *request)
{
    struct sockaddr_storage peer;
    socklen_t bytes = sizeof peer;
    char host[sizeof request->remote_addr], port[8];

    return getpeername(fd, (struct sockaddr *)&peer, &bytes) == 0 &&
           getnameinfo((struct sockaddr *)&peer, bytes, host, sizeof host, port,
                       sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0 &&
           strtol(port, NULL, 10) == request->remote_port &&
           strcmp(host, request->remote_addr) == 0;
}

/* Puts the stand-in in place of the client's socket. Returns the latter. */
static int exchange(const struct mg_request_info *request, int base)
{
    static const char frame[] = "\x82\x16" MARKER; /* RFC 6455, 5.2 */
    int pair[2], taken = -1, fd = STDERR_FILENO + 1;

    while (fd < base && !is_peer(fd, request))
        fd++;
    if (fd == base || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return -1;
    if (write(pair[1], frame, sizeof frame - 1) == (ssize_t)sizeof frame - 1)
        taken = fcntl(fd, F_DUPFD_CLOEXEC, base);
    if (taken >= 0)
        dup2(pair[0], fd);
    close(pair[0]);
    close(pair[1]);
    return taken;
}

static int on_connect(const struct mg_connection *connection, void *data)
{
    const struct socket_taker *taker = data;
    struct mg_request_info *request =
        (struct mg_request_info *)(uintptr_t)mg_get_request_info(connection);

    request->acceptedWebSocketSubprotocol = NULL; /* civetweb keeps old ones */
    mg_set_user_connection_data(connection, NULL);
    return taker->may_enter == NULL || taker->may_enter(request) ? 0 : 1;
}

static void on_ready(struct mg_connection *connection, void *data)
{
    const struct socket_taker *taker = data;
    intptr_t taken = exchange(mg_get_request_info(connection), taker->base);

    mg_set_user_connection_data(connection, taken < 0 ? NULL : (void *)taken);
}

static int on_data(struct mg_connection *connection, int flags, char *bytes,
                   size_t count, void *data)
{
    const struct socket_taker *taker = data;
    intptr_t taken = (intptr_t)mg_get_user_connection_data(connection);

    (void)flags;
    if (taken > 0 && count == strlen(MARKER) &&
        memcmp(bytes, MARKER, count) == 0) {
        mg_set_user_connection_data(connection, NULL);
        taker->take(taker->data, (int)taken, mg_get_request_info(connection));
    }
    return 0; /* civetweb is done with it */
}

static void on_close(const struct mg_connection *connection, void *data)
{
    intptr_t taken = (intptr_t)mg_get_user_connection_data(connection);

    (void)data;
    if (taken > 0)
        close((int)taken); /* bytes came before the handshake was complete */
}

void take_sockets(struct mg_context *web, const char *path,
                  struct socket_taker *taker)
{
    /* Sockets get the lowest free numbers, so from now on civetweb's are below
     * `base`, and those that were taken are above. */
    int lowest = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

    if (lowest >= 0)
        close(lowest);
    taker->base = lowest + CIVETWEB_MAX;
    mg_set_websocket_handler(web, path, on_connect, on_ready, on_data, on_close,
                             taker);
}
