/* check_cpus.c - how many CPUs the process may use: by its affinity, and by the
 * quota of its control groups.
 */
#include "resources/cpus.h"

#include <sched.h>

#include "cgroup_fixture.h"
#include "suite.h"

START_TEST(a_quota_is_one_bound)
{
    cpu_set_t set;
    unsigned all;

    ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    all = (unsigned)CPU_COUNT(&set);
    ck_assert_uint_eq(cpus_available(cgroup_groups, cgroup_root), all);
    cgroup_write("groups", "0::/\n");
    cgroup_write("cpu.max", "99999900000 100000\n");
    ck_assert_uint_eq(cpus_available(cgroup_groups, cgroup_root), all);
    cgroup_write("cpu.max", "50000 100000\n");
    ck_assert_uint_eq(cpus_available(cgroup_groups, cgroup_root), 1);
}
END_TEST

START_TEST(what_it_may_run_on_is_the_other)
{
    cpu_set_t before, one;
    size_t cpu = 0;

    ck_assert_int_eq(sched_getaffinity(0, sizeof(before), &before), 0);
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    ck_assert_uint_eq(cpus_available(cgroup_groups, cgroup_root), 1);
    cgroup_write("groups", "0::/\n");
    cgroup_write("cpu.max", "800000 100000\n");
    ck_assert_uint_eq(cpus_available(cgroup_groups, cgroup_root), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(before), &before), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpus");
    TCase *tc = tcase_create("cpus");

    tcase_add_checked_fixture(tc, cgroup_set_up, cgroup_tear_down);
    tcase_add_test(tc, a_quota_is_one_bound);
    tcase_add_test(tc, what_it_may_run_on_is_the_other);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
