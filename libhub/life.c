/* life.c - a hub from hub_create() to hub_destroy(), and the functions by which
 * a host drives its loop. hub_destroy() also cleans up a hub that hub__create()
 * could make only in part. Threads: as hub.h says.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <hub/hub.h>

#include "base/deadline.h"
#include "base/log.h"
#include "base/mem.h"
#include "internal.h"

static int64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct hub__shared share(hub_t *hub)
{
    return (struct hub__shared){
        .hub = hub,
        .options = &hub->options,
        .clock = hub->clock,
        .registry = &hub->registry,
        .queued = &hub->budget,
        .reading = &hub->reading,
        .places = &hub->places,
        .room = &hub->room,
        .opened = &hub->opened,
        .rejecting = &hub->rejecting,
        .expired = hub->expired,
        .loop_count = hub->options.loops,
    };
}

/* Made once, so that closing needs no memory. */
static int init_frames(hub_t *hub)
{
    hub->expired =
        hub__frame_close(HUB__WS_UNAUTHORIZED, hub->options.expiry_reason);
    hub->options.expiry_reason = NULL; /* not copied, so not kept */
    return hub->expired == NULL ? HUB_ENOMEM : 0;
}

static int init_loops(hub_t *hub)
{
    const struct hub__shared shared = share(hub);
    int err = 0;

    hub->loops = hub__calloc(hub->options.loops, sizeof *hub->loops);
    if (hub->loops == NULL)
        return HUB_ENOMEM;
    while (err == 0 && hub->loop_count < hub->options.loops) {
        err = hub__loop_init(&hub->loops[hub->loop_count], &shared,
                             hub->loop_count, hub__note_drained);
        if (err == 0)
            hub->loop_count++;
    }
    return err;
}

static int start_loops(hub_t *hub)
{
    int err = 0;

    for (unsigned i = 0;
         err == 0 && !hub__is_host_loop(hub) && i < hub->loop_count; i++)
        err = hub__loop_start(&hub->loops[i]);
    return err;
}

static void log_sender(const hub_t *hub)
{
    unsigned by_uring = 0;
    int problem = 0;

    for (unsigned i = 0; i < hub->loop_count; i++) {
        by_uring += hub__sender_is_uring(&hub->loops[i].host.sender);
        if (hub->loops[i].host.sender.problem != 0)
            problem = hub->loops[i].host.sender.problem;
    }
    if (problem == 0)
        hub__log(&hub->options, HUB_LOG_INFO, "sending with %s",
                 by_uring > 0 ? "io_uring" : "sendmsg");
    else if (by_uring == 0)
        hub__log(&hub->options, HUB_LOG_INFO,
                 "sending with sendmsg; io_uring: %s", strerror(problem));
    else
        hub__log(&hub->options, HUB_LOG_INFO,
                 "sending with io_uring in %u of %u loops, with sendmsg in the "
                 "rest: %s",
                 by_uring, hub->loop_count, strerror(problem));
}

int hub__create(hub_t **out, const struct hub_options *options,
                hub__clock_fn *clock)
{
    struct hub_options read;
    hub_t *hub;
    int err;

    if (out == NULL)
        return HUB_EINVAL;
    err = hub__options_read(&read, options);
    if (err != 0)
        return err;
    hub = hub__calloc(1, sizeof *hub);
    if (hub == NULL)
        return HUB_ENOMEM;
    hub->options = read;
    /* A budget of its own, so that what peers send cannot use up the one for
     * what they get. */
    hub->reading.limit =
        read.memory_bytes == 0 ? SIZE_MAX : read.memory_bytes / 2;
    hub->budget.limit = read.memory_bytes == 0
                            ? SIZE_MAX
                            : read.memory_bytes - hub->reading.limit;
    hub->clock = clock != NULL ? clock : monotonic_us;
    pthread_mutex_init(&hub->lock, NULL);
    hub__deadline_cond_init(&hub->drained_cond);
    hub__room_init(&hub->room);
    hub__places_init(&hub->places, &hub->registry.key, &hub->options);
    err = hub__registry_init(&hub->registry);
    if (err == 0)
        err = init_frames(hub);
    if (err == 0)
        err = init_loops(hub);
    if (err == 0) {
        log_sender(hub);
        err = start_loops(hub);
    }
    if (err != 0) {
        int saved = errno;

        hub_destroy(hub);
        errno = saved;
        return err;
    }
    *out = hub;
    return 0;
}

int hub_create(hub_t **hub, const struct hub_options *options)
{
    return hub__create(hub, options, NULL);
}

void hub_destroy(hub_t *hub)
{
    if (hub == NULL)
        return;
    hub__close_doors(hub); /* one loop's callbacks might send to another */
    for (unsigned i = 0; i < hub->loop_count; i++)
        hub__loop_fini(&hub->loops[i]);
    hub__free(hub->loops);
    if (hub->expired != NULL)
        hub__frame_unref(hub->expired);
    hub__places_fini(&hub->places);
    hub__registry_fini(&hub->registry);
    hub__room_fini(&hub->room);
    pthread_cond_destroy(&hub->drained_cond);
    pthread_mutex_destroy(&hub->lock);
    hub__free(hub);
}

void *hub_data(const hub_t *hub)
{
    return hub != NULL ? hub->options.data : NULL;
}

/* The loop in the host's hands. --------------------------------------- */

int hub_fd(const hub_t *hub)
{
    if (hub == NULL || !hub__is_host_loop(hub))
        return HUB_EINVAL;
    return hub->loops[0].host.epoll_fd;
}

int hub_poll(hub_t *hub, int timeout_ms)
{
    if (hub == NULL || !hub__is_host_loop(hub))
        return HUB_EINVAL;
    if (hub__is_callback(hub))
        return HUB_EDEADLK;
    return hub__loop_turn(&hub->loops[0], timeout_ms);
}
