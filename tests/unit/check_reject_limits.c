/* check_reject_limits.c - hub_reject(): invalid calls and that they change
 * nothing, limits, and concurrent calls.
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reject_stage.h"

/* Misuse, limits, failures. -------------------------------------------- */

static void check_refused(int descriptor, const struct hub_rejection *rejection,
                          int err)
{
    ck_assert_int_eq(hub_reject(reject_hub, descriptor, rejection), err);
    testing_settle(reject_hub);
    ck_assert_uint_eq(atomic_load(&reject_hub->rejecting), 0);
    reject_check_nobody(0);
}

START_TEST(arguments_have_to_make_sense)
{
    static const int codes[] = {0, -1, 999, 1004, 1005, 1006, 1015, 2999, 5000};
    struct hub_rejection right = reject_with(3000, "why"), wrong;
    char reason[HUB_REASON_BYTES_MAX + 2];
    int ends[2];

    reject_start();
    reject_fd = testing_client_open(&reject_client);
    ck_assert_int_eq(hub_reject(NULL, reject_fd, &right), HUB_EINVAL);
    check_refused(reject_fd, NULL, HUB_EINVAL);
    for (size_t i = 0; i < TESTING_LENGTH(codes); i++) {
        wrong = reject_with(codes[i], NULL);
        check_refused(reject_fd, &wrong, HUB_EINVAL);
    }
    memset(reason, 'r', sizeof reason);
    reason[sizeof reason - 1] = '\0';
    wrong = reject_with(3000, reason);
    check_refused(reject_fd, &wrong, HUB_EINVAL);
    wrong = reject_with(3000, "\xFF");
    check_refused(reject_fd, &wrong, HUB_EINVAL);
    wrong = right;
    wrong.preamble_bytes = 1;
    check_refused(reject_fd, &wrong, HUB_EINVAL);
    wrong = right;
    wrong.struct_size = 0;
    check_refused(reject_fd, &wrong, HUB_EINVAL);
    check_refused(-1, &right, HUB_ENOTSOCK);
    ck_assert_int_eq(pipe(ends), 0);
    check_refused(ends[0], &right, HUB_ENOTSOCK);
    close(ends[0]);
    close(ends[1]);
    ck_assert(reject_is_open(reject_fd));
    close(reject_fd);
    reject_tear_down();
}
END_TEST

START_TEST(a_longer_struct_may_ask_for_nothing_unknown)
{
    struct {
        struct hub_rejection rejection;
        unsigned char later[8];
    } longer = {.rejection = reject_with(3000, NULL), .later = {1}};

    reject_start();
    reject_fd = testing_client_open(&reject_client);
    longer.rejection.struct_size = sizeof longer;
    check_refused(reject_fd, &longer.rejection, HUB_EINVAL);
    longer.later[0] = 0;
    ck_assert_int_eq(hub_reject(reject_hub, reject_fd, &longer.rejection), 0);
    reject_tear_down();
}
END_TEST

START_TEST(a_hub_that_shuts_down_takes_none)
{
    struct hub_rejection rejection = reject_with(3000, NULL);

    reject_start();
    reject_fd = testing_client_open(&reject_client);
    ck_assert_int_eq(hub_shutdown(reject_hub, 1000), 0);
    ck_assert_int_eq(hub_reject(reject_hub, reject_fd, &rejection),
                     HUB_ESHUTDOWN);
    ck_assert(reject_is_open(reject_fd));
    close(reject_fd);
    reject_tear_down();
}
END_TEST

START_TEST(a_full_hub_takes_some)
{
    struct hub_member member = HUB_MEMBER_INIT;
    struct hub_rejection rejection = reject_with(1013, "full");

    reject_start();
    member.user_id = "one";
    ck_assert_int_eq(hub_reserve(reject_hub, &member, &member.place), 0);
    ck_assert_int_eq(
        hub_reject(reject_hub, testing_client_open(&reject_client), &rejection),
        0);
    testing_settle(reject_hub);
    reject_expect_close(1013, "full");
    hub_release(reject_hub, member.place);
    reject_tear_down();
}
END_TEST

