/* check_sender_uring.c - the ring behind a sender: a batch in one system call,
 * and a ring that fails at once, half-way or for good, or is refused from the
 * beginning, without a byte lost or sent twice.
 *
 * The linker wraps two functions of liburing, so that the kernel takes as few
 * submissions as a test wants, and its results are seen in the test's order.
 */
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/sender.h"
#include "sender_lines.h"
#include "testing.h"
#include "testing_rings.h"

int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring);
unsigned __real_io_uring_peek_batch_cqe(struct io_uring *ring,
                                        struct io_uring_cqe **cqes,
                                        unsigned count);
unsigned __wrap_io_uring_peek_batch_cqe(struct io_uring *ring,
                                        struct io_uring_cqe **cqes,
                                        unsigned count);

/* What one call comes to: so many submissions are taken, or none and an error.
 * ALL is what it says. */
#define ALL UINT32_MAX

struct answer {
    unsigned taken;
    int error;
};

/* For the calls to come; behind the last one everything is as usual. */
static const struct answer *plan, *plan_end;
static unsigned calls;

static void follow(const struct answer *answers, size_t count)
{
    plan = answers;
    plan_end = answers + count;
    calls = 0;
}

/* Whether every third write is given up before it begins. */
static bool gives_up;

static bool is_given_up(uint64_t at)
{
    return gives_up && at % 3 == 0;
}

/* Leaves the place of those in the ring to something else. */
static void give_up(struct io_uring *ring)
{
    for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
        struct io_uring_sqe *sqe = &ring->sq.sqes[i & *ring->sq.kring_mask];
        uint64_t at = sqe->user_data;

        if (!is_given_up(at))
            continue;
        io_uring_prep_nop(sqe);
        io_uring_sqe_set_data64(sqe, at);
    }
}

int __wrap_io_uring_submit(struct io_uring *ring)
{
    unsigned tail = ring->sq.sqe_tail;
    const struct answer *answer;
    int taken;

    calls++;
    give_up(ring);
    if (plan == plan_end)
        return __real_io_uring_submit(ring);
    answer = plan++;
    if (answer->taken == 0)
        return answer->error;
    if (answer->taken < tail - ring->sq.sqe_head)
        ring->sq.sqe_tail = ring->sq.sqe_head + answer->taken;
    taken = __real_io_uring_submit(ring);
    ring->sq.sqe_tail = tail;
    return taken;
}

/* How many results are seen at a time, the last of them first; 0: as usual. And
 * how many are seen at all. */
static unsigned results_at_once, results_left = ALL;

unsigned __wrap_io_uring_peek_batch_cqe(struct io_uring *ring,
                                        struct io_uring_cqe **cqes,
                                        unsigned count)
{
    unsigned most = results_at_once > 0 ? results_at_once : count;
    unsigned got;

    if (most > results_left)
        most = results_left;
    got = most == 0 ? 0 : __real_io_uring_peek_batch_cqe(ring, cqes, most);
    if (results_left != ALL)
        results_left -= got;
    for (unsigned i = 0; i < got; i++) {
        uint64_t at = io_uring_cqe_get_data64(cqes[i]);

        if (is_given_up(at))
            cqes[i]->res = at % 2 == 0 ? -EINTR : -ECANCELED;
    }
    for (unsigned i = 0; results_at_once > 0 && i < got / 2; i++) {
        struct io_uring_cqe *other = cqes[got - 1 - i];

        cqes[got - 1 - i] = cqes[i];
        cqes[i] = other;
    }
    return got;
}

static struct hub__sender sender;

/* Returns false where there is no ring to check. */
static bool set_up(void)
{
    int err = hub__sender_init(&sender, HUB_SENDER_URING);

    follow(NULL, 0);
    ck_assert(err == 0 || err == HUB_ENOTSUP);
    return err == 0;
}

static void write_lines(struct sender_lines *lines, size_t count)
{
    sender_lines_prepare(lines, count);
    hub__sender_write(&sender, lines->writes, count);
}

/* A batch to new lines, each of whose results is certain. */
static void check_batch(size_t count)
{
    struct sender_lines *lines = sender_lines_new(count + 100);

    write_lines(lines, count);
    for (size_t i = 0; i < count; i++)
        sender_lines_expect(lines, i);
    sender_lines_free(lines);
}

