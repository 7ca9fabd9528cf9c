/* run.c - see run.h. The main thread only starts the others, waits, and reads
 * /proc:
 *
 *     baseline, connect, settle, idle, warm-up, measured part, stragglers,
 *     memory again, goodbye
 *
 * SIGINT and SIGTERM come through a descriptor. The first ends the measured
 * part, a second one skips waiting for stragglers; before the measured part
 * there is nothing to report, and the run is aborted.
 */
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "flights.h"
#include "probe.h"
#include "progress.h"
#include "publisher.h"
#include "swarm.h"

#define TICK_MS 100
#define SETTLE_NS (200 * MS_NS)
#define MEMORY_NS (250 * MS_NS)
#define SPARE_DESCRIPTORS 64 /* for files, libraries, and inherited ones */
#define PLACES_MIN 4096u
#define PLACES_MAX (1u << 20)

struct bench {
    const struct options *options;
    struct result *result;
    char *error;
    size_t error_size;
    struct probe probe;
    struct flights flights;
    struct swarm swarm;
    struct publisher publisher;
    struct progress progress;
    int notify;        /* eventfd: another thread has finished something */
    int signals;       /* signalfd */
    int64_t memory_ns; /* when to read the processes' memory again */
    bool flights_ready, swarm_ready, publisher_ready;
    bool interrupted;
};

static int fail(struct bench *b, const char *text)
{
    (void)snprintf(b->error, b->error_size, "%s", text);
    return -1;
}

/* Setting up. ----------------------------------------------------------- */

static int raise_descriptors(struct bench *b)
{
    const struct options *o = b->options;
    rlim_t wanted = (rlim_t)o->clients + o->connections +
                    2 * (rlim_t)o->threads + SPARE_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return fail(b, strerror(errno));
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max >= wanted)
        return 0;
    (void)snprintf(b->error, b->error_size,
                   "--clients=%u needs %llu descriptors, and the hard limit is "
                   "%llu (ulimit -Hn)",
                   o->clients, (unsigned long long)wanted,
                   (unsigned long long)limit.rlim_max);
    return -1;
}

static int take_signals(struct bench *b)
{
    sigset_t set;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    b->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return b->signals < 0 ? -1 : 0;
}

/* Places for messages in flight: the window, or as many as can pile up until a
 * slow one is given up. */
static uint32_t places(const struct options *o)
{
    double wanted = o->rate > 0 ? o->rate * 12 : 4.0 * o->window;

    if (o->rate <= 0 && o->until == UNTIL_ACCEPTED)
        return PLACES_MAX;
    if (wanted < PLACES_MIN)
        return PLACES_MIN;
    return wanted > PLACES_MAX ? PLACES_MAX : (uint32_t)wanted;
}

static int find_server(struct bench *b)
{
    const struct options *o = b->options;
    pid_t wrong = 0;

    if (o->pid_count == 0)
        probe_find(&b->probe, (struct sockaddr *)&b->swarm.site.address);
    else
        wrong = probe_take(&b->probe, o->pids, o->pid_count);
    if (wrong != 0) {
        (void)snprintf(b->error, b->error_size, "--pid: there is no process %d",
                       (int)wrong);
        return -1;
    }
    b->result->pid_count = b->probe.count;
    memcpy(b->result->pids, b->probe.pids, sizeof(b->result->pids));
    return 0;
}

static int set_up(struct bench *b)
{
    const struct options *o = b->options;

    if (raise_descriptors(b) != 0)
        return -1;
    b->notify = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (b->notify < 0 || flights_init(&b->flights, places(o)) != 0)
        return fail(b, strerror(errno));
    b->flights_ready = true;
    if (swarm_init(&b->swarm, o, &b->flights, b->notify, b->error,
                   b->error_size) != 0)
        return -1;
    b->swarm_ready = true;
    /* Not earlier, because a name lookup may take long. */
    if (take_signals(b) != 0)
        return fail(b, strerror(errno));
    if (find_server(b) != 0)
        return -1;
    b->publisher_ready = true;
    if (publisher_init(&b->publisher, o, &b->swarm.roster, &b->flights,
                       &b->probe, b->notify) != 0)
        return fail(b, "cannot set up to publish: out of memory");
    progress_init(&b->progress, o->quiet);
    return 0;
}

static void tear_down(struct bench *b)
{
    if (b->publisher_ready)
        publisher_fini(&b->publisher);
    if (b->swarm_ready)
        swarm_fini(&b->swarm);
    if (b->flights_ready)
        flights_fini(&b->flights);
    if (b->signals >= 0)
        (void)close(b->signals);
    if (b->notify >= 0)
        (void)close(b->notify);
}

/* Waiting. -------------------------------------------------------------- */

/* Waits for at most `ms`. Returns whether a signal came. */
static bool pause_for(struct bench *b, int64_t ms)
{
    struct pollfd fds[2] = {{.fd = b->signals, .events = POLLIN},
                            {.fd = b->notify, .events = POLLIN}};
    struct signalfd_siginfo info;
    eventfd_t ignored;

    if (poll(fds, 2, ms < 0 ? 0 : (int)ms) <= 0)
        return false;
    if (fds[1].revents != 0)
        (void)eventfd_read(b->notify, &ignored);
    return read(b->signals, &info, sizeof(info)) == sizeof(info);
}

static int wait_for_connections(struct bench *b)
{
    const struct roster *r = &b->swarm.roster;

    progress_phase(&b->progress, 0);
    while (!swarm_is_settled(&b->swarm)) {
        uint32_t tried = atomic_load(&r->connected) + atomic_load(&r->refused);

        progress_show(&b->progress, "connecting",
                      (double)tried / b->options->clients, UINT64_MAX);
        if (pause_for(b, TICK_MS))
            return fail(b, "interrupted while connecting");
    }
    if (atomic_load(&r->connected) != 0)
        return 0;
    (void)snprintf(b->error, b->error_size, "cannot connect to %s: %s",
                   b->options->url_text, roster_reason(&r->refusal));
    return -1;
}

