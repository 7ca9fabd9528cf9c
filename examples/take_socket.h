/* take_socket.h - takes the sockets of WebSockets from civetweb as soon as it
 * has done the opening handshake. */
#ifndef TAKE_SOCKET_H
#define TAKE_SOCKET_H

#include <civetweb.h>

/* How a program handles them. `request` is valid during the call. */
struct socket_taker {
    /* Whether to accept the handshake; NULL: always. */
    int (*may_enter)(const struct mg_request_info *request);
    /* Owns fd from here on. */
    void (*take)(void *data, int fd, const struct mg_request_info *request);
    void *data;
    int base; /* private */
};

/* Takes the sockets of requests for `path`. `taker` must live as long as `web`;
 * call this once all descriptors that the program keeps open are open. */
void take_sockets(struct mg_context *web, const char *path,
                  struct socket_taker *taker);

#endif
