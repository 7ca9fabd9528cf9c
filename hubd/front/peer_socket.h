/* peer_socket.h - finding the descriptor of a connection that civetweb holds.
 *
 * civetweb names no descriptors, but tells the peer's address and port. Its
 * sockets have numbers below a bound, so looking through those with
 * getpeername() finds it. What a look has learnt is remembered, so that the
 * next one seldom needs more than one system call. A number found is a guess
 * as long as two sockets may have the same peer (two local addresses): who
 * replaces a descriptor must prove afterwards that it was the right one.
 *
 * Threads: any.
 */
#ifndef HUBD_PEER_SOCKET_H
#define HUBD_PEER_SOCKET_H

#include <stdint.h>

#include "base/netaddr.h"

struct peer_sockets;

/* Will look at descriptors from 3 up to, not including, `end`. NULL: no
 * memory. */
struct peer_sockets *peer_sockets_create(int end);
void peer_sockets_free(struct peer_sockets *sockets);

/* The TCP socket with that peer and that port on our side, or -1. */
int peer_socket_find(struct peer_sockets *sockets, const struct netaddr *peer,
                     uint16_t peer_port, uint16_t local_port);

/* The number is about to be closed. */
void peer_socket_forget(struct peer_sockets *sockets, int fd);

/* The first listening socket on that port, or -1. */
int peer_socket_listener(const struct peer_sockets *sockets, uint16_t port);

#endif
