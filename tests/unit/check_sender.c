/* check_sender.c - a batch of writes: pieces in order, short writes, full and
 * broken sockets, none of which stops the others.
 */
#include "sender.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

static struct hub__write write_of(int fd, struct iovec *iov, size_t count)
{
    struct hub__write w = {.fd = fd, .iov = iov, .iov_count = count};

    for (size_t i = 0; i < count; i++)
        w.bytes += iov[i].iov_len;
    return w;
}

static struct iovec piece(const char *text)
{
    static char copies[8][32];
    static size_t next;
    char *copy = copies[next++ % TESTING_LENGTH(copies)];

    ck_assert_uint_lt(strlen(text), sizeof copies[0]);
    memcpy(copy, text, strlen(text) + 1);
    return (struct iovec){.iov_base = copy, .iov_len = strlen(text)};
}

static void make_pair(int fds[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
}

static void close_pair(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

START_TEST(no_write_is_no_work)
{
    hub__sender_write(NULL, 0);
}
END_TEST

START_TEST(pieces_leave_in_order_and_at_once)
{
    struct iovec iov[] = {piece("one "), piece(""), piece("two "),
                          piece("three")};
    struct hub__write w;
    char got[64];
    int fds[2];

    make_pair(fds);
    w = write_of(fds[0], iov, TESTING_LENGTH(iov));
    hub__sender_write(&w, 1);
    ck_assert_int_eq(w.result, 13);
    ck_assert_int_eq(recv(fds[1], got, sizeof got, 0), 13);
    ck_assert_mem_eq(got, "one two three", 13);
    close_pair(fds);
}
END_TEST

START_TEST(each_write_has_its_own_result)
{
    struct iovec iov[4] = {piece("a"), piece("bb"), piece("ccc"),
                           piece("dddd")};
    struct hub__write writes[4];
    int fds[4][2];
    char got[8];

    for (int i = 0; i < 4; i++) {
        make_pair(fds[i]);
        writes[i] = write_of(fds[i][0], &iov[i], 1);
    }
    writes[1].fd = -1; /* not a descriptor at all */
    close(fds[2][1]);  /* nobody there: no signal either */
    hub__sender_write(writes, 4);
    ck_assert_int_eq(writes[0].result, 1);
    ck_assert_int_eq(writes[1].result, -EBADF);
    ck_assert_int_eq(writes[2].result, -EPIPE);
    ck_assert_int_eq(writes[3].result, 4);
    ck_assert_int_eq(recv(fds[3][1], got, sizeof got, 0), 4);
    for (int i = 0; i < 4; i++) {
        close(fds[i][0]);
        if (i != 2)
            close(fds[i][1]);
    }
}
END_TEST

START_TEST(a_full_socket_takes_a_part_and_then_nothing)
{
    static char filler[4 * 1024 * 1024];
    struct iovec iov = {.iov_base = filler, .iov_len = sizeof filler};
    struct hub__write w;
    ssize_t first;
    int fds[2];

    make_pair(fds);
    ck_assert_int_eq(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
    w = write_of(fds[0], &iov, 1);
    hub__sender_write(&w, 1);
    first = w.result;
    ck_assert_int_gt(first, 0);
    ck_assert_int_lt(first, (ssize_t)sizeof filler);
    while (w.result > 0)
        hub__sender_write(&w, 1);
    ck_assert_int_eq(w.result, -EAGAIN);
    close_pair(fds);
}
END_TEST

START_TEST(a_reset_is_reported)
{
    struct iovec iov = piece("x");
    struct hub__write w;
    int fds[2];

    make_pair(fds);
    ck_assert_int_eq(send(fds[0], "unread", 6, 0), 6);
    close(fds[1]); /* with bytes unread: the other side is reset */
    w = write_of(fds[0], &iov, 1);
    hub__sender_write(&w, 1);
    ck_assert_msg(w.result == -ECONNRESET || w.result == -EPIPE, "%zd",
                  w.result);
    close(fds[0]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        no_write_is_no_work,
        pieces_leave_in_order_and_at_once,
        each_write_has_its_own_result,
        a_full_socket_takes_a_part_and_then_nothing,
        a_reset_is_reported,
    };

    return testing_run("sender", tests, TESTING_LENGTH(tests));
}
