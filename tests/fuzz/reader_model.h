/* reader_model.h - what a stream of a client's bytes means by RFC 6455, byte by
 * byte: the events, and the status that ends it at the very byte that reveals
 * the error.
 */
#ifndef TESTS_FUZZ_READER_MODEL_H
#define TESTS_FUZZ_READER_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_STREAM_MAX 12288

/* A limit of the hub's own: the fragments of a message that has brought no
 * byte, and the bytes that buy it one more. */
#define MODEL_FRAGMENTS_FREE 1024
#define MODEL_FRAGMENT_BYTES 64

struct model_event {
    uint8_t opcode;
    int status;       /* of a Close */
    size_t at, bytes; /* in `payloads` */
};

struct model {
    struct model_event events[MODEL_STREAM_MAX / 6];
    size_t event_count;
    uint8_t payloads[MODEL_STREAM_MAX]; /* of all events */
    size_t payload_bytes;
    int status;      /* 0: nothing wrong so far */
    size_t shown_by; /* how many bytes it took to see the status */
    bool in_flight;  /* the stream ends inside a frame or a message */
    size_t began;    /* where that began */
};

void model_read(struct model *model, const uint8_t *stream, size_t bytes,
                size_t max_message_bytes);

#endif
