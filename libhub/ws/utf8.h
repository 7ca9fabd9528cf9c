/* utf8.h - whether bytes that arrive in pieces are UTF-8 (RFC 3629). */
#ifndef HUB_UTF8_H
#define HUB_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The state of a text between two pieces. All zero at the beginning. */
struct hub__utf8 {
    uint8_t expected;  /* continuation bytes still to come */
    uint8_t low, high; /* what the next of them may be */
};

/* Takes the next piece. Returns false as soon as no continuation could be valid
 * UTF-8; the state must not be used after that. */
bool hub__utf8_feed(struct hub__utf8 *utf8, const void *data, size_t bytes);

/* Whether the text may end here. */
bool hub__utf8_complete(const struct hub__utf8 *utf8);

/* Both at once, for a complete text. */
bool hub__utf8_valid(const void *data, size_t bytes);

#endif
