/* take_socket.h - the sockets of WebSockets, taken from civetweb as soon as it
 * has done the opening handshake. */
#ifndef TAKE_SOCKET_H
#define TAKE_SOCKET_H

#include <civetweb.h>

/* What a program makes of them. `request` is valid during the call. */
struct socket_taker {
    /* Whether the handshake may be answered; NULL: it always is. */
    int (*may_enter)(const struct mg_request_info *request);
    /* Owns fd from here on. */
    void (*take)(void *data, int fd, const struct mg_request_info *request);
    void *data;
    int base; /* our own affair */
};

/* For requests of `path`. `taker` lives as long as `web` does; to be called
 * when all that the program keeps open is open. */
void take_sockets(struct mg_context *web, const char *path,
                  struct socket_taker *taker);

#endif
