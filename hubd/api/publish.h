/* publish.h - what a backend posts: the bodies of /api/send and
 * /api/broadcast, read into a target and a message that is the posted object's
 * own bytes.
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
    /* The message as posted; with a timestamp put in before its last brace, or
     * in the place of null, when it had none: `owned` holds it then. */
    const char *message;
    size_t message_bytes;
    char *owned; /* to be freed, or NULL */
};

enum publish_kind { PUBLISH_SEND, PUBLISH_BROADCAST };

/* Reads a body. `message` of the result may point into `body`. `now` is the
 * time a missing timestamp gets. Returns 0, or -1 and `why`, in which no byte
 * of the body ever shows up and after which there is nothing to release. */
int publish_read(struct publish_request *request, enum publish_kind kind,
                 const char *body, size_t body_bytes, size_t max_message_bytes,
                 const struct timespec *now, struct refusal *why);

void publish_release(struct publish_request *request);

#endif
