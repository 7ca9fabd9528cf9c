/* peer_socket.c - a table with one cell per descriptor: a hash of the peer it
 * was last seen with, or 0.
 *
 * A cell is a hint and nothing more; every hit is verified with the kernel, and
 * without a hit all descriptors are looked at. So cells may be stale, and are
 * read and written without a lock.
 */
#include "front/peer_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST 3
#define NO_SOCKET 1 /* instead of a hash: an epoll set, a file */

struct peer_sockets {
    int end;
    _Atomic uint64_t seen[]; /* hash of the peer; 0: unknown; NO_SOCKET */
};

struct endpoint {
    struct netaddr addr;
    uint16_t port;
};

struct peer_sockets *peer_sockets_create(int end)
{
    struct peer_sockets *sockets =
        calloc(1, sizeof(*sockets) + (size_t)end * sizeof(sockets->seen[0]));

    if (sockets != NULL)
        sockets->end = end;
    return sockets;
}

void peer_sockets_free(struct peer_sockets *sockets)
{
    free(sockets);
}

/* FNV-1a; whoever makes it collide only costs himself a system call. */
static uint64_t hash(const struct netaddr *addr, uint16_t port)
{
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < sizeof(addr->bytes); i++)
        h = (h ^ addr->bytes[i]) * 1099511628211u;
    h = (h ^ (port & 0xff)) * 1099511628211u;
    h = (h ^ (port >> 8)) * 1099511628211u;
    return h > NO_SOCKET ? h : NO_SOCKET + 1;
}

static int from_sockaddr(struct endpoint *out,
                         const struct sockaddr_storage *from)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (from->ss_family == AF_INET) {
        memcpy(&v4, from, sizeof(v4));
        memcpy(out->addr.bytes, mapped, sizeof(mapped));
        memcpy(out->addr.bytes + sizeof(mapped), &v4.sin_addr, 4);
        out->port = ntohs(v4.sin_port);
        return 0;
    }
    if (from->ss_family == AF_INET6) {
        memcpy(&v6, from, sizeof(v6));
        memcpy(out->addr.bytes, &v6.sin6_addr, sizeof(out->addr.bytes));
        out->port = ntohs(v6.sin6_port);
        return 0;
    }
    return -1;
}

static int peer_of(int fd, struct endpoint *out)
{
    struct sockaddr_storage name = {0};
    socklen_t bytes = sizeof(name);

    if (getpeername(fd, (struct sockaddr *)&name, &bytes) < 0)
        return -1;
    return from_sockaddr(out, &name);
}

static bool has_local_port(int fd, uint16_t port)
{
    struct sockaddr_storage name = {0};
    socklen_t bytes = sizeof(name);
    struct endpoint local;

    return getsockname(fd, (struct sockaddr *)&name, &bytes) == 0 &&
           from_sockaddr(&local, &name) == 0 && local.port == port;
}

static bool is_same(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port &&
           memcmp(&a->addr, &b->addr, sizeof(a->addr)) == 0;
}

/* Where the hints say it is. */
static int look_by_hint(struct peer_sockets *sockets,
                        const struct endpoint *wanted, uint16_t local_port)
{
    uint64_t hint = hash(&wanted->addr, wanted->port);

    for (int fd = FIRST; fd < sockets->end; fd++) {
        uint64_t seen =
            atomic_load_explicit(&sockets->seen[fd], memory_order_relaxed);
        struct endpoint peer;

        if (seen == hint && peer_of(fd, &peer) == 0 && is_same(&peer, wanted) &&
            has_local_port(fd, local_port))
            return fd;
    }
    return -1;
}

/* Looks at those nothing is known of, or at every one. */
static int look(struct peer_sockets *sockets, const struct endpoint *wanted,
                uint16_t local_port, bool at_all)
{
    for (int fd = FIRST; fd < sockets->end; fd++) {
        _Atomic uint64_t *cell = &sockets->seen[fd];
        struct endpoint peer;
        uint64_t seen = 0;

        if (!at_all && atomic_load_explicit(cell, memory_order_relaxed) != 0)
            continue;
        if (peer_of(fd, &peer) == 0)
            seen = hash(&peer.addr, peer.port);
        else if (errno == ENOTSOCK)
            seen = NO_SOCKET;
        atomic_store_explicit(cell, seen, memory_order_relaxed);
        if (seen > NO_SOCKET && is_same(&peer, wanted) &&
            has_local_port(fd, local_port))
            return fd;
    }
    return -1;
}

int peer_socket_find(struct peer_sockets *sockets, const struct netaddr *peer,
                     uint16_t peer_port, uint16_t local_port)
{
    struct endpoint wanted = {*peer, peer_port};
    int fd = look_by_hint(sockets, &wanted, local_port);

    if (fd < 0)
        fd = look(sockets, &wanted, local_port, false);
    /* Another thread may have come by it in between, and left a hint. */
    if (fd < 0)
        fd = look_by_hint(sockets, &wanted, local_port);
    return fd >= 0 ? fd : look(sockets, &wanted, local_port, true);
}

void peer_socket_forget(struct peer_sockets *sockets, int fd)
{
    if (fd >= FIRST && fd < sockets->end)
        atomic_store_explicit(&sockets->seen[fd], 0, memory_order_relaxed);
}

int peer_socket_listener(const struct peer_sockets *sockets, uint16_t port)
{
    for (int fd = FIRST; fd < sockets->end; fd++) {
        int listening = 0;
        socklen_t bytes = sizeof(listening);

        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &bytes) ==
                0 &&
            listening && has_local_port(fd, port))
            return fd;
    }
    return -1;
}
