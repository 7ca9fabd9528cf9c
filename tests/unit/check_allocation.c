/* check_allocation.c - the whole life of a hub, over and over, while
 * allocations fail: each one by itself, all from each one on, some at random.
 *
 * The tests keep account of what each peer should get. What a call accepted
 * arrives, once and in order, unless the connection was closed for a stated
 * cause; what a call rejected leaves no trace. A failed allocation costs at
 * most one connection.
 */
#include <dirent.h>

#include "allocation_life.h"

#define STEPS_MAX 2000 /* runs until no allocation is left to fail */

/* How memory fails, and what the hub does when a queue is full. */
struct plan {
    void (*refuse)(unsigned n); /* NULL: at random */
    unsigned n;
    uint64_t seed;
    unsigned percent;
    enum hub_slow_consumer policy;
};

static struct allocation_peer *peers;

/* Judgement. ----------------------------------------------------------- */

static bool is_allowed(const struct allocation_peer *p, const struct plan *plan,
                       unsigned refused)
{
    enum hub_close_cause cause = p->info.cause;

    if (cause == HUB_CLOSED_ERROR)
        return refused > 0;
    if (cause == HUB_CLOSED_SLOW_CONSUMER)
        return p == &peers[ALLOCATION_SLOW] && plan->policy == HUB_SLOW_CLOSE;
    if (p == &peers[ALLOCATION_FAY])
        return cause == HUB_CLOSED_EXPIRED;
    return cause == (p->ended ? HUB_CLOSED_BY_HOST : HUB_CLOSED_SHUTDOWN);
}

/* Whether what was accepted may be missing: from the end, or, where a policy
 * drops, anywhere. */
static bool may_miss(const struct allocation_peer *p, const struct plan *plan)
{
    if (p == &peers[ALLOCATION_SLOW] && plan->policy != HUB_SLOW_CLOSE)
        return true;
    /* Taken out, a socket is closed at once. */
    return p->info.cause == HUB_CLOSED_ERROR ||
           p->info.cause == HUB_CLOSED_SLOW_CONSUMER ||
           p == &peers[ALLOCATION_EVE];
}

static void check_received(const struct allocation_peer *p,
                           const struct plan *plan)
{
    bool drops = p == &peers[ALLOCATION_SLOW] && plan->policy != HUB_SLOW_CLOSE;
    unsigned at = 0;

    for (unsigned i = 0; i < p->got_count; i++, at++) {
        while (drops && at < p->wanted_count && p->wanted[at] != p->got[i])
            at++;
        ck_assert_uint_lt(at, p->wanted_count);
        ck_assert_uint_eq(p->got[i], p->wanted[at]);
    }
    ck_assert_msg(may_miss(p, plan) || p->got_count == p->wanted_count,
                  "peer %td got %u of %u messages in run %u, seed %u",
                  p - peers, p->got_count, p->wanted_count, plan->n,
                  (unsigned)plan->seed);
    ck_assert_uint_eq(p->info.messages_out, p->got_count);
}

/* Returns whether it was lost for want of memory. */
static bool check_peer(struct allocation_peer *p, const struct plan *plan,
                       unsigned refused)
{
    ck_assert_uint_eq(p->opened, p->entered);
    ck_assert_uint_eq(p->closed, p->entered);
    ck_assert_uint_le(p->messages, p == &peers[ALLOCATION_CYD] ||
                                       p == &peers[ALLOCATION_EVE]);
    if (!p->entered)
        return false;
    ck_assert_msg(is_allowed(p, plan, refused), "peer %td: %s in run %u",
                  p - peers, hub_close_cause_name(p->info.cause), plan->n);
    check_received(p, plan);
    if (p->is_socket) {
        testing_client_expect_nothing(&p->client);
        ck_assert(p->client.ended);
        ck_assert_int_eq(p->info.code, p->code != 0 ? p->code : 1006);
    }
    return p->info.cause == HUB_CLOSED_ERROR;
}

