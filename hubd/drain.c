/* drain.c - first rejects what is new, then finishes requests under way, then
 * closes the WebSockets, then stops the front. Each step has its share of the
 * time, so that a slow backend cannot keep clients from getting their Close
 * frames.
 */
#include "drain.h"

#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define STEP_NS 5000000
#define RESERVE_MS_MAX 500 /* for stopping the front and writing the log */

static int64_t left(const struct drain *drain)
{
    int64_t ms = drain->deadline_ms - clock_now_ms();

    return ms > 0 ? ms : 0;
}

static void await_requests(struct drain *drain, int64_t ms)
{
    static const struct timespec step = {0, STEP_NS};
    int64_t end = clock_now_ms() + ms;

    while (front_in_flight(&drain->server->front) > 0 && clock_now_ms() < end)
        (void)nanosleep(&step, NULL);
}

static void close_connections(struct drain *drain)
{
    int64_t ms = left(drain);
    int64_t reserve = ms / 4 < RESERVE_MS_MAX ? ms / 4 : RESERVE_MS_MAX;
    int err = hub_shutdown(drain->server->hub, (unsigned)(ms - reserve));

    if (err == HUB_ETIMEDOUT)
        log_event(LEVEL_WARN, "cut_off",
                  LOG_STR("reason", "clients were still connected"));
}

static void *run(void *data)
{
    struct drain *drain = data;
    struct server *server;

    while (sem_wait(&drain->start) != 0)
        ;
    server = drain->server;
    await_requests(drain, left(drain) / 2);
    close_connections(drain);
    atomic_store(&drain->stopping, true);
    front_wake(&server->front);
    /* Requests that were cut off get an answer: the front writes nothing once
     * it has begun to stop. */
    await_requests(drain, left(drain) / 4);
    front_stop(&server->front);
    atomic_store(&drain->done, true);
    (void)pthread_kill(drain->main_thread, DRAIN_SIGNAL);
    return NULL;
}

int drain_create(struct drain *drain)
{
    *drain = (struct drain){.main_thread = pthread_self()};
    (void)sem_init(&drain->start, 0, 0);
    return pthread_create(&drain->thread, NULL, run, drain);
}

void drain_begin(struct drain *drain, struct server *server)
{
    drain->server = server;
    drain->deadline_ms = clock_now_ms() + server->config->shutdown_timeout_ms;
    atomic_store(&server->draining, true);
    front_end(&server->front);
    (void)sem_post(&drain->start);
}

void drain_join(struct drain *drain)
{
    (void)pthread_join(drain->thread, NULL);
    (void)sem_destroy(&drain->start);
}

void drain_abandon(struct drain *drain)
{
    (void)pthread_detach(drain->thread);
}
