/* check_log.c - the path of a line: through the queue, into a pipe that is
 * being read, full, closed, or failing. Formats are in check_log_line.c.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/log.h"
#include "suite.h"

#define THREADS 4
#define LINES_OF_A_THREAD 500
#define FLOOD 4000 /* lines of a kilobyte: more than pipe and queue hold */

static int in, out;             /* ends of a pipe */
static unsigned threads_before; /* the test made its own */
static FILE *reader;
static char line[16384];

static unsigned count_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    unsigned count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static void open_pipe(void)
{
    int ends[2];

    threads_before = count_threads();

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    in = ends[0];
    out = ends[1];
    reader = fdopen(in, "r");
    log_set_fd(out);
}

static void close_pipe(void)
{
    const struct timespec pause = {0, 1000000};

    log_stop(1000);
    if (reader)
        fclose(reader);
    /* A writer that was given up may still be at it; its last act is to take
     * the lock that log_set_fd() takes. */
    for (int i = 0; i < 1000 && count_threads() > threads_before; i++)
        nanosleep(&pause, NULL);
    log_set_fd(STDERR_FILENO);
    if (out >= 0)
        close(out);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The next line; waits for it. */
static const char *next_line(void)
{
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), reader));
    return line;
}

static bool next_is(const char *rest)
{
    const char *event = strstr(next_line(), "event=");

    return event && strcmp(event + strlen("event="), rest) == 0;
}

/* No writer is left that could add something. */
static void expect_end(void)
{
    close(out);
    out = -1;
    ck_assert_ptr_null(fgets(line, sizeof(line), reader));
}

START_TEST(lines_are_written_in_the_order_of_the_calls)
{
    char expected[64];

    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    for (int i = 0; i < 100; i++)
        log_event(LEVEL_INFO, "step", LOG_INT("n", i));
    log_event(LEVEL_ERROR, "end");
    for (int i = 0; i < 100; i++) {
        snprintf(expected, sizeof(expected), "step n=%d\n", i);
        ck_assert(next_is(expected));
    }
    ck_assert(next_is("end\n"));
    log_stop(1000);
    expect_end();
}
END_TEST

/* Names the pipe, or another file, as what the journal reads. */
static void name_stream(ino_t other)
{
    struct stat status;
    char text[64];

    ck_assert_int_eq(fstat(out, &status), 0);
    snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)status.st_dev,
             (uintmax_t)(status.st_ino + other));
    ck_assert_int_eq(setenv("JOURNAL_STREAM", text, 1), 0);
}

START_TEST(the_journal_is_told_priorities)
{
    static const char *const fronts[] = {
        "<7>time=", "<6>time=", "<4>time=", "<3>time="};

    name_stream(0);
    ck_assert_int_eq(log_start(LEVEL_DEBUG, LOG_TEXT), 0);
    for (int level = LEVEL_DEBUG; level <= LEVEL_ERROR; level++) {
        log_event((enum log_level)level, "e");
        ck_assert_ptr_eq(strstr(next_line(), fronts[level]), line);
    }
    ck_assert_str_eq(log_front(LEVEL_ERROR), ""); /* not standard error's */
}
END_TEST

START_TEST(nobody_else_is_told_priorities)
{
    name_stream(1);
    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    log_event(LEVEL_INFO, "e");
    ck_assert_ptr_eq(strstr(next_line(), "time="), line);
    log_stop(1000);
    ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    log_event(LEVEL_INFO, "e");
    ck_assert_ptr_eq(strstr(next_line(), "time="), line);
}
END_TEST

START_TEST(levels_below_the_chosen_one_are_left_out)
{
    ck_assert_int_eq(log_start(LEVEL_WARN, LOG_TEXT), 0);
    ck_assert(!log_wants(LEVEL_DEBUG));
    ck_assert(!log_wants(LEVEL_INFO));
    ck_assert(log_wants(LEVEL_WARN));
    ck_assert(log_wants(LEVEL_ERROR));
    log_event(LEVEL_DEBUG, "a");
    log_event(LEVEL_INFO, "b");
    log_event(LEVEL_WARN, "c");
    log_event(LEVEL_ERROR, "d");
    log_stop(1000);
    ck_assert(next_is("c\n"));
    ck_assert(next_is("d\n"));
    expect_end();
    ck_assert_int_eq(log_start(LEVEL_DEBUG, LOG_TEXT), 0);
    ck_assert(log_wants(LEVEL_DEBUG));
}
END_TEST

