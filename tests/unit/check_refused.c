/* check_refused.c - the log lines about malformed requests. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "front/refused.h"
#include "suite.h"

static struct refused refused;
static int ends[2];
static char lines[65536];

static void begin(void)
{
    refused_init(&refused);
    ck_assert_int_eq(pipe(ends), 0);
    log_set_fd(ends[1]);
}

/* Reads what was written, and ends. */
static void finish(void)
{
    ssize_t got;

    refused_fini(&refused);
    log_set_fd(-1);
    (void)close(ends[1]);
    got = read(ends[0], lines, sizeof(lines) - 1);
    ck_assert_int_ge(got, 0);
    lines[got] = '\0';
    (void)close(ends[0]);
}

static void add(const char *fault, const char *remote)
{
    struct refusal why;

    (void)refuse(&why, REFUSAL_HEADERS_TOO_LARGE, "%s, by %s", fault, remote);
    why.fault = fault;
    refused_add(&refused, remote, &why);
}

static unsigned count(const char *text)
{
    unsigned found = 0;

    for (const char *p = lines; (p = strstr(p, text)) != NULL; p++)
        found++;
    return found;
}

START_TEST(a_line_tells_what_was_wrong_and_who_did_it)
{
    add("a fault", "192.0.2.1");
    finish();
    ck_assert_uint_eq(count("\n"), 1);
    ck_assert_ptr_nonnull(
        strstr(lines, "level=info event=refused remote=192.0.2.1 status=431 "
                      "code=headers_too_large reason=\"a fault, by 192.0.2.1\" "
                      "requests=1 window_ms=10000\n"));
}
END_TEST

START_TEST(each_kind_has_a_window_of_its_own)
{
    for (int i = 0; i < 10; i++) {
        add("one", "192.0.2.1");
        add("another", "192.0.2.2");
        refused_report(&refused);
    }
    add("one", "192.0.2.3");
    finish();
    ck_assert_uint_eq(count("\n"), 4);
    ck_assert_uint_eq(count("requests=1 "), 2);
    ck_assert_uint_eq(count("one, by 192.0.2.3\" requests=10 "), 1);
    ck_assert_uint_eq(count("another, by 192.0.2.2\" requests=9 "), 1);
}
END_TEST

START_TEST(what_is_due_is_told_without_another)
{
    add("one", "192.0.2.1");
    add("one", "192.0.2.2");
    refused_report(&refused);
    atomic_store(&refused.kinds[0].window.next_ms, 1);
    refused_report(&refused);
    refused_report(&refused);
    finish();
    ck_assert_uint_eq(count("\n"), 2);
    ck_assert_uint_eq(count("by 192.0.2.2\" requests=1 "), 1);
}
END_TEST

START_TEST(many_kinds_share_the_last_place)
{
    char fault[32];

    for (int i = 0; i < 1000; i++) {
        (void)snprintf(fault, sizeof(fault), "fault %d", i);
        add(fault, "192.0.2.1");
    }
    finish();
    ck_assert_uint_eq(count("\n"), REFUSED_KINDS + 1);
    ck_assert_uint_eq(count("\"fault 999, by 192.0.2.1\""), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refused");
    TCase *tc = tcase_create("refused");

    tcase_add_checked_fixture(tc, begin, NULL);
    tcase_add_test(tc, a_line_tells_what_was_wrong_and_who_did_it);
    tcase_add_test(tc, each_kind_has_a_window_of_its_own);
    tcase_add_test(tc, what_is_due_is_told_without_another);
    tcase_add_test(tc, many_kinds_share_the_last_place);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
