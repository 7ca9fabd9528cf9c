/* echo.c - a WebSocket echo server: what a client sends comes back to it.
 *
 *     echo [port] [largest message in bytes, up to 16 MiB]
 *
 * civetweb does the opening handshake (take_socket.c), libhub everything after
 * it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <hub/hub.h>

#include "take_socket.h"

#define MESSAGE_MAX (16 << 20)

static void echo(hub_t *hub, const struct hub_connection *connection,
                 const struct hub_message *message)
{
    if (hub_send(hub, HUB_TO_CONNECTION(connection->id), message, NULL) < 0)
        hub_close(hub, connection->id, 1013, "cannot keep up");
}

static void enter(void *hub, int fd, const struct mg_request_info *request)
{
    struct hub_member member = HUB_MEMBER_INIT;

    (void)request;
    member.user_id = "echo";
    if (hub_adopt(hub, fd, &member, NULL) != 0)
        close(fd);
}

static hub_t *make_hub(size_t most)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    hub_t *hub;
    int err;

    options.max_message_bytes = most;
    options.queue_bytes = 4 * (size_t)MESSAGE_MAX;
    options.backlog_bytes = 16 * (size_t)MESSAGE_MAX;
    options.message = echo;
    err = hub_create(&hub, &options);
    if (err == 0)
        return hub;
    fprintf(stderr, "echo: %s\n", hub_strerror(err));
    return NULL;
}

int main(int argc, char **argv)
{
    const char *port = argc > 1 ? argv[1] : "9001";
    long most = argc > 2 ? strtol(argv[2], NULL, 10) : MESSAGE_MAX;
    const char *web_options[] = {"listening_ports", port, "num_threads", "16",
                                 "tcp_nodelay",     "1",  NULL};
    struct socket_taker taker = {.take = enter};
    struct mg_callbacks callbacks = {0};
    struct mg_server_port listening;
    struct mg_context *web;
    sigset_t signals;
    int taken;

    if (most < 1 || most > MESSAGE_MAX) {
        fprintf(stderr, "usage: echo [port] [1 to %d bytes]\n", MESSAGE_MAX);
        return 1;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* in all later threads */
    taker.data = make_hub((size_t)most);
    if (taker.data == NULL)
        return 1;
    mg_init_library(0);
    web = mg_start(&callbacks, NULL, web_options);
    if (web == NULL || mg_get_server_ports(web, 1, &listening) != 1) {
        fprintf(stderr, "echo: cannot listen on port %s\n", port);
        return 1;
    }
    take_sockets(web, "/", &taker);
    printf("ws://127.0.0.1:%d/ echoes messages of up to %ld bytes\n",
           listening.port, most);
    fflush(stdout);

    sigwait(&signals, &taken);
    hub_shutdown(taker.data, 5000);
    mg_stop(web);
    hub_destroy(taker.data);
    mg_exit_library();
    return 0;
}
