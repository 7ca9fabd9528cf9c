/* inbox.h - what a client reads: a server's frames, checked strictly against
 * RFC 6455 and the hub's promises (one unfragmented text frame per message),
 * and the letters in them. Bytes come in pieces of any size; pure. One inbox
 * per connection, zeroed before its first byte.
 */
#ifndef SOAK_INBOX_H
#define SOAK_INBOX_H

#include <stdint.h>

#include "client/frame.h"
#include "letter.h"

enum inbox_result {
    INBOX_MORE,    /* all was used up */
    INBOX_LETTER,  /* unchanged: inbox.reader.letter */
    INBOX_ALTERED, /* a message that is no letter, or a changed one */
    INBOX_PING,    /* inbox.control, until the next call; PONG and CLOSE too */
    INBOX_PONG,
    INBOX_CLOSE,
    INBOX_BROKEN, /* not the protocol */
};

struct inbox {
    struct frame_reader frames;
    struct frame control;
    struct letter_reader reader;
};

/* Goes on from *at to the next thing worth telling, and moves *at behind it. */
enum inbox_result inbox_next(struct inbox *box, const uint8_t **at,
                             const uint8_t *end);

#endif
