/* expiry_stage.h - shared by the tests of expiry: a hub whose connections
 * expire, one connection, and the calls of `expiring`.
 */
#ifndef EXPIRY_STAGE_H
#define EXPIRY_STAGE_H

#include "loop/expiry.h"
#include "testing.h"

#define EXPIRY_WARNING 1000
#define EXPIRY_GRACE 400

/* What `expiring` was told, and what it does. */
struct expiry_warning {
    unsigned count;
    uint64_t id; /* of the last one */
    int64_t remaining_ms;
    int (*answer)(hub_t *hub, hub_id id); /* or NULL */
    int answered;                         /* what that returned */
};

extern hub_t *expiry_hub;
extern struct expiry_warning expiry_warned;

/* One connection, with a socket. */
extern struct testing_client expiry_client;
extern struct testing_peer expiry_peer;

/* Short times, and nobody has to answer pings. */
struct hub_options expiry_options(void);

/* Makes the hub. */
void expiry_start(const struct hub_options *options);

struct hub_member expiry_member(struct testing_peer *peer, int64_t expires_ms);

/* Lets somebody in, and settles. */
void expiry_join(struct testing_client *client, struct testing_peer *peer,
                 int64_t expires_ms);
void expiry_enter(struct testing_peer *peer, int64_t expires_ms);

/* With expiry_options() and expiry_peer; down: it has been closed by then. */
void expiry_set_up(int64_t expires_ms);
void expiry_tear_down(void);

/* Extends the one connection, and settles. */
void expiry_extend(int64_t expires_ms);

/* Whether messages still reach it. */
bool expiry_is_in(const struct testing_peer *peer);

void expiry_check_closed(const struct testing_peer *peer,
                         enum hub_close_cause cause, int code);

/* The next frame is a Close with 3000 and this reason. */
void expiry_expect_close(const char *reason);

/* In how many ms the loop wakes by itself, at the latest. */
int64_t expiry_armed_ms(void);

#endif
