/* judge.h - the unforgiving part of the soak test: told what was posted, who
 * was connected and what arrived, it counts everything that is wrong.
 *
 * A message is due to every client of its audience that stays: from the moment
 * it has read its 101 to the moment it begins to leave. It must come once,
 * unaltered, in the order in which its lane posted, before `late_ns`. While a
 * client connects or leaves, a message may arrive or not; one that was answered
 * before it began to connect must not. An untrusted client (one that provokes
 * the hub) is owed nothing, but what it gets is judged all the same.
 *
 * Pure, apart from its memory; for one thread. The caller supplies the time.
 */
#ifndef SOAK_JUDGE_H
#define SOAK_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "letter.h"
#include "order.h"

#define JUDGE_LANES 8
#define JUDGE_MESSAGES 65536u /* that are remembered; a power of two */
#define JUDGE_FAULTS 20       /* that are told in words */
#define JUDGE_FAULT_BYTES 160

/* Each of them must be 0. */
#define JUDGE_WRONGS(X)                                                        \
    X(lost)                                                                    \
    X(duplicated)                                                              \
    X(misordered)                                                              \
    X(altered)                                                                 \
    X(misrouted)                                                               \
    X(unasked)    /* delivered, or accepted, though it had to be refused */    \
    X(miscounted) /* `recipients` that cannot be */                            \
    X(late)                                                                    \
    X(closed_early) /* trusted clients that the hub ended */                   \
    X(misbehaved)   /* whatever else the caller found */

#define JUDGE_FIGURES(X)                                                       \
    X(posted)                                                                  \
    X(accepted)                                                                \
    X(refused)                                                                 \
    X(delivered) /* messages that came, and were judged */                     \
    X(voluntary) /* of those: to who was coming, leaving or not trusted */     \
    X(forgiven)  /* due, but their client left on its own before */            \
    X(exact)     /* answers of which only one number could be right */

#define JUDGE_MEMBER(name) uint64_t name;

struct judge_counts {
    JUDGE_WRONGS(JUDGE_MEMBER)
    JUDGE_FIGURES(JUDGE_MEMBER)
};

/* Connections of an audience. Differences of left and came tell what happened
 * between two moments. */
struct judge_tally {
    int32_t sure;    /* staying */
    int32_t present; /* those that may be counted by the hub */
    int32_t left;    /* sure ones that ceased to be, ever */
    int32_t came;    /* that became present, ever */
};

struct judge_audience {
    uint16_t user, session; /* LETTER_ANY twice: everybody */
};

struct judge_message {
    struct letter letter;
    bool used, answered, forbidden;
    uint32_t waiting; /* trusted clients it is still due to */
    uint32_t landed;  /* trusted clients it came to, when due */
    uint32_t landed_any;
    uint32_t cut; /* due to clients that a drain closed before it came */
    uint32_t recipients;
    int64_t launched_ns;
    uint64_t launched_event, answered_event;
    struct judge_tally before;
};

enum judge_phase { JUDGE_AWAY, JUDGE_COMING, JUDGE_STAYING, JUDGE_LEAVING };

struct judge_due {
    uint32_t number;
    bool over;
};

struct judge_client {
    uint8_t phase;
    bool trusted;
    uint16_t user, session;
    uint64_t came_event, stays_event, leaves_event;
    struct judge_due *due; /* in the order of their numbers */
    uint32_t first, end, room;
    uint32_t waiting; /* of those in due */
    struct order orders[JUDGE_LANES];
};

struct judge {
    struct judge_counts counts;
    struct histogram latency;
    int64_t late_ns;
    bool draining; /* the hub was told to end */
    uint32_t users, sessions, client_count;
    struct judge_client *clients;
    struct judge_message *messages;
    struct judge_tally all, *by_user, *by_session, *by_both;
    uint32_t next, oldest; /* numbers */
    uint32_t seq[JUDGE_LANES];
    uint64_t event;
    uint64_t flying_bytes; /* of messages that somebody waits for */
    uint32_t waiting;      /* deliveries that are due and have not come */
    unsigned fault_count;
    char faults[JUDGE_FAULTS][JUDGE_FAULT_BYTES];
};

/* Returns 0 or -1: no memory. */
int judge_init(struct judge *j, uint32_t clients, uint32_t users,
               uint32_t sessions, int64_t late_ns);
void judge_fini(struct judge *j);

/* Counts a wrong and remembers the words of the first ones. */
__attribute__((format(printf, 3, 4))) void
judge_fault(struct judge *j, uint64_t *wrong, const char *format, ...);

/* Clients. */

void judge_coming(struct judge *j, uint32_t client, uint16_t user,
                  uint16_t session, bool trusted);
void judge_staying(struct judge *j, uint32_t client);
void judge_leaving(struct judge *j, uint32_t client);

/* It is gone. `why` NULL: because it wanted to, or is not trusted; otherwise
 * the hub ended it. `counted`: the hub may count it until judge_forget(). */
void judge_away(struct judge *j, uint32_t client, const char *why,
                bool counted);
void judge_forget(struct judge *j, struct judge_audience who);

/* The hub has begun to drain: from now on it may end everybody, and what was
 * accepted must have come to as many as it says by judge_finish(). */
void judge_drain(struct judge *j);

/* Messages. */

/* Fills in number and sequence of a letter, whose other fields are set. A
 * forbidden one must be refused. Call it before anything of it is sent. */
void judge_launch(struct judge *j, struct letter *l, bool forbidden,
                  int64_t now);

/* status 0: there was no answer. */
void judge_answer(struct judge *j, uint32_t number, long status,
                  long recipients);
void judge_deliver(struct judge *j, uint32_t client, const struct letter *l,
                   int64_t now);
void judge_altered(struct judge *j, uint32_t client);

/* Gives up what was launched before a moment: it is lost. */
void judge_expire(struct judge *j, int64_t before);

/* Nothing comes any more: what is still waited for is lost. */
void judge_finish(struct judge *j);

uint64_t judge_wrongs(const struct judge *j);

#endif
