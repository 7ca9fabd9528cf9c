/* check_cgroup.c - the limits of control groups, of either version. For the
 * machine's memory see check_memory.c.
 */
#include "resources/cgroup.h"

#include "cgroup_fixture.h"
#include "suite.h"

static uint64_t cpus(void)
{
    return cgroup_cpus(cgroup_groups, cgroup_root);
}

static void check_quota(const char *text, uint64_t wanted)
{
    cgroup_write("cpu.max", text);
    ck_assert_uint_eq(cpus(), wanted);
}

START_TEST(a_quota_is_rounded_up_to_whole_cpus)
{
    cgroup_write("groups", "0::/\n");
    check_quota("100000 100000\n", 1);
    check_quota("1000 100000\n", 1);
    check_quota("100001 100000\n", 2);
    check_quota("150000 100000\n", 2);
    check_quota("200000 100000\n", 2);
    check_quota("6400000 100000\n", 64);
    check_quota("25000 10000", 3);
}
END_TEST

START_TEST(without_a_quota_there_is_no_limit)
{
    ck_assert_uint_eq(cpus(), UINT64_MAX); /* nor a file of groups */
    cgroup_write("groups", "0::/a\n");
    ck_assert_uint_eq(cpus(), UINT64_MAX);
    check_quota("max 100000\n", UINT64_MAX);
    check_quota("max\n", UINT64_MAX);
    check_quota("", UINT64_MAX);
    check_quota("nonsense\n", UINT64_MAX);
    check_quota("100000\n", UINT64_MAX);
    check_quota("100000 0\n", UINT64_MAX);
    check_quota("0 100000\n", UINT64_MAX);
    check_quota("-1 100000\n", UINT64_MAX);
    cgroup_write("groups", "nonsense\n::\n:\n\n0:\n");
    ck_assert_uint_eq(cpus(), UINT64_MAX);
}
END_TEST

START_TEST(the_least_quota_on_the_way_up_counts)
{
    cgroup_write("groups", "0::/a/b\n");
    cgroup_write("a/b/cpu.max", "400000 100000\n");
    ck_assert_uint_eq(cpus(), 4);
    cgroup_write("a/cpu.max", "max 100000\n");
    ck_assert_uint_eq(cpus(), 4);
    cgroup_write("a/cpu.max", "300000 100000\n");
    ck_assert_uint_eq(cpus(), 3);
    check_quota("800000 100000\n", 3); /* as a container sees its own */
    check_quota("50000 100000\n", 1);
    cgroup_write("groups", "0::/elsewhere\n");
    ck_assert_uint_eq(cpus(), 1);
}
END_TEST

START_TEST(the_first_version_of_groups_has_a_tree_for_cpus)
{
    cgroup_write("groups",
                 "9:memory:/a\n4:cpu,cpuacct:/a\n1:name=systemd:/y\n0::/\n");
    cgroup_write("cpu/a/cpu.cfs_quota_us", "-1\n");
    cgroup_write("cpu/a/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(cpus(), UINT64_MAX);
    cgroup_write("cpu/a/cpu.cfs_quota_us", "150000\n");
    ck_assert_uint_eq(cpus(), 2);
    cgroup_write("cpu/cpu.cfs_quota_us", "100000\n");
    ck_assert_uint_eq(cpus(), 2); /* of no known period */
    cgroup_write("cpu/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(cpus(), 1);
}
END_TEST

START_TEST(controllers_are_told_apart_by_their_whole_name)
{
    cgroup_write("cpu/a/cpu.cfs_quota_us", "100000\n");
    cgroup_write("cpu/a/cpu.cfs_period_us", "100000\n");
    cgroup_write("groups", "3:cpuset:/a\n2:cpuacct:/a\n1:name=cpu:/a\n");
    ck_assert_uint_eq(cpus(), UINT64_MAX);
    cgroup_write("groups", "3:cpuacct,cpu:/a\n");
    ck_assert_uint_eq(cpus(), 1);
}
END_TEST

START_TEST(memory_is_read_in_the_same_way)
{
    ck_assert_uint_eq(cgroup_memory(cgroup_groups, cgroup_root), UINT64_MAX);
    cgroup_write("groups", "0::/a\n");
    cgroup_write("a/memory.max", "max\n");
    ck_assert_uint_eq(cgroup_memory(cgroup_groups, cgroup_root), UINT64_MAX);
    cgroup_write("a/memory.max", "123456789\n");
    ck_assert_uint_eq(cgroup_memory(cgroup_groups, cgroup_root), 123456789);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cgroup");
    TCase *tc = tcase_create("cgroup");

    tcase_add_checked_fixture(tc, cgroup_set_up, cgroup_tear_down);
    tcase_add_test(tc, a_quota_is_rounded_up_to_whole_cpus);
    tcase_add_test(tc, without_a_quota_there_is_no_limit);
    tcase_add_test(tc, the_least_quota_on_the_way_up_counts);
    tcase_add_test(tc, the_first_version_of_groups_has_a_tree_for_cpus);
    tcase_add_test(tc, controllers_are_told_apart_by_their_whole_name);
    tcase_add_test(tc, memory_is_read_in_the_same_way);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
