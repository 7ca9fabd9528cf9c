/* flights.c - see flights.h. A view is read before the count is seen to be
 * above zero with the same number; so its place cannot have changed owners in
 * between, because numbers are never reused.
 */
#include "flights.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#define load(object) atomic_load_explicit(object, memory_order_relaxed)
#define store(object, value)                                                   \
    atomic_store_explicit(object, value, memory_order_relaxed)

static uint64_t pack(uint32_t number, uint32_t left)
{
    return (uint64_t)number << 32 | left;
}

static struct flight *place(struct flights *f, uint32_t number)
{
    return &f->ring[number & f->mask];
}

int flights_init(struct flights *f, uint32_t places)
{
    uint32_t size = 1;

    while (size < places)
        size *= 2;
    *f = (struct flights){.mask = size - 1, .wake = -1};
    if (getrandom(&f->run, sizeof(f->run), 0) != sizeof(f->run))
        return -1;
    atomic_init(&f->next, 1); /* zeroed places have number 0 */
    atomic_init(&f->oldest, 1);
    f->ring = calloc(size, sizeof(*f->ring));
    f->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (f->ring != NULL && f->wake >= 0)
        return 0;
    flights_fini(f);
    return -1;
}

void flights_fini(struct flights *f)
{
    if (f->wake >= 0)
        (void)close(f->wake);
    free(f->ring);
    f->ring = NULL;
    f->wake = -1;
}

bool flights_launch(struct flights *f, const struct flight_view *view,
                    uint32_t recipients, int64_t now, uint64_t *number)
{
    uint32_t next = load(&f->next);
    struct flight *flight = place(f, next);

    if (atomic_load(&f->under_way) > f->mask)
        return false;
    while ((uint32_t)atomic_load(&flight->left) != 0)
        flight = place(f, ++next);
    store(&flight->since_ns, view->since_ns);
    flight->launched_ns = now;
    store(&flight->position, view->position);
    store(&flight->target, view->target);
    store(&flight->lane, view->lane);
    store(&flight->measured, view->measured);
    if (recipients != 0)
        (void)atomic_fetch_add(&f->under_way, 1);
    atomic_store(&flight->left, pack(next, recipients));
    atomic_store(&f->next, next + 1);
    *number = pack(f->run, next);
    return true;
}

/* A message has been completed. */
static void over(struct flights *f)
{
    (void)atomic_fetch_sub(&f->under_way, 1);
    if (atomic_load(&f->asleep) && atomic_exchange(&f->asleep, false))
        (void)eventfd_write(f->wake, 1);
}

/* Ends a message at once. Returns how many deliveries were outstanding. */
static uint32_t end(struct flights *f, uint32_t number)
{
    struct flight *flight = place(f, number);
    uint64_t left = atomic_load(&flight->left);

    do {
        if (left >> 32 != number || (uint32_t)left == 0)
            return 0;
    } while (
        !atomic_compare_exchange_weak(&flight->left, &left, pack(number, 0)));
    over(f);
    return (uint32_t)left;
}

void flights_cancel(struct flights *f, uint64_t number)
{
    (void)end(f, (uint32_t)number);
}

void flights_expire(struct flights *f, int64_t before_ns)
{
    uint32_t next = load(&f->next), at = load(&f->oldest);

    for (; at != next; at++) {
        struct flight *flight = place(f, at);
        uint64_t left = atomic_load(&flight->left);
        uint32_t missed;

        if (left >> 32 != at || (uint32_t)left == 0)
            continue;
        if (flight->launched_ns >= before_ns)
            break;
        missed = end(f, at);
        if (load(&flight->measured))
            (void)atomic_fetch_add(&f->missing, missed);
    }
    atomic_store(&f->oldest, at);
}

bool flights_look(struct flights *f, uint64_t number, struct flight_view *out)
{
    uint32_t low = (uint32_t)number;
    struct flight *flight = place(f, low);
    uint64_t left;

    if (!flights_is_ours(f, number) || atomic_load(&flight->left) >> 32 != low)
        return false;
    out->since_ns = load(&flight->since_ns);
    out->position = load(&flight->position);
    out->target = load(&flight->target);
    out->lane = load(&flight->lane);
    out->measured = load(&flight->measured);
    atomic_thread_fence(memory_order_acquire);
    left = load(&flight->left);
    return left >> 32 == low && (uint32_t)left != 0;
}

bool flights_land(struct flights *f, uint64_t number)
{
    uint32_t low = (uint32_t)number;
    struct flight *flight = place(f, low);
    uint64_t left = atomic_load(&flight->left);

    do {
        if (left >> 32 != low || (uint32_t)left == 0)
            return false;
    } while (!atomic_compare_exchange_weak(&flight->left, &left, left - 1));
    if ((uint32_t)left == 1)
        over(f);
    return true;
}

bool flights_lose(struct flights *f, uint64_t number)
{
    bool measured = load(&place(f, (uint32_t)number)->measured);

    if (!flights_land(f, number))
        return false;
    if (measured)
        (void)atomic_fetch_add(&f->missing, 1);
    return true;
}
