/* inbox.c - see inbox.h. A header, and all of a control frame, is put together
 * in inbox.head; payload of messages goes to the reader as it comes.
 */
#include "inbox.h"

#include <string.h>

#define FIN_TEXT 0x81
#define FIN_CLOSE 0x88
#define FIN_PING 0x89
#define FIN_PONG 0x8a

/* How many bytes of a frame's start are needed, as far as `kept` of them tell.
 */
static size_t wanted(const struct inbox *box)
{
    if (box->kept < 2)
        return 2;
    if (box->head[0] != FIN_TEXT)
        return box->head[1] <= INBOX_CONTROL_MAX ? 2u + box->head[1] : 2;
    return box->head[1] == 127 ? 10 : box->head[1] == 126 ? 4 : 2;
}

static enum inbox_result take_control(const struct inbox *box)
{
    if (box->head[1] > INBOX_CONTROL_MAX)
        return INBOX_BROKEN;
    switch (box->head[0]) {
    case FIN_CLOSE:
        return box->head[1] == 1 ? INBOX_BROKEN : INBOX_CLOSE;
    case FIN_PING:
        return INBOX_PING;
    case FIN_PONG:
        return INBOX_PONG;
    default:
        return INBOX_BROKEN;
    }
}

/* The start of a frame is complete. INBOX_MORE: a message's payload follows. */
static enum inbox_result take_start(struct inbox *box)
{
    uint64_t bytes = 0;

    if (box->head[0] != FIN_TEXT)
        return take_control(box);
    if ((box->head[1] & 0x80) != 0)
        return INBOX_BROKEN; /* masked */
    for (unsigned i = 2; i < box->kept; i++)
        bytes = bytes << 8 | box->head[i];
    if (box->kept == 2)
        bytes = box->head[1];
    if ((box->kept == 4 && bytes < 126) || (box->kept == 10 && bytes < 65536))
        return INBOX_BROKEN; /* not the shortest way to write it */
    box->left = bytes;
    box->open = true;
    letter_begin(&box->reader);
    return INBOX_MORE;
}

enum inbox_result inbox_next(struct inbox *box, const uint8_t **at,
                             const uint8_t *end)
{
    enum inbox_result result;
    uint64_t part;

    for (;;) {
        while (!box->open) {
            size_t want = wanted(box);

            if (box->kept < want) {
                part = want - box->kept;
                part =
                    (uint64_t)(end - *at) < part ? (uint64_t)(end - *at) : part;
                memcpy(box->head + box->kept, *at, part);
                box->kept = (uint8_t)(box->kept + part);
                *at += part;
                if (box->kept < want)
                    return INBOX_MORE;
                continue; /* two bytes tell how many it takes */
            }
            result = take_start(box);
            box->kept = 0;
            if (result != INBOX_MORE)
                return result;
        }
        part = (uint64_t)(end - *at) < box->left ? (uint64_t)(end - *at)
                                                 : box->left;
        letter_feed(&box->reader, *at, part);
        *at += part;
        box->left -= part;
        if (box->left > 0)
            return INBOX_MORE;
        box->open = false;
        return letter_end(&box->reader) ? INBOX_LETTER : INBOX_ALTERED;
    }
}
