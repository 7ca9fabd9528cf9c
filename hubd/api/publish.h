/* publish.h - reads what a backend posts, the bodies of /api/send and
 * /api/broadcast, into a target and a message, which is the posted object's own
 * bytes.
 */
#ifndef HUBD_PUBLISH_H
#define HUBD_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <hub/hub.h>

#include "front/refusal.h"

struct publish_request {
    bool has_user, has_session;
    char user_id[HUB_ID_BYTES_MAX + 1];
    char session_id[HUB_ID_BYTES_MAX + 1];
    /* The message as posted; if it had no timestamp, with one inserted before
     * its last brace, or in place of null: then `owned` holds it. */
    const char *message;
    size_t message_bytes;
    char *owned; /* to be freed, or NULL */
};

enum publish_kind { PUBLISH_SEND, PUBLISH_BROADCAST };

/* Reads a body. `message` of the result may point into `body`. `now` is used
 * for a missing timestamp. Returns 0, or -1 and `why`, which never contains
 * bytes of the body; then there is nothing to release. */
int publish_read(struct publish_request *request, enum publish_kind kind,
                 const char *body, size_t body_bytes, size_t max_message_bytes,
                 const struct timespec *now, struct refusal *why);

void publish_release(struct publish_request *request);

#endif
