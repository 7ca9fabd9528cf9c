/* host.c - see host.h. */
#include "loop/host.h"

#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"

static int control(struct hub__host *host, int operation, int fd,
                   uint32_t events, void *what)
{
    struct epoll_event event = {.events = events, .data.ptr = what};

    return epoll_ctl(host->epoll_fd, operation, fd, &event) == 0 ? 0
                                                                 : HUB_ESYSTEM;
}

int hub__host_watch(struct hub__host *host, int fd, uint32_t events, void *what)
{
    return control(host, EPOLL_CTL_ADD, fd, events, what);
}

int hub__host_rewatch(struct hub__host *host, int fd, uint32_t events,
                      void *what)
{
    return control(host, EPOLL_CTL_MOD, fd, events, what);
}

void hub__host_unwatch(struct hub__host *host, int fd)
{
    (void)control(host, EPOLL_CTL_DEL, fd, 0, NULL);
}

void hub__host_write(struct hub__host *host, struct hub__write *writes,
                     size_t count)
{
    bool was_uring = hub__sender_is_uring(&host->sender);

    hub__sender_write(&host->sender, writes, count);
    host->written_us = host->shared.clock();
    if (was_uring && !hub__sender_is_uring(&host->sender)) {
        atomic_store_explicit(&host->by_uring, false, memory_order_relaxed);
        hub__log(hub__host_options(host), HUB_LOG_WARN,
                 "io_uring failed, an event loop falls back to sendmsg: %s",
                 strerror(host->sender.problem));
    }
}
