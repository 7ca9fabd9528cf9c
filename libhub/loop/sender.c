/* sender.c - see sender.h. For few writes the ring saves no system calls, so
 * small batches bypass it.
 */
#include "loop/sender.h"

#include <errno.h>
#include <sys/socket.h>

#include "loop/sender_uring.h"

#define RING_MIN 4 /* use the ring from this many writes on */

static int code_of(int problem)
{
    if (problem == ENOMEM)
        return HUB_ENOMEM;
    if (problem == EMFILE || problem == ENFILE)
        return HUB_ESYSTEM;
    return HUB_ENOTSUP;
}

int hub__sender_init(struct hub__sender *s, enum hub_sender wanted)
{
    *s = (struct hub__sender){0};
    if (wanted == HUB_SENDER_SENDMSG)
        return 0;
    s->uring = hub__uring_new();
    if (s->uring != NULL)
        return 0;
    s->problem = errno;
    return wanted == HUB_SENDER_URING ? code_of(s->problem) : 0;
}

void hub__sender_fini(struct hub__sender *s)
{
    hub__uring_free(s->uring);
    s->uring = NULL;
}

static ssize_t send_once(const struct hub__write *w)
{
    const struct msghdr message = {
        .msg_iov = w->iov,
        .msg_iovlen = w->iov_count,
    };
    ssize_t sent;

    do
        sent = w->iov_count == 1
                   ? send(w->fd, w->iov->iov_base, w->iov->iov_len,
                          MSG_DONTWAIT | MSG_NOSIGNAL)
                   : sendmsg(w->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

/* The result of a write that the ring gave up without trying. */
static bool is_untried(ssize_t result)
{
    return result == -EINTR || result == -ECANCELED;
}

void hub__sender_write(struct hub__sender *s, struct hub__write *writes,
                       size_t count)
{
    size_t done = 0;
    bool usable;

    if (s->uring != NULL && count >= RING_MIN) {
        done = hub__uring_write(s->uring, writes, count, &usable);
        if (!usable) {
            s->problem = errno;
            hub__sender_fini(s);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (i >= done || is_untried(writes[i].result))
            writes[i].result = send_once(&writes[i]);
    }
}
