/* shutdown.c - the graceful end of a hub: first no call enters any more, then
 * every loop is told to close its connections, then the loops are waited for.
 * Threads: as hub.h says.
 */
#include <sched.h>

#include <hub/hub.h>

#include "base/deadline.h"
#include "internal.h"

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

/* Calls are short, except those that wait for room, which are made to return.
 */
bool hub__close_doors(hub_t *hub)
{
    bool were_open = !atomic_exchange(&hub->closing, true);

    hub__room_close(&hub->room);
    while (atomic_load(&hub->calls) > 0)
        sched_yield();
    return were_open;
}

bool hub__is_callback(const hub_t *hub)
{
    for (unsigned i = 0; i < hub->loop_count; i++) {
        if (hub__loop_is_caller(&hub->loops[i]))
            return true;
    }
    return false;
}

/* Shutting down. ------------------------------------------------------ */

void hub__note_drained(hub_t *hub, bool cut_off)
{
    pthread_mutex_lock(&hub->lock);
    hub->drained++;
    hub->cut_off = hub->cut_off || cut_off;
    pthread_cond_signal(&hub->drained_cond);
    pthread_mutex_unlock(&hub->lock);
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

/* At the deadline, loops cut off what is left by themselves; the extra second
 * lets them get there. */
static void wait_for_loops(hub_t *hub, unsigned timeout_ms)
{
    struct timespec until = hub__deadline_in((uint64_t)timeout_ms + 1000);

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
    if (hub__is_callback(hub))
        return HUB_EDEADLK;
    if (!hub__close_doors(hub))
        return HUB_ESHUTDOWN;
    post_shutdown(hub, hub__clock_ms(hub) + timeout_ms);
    if (hub__is_host_loop(hub))
        drive_loop(hub);
    else
        wait_for_loops(hub, timeout_ms);
    pthread_mutex_lock(&hub->lock);
    in_time = hub->drained == hub->loop_count && !hub->cut_off;
    pthread_mutex_unlock(&hub->lock);
    return in_time ? 0 : HUB_ETIMEDOUT;
}
