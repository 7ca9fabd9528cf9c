/* tap.c - see tap.h. libc's poll() and recv() are ppoll() and recvfrom() with
 * fewer arguments, and so are these.
 */
#include "front/tap.h"

#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

/* They get libc's names this way because its headers declare extra attributes
 * for them, for example that poll() only writes to its descriptors. */
#define REPLACES(name) __asm__(name) __attribute__((visibility("default")))

int tap_poll(struct pollfd *fds, nfds_t count, int timeout_ms) REPLACES("poll");
ssize_t tap_recv(int fd, void *buffer, size_t size, int flags) REPLACES("recv");
int tap_poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms,
                 size_t fds_bytes) REPLACES("__poll_chk");
ssize_t tap_recv_chk(int fd, void *buffer, size_t size, size_t buffer_bytes,
                     int flags) REPLACES("__recv_chk");

static _Thread_local struct tap *own;

void tap_attach(struct tap *tap)
{
    if (tap != NULL)
        arrival_begin(&tap->arrival);
    own = tap;
}

static void note_fd(struct tap *tap, int fd)
{
    if (atomic_load_explicit(&tap->fd, memory_order_relaxed) < 0)
        atomic_store(&tap->fd, fd);
}

int tap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    const struct timespec timeout = {timeout_ms / 1000,
                                     timeout_ms % 1000 * 1000000L};

    if (own != NULL && count > 0)
        note_fd(own, fds[0].fd);
    return ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, NULL);
}

ssize_t tap_recv(int fd, void *buffer, size_t size, int flags)
{
    ssize_t got = recvfrom(fd, buffer, size, flags, NULL, NULL);

    if (own == NULL || got <= 0)
        return got;
    note_fd(own, fd);
    if (atomic_load_explicit(&own->fd, memory_order_relaxed) == fd)
        arrival_take(&own->arrival, buffer, (size_t)got);
    return got;
}

/* What a fortified caller knows of its buffers is checked as libc does it. */
int tap_poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms,
                 size_t fds_bytes)
{
    if (fds_bytes / sizeof(*fds) < count)
        abort();
    return tap_poll(fds, count, timeout_ms);
}

ssize_t tap_recv_chk(int fd, void *buffer, size_t size, size_t buffer_bytes,
                     int flags)
{
    if (size > buffer_bytes)
        abort();
    return tap_recv(fd, buffer, size, flags);
}
