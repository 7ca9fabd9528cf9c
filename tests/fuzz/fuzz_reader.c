/* fuzz_reader.c - the frame reader compared with a model of RFC 6455: however a
 * client's bytes are split, the events and their payloads are those of the
 * model, and errors come at the byte that the model names.
 *
 * Input: three bytes of choices (see choose()), then the stream; or a script of
 * frames, for a stream whose lengths are right (see write_script()).
 */
#include "fuzz.h"
#include "reader_model.h"

#include <string.h>

#include "base/mem.h"
#include "ws/reader.h"

#define SPLIT_MAX 1024 /* longer streams only come in larger pieces */
#define WHOLE SIZE_MAX /* as one piece */

/* Frames: more than a message may have fragments, unless they bring much. */
#define REPEATED_MAX 1100

struct choices {
    bool script;
    size_t limit;
    size_t stop_at;   /* the event after which nothing more is wanted */
    uint32_t seed;    /* of the splits */
    unsigned fail_at; /* the allocation that fails; 0: none */
};

static struct choices choose(const uint8_t *data)
{
    static const size_t limits[] = {1, 2, 125, 126, 1000, 4096, 65536, 1 << 30};

    return (struct choices){
        .script = data[0] & 1,
        .limit = limits[data[0] >> 1 & 7],
        .stop_at = data[0] >> 4 == 0 ? SIZE_MAX : data[0] >> 4,
        .seed = data[1],
        .fail_at = data[2] & 15,
    };
}

/* Writing streams. ------------------------------------------------------ */

struct stream {
    uint8_t bytes[MODEL_STREAM_MAX];
    size_t used;
};

static struct stream stream;

static void put(const void *bytes, size_t count)
{
    if (count > sizeof(stream.bytes) - stream.used)
        count = sizeof(stream.bytes) - stream.used;
    memcpy(stream.bytes + stream.used, bytes, count);
    stream.used += count;
}

static void put_frame(uint8_t flags, const uint8_t *payload, size_t bytes)
{
    uint8_t key[4] = {flags, (uint8_t)bytes, 0x5A, 0};
    uint8_t header[4] = {flags, (uint8_t)(0x80 | bytes)};
    uint8_t masked[4096];

    if (bytes > 125) {
        header[1] = 0x80 | 126;
        header[2] = (uint8_t)(bytes >> 8);
        header[3] = (uint8_t)bytes;
    }
    for (size_t i = 0; i < bytes; i++)
        masked[i] = payload[i] ^ key[i % 4];
    put(header, bytes > 125 ? 4 : 2);
    put(key, sizeof(key));
    put(masked, bytes);
}

/* Takes records of two bytes, flags and length, and the payload behind them.
 * Flags 0x7x, which no frame may have, stand for more than one frame or for a
 * long one. */
static void write_script(const uint8_t *data, size_t bytes)
{
    size_t begin = 0;

    while (bytes >= 2) {
        uint8_t flags = data[0];
        size_t length = data[1];

        data += 2;
        bytes -= 2;
        if (flags == 0x70) {
            size_t end = stream.used;

            for (size_t i = 0; i < length * 5 && i < REPEATED_MAX; i++)
                put(stream.bytes + begin, end - begin);
            continue;
        }
        begin = stream.used;
        if (flags >> 4 == 7) {
            static const uint8_t zeros[4096];

            put_frame(flags & 2 ? 0x82 : 0x01, zeros, length * 16);
            continue;
        }
        if (length > bytes)
            length = bytes;
        put_frame(flags, data, length);
        data += length;
        bytes -= length;
    }
}

/* Feeding them. --------------------------------------------------------- */

static struct model model;

struct run {
    size_t stop_at, events;
    unsigned allocations, fail_at;
};

static int allow(void *context, size_t bytes)
{
    struct run *run = context;

    (void)bytes;
    return ++run->allocations != run->fail_at;
}

