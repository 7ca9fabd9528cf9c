/* echo.c - a WebSocket echo server: civetweb does the opening handshake, libhub
 * everything after it.
 *
 *     echo [port] [largest message in bytes, up to 16 MiB]
 *
 * civetweb keeps a thread for each WebSocket, so the socket is taken from it as
 * soon as the handshake is done: a stand-in gets its number. The stand-in holds
 * one frame, MARKER. If that is the first thing civetweb reads, nothing of the
 * client's was left in its buffer, and the socket can go to the hub.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <civetweb.h>
#include <hub/hub.h>

#define BASE 256 /* civetweb's descriptors are below, adopted ones above */
#define MESSAGE_MAX (16 << 20)
#define MARKER "nothing was in between"

static void echo(hub_t *hub, const struct hub_connection *connection,
                 const struct hub_message *message)
{
    if (hub_send(hub, hub_to_connection(connection->id), *message) < 0)
        hub_close(hub, connection->id, 1013, "cannot keep up");
}

static int is_peer(int fd, const struct mg_request_info *request)
{
    struct sockaddr_in peer = {0};
    socklen_t bytes = sizeof peer;
    char text[INET_ADDRSTRLEN];

    return getpeername(fd, (struct sockaddr *)&peer, &bytes) == 0 &&
           peer.sin_family == AF_INET &&
           ntohs(peer.sin_port) == request->remote_port &&
           inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text) != NULL &&
           strcmp(text, request->remote_addr) == 0;
}

/* Puts the stand-in where the client's socket was. Returns the latter. */
static int take_socket(const struct mg_request_info *request)
{
    static const char frame[] = "\x82\x16" MARKER; /* RFC 6455, 5.2 */
    int pair[2], taken = -1, fd = 3;

    while (fd < BASE && !is_peer(fd, request))
        fd++;
    if (fd == BASE || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return -1;
    if (write(pair[1], frame, sizeof frame - 1) == (ssize_t)sizeof frame - 1)
        taken = fcntl(fd, F_DUPFD_CLOEXEC, BASE);
    if (taken >= 0)
        dup2(pair[0], fd);
    close(pair[0]);
    close(pair[1]);
    return taken;
}

static int on_connect(const struct mg_connection *connection, void *hub)
{
    struct mg_request_info *request =
        (struct mg_request_info *)(uintptr_t)mg_get_request_info(connection);

    (void)hub;
    request->acceptedWebSocketSubprotocol = NULL; /* civetweb keeps old ones */
    mg_set_user_connection_data(connection, NULL);
    return 0;
}

static void on_ready(struct mg_connection *connection, void *hub)
{
    intptr_t taken = take_socket(mg_get_request_info(connection));

    (void)hub;
    mg_set_user_connection_data(connection, taken < 0 ? NULL : (void *)taken);
}

static int on_data(struct mg_connection *connection, int flags, char *data,
                   size_t bytes, void *hub)
{
    intptr_t taken = (intptr_t)mg_get_user_connection_data(connection);
    struct hub_member member = HUB_MEMBER_INIT;

    (void)flags;
    member.user_id = "echo";
    if (taken > 0 && bytes == strlen(MARKER) &&
        memcmp(data, MARKER, bytes) == 0 &&
        hub_adopt(hub, (int)taken, &member, NULL) == 0)
        mg_set_user_connection_data(connection, NULL);
    return 0; /* civetweb is done with it */
}

static void on_close(const struct mg_connection *connection, void *hub)
{
    intptr_t taken = (intptr_t)mg_get_user_connection_data(connection);

    (void)hub;
    if (taken > 0)
        close((int)taken); /* bytes came before the handshake was over */
}

int main(int argc, char **argv)
{
    const char *port = argc > 1 ? argv[1] : "9001";
    long most = argc > 2 ? strtol(argv[2], NULL, 10) : MESSAGE_MAX;
    const char *web_options[] = {"listening_ports", port, "num_threads", "16",
                                 "tcp_nodelay",     "1",  NULL};
    struct hub_options options = HUB_OPTIONS_INIT;
    struct mg_callbacks callbacks = {0};
    struct mg_context *web;
    sigset_t signals;
    hub_t *hub;
    int taken, err;

    if (most < 1 || most > MESSAGE_MAX) {
        fprintf(stderr, "usage: echo [port] [1 to %d bytes]\n", MESSAGE_MAX);
        return 1;
    }
    options.max_message_bytes = (size_t)most;
    options.queue_bytes = 4 * (size_t)MESSAGE_MAX;
    options.backlog_bytes = 16 * (size_t)MESSAGE_MAX;
    options.message = echo;
    err = hub_create(&hub, &options);
    if (err != 0) {
        fprintf(stderr, "echo: %s\n", hub_strerror(err));
        return 1;
    }

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    mg_init_library(0);
    web = mg_start(&callbacks, NULL, web_options);
    if (web == NULL) {
        fprintf(stderr, "echo: port %s is not to be had\n", port);
        return 1;
    }
    mg_set_websocket_handler(web, "/", on_connect, on_ready, on_data, on_close,
                             hub);
    printf("ws://127.0.0.1:%s/ echoes messages of up to %ld bytes\n", port,
           most);
    fflush(stdout);

    sigwait(&signals, &taken);
    hub_shutdown(hub, 5000);
    mg_stop(web);
    hub_destroy(hub);
    mg_exit_library();
    return 0;
}