START_TEST(the_time_is_that_of_the_call_in_utc)
{
    struct timespec before, after;
    time_t at;
    struct tm tm = {0};
    int ms;

    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    clock_gettime(CLOCK_REALTIME, &before);
    log_event(LEVEL_INFO, "a");
    clock_gettime(CLOCK_REALTIME, &after);
    next_line();
    ck_assert_int_eq(sscanf(line, "time=%d-%d-%dT%d:%d:%d.%dZ level=info",
                            &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                            &tm.tm_min, &tm.tm_sec, &ms),
                     7);
    tm.tm_year -= 1900;
    tm.tm_mon--;
    at = timegm(&tm);
    ck_assert_int_ge(at, before.tv_sec);
    ck_assert_int_le(at, after.tv_sec);
}
END_TEST

START_TEST(json_lines_parse)
{
    cJSON *object;

    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_JSON), 0);
    log_event(LEVEL_INFO, "connected", LOG_STR("user", "x\n\"}\x1b\xff"),
              LOG_INT("n", 3));
    object = cJSON_Parse(next_line());
    ck_assert_ptr_nonnull(object);
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(object, "user")),
                     "x\n\"}\x1b\xef\xbf\xbd");
    ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(object, "n")),
                        3);
    cJSON_Delete(object);
    log_stop(1000);
    expect_end();
}
END_TEST

START_TEST(without_a_thread_lines_are_written_at_once)
{
    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    log_event(LEVEL_INFO, "during");
    log_stop(1000);
    log_stop(1000);
    log_event(LEVEL_INFO, "after", LOG_INT("n", 1));
    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    log_event(LEVEL_INFO, "again");
    log_stop(1000);
    ck_assert(next_is("during\n"));
    ck_assert(next_is("after n=1\n"));
    ck_assert(next_is("again\n"));
    expect_end();
}
END_TEST

START_TEST(it_starts_only_once)
{
    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    errno = 0;
    ck_assert_int_eq(log_start(LEVEL_DEBUG, LOG_JSON), -1);
    ck_assert_int_eq(errno, EALREADY);
    ck_assert(!log_wants(LEVEL_DEBUG));
    log_event(LEVEL_INFO, "still text");
    ck_assert(next_is("\"still text\"\n"));
}
END_TEST

static void flood(void)
{
    char value[1001];

    memset(value, 'v', 1000);
    value[1000] = '\0';
    for (int i = 0; i < FLOOD; i++)
        log_event(LEVEL_INFO, "flood", LOG_STR("v", value), LOG_INT("n", i));
}

/* Nobody reads while the lines are logged: waiting would be for ever. */
START_TEST(a_full_pipe_costs_lines_and_says_how_many)
{
    const char *at;
    int lines = 0;

    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    flood();
    log_event(LEVEL_INFO, "small"); /* not even where it would fit */
    for (;;) {
        char expected[32];

        at = strstr(next_line(), "event=log_lines_dropped lines=");
        if (at)
            break;
        snprintf(expected, sizeof(expected), " n=%d\n", lines++);
        ck_assert_ptr_nonnull(strstr(line, expected)); /* none in between */
    }
    ck_assert_ptr_nonnull(strstr(line, "level=warn"));
    ck_assert_int_gt(lines, 1000);
    ck_assert_int_lt(lines, FLOOD);
    ck_assert_int_eq(atoi(strchr(at, ' ') + strlen(" lines=")),
                     FLOOD + 1 - lines);
    log_event(LEVEL_INFO, "goes on");
    ck_assert(next_is("\"goes on\"\n"));
    log_stop(1000);
    expect_end();
}
END_TEST

START_TEST(stopping_does_not_wait_for_a_full_pipe)
{
    int64_t start;

    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    flood();
    start = now_ms();
    log_stop(100);
    ck_assert_int_ge(now_ms() - start, 100);
    ck_assert_int_lt(now_ms() - start, 2000);
    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    log_event(LEVEL_INFO, "another");
    start = now_ms();
    log_stop(0);
    ck_assert_int_lt(now_ms() - start, 2000);
}
END_TEST

START_TEST(a_line_without_a_thread_gives_a_full_pipe_up)
{
    char block[4096] = {0};
    int64_t start;

    ck_assert_int_eq(fcntl(out, F_SETFL, O_NONBLOCK), 0);
    while (write(out, block, sizeof(block)) > 0)
        continue;
    ck_assert_int_eq(fcntl(out, F_SETFL, 0), 0);
    start = now_ms();
    log_event(LEVEL_ERROR, "nobody reads this");
    ck_assert_int_lt(now_ms() - start, 5000);
}
END_TEST

