/* hub.c - the hub itself: made, sent to, shut down, polled. Arguments are
 * checked here and handed to the rooms that do the work. Threads: as hub.h
 * says.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include <hub/hub.h>

#include "base/log.h"
#include "base/mem.h"
#include "internal.h"
#include "router.h"

/* Who is inside. ------------------------------------------------------- */

/* Either a call sees that the hub is closing, or hub_shutdown() sees the call:
 * both sides write before they read, in one order for all. */
int hub__enter(hub_t *hub)
{
    atomic_fetch_add(&hub->calls, 1);
    if (!atomic_load(&hub->closing))
        return 0;
    atomic_fetch_sub(&hub->calls, 1);
    return HUB_ESHUTDOWN;
}

void hub__leave(hub_t *hub)
{
    atomic_fetch_sub(&hub->calls, 1);
}

/* From here on no call enters, and none is under way. Returns false if that was
 * so before. Calls are short: none of them waits. */
static bool close_doors(hub_t *hub)
{
    bool were_open = !atomic_exchange(&hub->closing, true);

    while (atomic_load(&hub->calls) > 0)
        sched_yield();
    return were_open;
}

/* Making and ending a hub. -------------------------------------------- */

static int64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool is_host_loop(const hub_t *hub)
{
    return (hub->options.flags & HUB_HOST_LOOP) != 0;
}

/* A loop has closed its last connection after a shutdown. */
static void note_drained(hub_t *hub, bool cut_off)
{
    pthread_mutex_lock(&hub->lock);
    hub->drained++;
    hub->cut_off = hub->cut_off || cut_off;
    pthread_cond_signal(&hub->drained_cond);
    pthread_mutex_unlock(&hub->lock);
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
        .held = &hub->held,
        .opened = &hub->opened,
        .closed = &hub->closed,
        .loop_count = hub->options.loops,
    };
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
                             hub->loop_count, note_drained);
        if (err == 0)
            hub->loop_count++;
    }
    return err;
}

static int start_loops(hub_t *hub)
{
    int err = 0;

    for (unsigned i = 0; err == 0 && !is_host_loop(hub) && i < hub->loop_count;
         i++)
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
        hub__log(&hub->options, HUB_LOG_INFO, "sends by %s",
                 by_uring > 0 ? "io_uring" : "sendmsg");
    else if (by_uring == 0)
        hub__log(&hub->options, HUB_LOG_INFO, "sends by sendmsg; io_uring: %s",
                 strerror(problem));
    else
        hub__log(&hub->options, HUB_LOG_INFO,
                 "sends by io_uring in %u of %u loops, else by sendmsg: %s",
                 by_uring, hub->loop_count, strerror(problem));
}

static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
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
    /* Apart, so that peers cannot use up what there is for them. */
    hub->reading.limit =
        read.memory_bytes == 0 ? SIZE_MAX : read.memory_bytes / 2;
    hub->budget.limit = read.memory_bytes == 0
                            ? SIZE_MAX
                            : read.memory_bytes - hub->reading.limit;
    hub->clock = clock != NULL ? clock : monotonic_us;
    pthread_mutex_init(&hub->lock, NULL);
    init_cond(&hub->drained_cond);
    err = hub__registry_init(&hub->registry);
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
    close_doors(hub); /* callbacks of one loop may still send to another */
    for (unsigned i = 0; i < hub->loop_count; i++)
        hub__loop_fini(&hub->loops[i]);
    hub__free(hub->loops);
    hub__registry_fini(&hub->registry);
    pthread_cond_destroy(&hub->drained_cond);
    pthread_mutex_destroy(&hub->lock);
    hub__free(hub);
}

void *hub_data(const hub_t *hub)
{
    return hub != NULL ? hub->options.data : NULL;
}

/* Messages. ----------------------------------------------------------- */

static int check_message(const struct hub_message *message)
{
    if (message->kind != HUB_TEXT && message->kind != HUB_BINARY)
        return HUB_EINVAL;
    if (message->payload == NULL && message->payload_bytes > 0)
        return HUB_EINVAL;
    return 0;
}

static int check_target(const struct hub_target *to)
{
    bool named = to->user_id != NULL || to->session_id != NULL;

    return (to->id.value != 0) != named ? 0 : HUB_EINVAL;
}

