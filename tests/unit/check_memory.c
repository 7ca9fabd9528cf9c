/* check_memory.c - how HUB_MEMORY_LIMIT is divided, and the limit of a
 * container's control group.
 */
#include "resources/memory.h"

#include <check.h>
#include <unistd.h>

#include "cgroup_fixture.h"
#include "suite.h"

#define MB ((size_t)1 << 20)
#define GB (UINT64_C(1) << 30)

START_TEST(three_quarters_are_for_messages_and_one_for_bodies)
{
    struct memory memory;

    memory_init(&memory, 64 * MB, MB);
    ck_assert_uint_eq(memory.limit, 64 * MB);
    ck_assert_uint_eq(memory_for_messages(&memory), 48 * MB);
    ck_assert(memory_take(&memory, 10 * MB));
    ck_assert(memory_take(&memory, 6 * MB));
    ck_assert(!memory_take(&memory, 1));
    memory_give(&memory, 6 * MB);
    ck_assert(!memory_take(&memory, 6 * MB + 1));
    ck_assert(memory_take(&memory, 6 * MB));
    memory_give(&memory, 16 * MB);
    ck_assert(!memory_take(&memory, SIZE_MAX));
    ck_assert_uint_eq(memory.bodies, 0);
}
END_TEST

START_TEST(the_hub_takes_what_it_is_left)
{
    static const size_t messages[] = {1, 1000, 32768, 524288, 100 * MB};

    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        struct memory memory;
        size_t least = memory_least(messages[i]);

        ck_assert_uint_ge(least, MEMORY_LIMIT_MIN);
        ck_assert_uint_ge(least, 48 * messages[i]);
        memory_init(&memory, least, messages[i]);
        ck_assert_uint_eq(memory.limit, least);
        ck_assert_uint_ge(memory_for_messages(&memory), 32 * messages[i]);
        /* A body, and the message made of it. */
        ck_assert(memory_take(&memory, 2 * (messages[i] + 65536 + 1)));
    }
}
END_TEST

START_TEST(without_a_limit_it_is_half_of_what_there_is)
{
    struct memory memory;
    uint64_t available =
        memory_available("/proc/self/cgroup", "/sys/fs/cgroup");

    ck_assert_uint_gt(available, 16 * MB);
    memory_init(&memory, 0, 1);
    ck_assert_uint_eq(memory.limit, available / 2);
    memory_init(&memory, 0, (size_t)1 << 40);
    ck_assert_uint_eq(memory.limit, (size_t)48 << 40);
}
END_TEST

/* Control groups. ------------------------------------------------------ */

static uint64_t machine(void)
{
    return memory_available("/nowhere", cgroup_root);
}

START_TEST(outside_of_groups_it_is_what_the_machine_has)
{
    uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES);

    ck_assert_uint_eq(machine(), pages * (uint64_t)sysconf(_SC_PAGESIZE));
    cgroup_write("groups", "0::/a/b\n");
    ck_assert_uint_eq(memory_available(cgroup_groups, cgroup_root), machine());
    cgroup_write("a/b/memory.max", "max\n");
    ck_assert_uint_eq(memory_available(cgroup_groups, cgroup_root), machine());
    cgroup_write("a/b/memory.max", "");
    ck_assert_uint_eq(memory_available(cgroup_groups, cgroup_root), machine());
    cgroup_write("a/b/memory.max", "9223372036854771712\n");
    ck_assert_uint_eq(memory_available(cgroup_groups, cgroup_root), machine());
    cgroup_write("groups", "nonsense\n::\n:\n\n0:\n");
    ck_assert_uint_eq(memory_available(cgroup_groups, cgroup_root), machine());
}
END_TEST

START_TEST(the_least_limit_on_the_way_up_counts)
{
    cgroup_write("groups", "0::/a/b\n");
    cgroup_write("a/b/memory.max", "300000000\n");
    ck_assert_uint_eq(memory_available(cgroup_groups, cgroup_root), 300000000);
    cgroup_write("a/memory.max", "200000000\n");
    ck_assert_uint_eq(memory_available(cgroup_groups, cgroup_root), 200000000);
    cgroup_write("memory.max", "100000000\n"); /* as a container sees its own */
    ck_assert_uint_eq(memory_available(cgroup_groups, cgroup_root), 100000000);
    cgroup_write("groups", "0::/\n");
    ck_assert_uint_eq(memory_available(cgroup_groups, cgroup_root), 100000000);
    cgroup_write("groups", "0::/elsewhere\n");
    ck_assert_uint_eq(memory_available(cgroup_groups, cgroup_root), 100000000);
}
END_TEST

START_TEST(the_first_version_of_groups_has_a_tree_for_memory)
{
    cgroup_write("groups", "5:cpuset:/x\n4:cpu,memory:/a\n1:name=systemd:/y\n");
    cgroup_write("memory/a/memory.limit_in_bytes", "150000000\n");
    cgroup_write("a/memory.max", "1\n");
    cgroup_write("memory/x/memory.limit_in_bytes", "2\n");
    ck_assert_uint_eq(memory_available(cgroup_groups, cgroup_root), 150000000);
    cgroup_write("memory/memory.limit_in_bytes", "140000000\n");
    ck_assert_uint_eq(memory_available(cgroup_groups, cgroup_root), 140000000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *shares = tcase_create("shares"), *available = tcase_create("groups");

    tcase_add_test(shares, three_quarters_are_for_messages_and_one_for_bodies);
    tcase_add_test(shares, the_hub_takes_what_it_is_left);
    tcase_add_test(shares, without_a_limit_it_is_half_of_what_there_is);
    tcase_add_checked_fixture(available, cgroup_set_up, cgroup_tear_down);
    tcase_add_test(available, outside_of_groups_it_is_what_the_machine_has);
    tcase_add_test(available, the_least_limit_on_the_way_up_counts);
    tcase_add_test(available,
                   the_first_version_of_groups_has_a_tree_for_memory);
    suite_add_tcase(suite, shares);
    suite_add_tcase(suite, available);
    return suite_run(suite);
}
