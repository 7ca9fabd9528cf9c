/* testing.h - shared by the tests of libhub: a clock that they control, failing
 * allocations, a small WebSocket client, and callbacks that keep a record.
 *
 * A "stage" is a hub that runs in the test's own thread (HUB_HOST_LOOP) by the
 * test's clock, so that nothing depends on how fast the machine is.
 */
#ifndef TESTING_H
#define TESTING_H

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hub/hub.h>

#include "client/frame.h"
#include "internal.h"

#define TESTING_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Runs a suite of one case. Returns the exit status. */
int testing_run(const char *suite, const TTest *const *tests, size_t count);

/* A generator with a fixed seed (xorshift64*). */
uint64_t testing_random(uint64_t *state);

/* Time. --------------------------------------------------------------- */

int64_t testing_clock(void);
void testing_clock_advance(int64_t ms);
void testing_clock_advance_us(int64_t us);

/* Milliseconds of the machine's clock. */
int64_t testing_real_ms(void);

/* Memory. ------------------------------------------------------------- */

/* Makes the nth allocation from now on fail, and only that (1: the next). */
void testing_fail_allocation(unsigned nth);

/* The same for each allocation after `allowed` more. */
void testing_fail_after(unsigned allowed);

/* About `percent` of a hundred fail, chosen by the seed and by how many came
 * before. */
void testing_fail_randomly(uint64_t seed, unsigned percent);

/* From any thread: none fails for as long as that is true. */
void testing_spare_memory(bool spare);

/* How many were refused so far. */
unsigned testing_refused(void);

/* Ends that. Returns how many were refused. */
unsigned testing_allow_memory(void);

/* Threads. ------------------------------------------------------------ */

/* Counts what other threads do, so that a test can wait for it. */
struct testing_gate {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    uint64_t count; /* lock */
};

#define TESTING_GATE_INIT                                                      \
    {                                                                          \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0                 \
    }

void testing_gate_pass(struct testing_gate *gate, uint64_t more);
uint64_t testing_gate_count(struct testing_gate *gate);

/* Waits until the count is `least`. Returns false if it takes too long. */
bool testing_gate_await(struct testing_gate *gate, uint64_t least);

/* The client. --------------------------------------------------------- */

enum {
    TESTING_FIN = FRAME_FIN,
    TESTING_FIN_TEXT = FRAME_FIN | FRAME_TEXT,
    TESTING_FIN_BINARY = FRAME_FIN | FRAME_BINARY,
    TESTING_FIN_CLOSE = FRAME_FIN | FRAME_CLOSE,
    TESTING_FIN_PING = FRAME_FIN | FRAME_PING,
    TESTING_FIN_PONG = FRAME_FIN | FRAME_PONG,
};

/* Writes a client's frame, always with the same mask. `out` has room for bytes
 * + FRAME_OWN_HEADER_MAX. Returns its length. */
size_t testing_frame(uint8_t *out, uint8_t first_byte, const void *payload,
                     size_t bytes);

struct testing_client {
    int fd;
    uint8_t *input; /* what came and has not been taken yet */
    size_t have, size;
    size_t taken; /* of the frame that was returned last */
    bool ended;
};

/* A frame as a server sends it. */
struct testing_received {
    uint8_t first_byte;
    const uint8_t *payload; /* until the next call */
    size_t bytes;
};

/* Makes a connected pair: one end is the client's, the other is returned. */
int testing_client_open(struct testing_client *client);
void testing_client_close(struct testing_client *client);

/* How much the kernel may hold between the two, about. */
void testing_shrink_buffers(int fd, int bytes);

void testing_client_send(struct testing_client *client, uint8_t first_byte,
                         const void *payload, size_t bytes);
void testing_client_send_raw(struct testing_client *client, const void *data,
                             size_t bytes);
void testing_client_send_close(struct testing_client *client, int code,
                               const char *reason);

/* Takes the next frame if it is there whole. */
bool testing_client_receive(struct testing_client *client,
                            struct testing_received *frame);

/* Takes the next frame, which must be this one. */
void testing_client_expect(struct testing_client *client, uint8_t first_byte,
                           const void *payload, size_t bytes);
void testing_client_expect_text(struct testing_client *client,
                                const char *text);
void testing_client_expect_close(struct testing_client *client, int code);

/* No whole frame is waiting. */
void testing_client_expect_nothing(struct testing_client *client);

/* The stream is at its end: no more bytes, and no bytes left over. */
bool testing_client_at_end(struct testing_client *client);

/* The record. --------------------------------------------------------- */

/* What happened to one connection: its member->data. */
struct testing_peer {
    hub_id id;
    unsigned opened, closed;
    unsigned messages;  /* from it */
    unsigned delivered; /* to it */
    unsigned wrong;     /* callbacks that may not come at this point */
    struct hub_close_info info;
    enum hub_kind kind; /* of the last message or delivery */
    uint8_t last[256];  /* its first bytes */
    size_t last_bytes;
    int refuse; /* what deliver returns */
};

/* A deliver callback that keeps the record. */
int testing_deliver(void *data, hub_id id, const struct hub_message *message);

/* Puts the recording callbacks into options. */
void testing_record(struct hub_options *options);

/* The stage. ---------------------------------------------------------- */

/* Makes a HUB_HOST_LOOP hub with the fake clock and recording callbacks, and
 * otherwise with these options (NULL: the defaults). */
hub_t *testing_stage(const struct hub_options *options);

/* hub_stats(), all of it. */
struct hub_stats testing_stats(hub_t *hub);

/* Turns the hub until it has nothing to do. */
void testing_settle(hub_t *hub);

/* Lets time pass, in steps that the hub does not take for a pause. */
void testing_pass(hub_t *hub, int64_t ms);

/* Adopts a new connection of `user` and settles. */
void testing_join(hub_t *hub, struct testing_client *client,
                  struct testing_peer *peer, const char *user,
                  const char *session);

/* Registers a member, and settles. */
void testing_enter(hub_t *hub, struct testing_peer *peer, const char *user,
                   const char *session);

/* What the hub keeps of a connection that is in the registry. */
struct hub__conn *testing_conn(hub_t *hub, hub_id id);

/* Fills the way to a client that does not read until the hub has to wait. The
 * connection is blocked then, and its outbox holds about `waiting` bytes. */
void testing_block(hub_t *hub, struct testing_peer *peer, size_t waiting);

#endif