static void check_failed(int problem)
{
    ck_assert(!hub__sender_is_uring(&sender));
    ck_assert_int_eq(sender.problem, problem);
    calls = 0;
    check_batch(HUB__SENDER_BATCH); /* and it goes on without */
    ck_assert_uint_eq(calls, 0);
    ck_assert_int_eq(sender.problem, problem);
    hub__sender_fini(&sender);
}

/* System calls. -------------------------------------------------------- */

START_TEST(a_batch_is_one_call)
{
    if (!set_up())
        return;
    for (size_t count = 4; count <= HUB__SENDER_BATCH; count *= 2) {
        calls = 0;
        check_batch(count);
        ck_assert_uint_eq(calls, 1);
    }
    ck_assert(hub__sender_is_uring(&sender));
    hub__sender_fini(&sender);
}
END_TEST

START_TEST(one_write_makes_no_detour)
{
    if (!set_up())
        return;
    check_batch(1);
    ck_assert_uint_eq(calls, 0);
    check_batch(HUB__SENDER_BATCH);
    check_batch(1);
    ck_assert_uint_eq(calls, 1);
    hub__sender_fini(&sender);
}
END_TEST

START_TEST(what_the_kernel_takes_piecemeal_is_sent_all_the_same)
{
    const struct answer answers[] = {{0, -EINTR}, {1, 0},   {0, -EINTR},
                                     {0, -EINTR}, {100, 0}, {2, 0},
                                     {0, -EINTR}, {ALL, 0}};

    if (!set_up())
        return;
    follow(answers, TESTING_LENGTH(answers));
    check_batch(HUB__SENDER_BATCH);
    ck_assert_uint_eq(calls, TESTING_LENGTH(answers));
    check_batch(HUB__SENDER_BATCH);
    ck_assert_int_eq(sender.problem, 0);
    ck_assert(hub__sender_is_uring(&sender));
    hub__sender_fini(&sender);
}
END_TEST

START_TEST(results_may_come_in_any_order)
{
    if (!set_up())
        return;
    for (results_at_once = 1; results_at_once <= HUB__SENDER_BATCH;
         results_at_once *= 2)
        check_batch(HUB__SENDER_BATCH);
    results_at_once = 100;
    check_batch(HUB__SENDER_BATCH);
    results_at_once = 0;
    check_batch(HUB__SENDER_BATCH);
    ck_assert(hub__sender_is_uring(&sender));
    hub__sender_fini(&sender);
}
END_TEST

START_TEST(what_the_ring_gave_up_is_sent_in_another_way)
{
    if (!set_up())
        return;
    gives_up = true;
    check_batch(4);
    check_batch(HUB__SENDER_BATCH);
    gives_up = false;
    check_batch(HUB__SENDER_BATCH);
    ck_assert_int_eq(sender.problem, 0);
    ck_assert(hub__sender_is_uring(&sender));
    hub__sender_fini(&sender);
}
END_TEST

/* Failing. ------------------------------------------------------------- */

/* The kernel takes `taken` of `count` submissions, and then fails. */
static void fail_after(unsigned taken, size_t count, int error)
{
    const struct answer answers[] = {{taken, 0}, {0, error}};
    bool at_once = taken == 0;

    if (!set_up())
        return;
    follow(answers + at_once, TESTING_LENGTH(answers) - at_once);
    check_batch(count);
    ck_assert_uint_eq(calls, TESTING_LENGTH(answers) - at_once);
    check_failed(error == 0 ? EIO : -error);
}

START_TEST(a_ring_that_fails_at_once_is_done_without)
{
    fail_after(0, 4, -EAGAIN);
    fail_after(0, 100, -ENOMEM);
    fail_after(0, HUB__SENDER_BATCH, -EBADF);
    fail_after(0, HUB__SENDER_BATCH, 0); /* it takes nothing, and does not say
                                            why */
}
END_TEST

START_TEST(a_ring_that_fails_half_way_repeats_nothing)
{
    for (unsigned taken = 1; taken < 20; taken++)
        fail_after(taken, 20, -EAGAIN);
    for (unsigned taken = 1; taken < HUB__SENDER_BATCH; taken += 51)
        fail_after(taken, HUB__SENDER_BATCH, -ENOMEM);
    fail_after(HUB__SENDER_BATCH - 1, HUB__SENDER_BATCH, 0);
}
END_TEST

