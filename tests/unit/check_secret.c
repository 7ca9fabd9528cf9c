/* check_secret.c - what the kernel was told about a secret's pages. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static Suite *make_suite(void)
{
    Suite *suite = suite_create("secret");
    TCase *tests = tcase_create("secret");

    tcase_add_test(tests, a_secret_is_zeroed_and_in_no_core_dump);
    tcase_add_test(tests, a_forked_child_does_not_have_it);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return suite_run(make_suite());
}
