/* check_sender.c - a batch of writes: pieces in order, short writes, full and
 * broken sockets, none of which stops the others. Both senders have to do the
 * same; what only a ring can do wrong is in check_sender_uring.c.
 */
#include "loop/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sender_lines.h"
#include "testing.h"
#include "testing_rings.h"

#define ROUNDS 12

/* Runs a check with each sender there is. */
static void with_each(void (*check)(struct hub__sender *sender))
{
    static const enum hub_sender senders[] = {HUB_SENDER_SENDMSG,
                                              HUB_SENDER_URING};

    for (size_t i = 0; i < TESTING_LENGTH(senders); i++) {
        struct hub__sender sender;
        int err = hub__sender_init(&sender, senders[i]);

        if (err == HUB_ENOTSUP && senders[i] == HUB_SENDER_URING)
            continue; /* main() says so */
        ck_assert_int_eq(err, 0);
        check(&sender);
        ck_assert_int_eq(sender.problem, 0);
        ck_assert(hub__sender_is_uring(&sender) ==
                  (senders[i] == HUB_SENDER_URING));
        hub__sender_fini(&sender);
    }
}

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

/* One write by itself, or the same in the middle of a batch. */
static ssize_t write_among(struct hub__sender *sender, struct hub__write write,
                           size_t others)
{
    static char other[] = "other";
    struct iovec iov = {.iov_base = other, .iov_len = 5};
    struct hub__write writes[HUB__SENDER_BATCH];
    size_t middle = others / 2;
    char got[8];
    int fds[2];

    make_pair(fds);
    for (size_t i = 0; i <= others; i++)
        writes[i] = i == middle ? write : write_of(fds[0], &iov, 1);
    hub__sender_write(sender, writes, others + 1);
    for (size_t i = 0; i <= others; i++) {
        if (i == middle)
            continue;
        ck_assert_int_eq(writes[i].result, 5);
        ck_assert_int_eq(recv(fds[1], got, 5, 0), 5);
        ck_assert_mem_eq(got, other, 5);
    }
    close_pair(fds);
    return writes[middle].result;
}

/* One write. ----------------------------------------------------------- */

static void no_write(struct hub__sender *sender)
{
    hub__sender_write(sender, NULL, 0);
}

START_TEST(no_write_is_no_work)
{
    with_each(no_write);
}
END_TEST

static void write_pieces(struct hub__sender *sender)
{
    struct iovec iov[] = {piece("one "), piece(""), piece("two "),
                          piece("three")};
    char got[64];
    int fds[2];

    for (size_t others = 0; others < 9; others++) {
        make_pair(fds);
        ck_assert_int_eq(write_among(sender,
                                     write_of(fds[0], iov, TESTING_LENGTH(iov)),
                                     others),
                         13);
        ck_assert_int_eq(recv(fds[1], got, sizeof got, 0), 13);
        ck_assert_mem_eq(got, "one two three", 13);
        close_pair(fds);
    }
}

START_TEST(pieces_leave_in_order_and_at_once)
{
    with_each(write_pieces);
}
END_TEST

static void write_to_four(struct hub__sender *sender)
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
    hub__sender_write(sender, writes, 4);
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

START_TEST(each_write_has_its_own_result)
{
    with_each(write_to_four);
}
END_TEST

static void overfill(struct hub__sender *sender)
{
    static char filler[4 * 1024 * 1024];
    struct iovec iov[2] = {{.iov_base = filler, .iov_len = sizeof filler / 2},
                           {.iov_base = filler, .iov_len = sizeof filler / 2}};

    for (size_t pieces = 1; pieces <= 2; pieces++) {
        for (size_t others = 0; others <= 8; others += 4) {
            struct hub__write w;
            ssize_t result;
            int fds[2];

            make_pair(fds);
            ck_assert_int_eq(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
            w = write_of(fds[0], iov, pieces);
            result = write_among(sender, w, others);
            ck_assert_int_gt(result, 0);
            ck_assert_int_lt(result, (ssize_t)w.bytes);
            while (result > 0)
                result = write_among(sender, w, others);
            ck_assert_int_eq(result, -EAGAIN);
            close_pair(fds);
        }
    }
}

START_TEST(a_full_socket_takes_a_part_and_then_nothing)
{
    with_each(overfill);
}
END_TEST

static void make_tcp_pair(int fds[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, length), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &length), 0);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fds[0], (struct sockaddr *)&at, length), 0);
    fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fds[1], 0);
    close(listener);
}

