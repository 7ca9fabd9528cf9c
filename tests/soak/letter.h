/* letter.h - the messages of the soak test. Each says who sent it, which one it
 * is and for whom, and carries a sum over all of that and its filling, so that
 * the receiver can tell whether a byte was changed:
 *
 *     {"type":"s","payload":"<sum><number><lane><seq><user><session><bytes>
 *     <stamp>filling…"}
 *
 * (without the line break, all numbers in hex). Some bring a timestamp; to the
 * others the hub adds one, which is the only change that is allowed.
 */
#ifndef SOAK_LETTER_H
#define SOAK_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LETTER_HEAD "{\"type\":\"s\",\"payload\":\""
#define LETTER_HEAD_BYTES (sizeof(LETTER_HEAD) - 1)
#define LETTER_SUM_BYTES 16
#define LETTER_FIELDS_BYTES (8 + 2 + 8 + 4 + 4 + 6 + 1)
#define LETTER_START_BYTES                                                     \
    (LETTER_HEAD_BYTES + LETTER_SUM_BYTES + LETTER_FIELDS_BYTES)
#define LETTER_TAIL_MAX 64
#define LETTER_BYTES_MIN (LETTER_START_BYTES + 2)
#define LETTER_STAMPED_MIN (LETTER_BYTES_MIN + 37) /* with its timestamp */

#define LETTER_ANY 0xffff /* no user, no session; neither: everybody */

struct letter {
    uint32_t number; /* of all messages */
    uint32_t seq;    /* within its lane */
    uint32_t bytes;  /* as posted */
    uint16_t user, session;
    uint8_t lane;
    bool stamped; /* brings its own timestamp */
};

struct letter_sum {
    uint64_t value;
    uint8_t rest[8]; /* of a word cut in two */
    unsigned kept;   /* bytes in rest */
};

/* A letter that is being read, in pieces of any size. */
struct letter_reader {
    uint64_t got;
    struct letter_sum sum;
    struct letter letter; /* once its start is there */
    uint64_t expected;    /* the sum it claims */
    bool broken;
    uint8_t tail_bytes;
    char start[LETTER_START_BYTES];
    char tail[LETTER_TAIL_MAX];
};

/* Once, before the first letter. */
void letter_init(void);

/* Writes l->bytes bytes, at least LETTER_BYTES_MIN (LETTER_STAMPED_MIN). */
void letter_write(char *out, const struct letter *l);

void letter_begin(struct letter_reader *r);
void letter_feed(struct letter_reader *r, const uint8_t *data, size_t bytes);

/* All bytes are there. Returns whether they are a letter's, unchanged. */
bool letter_end(const struct letter_reader *r);

#endif
