/* front.c - starts civetweb so that it either works or fails with an error, and
 * stops it without its delays.
 *
 * civetweb reports success even if it lacks threads, and does not say why it
 * could not bind. So its needs are tried out beforehand, and its state is
 * checked afterwards.
 */
#include "front/front.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <civetweb.h>

#include "base/log.h"
#include "front/request.h"
#include "front/tap.h"
#include "resources/fd_plan.h"
#include "resources/threads.h"

#define WORKER_STACK ((size_t)256 << 10)
#define DEFER_ACCEPT_S 3
#define FALLBACK_MS 1000 /* civetweb's timeouts, in case our deadlines fail */
#define VALUE_MAX 32
#define THREADS_BESIDE 2 /* the accepting thread, and one to spare */

int front_init(struct front *front, const struct front_options *options)
{
    *front = (struct front){.options = *options};
    front->stand_in = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (front->stand_in < 0)
        return -1;
    refused_init(&front->refused);
    http_conns_init(&front->conns, options->workers, options->read_timeout_ms,
                    options->write_timeout_ms, options->keepalive_timeout_ms);
    return 0;
}

void front_fini(struct front *front)
{
    http_conns_fini(&front->conns);
    (void)close(front->stand_in);
    refused_fini(&front->refused);
}

/* Workers. -------------------------------------------------------------- */

/* Returns 0, or -1 if there are not enough threads for the fewest workers. */
static int share_threads(struct front *front, char *error, size_t error_bytes)
{
    unsigned wanted = front->options.workers;
    unsigned least = FD_PLAN_WORKERS_MIN + THREADS_BESIDE;
    unsigned threads = threads_available(wanted + THREADS_BESIDE, WORKER_STACK);

    if (threads < least) {
        (void)snprintf(error, error_bytes,
                       "cannot start the HTTP server: it needs %u threads, "
                       "and only %u can be started",
                       least, threads);
        return -1;
    }
    if (threads < wanted + THREADS_BESIDE) {
        front->options.workers = threads - THREADS_BESIDE;
        atomic_store(&front->conns.workers, front->options.workers);
        log_event(LEVEL_WARN, "few_threads",
                  LOG_INT("workers", front->options.workers),
                  LOG_INT("wanted", wanted));
    }
    return 0;
}

/* Another process may have taken threads meanwhile. */
static int check_threads(const struct front *front, int before, char *error,
                         size_t error_bytes)
{
    if (before < 0 || threads_count() - before > (int)front->options.workers)
        return 0;
    (void)snprintf(error, error_bytes,
                   "cannot start the HTTP server: not enough threads could be "
                   "started");
    return -1;
}

/* If civetweb was not built with a stack size of its own (Debian's was, with
 * 100 KB), its threads get the default of the process: 8 MB each. The deepest
 * path here uses 44 KB. */
static struct mg_context *start_workers(struct mg_init_data *init,
                                        struct mg_error_data *failure)
{
    struct mg_context *http;
    pthread_attr_t small, before;
    bool changed = false;

