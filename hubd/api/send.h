/* send.h - what backends call: POST /api/send and /api/broadcast.
 *
 * Threads: the front's workers.
 */
#ifndef HUBD_SEND_H
#define HUBD_SEND_H

#include <hub/hub.h>

#include "api/intake.h"
#include "api/publish.h"
#include "observe/tally.h"

struct send_context {
    hub_t *hub;
    const struct intake *intake;
    struct tally *tally;
    size_t max_message_bytes;
};

/* Answers the request. */
void send_answer(struct exchange *x, const struct send_context *context,
                 enum publish_kind kind);

#endif