/* Returns 0 and a frame, or an error. */
static int encode(hub_t *hub, const struct hub_message *message,
                  int64_t called_us, struct hub__frame **out)
{
    enum hub__ws_opcode opcode =
        message->kind == HUB_TEXT ? HUB__WS_TEXT : HUB__WS_BINARY;
    struct hub__frame *frame;

    /* Callers try again and again: each time a copy, outside of the budget,
     * would cost the more the less there is. */
    if (!hub__budget_has(&hub->budget, message->payload_bytes))
        return HUB_EAGAIN;
    frame = hub__frame_new(opcode, message->payload, message->payload_bytes);
    if (frame == NULL)
        return HUB_ENOMEM;
    if (!hub__frame_charge(frame, &hub->budget)) {
        hub__frame_unref(frame);
        return HUB_EAGAIN;
    }
    frame->called_us = called_us;
    *out = frame;
    return 0;
}

/* `to` NULL: everybody. */
static int64_t route(hub_t *hub, const struct hub_target *to,
                     const struct hub_message *message)
{
    int64_t called_us = hub->clock();
    struct hub__frame *frame;
    int64_t result = hub__enter(hub);

    if (result != 0)
        return result;
    result = encode(hub, message, called_us, &frame);
    if (result == 0) {
        result = to != NULL ? hub__router_send(hub, to, frame)
                            : hub__router_broadcast(hub, frame);
        hub__frame_unref(frame);
    }
    hub__leave(hub);
    return result;
}

int64_t hub_send(hub_t *hub, struct hub_target to, struct hub_message message)
{
    if (hub == NULL || check_target(&to) != 0 || check_message(&message) != 0)
        return HUB_EINVAL;
    return route(hub, &to, &message);
}

int64_t hub_broadcast(hub_t *hub, struct hub_message message)
{
    if (hub == NULL || check_message(&message) != 0)
        return HUB_EINVAL;
    return route(hub, NULL, &message);
}

/* Shutting down. ------------------------------------------------------ */

static bool is_callback(const hub_t *hub)
{
    for (unsigned i = 0; i < hub->loop_count; i++) {
        if (hub__loop_is_caller(&hub->loops[i]))
            return true;
    }
    return false;
}

static void post_shutdown(hub_t *hub, int64_t deadline_ms)
{
    for (unsigned i = 0; i < hub->loop_count; i++) {
        struct hub__loop *loop = &hub->loops[i];
        struct hub__chain chain = {0};

        loop->shutdown->deadline_ms = deadline_ms;
        hub__chain_add(&chain, loop->shutdown);
        loop->shutdown = NULL; /* the mailbox has it */
        if (hub__mailbox_post(&loop->mailbox, &chain))
            hub__mailbox_wake(&loop->mailbox);
    }
}

/* Loops cut off what is left at the deadline by themselves; the second on top
 * is for them to get there. */
static void wait_for_loops(hub_t *hub, unsigned timeout_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000 + 1;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&hub->lock);
    while (hub->drained < hub->loop_count &&
           pthread_cond_timedwait(&hub->drained_cond, &hub->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&hub->lock);
}

static void drive_loop(hub_t *hub)
{
    while (!hub->loops[0].drain.done && hub__loop_turn(&hub->loops[0], -1) == 0)
        ;
}

int hub_shutdown(hub_t *hub, unsigned timeout_ms)
{
    bool in_time;

    if (hub == NULL)
        return HUB_EINVAL;
    if (is_callback(hub))
        return HUB_EDEADLK;
    if (!close_doors(hub))
        return HUB_ESHUTDOWN;
    post_shutdown(hub, hub__clock_ms(hub) + timeout_ms);
    if (is_host_loop(hub))
        drive_loop(hub);
    else
        wait_for_loops(hub, timeout_ms);
    pthread_mutex_lock(&hub->lock);
    in_time = hub->drained == hub->loop_count && !hub->cut_off;
    pthread_mutex_unlock(&hub->lock);
    return in_time ? 0 : HUB_ETIMEDOUT;
}

/* The loop in the host's hands. --------------------------------------- */

int hub_fd(const hub_t *hub)
{
    if (hub == NULL || !is_host_loop(hub))
        return HUB_EINVAL;
    return hub->loops[0].host.epoll_fd;
}

int hub_poll(hub_t *hub, int timeout_ms)
{
    if (hub == NULL || !is_host_loop(hub))
        return HUB_EINVAL;
    if (is_callback(hub))
        return HUB_EDEADLK;
    return hub__loop_turn(&hub->loops[0], timeout_ms);
}
