/* main.c - hubd: reads settings, starts, handles signals until the end.
 *
 * All signals are blocked before the first thread starts, because a signal
 * delivered to a front worker would fail its request. The main thread takes
 * them, and sweeps deadlines in between.
 *
 * Exit codes: 0 drained, or --help and the like; 1 it could not start, or a
 * second signal ended it; 78 (EX_CONFIG) an invalid setting.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <hub/version.h>

#include "base/clock.h"
#include "base/log.h"
#include "check_config.h"
#include "check_token.h"
#include "config/config.h"
#include "drain.h"
#include "observe/notify.h"
#include "resources/fd_plan.h"
#include "resources/trim.h"
#include "server.h"

#define TICK_MS 200
#define STOPPING_TICK_MS 10
#define LOG_FLUSH_MS 200
#define EXIT_MARGIN_MS 250 /* before the deadline of a drain, at most */

/* Blocks all signals except faults, those of terminals, and those of profilers;
 * `set` gets those that main() takes. */
static void block_signals(sigset_t *set)
{
    static const int others[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,
                                 SIGABRT, SIGSYS,  SIGTRAP, SIGPROF,
                                 SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU};

    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigfillset(set);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        (void)sigdelset(set, others[i]);
    (void)pthread_sigmask(SIG_BLOCK, set, NULL);
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, DRAIN_SIGNAL);
}

/* Exits without waiting for the drain any longer. */
static void leave(struct drain *drain, int code)
{
    drain_abandon(drain);
    log_stop(LOG_FLUSH_MS);
    _exit(code);
}

static int take_signal(const sigset_t *set, int64_t ms)
{
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};

    return sigtimedwait(set, NULL, &wait);
}

static void begin_drain(struct drain *drain, struct server *server,
                        struct notify *notify, int number)
{
    log_event(LEVEL_INFO, "draining",
              LOG_STR("signal", number == SIGTERM ? "TERM" : "INT"),
              LOG_INT("timeout_ms", server->config->shutdown_timeout_ms));
    drain_begin(drain, server);
    notify_stopping(notify);
}

static void reload(struct server *server, struct notify *notify)
{
    notify_reloading(notify);
    auth_reload(&server->auth, server->config);
    if (server->config->metrics_key != NULL)
        auth_compare(&server->metrics_auth, &server->auth);
    gate_reload(&server->gate);
    clients_reload(&server->clients);
    notify_ready(notify);
}

/* The time until there is something to do again. Exits when a drain has used up
 * its time. */
static int64_t next_tick(struct drain *drain)
{
    int64_t left, margin;

    if (drain->server == NULL)
        return TICK_MS;
    /* Less than what drain.c reserves for stopping the front. */
    margin = drain->server->config->shutdown_timeout_ms / 8;
    if (margin > EXIT_MARGIN_MS)
        margin = EXIT_MARGIN_MS;
    left = drain->deadline_ms - margin - clock_now_ms();
    if (left <= 0) {
        log_event(LEVEL_WARN, "stopped", LOG_STR("reason", "out of time"));
        leave(drain, EXIT_SUCCESS);
    }
    if (atomic_load(&drain->stopping))
        return STOPPING_TICK_MS;
    return left < TICK_MS ? left : TICK_MS;
}

static void tick(struct server *server, const struct drain *drain,
                 struct notify *notify)
{
    int64_t now_ms = clock_now_ms();

    front_sweep(&server->front);
    auth_report(&server->auth);
    auth_report(&server->metrics_auth);
    clients_tick(&server->clients);
    if (atomic_load(&drain->stopping))
        front_wake(&server->front);
    if (notify_is_due(notify, now_ms)) {
        struct hub_stats stats = HUB_STATS_INIT;

        (void)hub_stats(server->hub, &stats);
        notify_tick(notify, now_ms, &stats);
    }
}

/* Runs until a drain is done. */
static void serve(struct server *server, struct drain *drain,
                  struct notify *notify, const sigset_t *set)
{
    struct trim trim = {0};

    while (!atomic_load(&drain->done)) {
        int64_t wait_ms = next_tick(drain);
        int number =
            take_signal(set, notify_wait_ms(notify, clock_now_ms(), wait_ms));

        if (number == SIGTERM || number == SIGINT) {
            if (drain->server != NULL) {
                log_event(LEVEL_WARN, "stopped",
                          LOG_STR("reason", "second signal"));
                leave(drain, EXIT_FAILURE);
            }
            begin_drain(drain, server, notify, number);
        } else if (number == SIGHUP && drain->server == NULL) {
            reload(server, notify);
        }
        tick(server, drain, notify);
        trim_tick(&trim, clock_now_ms());
    }
    drain_join(drain);
}

static int start(struct server *server, struct drain *drain,
                 const struct config *config, char *error, size_t error_bytes)
{
    int err = drain_create(drain), code;

    if (err != 0) {
        (void)snprintf(error, error_bytes, "cannot start a thread: %s",
                       strerror(err));
        return EXIT_FAILURE;
    }
    code = server_start(server, config, error, error_bytes);
    if (code != 0)
        drain_abandon(drain);
    return code;
}

static int run(struct config *config)
{
    static struct drain drain; /* its thread may outlive this function */
    struct server server;
    struct notify notify;
    char error[512] = "";
    sigset_t set;
    int code;

    block_signals(&set);
    trim_init();
    if (fd_plan_guard_standard() < 0)
        return EXIT_FAILURE;
    if (log_start(config->log_level, config->log_format) < 0) {
        (void)snprintf(error, sizeof(error), "cannot start the log: %s",
                       strerror(errno));
        return complain(error, EXIT_FAILURE);
    }
    if (config_name_node(config) < 0) {
        (void)snprintf(error, sizeof(error), "cannot make up a node name: %s",
                       strerror(errno));
        log_stop(LOG_FLUSH_MS);
        return complain(error, EXIT_FAILURE);
    }
    notify_init(&notify);
    code = start(&server, &drain, config, error, sizeof(error));
    if (code != 0) {
        notify_fini(&notify);
        log_stop(LOG_FLUSH_MS);
        return complain(error, code);
    }
    config_forget_keys(config);
    notify_ready(&notify);
    serve(&server, &drain, &notify, &set);
    server_release(&server);
    notify_fini(&notify);
    log_event(LEVEL_INFO, "stopped", LOG_STR("reason", "drained"));
    log_stop(LOG_FLUSH_MS);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct config config;
    char error[512];
    int code = EXIT_SUCCESS;

    switch (config_read(&config, argc, argv, environ, error, sizeof(error))) {
    case CONFIG_HELP:
        config_usage(stdout);
        return EXIT_SUCCESS;
    case CONFIG_VERSION:
        (void)printf("hubd %s\n", HUB_VERSION);
        return EXIT_SUCCESS;
    case CONFIG_ERROR:
        return complain(error, EX_CONFIG);
    case CONFIG_CHECK:
        code = check_config(&config);
        break;
    case CONFIG_TOKEN:
        code = check_token(&config);
        break;
    case CONFIG_RUN:
        code = run(&config);
        break;
    }
    config_release(&config);
    return code;
}
