/* check_no_memory_start.c - starting and reloading while allocations fail: one
 * line says what is missing, nothing is left behind, and what was in use stays
 * in use.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/auth.h"
#include "front/http_conn.h"
#include "failing_malloc.h"
#include "access/gate.h"
#include "config/start_line.h"
#include "suite.h"

#define KEY "s3cret-s3cret-s3cret"
#define ORIGIN "https://a.example"

static char error[CONFIG_ERROR_BYTES];
static struct config config;

static enum config_action read_settings(void)
{
    char *env[] = {(char[]){"HUB_API_KEY=" KEY},
                   (char[]){"HUB_API_KEY_PREVIOUS=old-" KEY},
                   (char[]){"HUB_ALLOWED_ORIGINS=https://a.example,*,"
                            "https://*.b.example"},
                   (char[]){"HUB_TRUSTED_PROXIES=10.0.0.0/8, ::1"}, NULL};
    char *argv[] = {(char[]){"hubd"}, NULL};

    return config_read(&config, 1, argv, env, error, sizeof(error));
}

/* Runs `step` with one allocation after the other failing, then with all from
 * each one on; it returns whether it worked. What allocations that may fail
 * without harm are is not for it to say: `optional`. */
static void exhaust(bool (*step)(void), unsigned least, bool optional)
{
    for (int all = 0; all < 2; all++) {
        unsigned nth = 0, failed;

        do {
            bool worked;

            error[0] = '\0';
            failing_malloc_start(++nth, all != 0);
            worked = step();
            failed = failing_malloc_stop();
            ck_assert(optional || worked == (failed == 0));
            if (!worked)
                ck_assert_ptr_nonnull(strstr(error, "out of memory"));
            ck_assert_ptr_null(strchr(error, '\n'));
        } while (failed > 0);
        ck_assert_uint_gt(nth, least);
    }
}

static bool reads_settings(void)
{
    if (read_settings() == CONFIG_ERROR)
        return false;
    config_release(&config);
    return true;
}

START_TEST(settings_are_read_or_one_line_says_why_not)
{
    exhaust(reads_settings, 5, false);
}
END_TEST

static bool prints_settings(void)
{
    FILE *null = fopen("/dev/null", "w");

    config_print(&config, null);
    start_line(&config);
    return fclose(null) == 0;
}

/* They may be incomplete then, and no more. */
START_TEST(settings_can_be_shown_without_memory)
{
    ck_assert_int_eq(read_settings(), CONFIG_RUN);
    exhaust(prints_settings, 20, true);
    config_release(&config);
}
END_TEST

static bool makes_parts(void)
{
    struct auth auth;

    if (auth_init(&auth, &config, error, sizeof(error)) < 0)
        return false;
    strcpy(error, "out of memory"); /* that is all the others can lack */
    auth_fini(&auth);
    return true;
}

START_TEST(the_parts_of_a_server_are_made_or_not)
{
    ck_assert_int_eq(read_settings(), CONFIG_RUN);
    exhaust(makes_parts, 1, false);
    config_release(&config);
}
END_TEST

static bool starts_log(void)
{
    if (log_start(LEVEL_ERROR, LOG_TEXT) == 0) {
        log_stop(10000);
        return true;
    }
    (void)snprintf(error, sizeof(error), "%s",
                   errno == ENOMEM ? "out of memory" : strerror(errno));
    return false;
}

START_TEST(the_log_starts_or_says_why_not)
{
    exhaust(starts_log, 2, false);
}
END_TEST

/* Reloading. ----------------------------------------------------------- */

static char key_path[] = "/tmp/check_no_memory_key.XXXXXX";
static char origins_path[] = "/tmp/check_no_memory_origins.XXXXXX";
static struct auth auth;
static struct gate gate;

static void make_file(char *path, const char *text)
{
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static bool reloads(void)
{
    auth_reload(&auth, &config);
    gate_reload(&gate);
    return true;
}

static bool keeps_going(void)
{
    bool allowed = origin_list_allows(gate_enter(&gate), ORIGIN) &&
                   !origin_list_allows(&gate.from_file, "https://b.example");

    gate_leave(&gate);
    return allowed && keys_match(auth.keys, KEY, strlen(KEY));
}

static bool reloads_and_keeps_going(void)
{
    return reloads() && keeps_going();
}

START_TEST(what_cannot_be_reloaded_stays)
{
    make_file(key_path, KEY);
    make_file(origins_path, ORIGIN "\n");
    config =
        (struct config){.api_key_file = key_path, .origins_file = origins_path};
    ck_assert_int_eq(auth_init(&auth, &config, error, sizeof(error)), 0);
    ck_assert_int_eq(gate_init(&gate, &config, error, sizeof(error)), 0);
    exhaust(reloads_and_keeps_going, 4, true);
    auth_fini(&auth);
    gate_fini(&gate);
    unlink(key_path);
    unlink(origins_path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory_start");
    TCase *tests = tcase_create("no_memory_start");

    log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    tcase_add_test(tests, settings_are_read_or_one_line_says_why_not);
    tcase_add_test(tests, settings_can_be_shown_without_memory);
    tcase_add_test(tests, the_parts_of_a_server_are_made_or_not);
    tcase_add_test(tests, the_log_starts_or_says_why_not);
    tcase_add_test(tests, what_cannot_be_reloaded_stays);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
