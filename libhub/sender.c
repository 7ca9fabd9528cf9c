/* sender.c - see sender.h. One sendmsg(2) a connection, whatever the number of
 * frames that wait for it. */
#include "sender.h"

#include <errno.h>
#include <sys/socket.h>

static ssize_t send_once(const struct hub__write *w)
{
    const struct msghdr message = {
        .msg_iov = w->iov,
        .msg_iovlen = w->iov_count,
    };
    ssize_t sent;

    do
        sent = sendmsg(w->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

void hub__sender_write(struct hub__write *writes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        writes[i].result = send_once(&writes[i]);
}
