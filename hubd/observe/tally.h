/* tally.h - hubd's own counters: answers by result, closed connections by close
 * code, and recipients per message. They are bounded: nothing that a client or
 * a backend sends can create a new counter.
 *
 * Threads: any.
 */
#ifndef HUBD_TALLY_H
#define HUBD_TALLY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <hub/hub.h>

#include "front/refusal.h"

/* What a request was for. */
#define TALLY_ENDPOINT_MAP(X)                                                  \
    X(TALLY_OTHER, "other") /* unknown paths and malformed requests */         \
    X(TALLY_WS, "ws")                                                          \
    X(TALLY_SEND, "send")                                                      \
    X(TALLY_BROADCAST, "broadcast")                                            \
    X(TALLY_TICKETS, "tickets")                                                \
    X(TALLY_HEALTH, "health") /* /health, /livez, /readyz, OPTIONS * */        \
    X(TALLY_METRICS, "metrics")                                                \
    X(TALLY_CONSOLE, "console") /* /console and what is below it */

/* Sets of endpoints. */
#define TALLY_AT(endpoint) (1u << (endpoint))
#define TALLY_ALL                                                              \
    (((1u << TALLY_ENDPOINTS) - 1) & ~TALLY_AT(TALLY_CONSOLE)) /* mostly off   \
                                                                */
#define TALLY_ROUTES (TALLY_ALL & ~TALLY_AT(TALLY_OTHER))
#define TALLY_MESSAGES (TALLY_AT(TALLY_SEND) | TALLY_AT(TALLY_BROADCAST))
#define TALLY_API (TALLY_MESSAGES | TALLY_AT(TALLY_TICKETS))

/* Codes of Close frames, RFC 6455, 7.4. */
#define TALLY_CLOSE_CODE_MAP(X)                                                \
    X(1000)                                                                    \
    X(1001)                                                                    \
    X(1002)                                                                    \
    X(1003)                                                                    \
    X(1005)                                                                    \
    X(1006)                                                                    \
    X(1007)                                                                    \
    X(1008)                                                                    \
    X(1009)                                                                    \
    X(1010)                                                                    \
    X(1011)                                                                    \
    X(1012)                                                                    \
    X(1013)                                                                    \
    X(1014)

enum tally_endpoint {
#define TALLY_ENDPOINT_ENUM(name, text) name,
    TALLY_ENDPOINT_MAP(TALLY_ENDPOINT_ENUM)
#undef TALLY_ENDPOINT_ENUM
        TALLY_ENDPOINTS,
};

/* The number of each. */
#define TALLY_PLACE(name, ...) TALLY_PLACE_##name,
enum { TALLY_CLOSE_CODE_MAP(TALLY_PLACE) TALLY_CODES_ALONE };
#undef TALLY_PLACE
#define TALLY_CLOSE_CODES (TALLY_CODES_ALONE + 3)

/* In the order of the maps; codes of applications and all others come last. */
extern const char *const tally_endpoint_names[TALLY_ENDPOINTS];
extern const char *const tally_close_code_names[TALLY_CLOSE_CODES];

/* The endpoints at which each kind of answer is to be expected. */
extern const unsigned tally_expected[REFUSAL_KINDS];

#define TALLY_RECIPIENT_BOUNDS 11
#define TALLY_RECIPIENT_BUCKETS (TALLY_RECIPIENT_BOUNDS + 1)
extern const uint64_t tally_recipient_bounds[TALLY_RECIPIENT_BOUNDS];

/* A histogram of recipients per message. */
struct tally_recipients {
    _Atomic uint64_t counts[TALLY_RECIPIENT_BUCKETS];
    _Atomic uint64_t sum;
};

struct tally {
    _Atomic uint64_t answers[TALLY_ENDPOINTS][REFUSAL_KINDS];
    _Atomic uint64_t close_codes[TALLY_CLOSE_CODES];
    struct tally_recipients sent, broadcast;
};

/* Counts an answer. */
void tally_answer(struct tally *tally, enum tally_endpoint endpoint,
                  enum refusal_kind kind);

/* Counts a closed connection. */
void tally_closed(struct tally *tally, const struct hub_close_info *info);

/* Counts a message for which the hub has found that many recipients. */
void tally_recipients(struct tally_recipients *recipients, uint64_t count);

void tally_add(_Atomic uint64_t *counter, uint64_t more);
uint64_t tally_read(const _Atomic uint64_t *counter);

#endif
