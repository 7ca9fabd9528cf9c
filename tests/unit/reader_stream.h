/* reader_stream.h - one stream of frames and what a reader makes of it, for the
 * tests of reader.c. There is one stream at a time, in `stream`; `expected` has
 * the events of feeding it whole.
 */
#ifndef READER_STREAM_H
#define READER_STREAM_H

#include "ws/reader.h"
#include "testing.h"

#define STREAM_LIMIT 1000

/* Bytes that a client sends. */
struct stream {
    uint8_t bytes[400000];
    size_t count;
};

/* What came of them, written out so that two of these can be compared. */
struct events {
    uint8_t text[400000];
    size_t count;
    unsigned number;
    unsigned stop_at; /* 0: never */
};

extern struct stream stream;
extern struct events expected, got;

/* Writing a stream. */
void stream_begin(void);
void stream_add(uint8_t first_byte, const void *payload, size_t bytes);
void stream_text(uint8_t first_byte, const char *text);
void stream_raw(const char *bytes, size_t count);

/* Taking events. */
void events_reset(struct events *events);
bool events_take(void *context, const struct hub__reader_event *event);

/* Feeds a copy of these bytes of the stream, with none to spare. */
int stream_feed(struct hub__reader **reader, struct events *events, size_t from,
                size_t to, size_t limit);
int stream_feed_whole(struct events *events, size_t limit);

/* In pieces of 1 to `most` bytes. Returns the status, and how many bytes it
 * took to get it. */
int stream_feed_pieces(struct events *events, size_t limit, size_t most,
                       uint64_t *seed, size_t *shown);

/* Feeds the stream in every way, which must all give the same. Returns the
 * status. */
int stream_check_splits(size_t limit);

/* The status must be this, and come with byte number `shown`. */
void stream_check_refused(int status, size_t shown);

/* The next event of `expected`. */
void stream_check_event(size_t *at, uint8_t opcode, int status,
                        const void *payload, size_t bytes);

#endif