/* Each event must be the model's next one. */
static bool take(void *context, const struct hub__reader_event *event)
{
    struct run *run = context;
    const struct model_event *wanted = &model.events[run->events];

    REQUIRE(run->events < model.event_count);
    REQUIRE(event->opcode == wanted->opcode);
    REQUIRE(event->status == wanted->status);
    REQUIRE(event->payload_bytes == wanted->bytes);
    REQUIRE(wanted->bytes == 0 ||
            memcmp(event->payload, model.payloads + wanted->at,
                   wanted->bytes) == 0);
    return ++run->events < run->stop_at;
}

/* Without a limit: it only counts. */
static struct hub__budget budget = {.limit = SIZE_MAX};

/* Feeds one piece from memory of its own. The time is where the piece lies. */
static int feed(struct hub__reader **reader, struct run *run, size_t at,
                size_t bytes, size_t limit)
{
    const struct hub__reader_limits limits = {limit, &budget};
    uint8_t small[16];
    uint8_t *copy =
        bytes <= sizeof(small) ? small + sizeof(small) - bytes : malloc(bytes);
    int status;

    REQUIRE(copy != NULL);
    memcpy(copy, stream.bytes + at, bytes);
    status =
        hub__reader_feed(reader, copy, bytes, &limits, (int64_t)at, take, run);
    if (bytes > sizeof(small))
        free(copy);
    return status;
}

/* What is in flight takes no more memory than came, or twice that. */
static void check_memory(const struct hub__reader *reader, size_t limit)
{
    if (reader == NULL)
        return;
    REQUIRE(reader->message_size <= limit);
    REQUIRE(reader->message_size <= 2 * reader->message_bytes);
    REQUIRE(hub__budget_used(&budget) == reader->message_size);
}

static void check_rest(const struct hub__reader *reader, size_t piece_began)
{
    REQUIRE((reader != NULL) == model.in_flight);
    if (reader != NULL)
        REQUIRE(reader->started_ms == (int64_t)piece_began);
}

static void check_pieces(const struct choices *choices, size_t most)
{
    struct hub__reader *reader = NULL;
    struct run run = {.stop_at = choices->stop_at, .fail_at = choices->fail_at};
    uint32_t seed = choices->seed;
    size_t at = 0, piece_began = 0;
    int status = 0;

    hub__mem_set_hook(allow, &run);
    while (at < stream.used && status == 0 && run.events < run.stop_at) {
        size_t piece = most == WHOLE ? SIZE_MAX : fuzz_draw(&seed, most) + 1;

        if (piece > stream.used - at)
            piece = stream.used - at;
        if (at <= model.began)
            piece_began = at;
        status = feed(&reader, &run, at, piece, choices->limit);
        at += piece;
        if (status == 0)
            check_memory(reader, choices->limit);
        if (status == 0 && run.events < run.stop_at)
            REQUIRE(at < model.shown_by || model.status == 0);
    }
    if (run.fail_at > 0 && run.allocations >= run.fail_at) {
        REQUIRE(status == HUB__WS_INTERNAL_ERROR);
    } else if (run.events < run.stop_at) {
        REQUIRE(status == model.status);
        REQUIRE(run.events == model.event_count);
        if (status == 0)
            check_rest(reader, piece_began);
        else
            REQUIRE(most > 1 || at == model.shown_by);
    } else {
        REQUIRE(status == 0);
    }
    hub__reader_drop(&reader);
    REQUIRE(hub__budget_used(&budget) == 0);
    hub__mem_set_hook(NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct choices choices;

    if (bytes < 3)
        return 0;
    choices = choose(data);
    stream.used = 0;
    if (choices.script)
        write_script(data + 3, bytes - 3);
    else
        put(data + 3, bytes - 3);
    model_read(&model, stream.bytes, stream.used, choices.limit);

    check_pieces(&choices, WHOLE);
    choices.fail_at = 0;
    check_pieces(&choices, 100);
    if (stream.used <= SPLIT_MAX) {
        check_pieces(&choices, 1);
        check_pieces(&choices, 7);
    }
    return 0;
}
