/* send.h - what backends call: POST /api/send and /api/broadcast.
 *
 * Threads: the front's workers.
 */
#ifndef HUBD_SEND_H
#define HUBD_SEND_H

#include <stdatomic.h>
#include <stdbool.h>

#include <hub/hub.h>

#include "access/auth.h"
#include "api/publish.h"
#include "front/exchange.h"
#include "observe/tally.h"
#include "resources/memory.h"

struct send_context {
    hub_t *hub;
    struct auth *auth;
    struct memory *memory;
    struct tally *tally;
    const _Atomic bool *draining;
    size_t max_message_bytes;
    int64_t read_timeout_ms;
};

/* Answers the request. */
void send_answer(struct exchange *x, const struct send_context *context,
                 enum publish_kind kind);

#endif