static void write_to_reset(struct hub__sender *sender)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct iovec iov[2] = {piece("x"), piece("y")};
    int fds[2];

    for (size_t pieces = 1; pieces <= 2; pieces++) {
        for (size_t others = 0; others <= 8; others += 4) {
            struct hub__write w;

            make_tcp_pair(fds);
            w = write_of(fds[0], iov, pieces);
            ck_assert_int_eq(write_among(sender, w, others), (ssize_t)pieces);
            ck_assert_int_eq(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &at_once,
                                        sizeof at_once),
                             0);
            close(fds[1]);
            ck_assert_int_eq(write_among(sender, w, others), -ECONNRESET);
            ck_assert_int_eq(write_among(sender, w, others), -EPIPE);
            close(fds[0]);
        }
    }
}

START_TEST(a_reset_is_reported)
{
    with_each(write_to_reset);
}
END_TEST

/* Batches. ------------------------------------------------------------- */

static void write_full_batch(struct hub__sender *sender)
{
    struct sender_lines *lines = sender_lines_new(5);

    sender_lines_prepare(lines, HUB__SENDER_BATCH);
    hub__sender_write(sender, lines->writes, HUB__SENDER_BATCH);
    for (size_t i = 0; i < HUB__SENDER_BATCH; i++)
        sender_lines_expect(lines, i);
    sender_lines_free(lines);
}

START_TEST(a_full_batch_of_all_kinds_is_one_by_one_right)
{
    with_each(write_full_batch);
}
END_TEST

static void write_small_batches(struct hub__sender *sender)
{
    for (size_t count = 1; count <= 12; count++) {
        struct sender_lines *lines = sender_lines_new(count);

        sender_lines_prepare(lines, count);
        hub__sender_write(sender, lines->writes, count);
        for (size_t i = 0; i < count; i++)
            sender_lines_expect(lines, i);
        sender_lines_free(lines);
    }
}

START_TEST(small_batches_are_right_as_well)
{
    with_each(write_small_batches);
}
END_TEST

/* Batches of every size, one after another; some of the peers read meanwhile.
 * The results go into `results`, whose end is returned. */
static ssize_t *write_batches(struct hub__sender *sender, ssize_t *results)
{
    struct sender_lines *lines = sender_lines_new(77);

    for (int round = 0; round < ROUNDS; round++) {
        size_t count = testing_random(&lines->seed) % HUB__SENDER_BATCH + 1;

        if (round % 3 == 0)
            count = round % 2 == 0 ? HUB__SENDER_BATCH : 3;
        sender_lines_prepare(lines, count);
        hub__sender_write(sender, lines->writes, count);
        for (size_t i = 0; i < count; i++) {
            sender_lines_count(lines, i);
            *results++ = lines->writes[i].result;
        }
        for (size_t i = 0; i < HUB__SENDER_BATCH; i++) {
            if (testing_random(&lines->seed) % 2 == 0)
                sender_lines_drain(&lines->lines[i]);
        }
    }
    sender_lines_free(lines); /* compares what came with what was taken */
    return results;
}

static ssize_t results[2][ROUNDS * HUB__SENDER_BATCH];

static void write_batches_once(struct hub__sender *sender)
{
    write_batches(sender, results[0]);
}

START_TEST(batches_follow_one_another)
{
    with_each(write_batches_once);
}
END_TEST

