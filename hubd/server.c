/* server.c - putting the parts together and taking them apart.
 *
 * The order of starting matters: the hub's descriptors come first, so that what
 * is left can be shared out; civetweb comes last, because requests arrive as
 * soon as it runs.
 */
#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "front/listen.h"
#include "base/clock.h"
#include "base/log.h"
#include "resources/proc.h"
#include "front/request.h"
#include "routes.h"
#include "config/start_line.h"
#include "resources/threads.h"

#define WORKER_STACK ((size_t)256 << 10)
#define DEFER_ACCEPT_S 3
#define FALLBACK_MS 1000 /* civetweb's timeouts, behind our deadlines */
#define VALUE_MAX 32
#define THREADS_BESIDE 2 /* the one that accepts, and one to spare */

static void on_hub_log(void *data, enum hub_log_level level, const char *text)
{
    static const enum log_level levels[] = {
        [HUB_LOG_DEBUG] = LOG_DEBUG,
        [HUB_LOG_INFO] = LOG_INFO,
        [HUB_LOG_WARN] = LOG_WARN,
        [HUB_LOG_ERROR] = LOG_ERROR,
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

static int start_hub(struct server *server, char *error, size_t error_bytes)
{
    const struct config *config = server->config;
    struct hub_options options = HUB_OPTIONS_INIT;
    int err;

    options.loops = config->loops;
    options.sender = config->sender;
    options.messages_per_s = config->rate_limit;
    options.memory_bytes = memory_for_messages(&server->memory);
    options.max_message_bytes = config->max_message_bytes;
    options.queue_bytes = config->queue_bytes;
    options.slow_consumer = config->slow_consumer;
    options.ping_interval_ms = (unsigned)config->ping_interval_ms;
    options.pong_timeout_ms = (unsigned)config->pong_timeout_ms;
    options.write_timeout_ms = (unsigned)config->write_timeout_ms;
    options.opened = admission_on_opened;
    options.data = server;
    options.closed = on_closed;
    options.log = on_hub_log;
    err = hub_create(&server->hub, &options);
    if (err == HUB_ENOTSUP)
        (void)snprintf(error, error_bytes,
                       "HUB_SENDER is \"uring\", and io_uring is not to be "
                       "had here: %s; it takes auto or sendmsg",
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
                       "a limit of %lld open files is too small: it takes at "
                       "least %lld",
                       (long long)descriptors,
                       (long long)fd_plan_least(in_use));
        return -1;
    }
    if (plan->sockets < config->max_connections)
        log_event(LOG_WARN, "few_descriptors",
                  LOG_INT("connections_max", plan->sockets),
                  LOG_INT("wanted", config->max_connections),
                  LOG_INT("descriptors", plan->descriptors));
    server->admission.limit = plan->sockets;
    if (http_conns_init(&server->clients, plan->base, plan->workers,
                        config->read_timeout_ms, config->write_timeout_ms) == 0)
        return 0;
    (void)snprintf(error, error_bytes, "out of memory");
    return -1;
}

/* Where civetweb was not built with a stack size of its own (Debian's was, with
 * 100 KB), its threads get the default of the process: 8 MB each. The deepest
 * path here touches 44 KB. */
static struct mg_context *start_workers(struct mg_init_data *init,
                                        struct mg_error_data *failure)
{
    struct mg_context *http;
    pthread_attr_t small, before;
    bool changed = false;

    if (pthread_getattr_default_np(&before) == 0) {
        if (pthread_attr_init(&small) == 0) {
            changed = pthread_attr_setstacksize(&small, WORKER_STACK) == 0 &&
                      pthread_setattr_default_np(&small) == 0;
            (void)pthread_attr_destroy(&small);
        }
        http = mg_start2(init, failure);
        if (changed)
            (void)pthread_setattr_default_np(&before);
        (void)pthread_attr_destroy(&before);
        return http;
    }
    return mg_start2(init, failure);
}

/* What civetweb is told, in pairs. */
struct option {
    const char *name;
    const char *value;
};

static const struct option fixed_options[] = {
    {"listen_backlog", "4096"},
    {"enable_keep_alive", "yes"},
    {"tcp_nodelay", "1"},
    {"websocket_timeout_ms", "1000"},
    /* The path as it was sent: the router compares bytes. */
    {"decode_url", "no"},
    {"decode_query_string", "no"},
    /* http://any-host/health is as good as /health: RFC 9112, 3.2.2. */
    {"enable_auth_domain_check", "no"},
    /* Nothing from the disk, and no answers to CORS preflights. */
    {"enable_directory_listing", "no"},
    {"access_control_allow_origin", ""},
    {"access_control_allow_methods", ""},
    {"access_control_allow_headers", ""},
};

#define FIXED_OPTIONS (sizeof(fixed_options) / sizeof(fixed_options[0]))
#define OPTIONS_MAX (FIXED_OPTIONS + 8)

static const char **add_option(const char **end, const char *name,
                               const char *value)
{
    end[0] = name;
    end[1] = value;
    end[2] = NULL;
    return end + 2;
}

static int start_http(struct server *server, char *error, size_t error_bytes)
{
    char ports[2 * LISTEN_TEXT_MAX], workers[VALUE_MAX], queue[VALUE_MAX],
        ms[VALUE_MAX], next_ms[VALUE_MAX], head[VALUE_MAX], text[256] = "";
    const char *options[2 * OPTIONS_MAX + 1], **end = options;
    struct mg_error_data failure = {.text = text,
                                    .text_buffer_size = sizeof(text)};
    struct mg_init_data init = {.callbacks = &routes_callbacks,
                                .user_data = server,
                                .configuration_options = options};

    listen_format_all(server->config, ports);
    (void)snprintf(workers, VALUE_MAX, "%u", server->plan.workers);
    (void)snprintf(queue, VALUE_MAX, "%u", server->plan.queue);
    (void)snprintf(head, VALUE_MAX, "%d", REQUEST_HEAD_MAX);
    (void)snprintf(ms, VALUE_MAX, "%lld",
                   (long long)server->config->read_timeout_ms + FALLBACK_MS);
    (void)snprintf(next_ms, VALUE_MAX, "%d",
                   HTTP_CONN_NEXT_S * 1000 + FALLBACK_MS);
    for (size_t i = 0; i < FIXED_OPTIONS; i++)
        end = add_option(end, fixed_options[i].name, fixed_options[i].value);
    end = add_option(end, "listening_ports", ports);
    end = add_option(end, "num_threads", workers);
    end = add_option(end, "connection_queue", queue);
    end = add_option(end, "max_request_size", head);
    end = add_option(end, "request_timeout_ms", ms);
    (void)add_option(end, "keep_alive_timeout_ms", next_ms);
    server->http = start_workers(&init, &failure);
    if (server->http != NULL)
        return 0;
    (void)snprintf(error, error_bytes, "cannot start the HTTP server: %s",
                   text);
    return -1;
}

/* Returns 0, or -1 if there are not enough threads for the fewest workers. */
static int share_threads(struct server *server, char *error, size_t error_bytes)
{
    unsigned wanted = server->plan.workers;
    unsigned least = FD_PLAN_WORKERS_MIN + THREADS_BESIDE;
    unsigned threads = threads_available(wanted + THREADS_BESIDE, WORKER_STACK);

    if (threads < least) {
        (void)snprintf(error, error_bytes,
                       "cannot start the HTTP server: there are only %u more "
                       "threads, and it takes %u",
                       threads, least);
        return -1;
    }
    if (threads < wanted + THREADS_BESIDE) {
        server->plan.workers = threads - THREADS_BESIDE;
        atomic_store(&server->clients.workers, server->plan.workers);
        log_event(LOG_WARN, "few_threads",
                  LOG_INT("workers", server->plan.workers),
                  LOG_INT("wanted", wanted));
    }
    return 0;
}

/* Somebody else may have been quicker. */
static int check_threads(const struct server *server, int before, char *error,
                         size_t error_bytes)
{
    if (before < 0 || threads_count() - before > (int)server->plan.workers)
        return 0;
    (void)snprintf(error, error_bytes,
                   "cannot start the HTTP server: there are no more threads");
    return -1;
}

/* Requests to a port that is not known for what it is would be let in. */
static int check_ports(const struct server *server, char *error,
                       size_t error_bytes)
{
    bool apart = server->config->metrics.where == METRICS_APART;

    if (server->port == 0 || (server->metrics_port != 0) != apart) {
        (void)snprintf(error, error_bytes,
                       "cannot start the HTTP server: this civetweb library "
                       "does not tell which ports it has bound");
        return -1;
    }
    /* The kernel may pick a number that the other address has in use. */
    if (server->port == server->metrics_port) {
        (void)snprintf(error, error_bytes,
                       "HUB_METRICS: its port came out as %u, as PORT did; "
                       "takes another one, or another try",
                       server->port);
        return -1;
    }
    return 0;
}

static int listener_on(const struct server *server, unsigned port)
{
    return peer_socket_listener(server->clients.sockets, (uint16_t)port);
}

/* A connection is worth a thread only when its first bytes are there. */
static void defer_accept(const struct server *server, unsigned port)
{
    int seconds = DEFER_ACCEPT_S;
    int fd = listener_on(server, port);

    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds,
                             sizeof(seconds)) < 0)
        log_event(LOG_WARN, "defer_accept", LOG_STR("error", strerror(errno)));
}

