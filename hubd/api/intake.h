/* intake.h - what all POST requests of backends have in common: the checks of
 * the head, reading the body, and the ids in it.
 *
 * Threads: the front's workers.
 */
#ifndef HUBD_INTAKE_H
#define HUBD_INTAKE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <hub/hub.h>

#include "access/auth.h"
#include "base/json.h"
#include "front/body.h"
#include "front/exchange.h"
#include "resources/memory.h"

struct intake {
    struct auth *auth;
    struct memory *memory;
    const _Atomic bool *draining;
    int64_t read_timeout_ms;
};

/* Checks the head and reads a body of at most `bytes_max` bytes. Returns 0, or
 * -1 and `why` with nothing to release. */
int intake_read(struct body *body, struct exchange *x,
                const struct intake *intake, size_t bytes_max,
                struct refusal *why);

/* Rejects a body that is not JSON, naming the place. Returns -1. */
int intake_refuse_json(struct refusal *why, const char *body,
                       const struct json_error *problem);

/* Reads an id from a value that json_scan() has reported. Returns NULL, or what
 * is wrong with it, as a phrase to follow the id's name. */
const char *intake_read_id(enum json_type type, struct slice text,
                           char out[HUB_ID_BYTES_MAX + 1]);

#endif
