/* check_proc.c - what the kernel says about this process, against what the test
 * knows about it.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "resources/proc.h"
#include "suite.h"

#define BLOCK ((size_t)64 << 20)

START_TEST(memory_that_is_touched_is_resident)
{
    struct proc_memory before, mapped, touched;
    void *block;

    proc_read_memory(&before);
    ck_assert_uint_gt(before.resident_bytes, 100000);
    ck_assert_uint_ge(before.virtual_bytes, before.resident_bytes);
    block = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(block, MAP_FAILED);
    proc_read_memory(&mapped);
    ck_assert_uint_ge(mapped.virtual_bytes, before.virtual_bytes + BLOCK);
    ck_assert_uint_lt(mapped.resident_bytes, before.resident_bytes + BLOCK / 2);
    memset(block, 1, BLOCK);
    proc_read_memory(&touched);
    ck_assert_uint_gt(touched.resident_bytes,
                      mapped.resident_bytes + BLOCK / 2);
    (void)munmap(block, BLOCK);
}
END_TEST

START_TEST(descriptors_are_counted_as_they_come_and_go)
{
    uint64_t before = proc_descriptors();
    int fds[10];

    ck_assert_uint_ge(before, 1);
    for (int i = 0; i < 10; i++)
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_uint_eq(proc_descriptors(), before + 10);
    ck_assert_int_eq(proc_count("/proc/self/fd") - 1, (int)before + 10);
    for (int i = 0; i < 10; i++)
        (void)close(fds[i]);
    ck_assert_uint_eq(proc_descriptors(), before);
}
END_TEST

START_TEST(time_that_is_used_is_counted)
{
    uint64_t before = proc_cpu_ns(), after;
    volatile unsigned turns = 0;

    do {
        turns++;
        after = proc_cpu_ns();
    } while (after < before + 20000000);
    ck_assert_uint_gt(turns, 0);
    ck_assert_uint_gt(before, 0);
}
END_TEST

START_TEST(the_process_was_started_a_moment_ago)
{
    uint64_t started = proc_started_ms();
    uint64_t now = (uint64_t)time(NULL) * 1000;

    ck_assert_uint_le(started, now + 2000);
    ck_assert_uint_ge(started + 600000, now);
    /* By two clocks, read one after the other. */
    ck_assert_int_le(llabs((long long)(proc_started_ms() - started)), 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proc");
    TCase *tests = tcase_create("proc");

    tcase_add_test(tests, memory_that_is_touched_is_resident);
    tcase_add_test(tests, descriptors_are_counted_as_they_come_and_go);
    tcase_add_test(tests, time_that_is_used_is_counted);
    tcase_add_test(tests, the_process_was_started_a_moment_ago);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