    if (pthread_getattr_default_np(&before) != 0)
        return mg_start2(init, failure);
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

/* civetweb's options. --------------------------------------------------- */

struct option {
    const char *name;
    const char *value;
};

static const struct option fixed_options[] = {
    {"listen_backlog", "4096"},
    {"enable_keep_alive", "yes"},
    /* The path as it was sent: routes.c compares bytes. */
    {"decode_url", "no"},
    {"decode_query_string", "no"},
    /* http://any-host/health is equivalent to /health: RFC 9112, 3.2.2. */
    {"enable_auth_domain_check", "no"},
    /* No files from disk, and no answers to CORS preflights. */
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

static int start_http(struct front *front, char *error, size_t error_bytes)
{
    const struct front_options *o = &front->options;
    char ports[LISTEN_LIST_MAX], workers[VALUE_MAX], queue[VALUE_MAX],
        ms[VALUE_MAX], next_ms[VALUE_MAX], head[VALUE_MAX], text[256] = "";
    const char *options[2 * OPTIONS_MAX + 1], **end = options;
    struct mg_error_data failure = {.text = text,
                                    .text_buffer_size = sizeof(text)};
    struct mg_init_data init = {.callbacks = &exchange_callbacks,
                                .user_data = front,
                                .configuration_options = options};

    listen_format(o->listeners, o->listener_count, ports);
    (void)snprintf(workers, VALUE_MAX, "%u", o->workers);
    (void)snprintf(queue, VALUE_MAX, "%u", o->queue);
    (void)snprintf(head, VALUE_MAX, "%d", REQUEST_HEAD_MAX);
    (void)snprintf(ms, VALUE_MAX, "%lld",
                   (long long)o->read_timeout_ms + FALLBACK_MS);
    (void)snprintf(next_ms, VALUE_MAX, "%lld",
                   (long long)o->keepalive_timeout_ms + FALLBACK_MS);
    for (size_t i = 0; i < FIXED_OPTIONS; i++)
        end = add_option(end, fixed_options[i].name, fixed_options[i].value);
    end = add_option(end, "listening_ports", ports);
    end = add_option(end, "num_threads", workers);
    end = add_option(end, "connection_queue", queue);
    end = add_option(end, "max_request_size", head);
    end = add_option(end, "request_timeout_ms", ms);
    (void)add_option(end, "keep_alive_timeout_ms", next_ms);
    front->http = start_workers(&init, &failure);
    if (front->http != NULL)
        return 0;
    (void)snprintf(error, error_bytes, "cannot start the HTTP server: %s",
                   text);
    return -1;
}

/* Listeners. ------------------------------------------------------------ */

void front_take_ports(struct front *front, const struct mg_context *http)
{
    struct mg_server_port ports[LISTENERS_MAX] = {{0}};

    (void)mg_get_server_ports(http, LISTENERS_MAX, ports);
    for (size_t i = 0; i < front->options.listener_count; i++)
        front->options.listeners[i].port = (unsigned)ports[i].port;
}

/* Requests are told apart by the port they came in on. */
static int check_ports(const struct front *front, char *error,
                       size_t error_bytes)
{
    const struct listener *all = front->options.listeners;

    for (size_t i = 0; i < front->options.listener_count; i++) {
        if (all[i].port == 0) {
            (void)snprintf(error, error_bytes,
                           "cannot start the HTTP server: this civetweb "
                           "library does not report which ports it has bound");
            return -1;
        }
        /* The kernel may pick a port that is in use on another address. */
        for (size_t j = 0; j < i; j++) {
            if (all[j].port != all[i].port)
                continue;
            (void)snprintf(error, error_bytes,
                           "%s: got port %u, the same as %s; "
                           "set another port, or start again",
                           all[i].port_setting, all[i].port,
                           all[j].port_setting);
            return -1;
        }
    }
    return 0;
}

static int descriptor_of(const struct front *front,
                         const struct listener *listener)
{
    return listen_find(listener->port, front->options.base);
}

static int set_tcp(int fd, int option, int value)
{
    return setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value));
}

/* Options that connections inherit: they get a thread only once their first
 * bytes have arrived, and written data is sent without delay. */
static void tune(const struct front *front, const struct listener *listener)
{
    int fd = descriptor_of(front, listener);

    if (fd < 0 || set_tcp(fd, TCP_DEFER_ACCEPT, DEFER_ACCEPT_S) < 0 ||
        set_tcp(fd, TCP_NODELAY, 1) < 0)
        log_event(LEVEL_WARN, "listener", LOG_STR("error", strerror(errno)));
}

unsigned front_port(const struct front *front, enum listener_role role)
{
    for (size_t i = 0; i < front->options.listener_count; i++) {
        if (front->options.listeners[i].role == role)
            return front->options.listeners[i].port;
    }
    return 0;
}

/* Start and end. -------------------------------------------------------- */

int front_start(struct front *front, char *error, size_t error_bytes)
{
    const struct front_options *o = &front->options;
    int threads;

    if (tap_check(error, error_bytes) < 0 ||
        listen_probe(o->listeners, o->listener_count, error, error_bytes) < 0 ||
        share_threads(front, error, error_bytes) < 0)
        return -1;
    (void)mg_init_library(0);
    threads = threads_count();
    if (start_http(front, error, error_bytes) < 0) {
        (void)mg_exit_library();
        return -1;
    }
    if (check_ports(front, error, error_bytes) < 0 ||
        check_threads(front, threads, error, error_bytes) < 0) {
        front_stop(front);
        return -1;
    }
    for (size_t i = 0; i < o->listener_count; i++)
        tune(front, &o->listeners[i]);
    return 0;
}

void front_stop(struct front *front)
{
    /* civetweb checks its stop flag when poll() returns, every 2 s. */
    for (size_t i = 0; i < front->options.listener_count; i++) {
        int fd = descriptor_of(front, &front->options.listeners[i]);

        if (fd >= 0)
            (void)shutdown(fd, SHUT_RDWR);
    }
    mg_stop(front->http);
    (void)mg_exit_library();
    front->http = NULL;
}

void front_end(struct front *front)
{
    atomic_store(&front->conns.ending, true);
}

void front_sweep(struct front *front)
{
    http_conns_sweep(&front->conns);
    refused_report(&front->refused);
}

void front_wake(struct front *front)
{
    http_conns_wake(&front->conns);
}

/* Figures. -------------------------------------------------------------- */

unsigned front_in_flight(const struct front *front)
{
    return atomic_load(&front->in_flight);
}

unsigned front_connections(const struct front *front)
{
    return atomic_load(&front->conns.open);
}

unsigned front_workers(const struct front *front)
{
    return atomic_load(&front->conns.workers);
}
