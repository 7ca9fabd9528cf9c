/* crowd.h - the clients of the soak test: those that behave, whose every
 * message is judged, and those that do everything clients should not.
 *
 *     steady   stays for the whole run; some talk and ping
 *     churn    comes, stays a while, leaves by Close, by FIN or by RST
 *     stall    stops reading until the hub has given it up
 *     half     never finishes its handshake
 *     garbage  sends what is no frame, or vanishes within one
 *     mute     reads, but answers no ping
 *
 * For one thread. A guest keeps its slot, and its number with the judge, from
 * one connection to the next.
 */
#ifndef SOAK_CROWD_H
#define SOAK_CROWD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"
#include "dice.h"
#include "inbox.h"
#include "judge.h"

enum guest_kind {
    GUEST_STEADY,
    GUEST_CHURN,
    GUEST_STALL,
    GUEST_HALF,
    GUEST_GARBAGE,
    GUEST_MUTE,
    GUEST_KINDS,
};

enum guest_state {
    GUEST_OUT, /* comes at act_ns */
    GUEST_CONNECTING,
    GUEST_SHAKING,
    GUEST_IN,
    GUEST_ASLEEP, /* in, and not read */
    GUEST_ENDING, /* waits for the end of the stream */
};

struct guest {
    struct client base; /* its socket, and its handshake */
    struct inbox inbox;
    uint8_t kind, state;
    uint16_t user, session;
    uint16_t close_code;  /* of the hub's Close frame; 0: none came */
    uint16_t wanted_code; /* that it has to be; 0: any */
    bool pinged;          /* and has no answer */
    uint64_t ping;
    int64_t act_ns; /* when it comes, leaves, or does what it came for */
    int64_t talk_ns, deadline_ns;
};

#define CROWD_FIGURES(X)                                                       \
    X(connections)                                                             \
    X(left_by_close)                                                           \
    X(left_by_fin)                                                             \
    X(left_by_rst)                                                             \
    X(slow_closed) /* stalled ones, with 1013 */                               \
    X(slow_cut)    /* stalled ones, without */                                 \
    X(half_ended)                                                              \
    X(garbage_closed)                                                          \
    X(vanished)                                                                \
    X(mute_cut)                                                                \
    X(drained)                                                                 \
    X(said) /* messages of clients */                                          \
    X(pongs)

struct crowd_figures {
    CROWD_FIGURES(JUDGE_MEMBER)
};

/* A connection that the hub may still count. */
struct crowd_ghost {
    int64_t until_ns;
    struct judge_audience who;
};

struct crowd_plan {
    uint32_t clients; /* that behave */
    uint16_t port;
    double slowness; /* by which patience is stretched */
    bool steady_only;
};

struct crowd {
    struct judge *judge;
    struct dice dice;
    struct sockaddr_in address;
    char authority[32];
    double slowness;
    int epoll;
    uint32_t count;
    struct guest *guests;
    uint32_t steady;  /* guests 0 to steady - 1 */
    uint32_t trusted; /* guests 0 to trusted - 1 */
    uint32_t steady_users, trusted_users, users, steady_sessions, sessions;
    uint32_t opening;
    bool closing; /* everybody leaves, nobody comes */
    struct crowd_figures figures;
    struct crowd_ghost *ghosts; /* a ring, in the order of until_ns */
    uint32_t ghost_first, ghost_end;
    uint8_t *buffer;
};

/* Also fills in the judge. Returns 0 or -1 (errno). */
int crowd_init(struct crowd *c, struct judge *j, const struct crowd_plan *plan,
               uint64_t seed);
void crowd_fini(struct crowd *c);

/* Everything whose time has come. */
void crowd_tick(struct crowd *c, int64_t now);

/* Events of the crowd's epoll set, if there are any. */
void crowd_turn(struct crowd *c, int64_t now);

/* Everybody leaves. */
void crowd_close(struct crowd *c, int64_t now);
bool crowd_is_empty(const struct crowd *c);

/* Any guest that does not read, or -1. */
int64_t crowd_sleeper(struct crowd *c);

/* The hub has given it up: it reads what is left. */
void crowd_wake(struct crowd *c, uint32_t guest, int64_t now);

/* The name of a user or session as it stands in a query, or in JSON. */
void crowd_name(char out[32], char letter, unsigned index, bool query);

/* Internal: guest.c's. */

#define CROWD_GHOSTS 16384u /* a power of two */
#define CROWD_MS INT64_C(1000000)
#define CROWD_S INT64_C(1000000000)
#define CROWD_BUFFER_BYTES ((size_t)256 << 10)

void guest_connect(struct crowd *c, struct guest *g, int64_t now);
void guest_event(struct crowd *c, struct guest *g, uint32_t events,
                 int64_t now);
void guest_leave(struct crowd *c, struct guest *g, int64_t now);
void guest_ask(struct crowd *c, struct guest *g);
void guest_talk(struct crowd *c, struct guest *g, int64_t now);
void guest_watch(struct crowd *c, const struct guest *g, uint32_t events);

/* Its time is over: `why` is what was waited for in vain. */
void guest_overdue(struct crowd *c, struct guest *g, int64_t now);
void guest_reset(struct crowd *c, struct guest *g, int64_t now);

static inline uint32_t guest_index(const struct crowd *c, const struct guest *g)
{
    return (uint32_t)(g - c->guests);
}

static inline bool guest_is_trusted(const struct guest *g)
{
    return g->kind == GUEST_STEADY || g->kind == GUEST_CHURN;
}

#endif
