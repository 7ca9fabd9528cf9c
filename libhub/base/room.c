/* room.c - see room.h. */
#include "base/room.h"

#include <hub/hub.h>

#include "base/deadline.h"

void hub__room_init(struct hub__room *r)
{
    pthread_mutex_init(&r->lock, NULL);
    hub__deadline_cond_init(&r->made);
    atomic_init(&r->waiters, 0);
    r->closed = false;
}

void hub__room_fini(struct hub__room *r)
{
    pthread_cond_destroy(&r->made);
    pthread_mutex_destroy(&r->lock);
}

static bool is_past(const struct timespec *until)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > until->tv_sec ||
           (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

int hub__room_wait(struct hub__room *r, hub__room_fn *has, const void *wanted,
                   const struct timespec *until)
{
    int err = 0;

    pthread_mutex_lock(&r->lock);
    atomic_fetch_add(&r->waiters, 1);
    while (err == 0) {
        if (r->closed)
            err = HUB_ESHUTDOWN;
        else if (is_past(until))
            err = HUB_EAGAIN;
        else if (has(wanted))
            break;
        else
            (void)pthread_cond_timedwait(&r->made, &r->lock, until);
    }
    atomic_fetch_sub(&r->waiters, 1);
    pthread_mutex_unlock(&r->lock);
    return err;
}

void hub__room_wake(struct hub__room *r)
{
    pthread_mutex_lock(&r->lock);
    pthread_cond_broadcast(&r->made);
    pthread_mutex_unlock(&r->lock);
}

void hub__room_close(struct hub__room *r)
{
    pthread_mutex_lock(&r->lock);
    r->closed = true;
    pthread_cond_broadcast(&r->made);
    pthread_mutex_unlock(&r->lock);
}
