/* server.c - assembles the parts of hubd, and takes them apart.
 *
 * The order of starting matters: the hub's descriptors come first, so that the
 * rest can be divided up; the front comes last, because requests arrive as soon
 * as it runs.
 */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "access/admission.h"
#include "access/token_auth.h"
#include "access/token_keys.h"
#include "base/log.h"
#include "config/start_line.h"
#include "resources/cgroup.h"
#include "resources/cpus.h"

static void on_hub_log(void *data, enum hub_log_level level, const char *text)
{
    static const enum log_level levels[] = {
        [HUB_LOG_DEBUG] = LEVEL_DEBUG,
        [HUB_LOG_INFO] = LEVEL_INFO,
        [HUB_LOG_WARN] = LEVEL_WARN,
        [HUB_LOG_ERROR] = LEVEL_ERROR,
    };

    (void)data;
    log_event(levels[level], "hub", LOG_STR("message", text));
}

static void on_closed(hub_t *hub, const struct hub_connection *connection,
                      const struct hub_close_info *info)
{
    struct server *server = hub_data(hub);

    tally_closed(&server->tally, info);
    admission_on_closed(hub, connection, info);
}

/* Messages of clients without hub.v1 are ignored. */
static void on_message(hub_t *hub, const struct hub_connection *connection,
                       const struct hub_message *message)
{
    struct server *server = hub_data(hub);
    const struct session *session = connection->data;

    if (session->speaks_v1)
        control_message(&server->clients.control, hub, connection, message);
}

static int start_hub(struct server *server, char *error, size_t error_bytes)
{
    const struct config *config = server->config;
    struct hub_options options = HUB_OPTIONS_INIT;
    int err;

    options.loops = config->loops != 0
                        ? config->loops
                        : cpus_available(CGROUP_GROUPS, CGROUP_ROOT);
    options.sender = config->sender;
    options.messages_per_s = config->rate_limit;
    options.memory_bytes = memory_for_messages(&server->memory);
    options.max_connections_per_user = config->max_connections_per_user;
    options.max_connections_per_address = config->max_connections_per_ip;
    options.max_message_bytes = config->max_message_bytes;
    options.queue_bytes = config->queue_bytes;
    options.slow_consumer = config->slow_consumer;
    options.ping_interval_ms = (unsigned)config->ping_interval_ms;
    options.pong_timeout_ms = (unsigned)config->pong_timeout_ms;
    options.write_timeout_ms = (unsigned)config->write_timeout_ms;
    options.opened = admission_on_opened;
    options.data = server;
    options.message = on_message;
    options.expiring = control_expiring;
    options.expiry_warning_ms = (unsigned)config->expiry_warning_ms;
    options.expiry_grace_ms = (unsigned)config->expiry_grace_ms;
    options.expiry_reason = "token expired";
    options.closed = on_closed;
    options.log = on_hub_log;
    err = hub_create(&server->hub, &options);
    if (err == HUB_ENOTSUP)
        (void)snprintf(error, error_bytes,
                       "HUB_SENDER is \"uring\", but io_uring is not "
                       "available here: %s; use auto or sendmsg",
                       strerror(errno));
    else if (err != 0)
        (void)snprintf(error, error_bytes, "cannot start the hub: %s%s%s",
                       hub_strerror(err), err == HUB_ESYSTEM ? ": " : "",
                       err == HUB_ESYSTEM ? strerror(errno) : "");
    return err;
}

static int share_descriptors(struct server *server, int64_t descriptors,
                             char *error, size_t error_bytes)
{
    const struct config *config = server->config;
    struct fd_plan *plan = &server->plan;
    int in_use = fd_plan_in_use();

    if (fd_plan_make(plan, descriptors, in_use, config->max_connections) < 0) {
        (void)snprintf(error, error_bytes,
                       "a limit of %lld open files is too small: hubd needs "
                       "at least %lld",
                       (long long)descriptors,
                       (long long)fd_plan_least(in_use));
        return -1;
    }
    if (plan->sockets < config->max_connections)
        log_event(LEVEL_WARN, "few_descriptors",
                  LOG_INT("connections_max", plan->sockets),
                  LOG_INT("wanted", config->max_connections),
                  LOG_INT("descriptors", plan->descriptors));
    (void)hub_set_max_connections(server->hub, plan->sockets);
    return 0;
}

