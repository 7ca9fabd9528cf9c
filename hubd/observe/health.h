/* health.h - the state of the server: /health, /livez and /readyz.
 *
 * Threads: civetweb's workers; health_is_stuck() any.
 */
#ifndef HUBD_HEALTH_H
#define HUBD_HEALTH_H

#include <stdatomic.h>
#include <stdbool.h>

#include <hub/hub.h>

#include "front/exchange.h"

struct health {
    hub_t *hub;
    const _Atomic bool *draining;
    const char *node; /* its name */
};

/* Whether an event loop has not turned for so long that it counts as stuck.
 * Right after the whole process was suspended, this may be wrong; check twice.
 */
bool health_is_stuck(const struct hub_stats *stats);

/* Each answers the request. */
void health_answer(struct exchange *x, const struct health *health);
void health_answer_alive(struct exchange *x, const struct health *health);
void health_answer_ready(struct exchange *x, const struct health *health);
/* OPTIONS for the server as a whole: the same as ready, and the allowed
 * methods. */
void health_answer_options(struct exchange *x, const struct health *health);

#endif