static void check_all(const struct plan *plan, unsigned refused)
{
    unsigned lost = 0;

    for (size_t i = 0; i < ALLOCATION_PEERS; i++)
        lost += check_peer(&peers[i], plan, refused);
    ck_assert_uint_le(lost, refused);
    if (refused > 0)
        return;
    for (size_t i = 0; i < ALLOCATION_PEERS; i++)
        ck_assert(peers[i].entered && peers[i].wanted_count > 0);
    ck_assert_uint_eq(peers[ALLOCATION_CYD].messages, 1);
    ck_assert_uint_eq(peers[ALLOCATION_CYD].pongs, 1);
    ck_assert_uint_eq(peers[ALLOCATION_EVE].messages, 1);
    ck_assert_int_eq(peers[ALLOCATION_DAN].code, 4001);
    ck_assert_int_eq(peers[ALLOCATION_FAY].code, 3000);
    ck_assert_uint_eq(peers[ALLOCATION_FAY].warnings, 1);
    ck_assert_int_eq(allocation_rejected(), 3003);
    ck_assert_int_eq(peers[ALLOCATION_LATE].code, 1001);
    ck_assert_int_eq(peers[ALLOCATION_SLOW].code,
                     plan->policy == HUB_SLOW_CLOSE ? 1013 : 1001);
    if (plan->policy != HUB_SLOW_CLOSE)
        ck_assert_uint_lt(peers[ALLOCATION_SLOW].got_count,
                          peers[ALLOCATION_SLOW].wanted_count);
}

/* Runs. ---------------------------------------------------------------- */

static unsigned count_descriptors(void)
{
    DIR *fds = opendir("/proc/self/fd");
    unsigned count = 0;

    ck_assert_ptr_nonnull(fds);
    while (readdir(fds) != NULL)
        count++;
    closedir(fds);
    return count;
}

static int create(const struct plan *plan)
{
    int err;

    if (plan->refuse != NULL)
        plan->refuse(plan->n);
    err = allocation_create(plan->policy);
    if (plan->refuse == NULL && err == 0)
        testing_fail_randomly(plan->seed, plan->percent);
    return err;
}

/* Returns how many allocations were refused. */
static unsigned run(const struct plan *plan)
{
    unsigned descriptors = count_descriptors(), refused;
    int err = create(plan);

    if (err == 0)
        peers = allocation_live();
    refused = testing_allow_memory();
    if (err == 0) {
        check_all(plan, refused);
    } else {
        ck_assert_int_eq(err, HUB_ENOMEM);
        ck_assert_uint_gt(refused, 0);
    }
    allocation_release();
    ck_assert_uint_eq(count_descriptors(), descriptors);
    return refused;
}

static void fail_one(enum hub_slow_consumer policy)
{
    struct plan plan = {.refuse = testing_fail_allocation, .policy = policy};
    unsigned refused;

    do {
        plan.n++;
        refused = run(&plan);
        ck_assert_uint_le(refused, 1);
        ck_assert_uint_lt(plan.n, STEPS_MAX);
    } while (refused > 0);
    ck_assert_uint_gt(plan.n, 100);
}

START_TEST(one_failure_costs_one_connection_at_most)
{
    fail_one(HUB_SLOW_CLOSE);
    fail_one(HUB_SLOW_DROP_OLDEST);
    fail_one(HUB_SLOW_DROP_NEWEST);
}
END_TEST

START_TEST(without_any_memory_from_some_point_on_it_ends_in_good_order)
{
    struct plan plan = {.refuse = testing_fail_after};

    while (run(&plan) > 0)
        ck_assert_uint_lt(++plan.n, STEPS_MAX);
    ck_assert_uint_gt(plan.n, 100);
}
END_TEST

START_TEST(failures_at_random_are_borne_or_told)
{
    static const unsigned percents[] = {1, 10, 50};
    struct plan plan = {.seed = 1};
    unsigned refused = 0;

    for (; plan.seed <= 60; plan.seed++) {
        plan.percent = percents[plan.seed % TESTING_LENGTH(percents)];
        plan.policy = (enum hub_slow_consumer)(plan.seed / 3 % 3);
        refused += run(&plan);
    }
    ck_assert_uint_gt(refused, 500);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_failure_costs_one_connection_at_most,
        without_any_memory_from_some_point_on_it_ends_in_good_order,
        failures_at_random_are_borne_or_told,
    };

    return testing_run("allocation", tests, TESTING_LENGTH(tests));
}