static void announce(const struct server *server)
{
    const struct fd_plan *plan = &server->plan;

    start_line(server->config);
    if (server->metrics_port != 0) {
        struct listen_address address = {0};

        (void)listen_metrics(server->config, &address);
        log_event(LOG_INFO, "metrics", LOG_STR("address", address.bind),
                  LOG_INT("port", server->metrics_port));
    }
    log_event(LOG_INFO, "listening", LOG_STR("address", server->config->bind),
              LOG_INT("port", server->port), LOG_INT("pid", getpid()),
              LOG_INT("connections_max", plan->sockets),
              LOG_INT("descriptors", plan->descriptors),
              LOG_INT("workers", plan->workers),
              LOG_INT("memory_limit", (int64_t)server->memory.limit));
}

static int open_front(struct server *server, char *error, size_t error_bytes)
{
    int threads;

    if (listen_probe(server->config, error, error_bytes) < 0 ||
        share_threads(server, error, error_bytes) < 0)
        return -1;
    (void)mg_init_library(0);
    threads = threads_count();
    if (start_http(server, error, error_bytes) < 0) {
        (void)mg_exit_library();
        return -1;
    }
    if (check_ports(server, error, error_bytes) < 0 ||
        check_threads(server, threads, error, error_bytes) < 0) {
        server_stop_http(server); /* it works with what is released next */
        return -1;
    }
    defer_accept(server, server->port);
    if (server->metrics_port != 0)
        defer_accept(server, server->metrics_port);
    announce(server);
    return 0;
}

