/* check_keys_time.c - a comparison takes the same time wherever keys differ.
 *
 * A clock would measure the machine. Instead a child compares, and is
 * single-stepped: the number of instructions must be the same.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access/keys.h"
#include "suite.h"

#define KEY "0123456789abcdefghijklmnopqrstuvwxyz"
#define OLD "zyxwvutsrqponmlkjihgfedcba9876543210"
#define BYTES (sizeof(KEY) - 1)
#define STEPS_MAX 1000000

/* A forked child would not get those of its parent. */
static struct keys *load(void)
{
    static char key[] = KEY, old[] = OLD;
    struct config config = {.api_key = key, .api_key_previous = old};
    char error[256];

    return keys_load(&config, error, sizeof(error), NULL, 0);
}

/* Stops before and after; what lies between is the same code each time. */
static void compare(const char *given, size_t bytes)
{
    struct keys *keys = load();
    pid_t self = getpid();
    bool same;

    if (keys == NULL || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(EXIT_FAILURE);
    (void)kill(self, SIGSTOP);
    same = keys_match(keys, given, bytes);
    (void)kill(self, SIGUSR1);
    _exit(same ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* The instructions a comparison takes, or -1 where there is no tracing. */
static long steps(const char *given, size_t bytes)
{
    pid_t child = fork();
    long count = 0;
    int status;

    if (child == 0)
        compare(given, bytes);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        return -1;
    ck_assert_int_eq(WSTOPSIG(status), SIGSTOP);
    for (;;) {
        ck_assert_int_lt(count, STEPS_MAX);
        ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSTOPPED(status));
        if (WSTOPSIG(status) == SIGUSR1)
            break;
        count++;
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    return count;
}

START_TEST(wrong_keys_take_equally_long_wherever_they_differ)
{
    char given[] = KEY;
    long all = steps(KEY, BYTES), one;

    if (all < 0)
        return;
    ck_assert_int_gt(all, (long)BYTES);
    ck_assert_int_eq(steps(OLD, BYTES), all);
    for (size_t i = 0; i < BYTES; i += 5) {
        given[i] ^= 1;
        one = steps(given, BYTES);
        ck_assert_msg(one == all, "%ld steps for a difference at %zu, not %ld",
                      one, i, all);
        given[i] ^= 1;
    }
    memset(given, '~', BYTES);
    ck_assert_int_eq(steps(given, BYTES), all);
}
END_TEST

/* What is given decides, and who gives it knows how long it is. Four bytes
 * further: the compiler may take that many at once. */
START_TEST(the_length_of_the_key_does_not_show)
{
    static const char given[] = KEY KEY;
    long before = steps(given, BYTES - 4), equal = steps(given, BYTES),
         behind = steps(given, BYTES + 4);

    if (before < 0)
        return;
    ck_assert_int_gt(equal, before);
    ck_assert_int_eq(behind - equal, equal - before);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("keys_time");
    TCase *tests = tcase_create("keys_time");

    tcase_add_test(tests, wrong_keys_take_equally_long_wherever_they_differ);
    tcase_add_test(tests, the_length_of_the_key_does_not_show);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return suite_run(make_suite());
}
