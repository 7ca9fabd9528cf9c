/* publish_outcome.h - a body that was read as a request of /api/send or
 * /api/broadcast, and the outcome.
 *
 * Bodies are read from heap copies of exact size, so that AddressSanitizer
 * detects reads past the end.
 */
#ifndef HUB_PUBLISH_OUTCOME_H
#define HUB_PUBLISH_OUTCOME_H

#include <stddef.h>
#include <time.h>

#include "api/publish.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define LIMIT ((size_t)512 * 1024)
#define MESSAGE "{\"type\":\"t\",\"payload\":1,\"timestamp\":\"2026-01-02\"}"

/* A body, what was read from it, or the error. */
struct outcome {
    char *body;
    int result;
    struct publish_request request;
    struct refusal error;
};

extern const struct timespec outcome_now; /* 2026-01-02T03:04:05.678Z */

/* At that time. */
struct outcome read_bytes(enum publish_kind kind, const char *body,
                          size_t bytes, size_t limit);
struct outcome read_text(enum publish_kind kind, const char *body);
void drop(struct outcome *o);

void check_refused(enum publish_kind kind, const char *body, int status,
                   const char *code, const char *message);
void check_message(const struct outcome *o, const char *expected, size_t bytes);

#endif