/* Two descriptors each would be more than a process may have. */
START_TEST(there_are_1024_at_a_time)
{
    struct hub_rejection rejection = reject_with(3000, NULL);

    reject_start();
    reject_fd = testing_client_open(&reject_client);
    for (int i = 0; i < HUB_REJECTIONS_MAX; i++)
        atomic_fetch_add(&reject_hub->rejecting, 1);
    ck_assert_int_eq(hub_reject(reject_hub, reject_fd, &rejection), HUB_EFULL);
    ck_assert(reject_is_open(reject_fd));
    ck_assert_uint_eq(testing_stats(reject_hub).rejected, 0);
    atomic_fetch_sub(&reject_hub->rejecting, 1);
    ck_assert_int_eq(hub_reject(reject_hub, reject_fd, &rejection), 0);
    ck_assert_int_eq(hub_reject(reject_hub, reject_fd, &rejection), HUB_EFULL);
    testing_client_close(&reject_client);
    testing_settle(reject_hub);
    reject_fd = testing_client_open(&reject_client);
    ck_assert_int_eq(hub_reject(reject_hub, reject_fd, &rejection), 0);
    ck_assert_uint_eq(testing_stats(reject_hub).rejected, 2);
    reject_tear_down();
}
END_TEST

START_TEST(without_memory_it_is_refused)
{
    struct hub_rejection rejection = reject_with(3000, "why");
    unsigned nth = 0;
    int err;

    reject_start();
    reject_fd = testing_client_open(&reject_client);
    rejection.preamble = REJECT_PREAMBLE;
    rejection.preamble_bytes = strlen(REJECT_PREAMBLE);
    do {
        testing_fail_allocation(++nth);
        err = hub_reject(reject_hub, reject_fd, &rejection);
        if (testing_allow_memory() > 0) {
            ck_assert_int_eq(err, HUB_ENOMEM);
            ck_assert(reject_is_open(reject_fd));
            ck_assert_uint_eq(atomic_load(&reject_hub->rejecting), 0);
        }
    } while (err != 0);
    ck_assert_uint_eq(nth, 5); /* itself, its post, and two frames */
    testing_settle(reject_hub);
    reject_expect_bytes(REJECT_PREAMBLE, strlen(REJECT_PREAMBLE));
    reject_expect_close(3000, "why");
    reject_tear_down();
}
END_TEST

START_TEST(without_memory_in_the_loop_it_is_closed)
{
    struct hub_rejection rejection = reject_with(3000, "why");

    reject_start();
    reject_fd = testing_client_open(&reject_client);
    ck_assert_int_eq(hub_reject(reject_hub, reject_fd, &rejection), 0);
    testing_fail_after(0);
    testing_settle(reject_hub);
    (void)testing_allow_memory();
    reject_check_over();
    reject_tear_down();
}
END_TEST

/* Threads. ------------------------------------------------------------- */

#define THREADS 4
#define EACH 300

static void *reject_some(void *context)
{
    struct hub_rejection rejection = reject_with(3000, "unauthorized");
    unsigned *wrong = context;

    for (int i = 0; i < EACH; i++) {
        uint8_t got[32];
        int ends[2], err;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
            ++*wrong;
            continue;
        }
        err = hub_reject(reject_hub, ends[1], &rejection);
        if (err != 0)
            close(ends[1]);
        else if (recv(ends[0], got, 16, MSG_WAITALL) != 16 || got[0] != 0x88)
            ++*wrong;
        *wrong += err != 0;
        close(ends[0]);
    }
    return NULL;
}

START_TEST(threads_may_reject_at_once)
{
    struct hub_options options = reject_options();
    pthread_t threads[THREADS];
    unsigned wrong[THREADS] = {0};

    options.loops = 3;
    ck_assert_int_eq(hub_create(&reject_hub, &options), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, reject_some, &wrong[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(wrong[i], 0);
    }
    ck_assert_int_eq(hub_shutdown(reject_hub, 1000), 0);
    ck_assert_uint_eq(atomic_load(&reject_hub->rejecting), 0);
    reject_check_nobody(THREADS * EACH);
    hub_destroy(reject_hub);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        arguments_have_to_make_sense,
        a_longer_struct_may_ask_for_nothing_unknown,
        a_hub_that_shuts_down_takes_none,
        a_full_hub_takes_some,
        there_are_1024_at_a_time,
        without_memory_it_is_refused,
        without_memory_in_the_loop_it_is_closed,
        threads_may_reject_at_once,
    };

    return testing_run("reject_limits", tests, TESTING_LENGTH(tests));
}
