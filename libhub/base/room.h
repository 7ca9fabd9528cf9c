/* room.h - where calls wait until there is room for a message. Whoever frees
 * some calls hub__room_made(), which costs almost nothing unless somebody
 * waits. Any thread.
 *
 * No wake-up is lost: a waiter first counts itself and then checks for room;
 * whoever makes room does so first and then checks for waiters; and each of
 * these four steps is sequentially consistent.
 */
#ifndef HUB_ROOM_H
#define HUB_ROOM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct hub__room {
    pthread_mutex_t lock;
    pthread_cond_t made;
    atomic_size_t waiters;
    bool closed; /* lock */
};

/* Whether there is room for what `wanted` describes. */
typedef bool hub__room_fn(const void *wanted);

void hub__room_init(struct hub__room *room);
void hub__room_fini(struct hub__room *room);

/* Waits until `has` says that there is room; another thread may still take it
 * first. Returns 0; HUB_EAGAIN when CLOCK_MONOTONIC reaches `until`;
 * HUB_ESHUTDOWN if it is closed. */
int hub__room_wait(struct hub__room *room, hub__room_fn *has,
                   const void *wanted, const struct timespec *until);

/* Makes all waiters check again. */
void hub__room_wake(struct hub__room *room);

/* Ends all waiting, now and later. */
void hub__room_close(struct hub__room *room);

/* Room was made. Not to be called under a lock that `has` takes. */
static inline void hub__room_made(struct hub__room *room)
{
    if (atomic_load(&room->waiters) > 0)
        hub__room_wake(room);
}

#endif
