/* refresh.h - tokens that clients send while they are connected, checked by
 * threads of their own: a signature takes a loop too long.
 *
 * Threads: any.
 */
#ifndef HUBD_REFRESH_H
#define HUBD_REFRESH_H

#include <stdatomic.h>
#include <stdint.h>

#include <hub/hub.h>

#include "access/token_auth.h"
#include "base/slice.h"
#include "config/config.h"

#define REFRESH_WAITING_MAX 1024

/* What came of them, with the label in metrics. */
#define REFRESH_RESULT_MAP(X)                                                  \
    X(REFRESH_OK, "ok")                                                        \
    X(REFRESH_INVALID, "invalid")                                              \
    X(REFRESH_EXPIRED, "expired")                                              \
    X(REFRESH_MISMATCH, "mismatch") /* another user or session: 3003 */        \
    X(REFRESH_UNAVAILABLE, "unavailable")                                      \
    X(REFRESH_OVERLOADED, "overloaded")

enum refresh_result {
#define REFRESH_ENUM(name, text) name,
    REFRESH_RESULT_MAP(REFRESH_ENUM)
#undef REFRESH_ENUM
        REFRESH_RESULTS,
};

extern const char *const refresh_result_names[REFRESH_RESULTS];

struct refresh;

/* `threads` check at once. Returns NULL without memory or threads. */
struct refresh *refresh_create(hub_t *hub, struct token_auth *tokens,
                               enum session_source sessions, unsigned threads);

/* What waits is forgotten. Before the hub is destroyed. */
void refresh_destroy(struct refresh *refresh);

/* Has a token checked, which is a JSON string as it was written. Then the
 * connection lasts for as long as that one, and is told; or it is told why not.
 * Returns 0, or -1 where too many are waiting. */
int refresh_ask(struct refresh *refresh,
                const struct hub_connection *connection, struct slice token);

uint64_t refresh_count(const struct refresh *refresh,
                       enum refresh_result result);

#endif
