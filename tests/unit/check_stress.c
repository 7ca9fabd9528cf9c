/* check_stress.c - the stress test of stress.h: some rounds of fixed kinds, or,
 * for the given number of seconds, rounds of all kinds. Each prints its seed,
 * with which it can be repeated:
 *
 *     check_stress SECONDS [SEED]     0 seconds: that round alone
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"
#include "testing.h"
#include "testing_rings.h"

#define STEPS 20000
#define STEPS_FEW 6000

static void run(struct stress_plan plan)
{
    struct stress_tally tally = {0};
    const char *problem = stress_run(&plan, &tally);

    ck_assert_msg(problem == NULL, "seed %" PRIu64 ": %s", plan.seed, problem);
    /* Where half of all allocations fail and it ends amid that, few get in: 91
     * to 304 in 90 rounds on a machine with other things to do. */
    ck_assert_uint_gt(tally.registered + tally.adopted,
                      plan.refuse_percent < 50 || plan.end != STRESS_AMID ? 100
                                                                          : 20);
    if (plan.refuse_percent < 50)
        ck_assert_uint_gt(tally.delivered, 1000);
    if (plan.refuse_percent < 50 && plan.end == STRESS_QUIET) {
        ck_assert_uint_gt(tally.rejects, 0);
        ck_assert_uint_gt(tally.warnings, 0);
    }
    ck_assert((tally.refused > 0) == (plan.refuse_percent > 0));
}

START_TEST(what_comes_in_goes_out_when_slow_ones_are_closed)
{
    run((struct stress_plan){.seed = 1, .hubs = 1, .loops = 3, .steps = STEPS});
}
END_TEST

START_TEST(what_comes_in_goes_out_when_the_oldest_is_dropped)
{
    run((struct stress_plan){.seed = 2,
                             .hubs = 1,
                             .loops = 3,
                             .steps = STEPS,
                             .policy = HUB_SLOW_DROP_OLDEST});
}
END_TEST

START_TEST(what_comes_in_goes_out_when_the_newest_is_dropped)
{
    run((struct stress_plan){.seed = 3,
                             .hubs = 1,
                             .loops = 3,
                             .steps = STEPS,
                             .policy = HUB_SLOW_DROP_NEWEST});
}
END_TEST

START_TEST(what_comes_in_goes_out_when_io_uring_fails_in_the_middle)
{
    struct stress_plan plan = {
        .seed = 4, .hubs = 1, .loops = 3, .steps = STEPS, .breaks_rings = true};

    run(plan);
    plan.seed++;
    plan.policy = HUB_SLOW_DROP_OLDEST;
    run(plan);
}
END_TEST

START_TEST(hubs_beside_each_other_and_in_the_hosts_loop_do_not_mix)
{
    run((struct stress_plan){
        .seed = 6, .hubs = 2, .loops = 2, .steps = STEPS_FEW});
    run((struct stress_plan){
        .seed = 7, .hubs = 2, .loops = 0, .steps = STEPS_FEW});
}
END_TEST

START_TEST(a_hub_may_end_amid_the_traffic)
{
    for (unsigned i = 0; i < 3 * STRESS_ENDS; i++)
        run((struct stress_plan){.seed = 100 + i,
                                 .hubs = 1 + i % 2,
                                 .loops = i / STRESS_ENDS,
                                 .steps = 2 * STEPS_FEW / 3,
                                 .end = (enum stress_end)(i % STRESS_ENDS)});
}
END_TEST

START_TEST(threads_and_failing_memory_leave_nobody_behind)
{
    static const unsigned percents[] = {1, 10, 50};

    for (unsigned i = 0; i < TESTING_LENGTH(percents); i++) {
        struct stress_plan plan = {.seed = 200 + i,
                                   .hubs = 1,
                                   .loops = 3,
                                   .steps = STEPS_FEW,
                                   .refuse_percent = percents[i]};

        run(plan);
        plan.end = STRESS_AMID;
        run(plan);
    }
}
END_TEST

/* For a time. ---------------------------------------------------------- */

static void print_tally(const struct stress_tally *tally, unsigned rounds,
                        const char *problem)
{
    printf("%u rounds", rounds);
#define PRINT(name) printf(", %s %" PRIu64, #name, tally->name);
    STRESS_TALLY_MAP(PRINT)
#undef PRINT
    printf(", wrong: %s\n", problem != NULL ? problem : "0");
}

static int run_for(int64_t seconds, uint64_t seed)
{
    int64_t end = testing_real_ms() + seconds * 1000;
    struct stress_tally tally = {0};
    const char *problem;
    unsigned rounds = 0;

    do {
        struct stress_plan plan = stress_plan_of(seed++);
        char text[200];

        stress_plan_print(&plan, text, sizeof text);
        printf("%s\n", text);
        fflush(stdout);
        problem = stress_run(&plan, &tally);
        rounds++;
    } while (problem == NULL && testing_real_ms() < end);
    print_tally(&tally, rounds, problem);
    return problem == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool read_number(const char *text, uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        what_comes_in_goes_out_when_slow_ones_are_closed,
        what_comes_in_goes_out_when_the_oldest_is_dropped,
        what_comes_in_goes_out_when_the_newest_is_dropped,
        what_comes_in_goes_out_when_io_uring_fails_in_the_middle,
        hubs_beside_each_other_and_in_the_hosts_loop_do_not_mix,
        a_hub_may_end_amid_the_traffic,
        threads_and_failing_memory_leave_nobody_behind,
    };
    uint64_t seconds, seed = (uint64_t)testing_real_ms();

    if (argc == 1)
        return testing_run("stress", tests, TESTING_LENGTH(tests));
    if (argc > 3 || !read_number(argv[1], &seconds) ||
        (argc == 3 && !read_number(argv[2], &seed))) {
        fputs("usage: check_stress [SECONDS [SEED]]\n", stderr);
        return EXIT_FAILURE;
    }
    return run_for((int64_t)seconds, seed);
}
