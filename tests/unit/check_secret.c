/* check_secret.c - what the kernel was told about a secret's pages, and what is
 * left of secrets in registers and on the stack.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "suite.h"

#define BYTES 9000 /* three pages, the last one not full */

/* The VmFlags of the mapping that an address is in. */
static void read_flags(const void *address, char *out, size_t size)
{
    unsigned long from, to, at = (unsigned long)address;
    FILE *file = fopen("/proc/self/smaps", "r");
    char line[512];
    bool inside = false;

    ck_assert_ptr_nonnull(file);
    out[0] = '\0';
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = from <= at && at < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            (void)snprintf(out, size, "%s", line + 8);
    }
    (void)fclose(file);
}

static bool has_flag(const void *address, const char *flag)
{
    char flags[512], wanted[8];

    read_flags(address, flags, sizeof(flags));
    (void)snprintf(wanted, sizeof(wanted), " %s ", flag);
    return strstr(flags, wanted) != NULL;
}

START_TEST(a_secret_is_zeroed_and_in_no_core_dump)
{
    unsigned char *secret = secret_new(BYTES);

    ck_assert_ptr_nonnull(secret);
    for (size_t i = 0; i < BYTES; i++)
        ck_assert_uint_eq(secret[i], 0);
    ck_assert(has_flag(secret, "dd"));
    ck_assert(has_flag(secret + BYTES - 1, "dd"));
    secret_free(secret, BYTES);
    secret_free(NULL, BYTES);
}
END_TEST

START_TEST(a_forked_child_does_not_have_it)
{
    char *secret = secret_new(BYTES);
    int status;
    pid_t child;

    ck_assert_ptr_nonnull(secret);
    strcpy(secret, "secret");
    child = fork();
    if (child == 0)
        _exit(secret[0] == '\0' ? EXIT_SUCCESS : EXIT_FAILURE);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_str_eq(secret, "secret");
    secret_free(secret, BYTES);
}
END_TEST

START_TEST(memory_of_others_is_left_out_of_dumps_by_the_page)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 5 * page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(pages, MAP_FAILED);
    secret_undump(pages + 2 * page - 1, page + 2);
    ck_assert(!has_flag(pages, "dd"));
    ck_assert(has_flag(pages + page, "dd"));
    ck_assert(has_flag(pages + 2 * page, "dd"));
    ck_assert(has_flag(pages + 3 * page, "dd"));
    ck_assert(!has_flag(pages + 4 * page, "dd"));
    (void)munmap(pages, 5 * page);
}
END_TEST

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) &&                   \
    !defined(__SANITIZE_THREAD__)
#define MARK 0x5ec2e75ec2e75ec2

/* One register of each half, in the width in which string functions use it. */
__attribute__((target("avx512f"))) static bool upper_register_is_cleared(void)
{
    unsigned long mark = MARK, left[8];

    __asm__ volatile("vpbroadcastq %0, %%zmm17" ::"r"(mark));
    secret_clear_registers();
    __asm__ volatile("vmovdqu64 %%zmm17, %0" : "=m"(left));
    for (size_t i = 0; i < 8; i++) {
        if (left[i] != 0)
            return false;
    }
    return true;
}

__attribute__((target("avx2"))) static bool lower_register_is_cleared(void)
{
    unsigned long mark = MARK, left[4];

    __asm__ volatile("vmovq %0, %%xmm7\n\t"
                     "vpbroadcastq %%xmm7, %%ymm7" ::"r"(mark)
                     : "xmm7");
    secret_clear_registers();
    __asm__ volatile("vmovdqu %%ymm7, %0" : "=m"(left));
    return left[0] == 0 && left[1] == 0 && left[2] == 0 && left[3] == 0;
}

START_TEST(vector_registers_are_cleared)
{
    if (__builtin_cpu_supports("avx512f"))
        ck_assert(upper_register_is_cleared());
    if (__builtin_cpu_supports("avx2"))
        ck_assert(lower_register_is_cleared());
}
END_TEST

/* Where the stack of a call was that has returned. */
static volatile unsigned long *dead;

__attribute__((noinline)) static void leave_something(void)
{
    volatile unsigned long local[64], *where = local;

    for (size_t i = 0; i < 64; i++)
        local[i] = MARK;
    __asm__ volatile("" : "+r"(where)::"memory"); /* not known to be local */
    dead = where;
}

START_TEST(the_stack_of_calls_that_have_returned_is_cleared)
{
    size_t left = 0;

    leave_something();
    secret_clear_leftovers();
    for (size_t i = 0; i < 64; i++)
        left += dead[i] == MARK;
    ck_assert_uint_eq(left, 0);
}
END_TEST
#endif

static Suite *make_suite(void)
{
    Suite *suite = suite_create("secret");
    TCase *tests = tcase_create("secret");

    tcase_add_test(tests, a_secret_is_zeroed_and_in_no_core_dump);
    tcase_add_test(tests, a_forked_child_does_not_have_it);
    tcase_add_test(tests, memory_of_others_is_left_out_of_dumps_by_the_page);
#ifdef MARK
    tcase_add_test(tests, vector_registers_are_cleared);
    tcase_add_test(tests, the_stack_of_calls_that_have_returned_is_cleared);
#endif
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return suite_run(make_suite());
}
