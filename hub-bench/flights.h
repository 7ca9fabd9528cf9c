/* flights.h - the messages in flight, and who is to get them.
 *
 * A ring of places, indexed by the lower half of a message's number. One thread
 * publishes: it launches messages and gives up those that take too long. The
 * receiving threads look up a number and count down deliveries. A place is
 * reused only when no delivery is outstanding; a number whose place is still
 * taken is skipped.
 *
 * `left` holds number and count in one word, so that a late delivery can never
 * be counted for the message that has the place now.
 */
#ifndef HUB_BENCH_FLIGHTS_H
#define HUB_BENCH_FLIGHTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FLIGHTS_EVERYBODY UINT32_MAX

struct flight {
    _Atomic uint64_t left;     /* number << 32 | deliveries to come */
    _Atomic int64_t since_ns;  /* start of its latency */
    int64_t launched_ns;       /* publisher */
    _Atomic uint32_t position; /* within its lane */
    _Atomic uint32_t target;   /* a client, or FLIGHTS_EVERYBODY */
    _Atomic uint16_t lane;
    _Atomic bool measured;
};

struct flights {
    struct flight *ring;
    uint32_t mask;
    uint32_t run;            /* upper half of all numbers: distinguishes runs */
    _Atomic uint32_t next;   /* number; written by the publisher */
    _Atomic uint32_t oldest; /* everything before it is complete; publisher */
    _Atomic uint32_t under_way; /* messages with deliveries to come */
    _Atomic uint64_t missing;   /* deliveries given up, measured ones only */
    _Atomic bool asleep; /* the publisher waits for under_way to change */
    int wake;            /* eventfd that wakes it */
};

struct flight_view {
    int64_t since_ns;
    uint32_t position, target;
    uint16_t lane;
    bool measured;
};

/* At least `places`, rounded up to a power of two. Returns 0 or -1 (errno). */
int flights_init(struct flights *f, uint32_t places);
void flights_fini(struct flights *f);

/* The publisher's. */

/* Takes a place for a message to `recipients` clients. Returns false if all are
 * taken. */
bool flights_launch(struct flights *f, const struct flight_view *view,
                    uint32_t recipients, int64_t now, uint64_t *number);

/* Ends a message that will not be delivered: it counts as neither delivered nor
 * missing. */
void flights_cancel(struct flights *f, uint64_t number);

/* Gives up what was launched before that time. */
void flights_expire(struct flights *f, int64_t before_ns);

/* Any thread's. */

/* Returns false if the number is not, or no longer, expected. */
bool flights_look(struct flights *f, uint64_t number, struct flight_view *out);

/* A delivery has arrived, or will never arrive. Returns false if it was not
 * expected. */
bool flights_land(struct flights *f, uint64_t number);
bool flights_lose(struct flights *f, uint64_t number);

static inline bool flights_is_ours(const struct flights *f, uint64_t number)
{
    return number >> 32 == f->run;
}

#endif