static void announce(const struct server *server)
{
    const struct fd_plan *plan = &server->plan;
    const struct front_options *front = &server->front.options;
    struct hub_stats stats = HUB_STATS_INIT;

    (void)hub_stats(server->hub, &stats);
    start_line(server->config);
    for (size_t i = 1; i < front->listener_count; i++)
        log_event(LEVEL_INFO,
                  front->listeners[i].role == LISTENER_API ? "api" : "metrics",
                  LOG_STR("address", front->listeners[i].bind),
                  LOG_INT("port", front->listeners[i].port));
    log_event(LEVEL_INFO, "listening", LOG_STR("address", server->config->bind),
              LOG_INT("port", front_port(&server->front, LISTENER_MAIN)),
              LOG_INT("pid", getpid()),
              LOG_INT("connections_max", plan->sockets),
              LOG_INT("descriptors", plan->descriptors),
              LOG_INT("loops", (int64_t)stats.loops),
              LOG_INT("workers", front_workers(&server->front)),
              LOG_INT("memory_limit", (int64_t)server->memory.limit));
}

static void close_gates(struct server *server)
{
    if (server->config->metrics_key != NULL)
        auth_fini(&server->metrics_auth);
    clients_fini(&server->clients);
    gate_fini(&server->gate);
    auth_fini(&server->auth);
}

/* Loads who may come in: keys and origins. */
static int open_gates(struct server *server, char *error, size_t error_bytes)
{
    const struct config *config = server->config;

    if (auth_init(&server->auth, config, error, error_bytes) < 0)
        return -1;
    if (gate_init(&server->gate, config, error, error_bytes) < 0)
        goto fail_auth;
    if (clients_init(&server->clients, config, error, error_bytes) < 0)
        goto fail_gate;
    if (config->metrics_key == NULL ||
        auth_init_metrics(&server->metrics_auth, config, &server->auth, error,
                          error_bytes) == 0)
        return 0;
    clients_fini(&server->clients);
fail_gate:
    gate_fini(&server->gate);
fail_auth:
    auth_fini(&server->auth);
    return -1;
}

static void count_answer(void *data, unsigned endpoint, enum refusal_kind kind)
{
    struct server *server = data;

    tally_answer(&server->tally, (enum tally_endpoint)endpoint, kind);
}

static int open_front(struct server *server, char *error, size_t error_bytes)
{
    const struct config *config = server->config;
    struct front_options options = {
        .workers = server->plan.workers,
        .queue = server->plan.queue,
        .base = server->plan.base,
        .read_timeout_ms = config->read_timeout_ms,
        .write_timeout_ms = config->write_timeout_ms,
        .keepalive_timeout_ms = config->keepalive_timeout_ms,
        .trusted_proxies = &config->trusted_proxies,
        .handle = routes_handle,
        .count = count_answer,
        .data = server,
    };

    options.listener_count = listen_list(config, options.listeners);
    routes_init(server);
    if (front_init(&server->front, &options) < 0) {
        (void)snprintf(error, error_bytes, "cannot create a socket: %s",
                       strerror(errno));
        return -1;
    }
    if (front_start(&server->front, error, error_bytes) < 0) {
        front_fini(&server->front);
        return -1;
    }
    announce(server);
    return 0;
}

int server_start(struct server *server, const struct config *config,
                 char *error, size_t error_bytes)
{
    int64_t descriptors = fd_plan_raise();

    *server = (struct server){.config = config};
    memory_init(&server->memory, config->memory_limit,
                config->max_message_bytes);
    if (listen_check(config, error, error_bytes) < 0 ||
        open_gates(server, error, error_bytes) < 0)
        return EX_CONFIG;
    if (start_hub(server, error, error_bytes) < 0)
        goto fail_gates;
    if (share_descriptors(server, descriptors, error, error_bytes) < 0 ||
        clients_start(&server->clients, server->hub, error, error_bytes) < 0 ||
        open_front(server, error, error_bytes) < 0)
        goto fail_hub;
    return 0;

fail_hub:
    clients_stop(&server->clients);
    hub_destroy(server->hub);
fail_gates:
    close_gates(server);
    return EXIT_FAILURE;
}

void server_release(struct server *server)
{
    clients_stop(&server->clients);
    hub_destroy(server->hub);
    front_fini(&server->front);
    close_gates(server);
}
