/* poster.h - the backends of the soak test: lanes that post, each its next
 * message after the answer to the previous one. Broadcasts, messages to users,
 * to sessions, to both, to nobody; large ones to clients that do not read; and
 * requests that must be rejected.
 *
 * So that no reading client can be too slow for its queue, only as many bytes
 * are in flight at a time as fit into it.
 */
#ifndef SOAK_POSTER_H
#define SOAK_POSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "crowd.h"
#include "dice.h"
#include "http.h"
#include "judge.h"

#define POSTER_MESSAGE_MAX 524288 /* MAX_MESSAGE_SIZE of the hub */
#define POSTER_FLYING_MAX 900000  /* less than HUB_QUEUE_SIZE */

enum poster_sort {
    POSTER_BROADCAST,
    POSTER_LARGE_BROADCAST,
    POSTER_SEND,
    POSTER_HEAVY, /* to one that does not read */
    POSTER_BAD,   /* must be refused */
    POSTER_SORTS,
};

#define POSTER_FIGURES(X)                                                      \
    X(broadcasts)                                                              \
    X(sends)                                                                   \
    X(refused_400)                                                             \
    X(refused_413)                                                             \
    X(refused_503)                                                             \
    X(refused_otherwise)                                                       \
    X(unanswered)                                                              \
    X(held_back) /* times that a message had to wait for its turn */

struct poster_figures {
    POSTER_FIGURES(JUDGE_MEMBER)
};

struct poster_lane {
    bool busy;
    uint32_t number;
    long wanted;           /* the status it must get */
    int64_t sleeper;       /* the guest it is for, or -1 */
    uint64_t sleeper_came; /* when, by the judge's events */
    char *body;
};

struct poster {
    struct judge *judge;
    struct crowd *crowd;
    struct http http;
    struct dice dice;
    int wake;  /* eventfd that nobody writes to */
    bool over; /* post no more */
    unsigned busy;
    unsigned lane; /* of the last message */
    unsigned run;  /* sends to come that have the target of the last one */
    uint16_t run_user, run_session;
    char send_url[64], broadcast_url[64];
    int64_t every_ns[POSTER_SORTS], next_ns[POSTER_SORTS];
    struct poster_lane lanes[JUDGE_LANES];
    struct poster_figures figures;
};

struct poster_plan {
    const char *key;
    uint16_t port;
    double broadcasts, sends; /* a second */
    bool good_only;           /* nothing heavy, nothing to be refused */
};

/* Returns 0 or -1. */
int poster_init(struct poster *p, struct judge *j, struct crowd *c,
                const struct poster_plan *plan, uint64_t seed);
void poster_fini(struct poster *p);

/* Posts what is due, and takes answers. */
void poster_turn(struct poster *p, int64_t now);

#endif
