/* reader_stream.c - see reader_stream.h. */
#include "reader_stream.h"

#include <stdlib.h>
#include <string.h>

struct stream stream;
struct events expected, got;

void stream_add(uint8_t first_byte, const void *payload, size_t bytes)
{
    ck_assert_uint_lt(stream.count + bytes + 14, sizeof stream.bytes);
    stream.count +=
        testing_frame(stream.bytes + stream.count, first_byte, payload, bytes);
}

void stream_text(uint8_t first_byte, const char *text)
{
    stream_add(first_byte, text, strlen(text));
}

void stream_raw(const char *bytes, size_t count)
{
    memcpy(stream.bytes + stream.count, bytes, count);
    stream.count += count;
}

void stream_begin(void)
{
    stream.count = 0;
}

static void put(struct events *e, const void *bytes, size_t count)
{
    if (e->count + count > sizeof e->text)
        ck_abort_msg("too many events");
    if (count > 0)
        memcpy(e->text + e->count, bytes, count);
    e->count += count;
}

bool events_take(void *context, const struct hub__reader_event *event)
{
    struct events *e = context;

    put(e, &event->opcode, 1);
    put(e, &event->status, sizeof event->status);
    put(e, &event->payload_bytes, sizeof event->payload_bytes);
    put(e, event->payload, event->payload_bytes);
    return ++e->number != e->stop_at;
}

int stream_feed(struct hub__reader **reader, struct events *e, size_t from,
                size_t to, size_t limit)
{
    const struct hub__reader_limits limits = {.message_bytes = limit};
    uint8_t *copy = malloc(to - from);
    int status;

    if (copy == NULL)
        ck_abort_msg("no memory");
    memcpy(copy, stream.bytes + from, to - from);
    status =
        hub__reader_feed(reader, copy, to - from, &limits, 1, events_take, e);
    free(copy);
    return status;
}

int stream_feed_whole(struct events *e, size_t limit)
{
    struct hub__reader *reader = NULL;
    int status = stream_feed(&reader, e, 0, stream.count, limit);

    hub__reader_drop(&reader);
    return status;
}

int stream_feed_pieces(struct events *e, size_t limit, size_t most,
                       uint64_t *seed, size_t *shown)
{
    struct hub__reader *reader = NULL;
    int status = 0;
    size_t at = 0;

    while (at < stream.count && status == 0 &&
           (e->stop_at == 0 || e->number < e->stop_at)) {
        size_t bytes = most == 1 ? 1 : testing_random(seed) % most + 1;

        if (bytes > stream.count - at)
            bytes = stream.count - at;
        status = stream_feed(&reader, e, at, at + bytes, limit);
        at += bytes;
    }
    hub__reader_drop(&reader);
    *shown = at;
    return status;
}

static void compare(int status, int other, const char *how)
{
    if (status != other || expected.number != got.number ||
        expected.count != got.count ||
        memcmp(expected.text, got.text, got.count) != 0)
        ck_abort_msg("%s: status %d, not %d; %u events, not %u", how, other,
                     status, got.number, expected.number);
}

void events_reset(struct events *e)
{
    e->count = e->number = e->stop_at = 0;
}

int stream_check_splits(size_t limit)
{
    uint64_t seed = 99;
    size_t shown;
    int status;

    events_reset(&expected);
    status = stream_feed_whole(&expected, limit);
    events_reset(&got);
    compare(status, stream_feed_pieces(&got, limit, 1, &seed, &shown),
            "single bytes");
    for (size_t split = 1; split < stream.count && stream.count < 3000;
         split++) {
        struct hub__reader *reader = NULL;
        int result;

        events_reset(&got);
        result = stream_feed(&reader, &got, 0, split, limit);
        if (result == 0)
            result = stream_feed(&reader, &got, split, stream.count, limit);
        hub__reader_drop(&reader);
        compare(status, result, "split in two");
    }
    for (int round = 0; round < 100; round++) {
        events_reset(&got);
        compare(status, stream_feed_pieces(&got, limit, 40, &seed, &shown),
                "split at random");
    }
    return status;
}

void stream_check_refused(int status, size_t shown)
{
    size_t bytes;

    ck_assert_int_eq(stream_check_splits(STREAM_LIMIT), status);
    events_reset(&got);
    ck_assert_int_eq(stream_feed_pieces(&got, STREAM_LIMIT, 1, NULL, &bytes),
                     status);
    ck_assert_msg(bytes == shown, "shown by byte %zu, seen at %zu", shown,
                  bytes);
}

void stream_check_event(size_t *at, uint8_t opcode, int status,
                        const void *payload, size_t bytes)
{
    int its_status;
    size_t its_bytes;

    ck_assert_uint_lt(*at, expected.count);
    ck_assert_uint_eq(expected.text[*at], opcode);
    memcpy(&its_status, expected.text + *at + 1, sizeof its_status);
    memcpy(&its_bytes, expected.text + *at + 1 + sizeof its_status,
           sizeof its_bytes);
    *at += 1 + sizeof its_status + sizeof its_bytes;
    ck_assert_int_eq(its_status, status);
    ck_assert_uint_eq(its_bytes, bytes);
    ck_assert(bytes == 0 || memcmp(expected.text + *at, payload, bytes) == 0);
    *at += bytes;
}
