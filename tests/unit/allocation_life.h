/* allocation_life.h - the whole life of a hub, for tests that let allocations
 * fail in it: peers connect, receive, send, expire, fall behind, leave, one
 * is rejected, and the hub shuts down, all in the test's own thread and in the
 * same order each time.
 *
 * It keeps account of what was accepted for each peer. What must hold during
 * that life is asserted in here.
 */
#ifndef ALLOCATION_LIFE_H
#define ALLOCATION_LIFE_H

#include "testing.h"

#define ALLOCATION_NUMBERS_MAX 100

enum {
    ALLOCATION_ANN,
    ALLOCATION_BEA,
    ALLOCATION_CYD,
    ALLOCATION_DAN,
    ALLOCATION_EVE,
    ALLOCATION_FAY, /* who expires */
    ALLOCATION_SLOW,
    ALLOCATION_LATE,
    ALLOCATION_PEERS
};

struct allocation_peer {
    const char *user, *session;
    bool is_socket;
    bool entered; /* and the id is known */
    bool ended;   /* the host has closed it or taken it out */
    bool idle;    /* it does not read */
    int fd;       /* the hub's side */
    hub_id id;
    unsigned opened, closed, messages, pongs, warnings;
    int code; /* of the Close frame that came; 0: none did */
    struct hub_close_info info;
    struct testing_client client;
    unsigned wanted[ALLOCATION_NUMBERS_MAX],
        wanted_count; /* what was accepted for it */
    unsigned got[ALLOCATION_NUMBERS_MAX], got_count;
};

/* Makes the hub. Returns what hub_create() does. */
int allocation_create(enum hub_slow_consumer policy);

/* Of the socket that is rejected in that life: the code of its Close frame, or
 * 0. */
int allocation_rejected(void);

/* The life, up to and with the shutdown. Returns ALLOCATION_PEERS peers. */
struct allocation_peer *allocation_live(void);

/* Destroys what is left. */
void allocation_release(void);

#endif