static void close_gates(struct server *server)
{
    if (server->config->metrics_key != NULL)
        auth_fini(&server->metrics_auth);
    gate_fini(&server->gate);
    auth_fini(&server->auth);
}

/* Who may come in. */
static int open_gates(struct server *server, char *error, size_t error_bytes)
{
    const struct config *config = server->config;

    if (auth_init(&server->auth, config, error, error_bytes) < 0)
        return -1;
    if (gate_init(&server->gate, config, error, error_bytes) < 0)
        goto fail_auth;
    if (config->metrics_key == NULL ||
        auth_init_metrics(&server->metrics_auth, config, &server->auth, error,
                          error_bytes) == 0)
        return 0;
    gate_fini(&server->gate);
fail_auth:
    auth_fini(&server->auth);
    return -1;
}

int server_start(struct server *server, const struct config *config,
                 char *error, size_t error_bytes)
{
    int64_t descriptors = fd_plan_raise();

    *server = (struct server){.config = config,
                              .started_ms = proc_started_ms(),
                              .up_since_ms = clock_now_ms()};
    memory_init(&server->memory, config->memory_limit,
                config->max_message_bytes);
    if (getrandom(server->secret, sizeof(server->secret), 0) !=
        (ssize_t)sizeof(server->secret)) {
        (void)snprintf(error, error_bytes, "no random bytes: %s",
                       strerror(errno));
        return EXIT_FAILURE;
    }
    if (listen_check(config, error, error_bytes) < 0 ||
        open_gates(server, error, error_bytes) < 0)
        return EX_CONFIG;
    if (admission_init(&server->admission, config) < 0) {
        (void)snprintf(error, error_bytes, "out of memory");
        goto fail_gates;
    }
    if (start_hub(server, error, error_bytes) < 0)
        goto fail_admission;
    if (share_descriptors(server, descriptors, error, error_bytes) < 0)
        goto fail_hub;
    if (open_front(server, error, error_bytes) < 0)
        goto fail_clients;
    return 0;

fail_clients:
    http_conns_fini(&server->clients);
fail_hub:
    hub_destroy(server->hub);
fail_admission:
    admission_fini(&server->admission);
fail_gates:
    close_gates(server);
    return EXIT_FAILURE;
}

/* civetweb looks at its stop flag when poll() returns, every 2 s. */
static void shut_listener(const struct server *server, unsigned port)
{
    int fd = listener_on(server, port);

    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR);
}

void server_stop_http(struct server *server)
{
    shut_listener(server, server->port);
    if (server->metrics_port != 0)
        shut_listener(server, server->metrics_port);
    mg_stop(server->http);
    (void)mg_exit_library();
    server->http = NULL;
}

void server_release(struct server *server)
{
    hub_destroy(server->hub);
    http_conns_fini(&server->clients);
    admission_fini(&server->admission);
    close_gates(server);
}
