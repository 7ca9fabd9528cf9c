/* sender_uring.c - see sender_uring.h.
 *
 * Every send carries MSG_DONTWAIT, so the kernel tries it during submission and
 * never keeps it for later: when io_uring_enter(2) returns, each submission it
 * has taken is complete. That is why the iovecs may be released as soon as a
 * write has its result, and why, if the ring fails half-way, the writes without
 * a result can be made with sendmsg(2) without sending a byte twice.
 */
#include "loop/sender_uring.h"

#include <errno.h>

#ifdef HUB_HAVE_LIBURING

#include <liburing.h>

#include "base/mem.h"

struct hub__uring {
    struct io_uring ring;
    struct msghdr messages[HUB__SENDER_BATCH];
};

static bool can_send(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool can = probe != NULL &&
               io_uring_opcode_supported(probe, IORING_OP_SEND) &&
               io_uring_opcode_supported(probe, IORING_OP_SENDMSG);

    io_uring_free_probe(probe);
    return can;
}

struct hub__uring *hub__uring_new(void)
{
    /* A write that cannot be submitted must not hold back the others. */
    struct io_uring_params params = {.flags = IORING_SETUP_SUBMIT_ALL};
    struct hub__uring *u = hub__calloc(1, sizeof *u);
    int err;

    if (u == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    err = -io_uring_queue_init_params(HUB__SENDER_BATCH, &u->ring, &params);
    if (err == 0) {
        if (can_send(&u->ring))
            return u;
        io_uring_queue_exit(&u->ring);
        err = EOPNOTSUPP;
    }
    hub__free(u);
    errno = err == EINVAL ? EOPNOTSUPP : err; /* a flag it does not know */
    return NULL;
}

void hub__uring_free(struct hub__uring *u)
{
    if (u == NULL)
        return;
    io_uring_queue_exit(&u->ring);
    hub__free(u);
}

static void prepare(struct hub__uring *u, const struct hub__write *w, size_t at)
{
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

    if (w->iov_count == 1) {
        io_uring_prep_send(sqe, w->fd, w->iov->iov_base, w->iov->iov_len,
                           flags);
    } else {
        u->messages[at] = (struct msghdr){
            .msg_iov = w->iov,
            .msg_iovlen = w->iov_count,
        };
        io_uring_prep_sendmsg(sqe, w->fd, &u->messages[at], (unsigned)flags);
    }
    io_uring_sqe_set_data64(sqe, at);
}

/* Submits what was prepared. Returns how many submissions the kernel has taken:
 * fewer than `count` only with errno. */
static size_t submit(struct hub__uring *u, size_t count)
{
    size_t taken = 0;

    while (taken < count) {
        int got = io_uring_submit(&u->ring);

        if (got > 0) {
            taken += (size_t)got;
        } else if (got != -EINTR) {
            errno = got == 0 ? EIO : -got;
            break;
        }
    }
    return taken;
}

/* Takes the results of `count` submissions. One without a result, which should
 * not happen, counts as broken: trying it again might send it twice. Returns
 * whether each has one. */
static bool collect(struct hub__uring *u, struct hub__write *writes,
                    size_t count)
{
    struct io_uring_cqe *cqes[HUB__SENDER_BATCH];
    unsigned got = 1;

    for (size_t i = 0; i < count; i++)
        writes[i].result = -EIO;
    while (count > 0 && got > 0) {
        got = io_uring_peek_batch_cqe(&u->ring, cqes, HUB__SENDER_BATCH);
        for (unsigned i = 0; i < got; i++)
            writes[io_uring_cqe_get_data64(cqes[i])].result = cqes[i]->res;
        io_uring_cq_advance(&u->ring, got);
        count -= got;
    }
    if (count > 0)
        errno = EIO;
    return count == 0;
}

size_t hub__uring_write(struct hub__uring *u, struct hub__write *writes,
                        size_t count, bool *usable)
{
    size_t taken;
    int problem;

    for (size_t i = 0; i < count; i++)
        prepare(u, &writes[i], i);
    taken = submit(u, count);
    problem = errno;
    *usable = collect(u, writes, taken) && taken == count;
    if (taken < count)
        errno = problem;
    return taken;
}

#else

struct hub__uring *hub__uring_new(void)
{
    errno = EOPNOTSUPP;
    return NULL;
}

void hub__uring_free(struct hub__uring *u)
{
    (void)u;
}

size_t hub__uring_write(struct hub__uring *u, struct hub__write *writes,
                        size_t count, bool *usable)
{
    (void)u;
    (void)writes;
    (void)count;
    *usable = false;
    return 0;
}

#endif
