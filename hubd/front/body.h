/* body.h - the body of a request: all of it, within one deadline and the memory
 * that bodies may use, or nothing.
 *
 * Threads: the worker that has the request.
 */
#ifndef HUBD_BODY_H
#define HUBD_BODY_H

#include "front/exchange.h"
#include "front/refusal.h"
#include "resources/memory.h"

struct body {
    char *bytes;
    size_t count;
    size_t size;           /* allocated, and charged to `memory` */
    struct memory *memory; /* shared */
};

struct body_limits {
    size_t bytes;
    int64_t timeout_ms;
    struct memory *memory;
};

/* Returns 0, or -1 and `why` with nothing to release. */
int body_read(struct body *body, struct exchange *x,
              const struct body_limits *limits, struct refusal *why);

void body_release(struct body *body);

#endif