START_TEST(both_senders_give_the_same_results)
{
    static const enum hub_sender senders[] = {HUB_SENDER_SENDMSG,
                                              HUB_SENDER_URING};
    size_t counts[2];

    if (!testing_has_rings())
        return;
    for (size_t i = 0; i < 2; i++) {
        struct hub__sender sender;

        ck_assert_int_eq(hub__sender_init(&sender, senders[i]), 0);
        counts[i] = (size_t)(write_batches(&sender, results[i]) - results[i]);
        hub__sender_fini(&sender);
    }
    ck_assert_uint_eq(counts[0], counts[1]);
    for (size_t i = 0; i < counts[0]; i++)
        ck_assert_int_eq(results[0][i], results[1][i]);
}
END_TEST

/* Beginning. ----------------------------------------------------------- */

START_TEST(sendmsg_asks_for_nothing)
{
    struct hub__sender sender;

    testing_fail_after(0);
    ck_assert_int_eq(hub__sender_init(&sender, HUB_SENDER_SENDMSG), 0);
    ck_assert_uint_eq(testing_allow_memory(), 0);
    ck_assert(!hub__sender_is_uring(&sender));
    ck_assert_int_eq(sender.problem, 0);
    hub__sender_fini(&sender);
    hub__sender_fini(&sender); /* does no harm */
}
END_TEST

START_TEST(auto_takes_a_ring_where_there_is_one)
{
    struct hub__sender sender;

    ck_assert_int_eq(hub__sender_init(&sender, HUB_SENDER_AUTO), 0);
    ck_assert(hub__sender_is_uring(&sender) == testing_has_rings());
    ck_assert((sender.problem == 0) == testing_has_rings());
    hub__sender_fini(&sender);
    ck_assert(!hub__sender_is_uring(&sender));
}
END_TEST

START_TEST(without_memory_there_is_no_ring)
{
    struct hub__sender sender;
    unsigned nth = 0;
    int err, fd = dup(0);

    ck_assert_int_ge(fd, 0);
    close(fd);
    if (!testing_has_rings())
        return;
    do {
        testing_fail_allocation(++nth);
        err = hub__sender_init(&sender, HUB_SENDER_URING);
        ck_assert_uint_eq(testing_allow_memory(), err != 0);
        ck_assert(err == 0 || err == HUB_ENOMEM);
        ck_assert(hub__sender_is_uring(&sender) == (err == 0));
        hub__sender_fini(&sender);

        testing_fail_allocation(nth);
        ck_assert_int_eq(hub__sender_init(&sender, HUB_SENDER_AUTO), 0);
        testing_allow_memory();
        ck_assert(hub__sender_is_uring(&sender) == (err == 0));
        ck_assert_int_eq(sender.problem, err == 0 ? 0 : ENOMEM);
        write_small_batches(&sender);
        hub__sender_fini(&sender);
    } while (err != 0);
    ck_assert_uint_gt(nth, 1);
    ck_assert_int_eq(dup(0), fd); /* none was left open */
    close(fd);
}
END_TEST

START_TEST(without_descriptors_there_is_no_ring)
{
    struct hub__sender sender;
    struct rlimit before, none;
    int fd = dup(0);

    ck_assert_int_ge(fd, 0);
    close(fd);
    if (!testing_has_rings())
        return;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){(rlim_t)fd, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert_int_eq(hub__sender_init(&sender, HUB_SENDER_URING), HUB_ESYSTEM);
    ck_assert_int_eq(errno, EMFILE);
    ck_assert_int_eq(hub__sender_init(&sender, HUB_SENDER_AUTO), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(sender.problem, EMFILE);
    ck_assert(!hub__sender_is_uring(&sender));
    write_small_batches(&sender);
    hub__sender_fini(&sender);
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
        a_full_batch_of_all_kinds_is_one_by_one_right,
        small_batches_are_right_as_well,
        batches_follow_one_another,
        both_senders_give_the_same_results,
        sendmsg_asks_for_nothing,
        auto_takes_a_ring_where_there_is_one,
        without_memory_there_is_no_ring,
        without_descriptors_there_is_no_ring,
    };

    if (!testing_has_rings())
        puts("sender: io_uring is not to be had, sendmsg alone is checked");
    return testing_run("sender", tests, TESTING_LENGTH(tests));
}
