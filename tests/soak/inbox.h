/* inbox.h - what a client reads: frames of a server, judged strictly by RFC
 * 6455 and by what a hub promises (one unfragmented text frame a message), and
 * the letters in them. Bytes come in pieces of any size; pure. One inbox a
 * connection, zeroed before its first byte.
 */
#ifndef SOAK_INBOX_H
#define SOAK_INBOX_H

#include <stdint.h>

#include "letter.h"

#define INBOX_CONTROL_MAX 125

enum inbox_result {
    INBOX_MORE,    /* all was used up */
    INBOX_LETTER,  /* unchanged: inbox.reader.letter */
    INBOX_ALTERED, /* a message that is no letter, or a changed one */
    INBOX_PING,    /* inbox.head + 2, inbox.head[1] bytes; PONG and CLOSE too */
    INBOX_PONG,
    INBOX_CLOSE,
    INBOX_BROKEN, /* not the protocol */
};

struct inbox {
    uint64_t left; /* payload bytes of a message that are still to come */
    bool open;     /* a message is under way */
    uint8_t kept;  /* bytes in head */
    uint8_t head[2 + INBOX_CONTROL_MAX];
    struct letter_reader reader;
};

/* Goes on from *at to the next thing worth telling, and moves *at behind it. */
enum inbox_result inbox_next(struct inbox *box, const uint8_t **at,
                             const uint8_t *end);

#endif
