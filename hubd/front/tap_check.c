/* tap_check.c - whether this civetweb can be tapped: its own client reads an
 * answer over loopback, with the code that its workers read requests with.
 *
 * Runs once, at the start.
 */
#include "front/tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <civetweb.h>

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define ANSWER_BYTES (sizeof(ANSWER) - 1)
#define TIMEOUT_MS 1000

/* Returns a socket that listens on 127.0.0.1, or -1. */
static int listen_on_loopback(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, bytes) == 0 &&
        listen(fd, 1) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &bytes) == 0) {
        *port = ntohs(address.sin_port);
        return fd;
    }
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* Returns a connection on which the answer has been sent, or -1. */
static int put_answer(int listener)
{
    /* A reset leaves nothing behind that would hold a port. */
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    int fd = -1;

    /* With few ports, the client may have been connected to itself. */
    if (poll(&waiting, 1, TIMEOUT_MS) == 1)
        fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    if (send(fd, ANSWER, ANSWER_BYTES, MSG_NOSIGNAL) == (ssize_t)ANSWER_BYTES)
        return fd;
    (void)close(fd);
    return -1;
}

/* Returns whether civetweb has read the answer. */
static bool read_answer(int listener, int port)
{
    char text[128];
    struct mg_connection *conn =
        mg_connect_client("127.0.0.1", port, 0, text, sizeof(text));
    int fd = conn != NULL ? put_answer(listener) : -1;
    bool got =
        fd >= 0 && mg_get_response(conn, text, sizeof(text), TIMEOUT_MS) >= 0;

    if (fd >= 0)
        (void)close(fd);
    if (conn != NULL)
        mg_close_connection(conn);
    return got;
}

int tap_check(char *error, size_t error_bytes)
{
    struct tap tap = {.fd = -1};
    int port = 0, listener = listen_on_loopback(&port);
    bool got, seen;

    if (listener < 0)
        return 0;
    (void)mg_init_library(0);
    tap_attach(&tap);
    got = read_answer(listener, port);
    tap_attach(NULL);
    (void)mg_exit_library();
    (void)close(listener);
    seen = atomic_load(&tap.fd) >= 0 && tap.arrival.bytes == ANSWER_BYTES;
    if (!got || seen)
        return 0;
    (void)snprintf(error, error_bytes,
                   "cannot start the HTTP server: this civetweb library does "
                   "not read its sockets by calling poll() and recv(), which "
                   "hubd needs it to; use civetweb as it is released (hubd is "
                   "tested with 1.15)");
    return -1;
}