START_TEST(a_ring_may_fail_after_many_batches)
{
    const struct answer answers[] = {{ALL, 0}, {ALL, 0}, {7, 0}, {0, -ENXIO}};
    struct sender_lines *lines;

    if (!set_up())
        return;
    lines = sender_lines_new(9);
    follow(answers, TESTING_LENGTH(answers));
    for (int batch = 0; batch < 5; batch++) {
        write_lines(lines, HUB__SENDER_BATCH);
        for (size_t i = 0; i < HUB__SENDER_BATCH; i++)
            sender_lines_count(lines, i);
        ck_assert(hub__sender_is_uring(&sender) == (batch < 2));
        for (size_t i = 0; i < HUB__SENDER_BATCH; i += 2)
            sender_lines_drain(&lines->lines[i]);
    }
    ck_assert_uint_eq(calls, TESTING_LENGTH(answers));
    sender_lines_free(lines);
    check_failed(ENXIO);
}
END_TEST

/* Nobody knows what became of those writes. */
START_TEST(a_write_without_a_result_is_broken_and_not_repeated)
{
    struct hub__write writes[8];
    static char byte[] = "x";
    struct iovec iov = {.iov_base = byte, .iov_len = 1};
    int fds[8][2];
    char got[2];

    if (!set_up())
        return;
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(
            socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds[i]), 0);
        writes[i] = (struct hub__write){fds[i][0], &iov, 1, 1, 0};
    }
    results_left = 5;
    hub__sender_write(&sender, writes, 8);
    results_left = ALL;
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(writes[i].result, i < 5 ? 1 : -EIO);
        ck_assert_int_eq(recv(fds[i][1], got, 2, MSG_DONTWAIT), 1);
        close(fds[i][0]);
        close(fds[i][1]);
    }
    check_failed(EIO);
}
END_TEST

START_TEST(a_descriptor_that_is_no_ring_any_more_is_noticed)
{
    if (!set_up())
        return;
    check_batch(HUB__SENDER_BATCH);
    ck_assert_uint_eq(testing_break_rings(), 1);
    check_batch(1); /* not by the ring */
    ck_assert(hub__sender_is_uring(&sender));
    check_batch(HUB__SENDER_BATCH);
    ck_assert_int_ne(sender.problem, 0);
    check_failed(sender.problem);
    ck_assert_uint_eq(testing_break_rings(), 0);
}
END_TEST

START_TEST(a_broken_ring_may_go_unused)
{
    if (!set_up())
        return;
    ck_assert_uint_eq(testing_break_rings(), 1);
    hub__sender_fini(&sender);
    ck_assert(!hub__sender_is_uring(&sender));
}
END_TEST

/* Refused. ------------------------------------------------------------- */

/* Not by ck_assert: this is another process. */
static int begin_refused(void)
{
    struct hub__sender refused;

    if (hub__sender_init(&refused, HUB_SENDER_URING) != HUB_ENOTSUP ||
        errno != EPERM)
        return 1;
    if (hub__sender_init(&refused, HUB_SENDER_SENDMSG) != 0 ||
        refused.problem != 0)
        return 2;
    if (hub__sender_init(&refused, HUB_SENDER_AUTO) != 0 ||
        hub__sender_is_uring(&refused) || refused.problem != EPERM)
        return 3;
    hub__sender_fini(&refused);
    return 0;
}

START_TEST(where_the_kernel_refuses_a_ring_the_reason_is_told)
{
    int result = testing_without_rings(begin_refused);

    if (result >= 0)
        ck_assert_int_eq(result, 0);
    else
        puts("sender_uring: io_uring cannot be refused here");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_batch_is_one_call,
        one_write_makes_no_detour,
        what_the_kernel_takes_piecemeal_is_sent_all_the_same,
        results_may_come_in_any_order,
        what_the_ring_gave_up_is_sent_in_another_way,
        a_ring_that_fails_at_once_is_done_without,
        a_ring_that_fails_half_way_repeats_nothing,
        a_ring_may_fail_after_many_batches,
        a_write_without_a_result_is_broken_and_not_repeated,
        a_descriptor_that_is_no_ring_any_more_is_noticed,
        a_broken_ring_may_go_unused,
        where_the_kernel_refuses_a_ring_the_reason_is_told,
    };

    if (!testing_has_rings())
        puts("sender_uring: io_uring is not to be had, nothing is checked");
    return testing_run("sender_uring", tests, TESTING_LENGTH(tests));
}