START_TEST(what_is_queued_is_written_before_it_stops)
{
    int lines = 0;

    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    for (int i = 0; i < 300; i++) /* fits into a pipe */
        log_event(LEVEL_INFO, "tick", LOG_INT("n", i));
    log_stop(5000);
    close(out);
    out = -1;
    while (fgets(line, sizeof(line), reader))
        lines++;
    ck_assert_int_eq(lines, 300);
}
END_TEST

START_TEST(a_closed_pipe_does_no_harm)
{
    int64_t start = now_ms();

    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    fclose(reader);
    reader = NULL;
    for (int i = 0; i < 100; i++)
        log_event(LEVEL_INFO, "lost");
    log_stop(5000);
    ck_assert_int_lt(now_ms() - start, 4000);
}
END_TEST

START_TEST(a_full_disk_does_no_harm)
{
    int64_t start = now_ms();
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    log_set_fd(fd);
    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    flood();
    log_stop(5000);
    ck_assert_int_lt(now_ms() - start, 4000);
    log_event(LEVEL_INFO, "lost");
    close(fd);
}
END_TEST

START_TEST(the_flags_of_the_descriptor_stay)
{
    int before = fcntl(out, F_GETFL);

    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    log_event(LEVEL_INFO, "a");
    ck_assert(next_is("a\n"));
    log_stop(1000);
    ck_assert_int_eq(fcntl(out, F_GETFL), before);
}
END_TEST

/* Blocked here, a signal to the process goes to any thread that takes it; its
 * default is to end the process. */
START_TEST(signals_are_not_for_the_writer)
{
    sigset_t mask, before, pending;
    int taken;

    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    pthread_sigmask(SIG_BLOCK, &mask, &before);
    kill(getpid(), SIGUSR1);
    log_event(LEVEL_INFO, "alive");
    ck_assert(next_is("alive\n"));
    sigpending(&pending);
    ck_assert_int_eq(sigismember(&pending, SIGUSR1), 1);
    sigwait(&mask, &taken);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
END_TEST

static void *log_many(void *arg)
{
    for (int i = 0; i < LINES_OF_A_THREAD; i++)
        log_event(LEVEL_INFO, "tick", LOG_INT("thread", *(int *)arg),
                  LOG_INT("n", i));
    return NULL;
}

START_TEST(lines_of_many_threads_stay_whole_and_in_order)
{
    pthread_t threads[THREADS];
    int ids[THREADS], next[THREADS] = {0};

    ck_assert_int_eq(log_start(LEVEL_INFO, LOG_TEXT), 0);
    for (int i = 0; i < THREADS; i++) {
        ids[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, log_many, &ids[i]),
                         0);
    }
    for (int i = 0; i < THREADS * LINES_OF_A_THREAD; i++) {
        int thread, n;

        ck_assert_int_eq(sscanf(next_line(),
                                "time=%*s level=info event=tick thread=%d n=%d",
                                &thread, &n),
                         2);
        ck_assert_int_eq(n, next[thread]++);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    log_stop(1000);
    expect_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tc = tcase_create("log");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, open_pipe, close_pipe);
    tcase_add_test(tc, lines_are_written_in_the_order_of_the_calls);
    tcase_add_test(tc, the_journal_is_told_priorities);
    tcase_add_test(tc, nobody_else_is_told_priorities);
    tcase_add_test(tc, levels_below_the_chosen_one_are_left_out);
    tcase_add_test(tc, the_time_is_that_of_the_call_in_utc);
    tcase_add_test(tc, json_lines_parse);
    tcase_add_test(tc, without_a_thread_lines_are_written_at_once);
    tcase_add_test(tc, it_starts_only_once);
    tcase_add_test(tc, a_full_pipe_costs_lines_and_says_how_many);
    tcase_add_test(tc, stopping_does_not_wait_for_a_full_pipe);
    tcase_add_test(tc, a_line_without_a_thread_gives_a_full_pipe_up);
    tcase_add_test(tc, what_is_queued_is_written_before_it_stops);
    tcase_add_test(tc, a_closed_pipe_does_no_harm);
    tcase_add_test(tc, a_full_disk_does_no_harm);
    tcase_add_test(tc, the_flags_of_the_descriptor_stay);
    tcase_add_test(tc, signals_are_not_for_the_writer);
    tcase_add_test(tc, lines_of_many_threads_stay_whole_and_in_order);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
