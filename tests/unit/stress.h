/* stress.h - everything at once: threads that connect, send, broadcast, close,
 * break off, leave, extend, reject and read statistics at random, on one hub or
 * several, while those run, shut down or are destroyed. Some connections
 * expire.
 *
 * What was accepted must be delivered, once each, and what one thread sent to
 * one peer in the order of the calls. The threads make no assertions: they note
 * what is wrong.
 */
#ifndef STRESS_H
#define STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hub/hub.h>

#define STRESS_HUBS_MAX 2
#define STRESS_WORKERS 4

/* How the hubs end. */
enum stress_end {
    STRESS_QUIET,     /* a shutdown when the threads are done */
    STRESS_AMID,      /* shutdowns of several threads amid the traffic */
    STRESS_CUT_SHORT, /* the same without time for it, and destroyed at once */
    STRESS_ABRUPT,    /* destroyed without a shutdown */
    STRESS_ENDS,
};

struct stress_plan {
    uint64_t seed;
    unsigned hubs;
    unsigned loops; /* of each; 0: HUB_HOST_LOOP and a thread that polls */
    unsigned steps; /* of each worker */
    enum hub_slow_consumer policy;
    enum hub_sender sender;
    enum stress_end end;
    bool breaks_rings;       /* io_uring fails half-way */
    unsigned refuse_percent; /* of the allocations; 0: none */
};

/* What was done, by kind. */
#define STRESS_TALLY_MAP(X)                                                    \
    X(registered)                                                              \
    X(adopted)                                                                 \
    X(sends)                                                                   \
    X(broadcasts)                                                              \
    X(closes)                                                                  \
    X(unregisters)                                                             \
    X(extends)                                                                 \
    X(warnings)                                                                \
    X(expired)                                                                 \
    X(rejects)                                                                 \
    X(frames)                                                                  \
    X(breaks)                                                                  \
    X(resets)                                                                  \
    X(pauses)                                                                  \
    X(stats)                                                                   \
    X(refused)                                                                 \
    X(delivered)

struct stress_tally {
#define STRESS_TALLY_FIELD(name) uint64_t name;
    STRESS_TALLY_MAP(STRESS_TALLY_FIELD)
#undef STRESS_TALLY_FIELD
};

/* Makes a plan out of a seed: each kind of round comes up. */
struct stress_plan stress_plan_of(uint64_t seed);

/* One line. */
void stress_plan_print(const struct stress_plan *plan, char *out, size_t size);

/* Does it, and adds to `tally`. Returns NULL, or what was wrong. */
const char *stress_run(const struct stress_plan *plan,
                       struct stress_tally *tally);

#endif
