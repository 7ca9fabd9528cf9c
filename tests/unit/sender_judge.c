/* sender_judge.c - see sender_judge.h. The tests that use it run a hub in their
 * own thread, so that nothing here needs a lock.
 */
#include "sender_judge.h"

#include <errno.h>

#include "loop/batch.h"
#include "testing.h"

void __real_hub__sender_write(struct hub__sender *sender,
                              struct hub__write *writes, size_t count);
void __wrap_hub__sender_write(struct hub__sender *sender,
                              struct hub__write *writes, size_t count);

static sender_judge_fn *judge_fn;
static unsigned calls, write_count;
static size_t largest;

static int next_fd;
static ssize_t next_verdict;

void sender_judge(sender_judge_fn *judge)
{
    judge_fn = judge;
    calls = write_count = 0;
    largest = 0;
}

static ssize_t judge_once(const struct hub__write *write)
{
    if (write->fd != next_fd)
        return SENDER_ALL;
    next_fd = -1;
    return next_verdict;
}

void sender_judge_next(int fd, ssize_t verdict)
{
    next_fd = fd;
    next_verdict = verdict;
    sender_judge(judge_once);
}

unsigned sender_judge_calls(void)
{
    return calls;
}

unsigned sender_judge_writes(void)
{
    return write_count;
}

size_t sender_judge_largest(void)
{
    return largest;
}

static ssize_t judge(const struct hub__write *write)
{
    ssize_t verdict = judge_fn == NULL ? SENDER_ALL : judge_fn(write);

    write_count++;
    if (write->bytes > largest)
        largest = write->bytes;
    return verdict >= (ssize_t)write->bytes ? SENDER_ALL : verdict;
}

/* Writes the first `bytes` bytes. */
static void write_part(struct hub__sender *sender, struct hub__write *write,
                       size_t bytes)
{
    struct iovec iov[HUB__IOV];
    struct hub__write part = {.fd = write->fd, .iov = iov, .bytes = bytes};

    for (size_t left = bytes; left > 0; part.iov_count++) {
        ck_assert_uint_lt(part.iov_count, write->iov_count);
        iov[part.iov_count] = write->iov[part.iov_count];
        if (iov[part.iov_count].iov_len > left)
            iov[part.iov_count].iov_len = left;
        left -= iov[part.iov_count].iov_len;
    }
    __real_hub__sender_write(sender, &part, 1);
    write->result = part.result;
}

void __wrap_hub__sender_write(struct hub__sender *sender,
                              struct hub__write *writes, size_t count)
{
    size_t done = 0;

    calls++;
    for (size_t i = 0; i < count; i++) {
        ssize_t verdict = judge(&writes[i]);

        if (verdict == SENDER_ALL)
            continue;
        __real_hub__sender_write(sender, writes + done, i - done);
        done = i + 1;
        if (verdict > 0)
            write_part(sender, &writes[i], (size_t)verdict);
        else
            writes[i].result = verdict == 0 ? -EAGAIN : verdict;
    }
    __real_hub__sender_write(sender, writes + done, count - done);
}