static int wait_in_silence(struct bench *b, const char *name, int64_t ns)
{
    int64_t begin = now_ns(), passed = 0;

    progress_phase(&b->progress, 0);
    for (; passed < ns; passed = now_ns() - begin) {
        int64_t left_ms = (ns - passed + MS_NS - 1) / MS_NS;

        progress_show(&b->progress, name, (double)passed / (double)ns,
                      UINT64_MAX);
        if (pause_for(b, left_ms < TICK_MS ? left_ms : TICK_MS))
            return fail(b, "interrupted before anything was published");
    }
    return 0;
}

/* Reads the memory in use. For processes with a lot of it, that takes
 * milliseconds, so it is read less often. */
static void watch_memory(struct bench *b)
{
    int64_t now = now_ns();

    result_sockets_now(b->result, probe_socket_bytes());
    if (now < b->memory_ns)
        return;
    b->memory_ns = now + MEMORY_NS;
    result_memory_now(b->result, probe_memory_bytes(&b->probe));
}

/* Publishes until the time is up, or a signal comes. */
static int burst(struct bench *b, const char *name, int64_t ns, bool measured)
{
    struct publisher *p = &b->publisher;
    int64_t begin = now_ns();
    int err = publisher_start(p, ns, measured);

    if (err != 0)
        return fail(b, strerror(err));
    progress_phase(&b->progress, swarm_delivered(&b->swarm));
    while (!atomic_load(&p->done)) {
        bool draining = atomic_load(&p->draining);

        progress_show(&b->progress, draining ? "waiting" : name,
                      (double)(now_ns() - begin) / (double)ns,
                      swarm_delivered(&b->swarm));
        if (measured)
            watch_memory(b);
        if (pause_for(b, TICK_MS)) {
            b->interrupted = true;
            (void)atomic_fetch_add(&p->stop, measured ? 1 : 2);
            (void)eventfd_write(b->flights.wake, 1);
        }
    }
    publisher_join(p);
    if (p->burst.lonely) {
        (void)snprintf(b->error, b->error_size,
                       "every client lost its connection: %s",
                       roster_reason(&b->swarm.roster.loss));
        return -1;
    }
    if (p->burst.failed) {
        (void)snprintf(b->error, b->error_size, "cannot publish to %s: %s",
                       b->options->publish, p->burst.error);
        return -1;
    }
    if (b->interrupted && !measured)
        return fail(b, "interrupted during the warm-up");
    return 0;
}

/* The run. -------------------------------------------------------------- */

static int connect_all(struct bench *b)
{
    struct result *r = b->result;
    struct probe_moment begin, end;

    result_before(r, probe_memory_bytes(&b->probe), probe_socket_bytes());
    probe_moment(&b->probe, &begin);
    if (swarm_start(&b->swarm, b->error, b->error_size) != 0 ||
        wait_for_connections(b) != 0 ||
        wait_in_silence(b, "settling", SETTLE_NS) != 0)
        return -1;
    probe_moment(&b->probe, &end);
    result_clients(r, &b->swarm.roster);
    result_connect(r, &begin, &end,
                   atomic_load(&b->swarm.roster.last_connect_ns));
    return 0;
}

static int be_idle(struct bench *b)
{
    struct probe_moment begin, end;

    probe_moment(&b->probe, &begin);
    if (wait_in_silence(b, "idle", b->options->idle_ns) != 0)
        return -1;
    probe_moment(&b->probe, &end);
    result_idle(b->result, &begin, &end);
    result_connected(b->result, probe_memory_bytes(&b->probe),
                     probe_socket_bytes());
    return 0;
}

static int publish(struct bench *b)
{
    const struct options *o = b->options;

    if (o->duration_ns == 0)
        return 0;
    if (o->send && atomic_load(&b->swarm.roster.reading) == 0)
        return fail(b, "--send: no client is reading");
    if (o->warmup_ns != 0 && burst(b, "warm-up", o->warmup_ns, false) != 0)
        return -1;
    return burst(b, "measuring", o->duration_ns, true);
}

static int measure(struct bench *b)
{
    struct swarm_result *swarm;

    if (connect_all(b) != 0 || be_idle(b) != 0 || publish(b) != 0)
        return -1;
    result_end(b->result, probe_memory_bytes(&b->probe));
    b->result->interrupted = b->interrupted;
    result_clients(b->result, &b->swarm.roster);
    swarm = calloc(1, sizeof(*swarm)); /* too large for the stack */
    if (swarm == NULL)
        return fail(b, "out of memory");
    swarm_stop(&b->swarm);
    swarm_collect(&b->swarm, swarm);
    result_deliveries(b->result, swarm, atomic_load(&b->flights.missing));
    result_burst(b->result, &b->publisher.burst, swarm->last_delivery_ns);
    free(swarm);
    return 0;
}

int run(const struct options *o, struct result *result, char *error,
        size_t error_size)
{
    struct bench *b = calloc(1, sizeof(*b));
    int err;

    *result = (struct result){.options = o};
    if (b == NULL) {
        (void)snprintf(error, error_size, "out of memory");
        return -1;
    }
    b->options = o;
    b->result = result;
    b->error = error;
    b->error_size = error_size;
    b->notify = b->signals = -1;
    err = set_up(b);
    if (err == 0)
        err = measure(b);
    progress_clear(&b->progress);
    if (b->swarm_ready)
        swarm_stop(&b->swarm);
    tear_down(b);
    free(b);
    return err;
}
