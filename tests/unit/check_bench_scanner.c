/* check_bench_scanner.c - a stream of frames yields the same whole, byte by
 * byte and split at every place; violations of RFC 6455 are detected.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "scanner.h"
#include "suite.h"

#define STREAM_MAX 400000
#define TOLD_MAX 64

struct stream {
    uint8_t bytes[STREAM_MAX];
    size_t used;
};

struct told {
    enum scan_result results[TOLD_MAX];
    uint64_t numbers[TOLD_MAX]; /* or the bytes of a control frame, summed up */
    size_t count;
};

static struct stream stream;

static void put_header(uint8_t first, size_t payload)
{
    uint8_t *at = stream.bytes + stream.used;
    size_t used = 2;

    at[0] = first;
    if (payload < 126) {
        at[1] = (uint8_t)payload;
    } else if (payload < 65536) {
        at[1] = 126;
        at[2] = (uint8_t)(payload >> 8);
        at[3] = (uint8_t)payload;
        used = 4;
    } else {
        at[1] = 127;
        for (int i = 0; i < 8; i++)
            at[2 + i] = (uint8_t)((uint64_t)payload >> (56 - 8 * i));
        used = 10;
    }
    stream.used += used;
}

static void put_frame(uint8_t first, const void *payload, size_t bytes)
{
    put_header(first, bytes);
    memcpy(stream.bytes + stream.used, payload, bytes);
    stream.used += bytes;
}

static void put_message(uint64_t number, size_t bytes)
{
    char *message = malloc(bytes);

    ck_assert_ptr_nonnull(message);
    message_write(message, bytes);
    message_set_number(message, number);
    put_frame(0x81, message, bytes);
    free(message);
}

static void tell(struct told *told, enum scan_result result,
                 const struct scan *scan)
{
    uint64_t number = 0;

    ck_assert_uint_lt(told->count, TOLD_MAX);
    if (result == SCAN_MESSAGE)
        number = scan->number;
    else if (result != SCAN_OTHER && result != SCAN_BROKEN)
        for (size_t i = 0; i < scan->payload_bytes; i++)
            number = number * 31 + scan->payload[i] + 1;
    told->results[told->count] = result;
    told->numbers[told->count++] = number;
}

static void feed(struct scanner *s, const uint8_t *from, size_t bytes,
                 struct told *told)
{
    const uint8_t *at = from, *end = from + bytes;
    struct scan scan;
    enum scan_result result;

    while ((result = scanner_next(s, &at, end, &scan)) != SCAN_MORE) {
        tell(told, result, &scan);
        if (result == SCAN_BROKEN)
            return;
    }
    ck_assert_ptr_eq(at, end);
}

/* The stream in pieces of `size`; a copy of each, so that reading over its end
 * is seen. */
static struct told scan_in_pieces(size_t size)
{
    struct scanner s = {0};
    struct told told = {.count = 0};

    for (size_t at = 0; at < stream.used; at += size) {
        size_t bytes = stream.used - at < size ? stream.used - at : size;
        uint8_t *piece = malloc(bytes);

        ck_assert_ptr_nonnull(piece);
        memcpy(piece, stream.bytes + at, bytes);
        feed(&s, piece, bytes, &told);
        free(piece);
    }
    return told;
}

static void check_same(const struct told *a, const struct told *b)
{
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        ck_assert_int_eq(a->results[i], b->results[i]);
        ck_assert_uint_eq(a->numbers[i], b->numbers[i]);
    }
}

static void check_all_cuts(const struct told *whole)
{
    for (size_t cut = 0; cut <= stream.used; cut++) {
        struct scanner s = {0};
        struct told told = {.count = 0};

        feed(&s, stream.bytes, cut, &told);
        feed(&s, stream.bytes + cut, stream.used - cut, &told);
        check_same(whole, &told);
    }
}

START_TEST(numbers_go_in_and_come_out)
{
    static const uint64_t numbers[] = {0, 1, 0xabcdef, UINT64_MAX,
                                       UINT64_C(0x0123456789abcdef)};
    char message[200];
    uint64_t number;

    message_write(message, sizeof(message));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        message_set_number(message, numbers[i]);
        ck_assert(message_number((uint8_t *)message, &number));
        ck_assert_uint_eq(number, numbers[i]);
    }
    message[MESSAGE_HEAD_BYTES + 3] = 'g';
    ck_assert(!message_number((uint8_t *)message, &number));
    message[MESSAGE_HEAD_BYTES + 3] = 'A';
    ck_assert(!message_number((uint8_t *)message, &number));
    message[0] = '[';
    ck_assert(!message_number((uint8_t *)message, &number));
}
END_TEST

START_TEST(a_message_is_as_long_as_asked_for)
{
    char message[MESSAGE_BYTES_MIN + 3];

    memset(message, '#', sizeof(message));
    message_write(message, MESSAGE_BYTES_MIN);
    ck_assert_int_eq(strncmp(message,
                             "{\"type\":\"bench\",\"payload\":"
                             "\"0000000000000000\","
                             "\"timestamp\":\"2000-01-01T00:00:00Z\"}###",
                             sizeof(message)),
                     0);
    message_write(message, MESSAGE_BYTES_MIN + 2);
    ck_assert_int_eq(strncmp(message + MESSAGE_START_BYTES, "xx\",", 4), 0);
}
END_TEST

/* All kinds of frames; returns what they are. */
static struct told put_everything(void)
{
    static const char text[] = "hello";
    char message[300];
    struct told told;

    stream.used = 0;
    message_write(message, sizeof(message));
    message_set_number(message, 77);
    put_message(1, 80);
    put_message(2, 125);
    put_frame(0x89, "ping", 4);
    put_message(3, 126);
    put_frame(0x81, text, 5);
    put_frame(0x82, "", 0);
    put_frame(0x81, message, 43);  /* no more than a start */
    put_frame(0x81, message, 42);  /* less than that */
    put_frame(0x01, message, 100); /* in three fragments */
    put_frame(0x89, message, 125); /* with a ping in between */
    put_frame(0x00, message + 100, 100);
    put_frame(0x80, message + 200, 100);
    put_frame(0x01, "", 0);
    put_frame(0x80, text, 5);
    put_frame(0x8a, "", 0);
    put_message(4, 700);
    put_frame(0x88, "\x03\xe8", 2);
    told = scan_in_pieces(STREAM_MAX);
    return told;
}

START_TEST(every_kind_of_frame_is_told)
{
    static const enum scan_result wanted[] = {
        SCAN_MESSAGE, SCAN_MESSAGE, SCAN_PING,    SCAN_MESSAGE, SCAN_OTHER,
        SCAN_OTHER,   SCAN_MESSAGE, SCAN_OTHER,   SCAN_PING,    SCAN_MESSAGE,
        SCAN_OTHER,   SCAN_PONG,    SCAN_MESSAGE, SCAN_CLOSE,
    };
    struct told told = put_everything();

    ck_assert_uint_eq(told.count, sizeof(wanted) / sizeof(wanted[0]));
    for (size_t i = 0; i < told.count; i++)
        ck_assert_int_eq(told.results[i], wanted[i]);
    ck_assert_uint_eq(told.numbers[0], 1);
    ck_assert_uint_eq(told.numbers[1], 2);
    ck_assert_uint_eq(told.numbers[3], 3);
    ck_assert_uint_eq(told.numbers[6], 77);
    ck_assert_uint_eq(told.numbers[9], 77);
    ck_assert_uint_eq(told.numbers[12], 4);
}
END_TEST

START_TEST(pieces_of_any_size_tell_the_same)
{
    struct told whole = put_everything();

    for (size_t size = 1; size < 200; size++) {
        struct told told = scan_in_pieces(size);

        check_same(&whole, &told);
    }
    check_all_cuts(&whole);
}
END_TEST

START_TEST(long_messages_are_counted_off)
{
    struct told whole;

    stream.used = 0;
    put_message(1, 65535);
    put_message(2, 65536);
    put_message(3, 200000);
    put_message(4, 80);
    whole = scan_in_pieces(STREAM_MAX);
    ck_assert_uint_eq(whole.count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(whole.results[i], SCAN_MESSAGE);
        ck_assert_uint_eq(whole.numbers[i], i + 1);
    }
    for (size_t size = 1; size < 100000; size = size * 3 + 1) {
        struct told told = scan_in_pieces(size);

        check_same(&whole, &told);
    }
}
END_TEST

START_TEST(a_message_counts_when_its_last_byte_is_there)
{
    struct scanner s = {0};
    struct told told = {.count = 0};

    stream.used = 0;
    put_message(9, 170);
    feed(&s, stream.bytes, stream.used - 1, &told);
    ck_assert_uint_eq(told.count, 0);
    feed(&s, stream.bytes + stream.used - 1, 1, &told);
    ck_assert_uint_eq(told.count, 1);
    ck_assert_uint_eq(told.numbers[0], 9);
}
END_TEST

START_TEST(what_breaks_the_protocol_is_noticed)
{
    static const struct {
        const char *bytes;
        size_t count;
    } rows[] = {
        {"\x81\x85hello....", 11}, /* masked */
        {"\xc1\x00", 2},           /* a reserved bit */
        {"\x83\x00", 2},           /* opcodes that are none */
        {"\x87\x00", 2},
        {"\x8b\x00", 2},
        {"\x8f\x00", 2},
        {"\x09\x00", 2},                    /* a fragmented ping */
        {"\x89\x7e\x00\x7e", 4},            /* a long one */
        {"\x80\x00", 2},                    /* nothing to continue */
        {"\x01\x00\x81\x00", 4},            /* not finished */
        {"\x81\x7f\x80\0\0\0\0\0\0\0", 10}, /* a length below zero */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct told told;

        stream.used = rows[i].count;
        memcpy(stream.bytes, rows[i].bytes, rows[i].count);
        told = scan_in_pieces(STREAM_MAX);
        ck_assert_msg(told.count == 1 && told.results[0] == SCAN_BROKEN,
                      "row %zu", i);
        told = scan_in_pieces(1);
        ck_assert_msg(told.count >= 1 && told.results[0] == SCAN_BROKEN,
                      "row %zu by bytes", i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_scanner");
    TCase *tc = tcase_create("bench_scanner");

    tcase_add_test(tc, numbers_go_in_and_come_out);
    tcase_add_test(tc, a_message_is_as_long_as_asked_for);
    tcase_add_test(tc, every_kind_of_frame_is_told);
    tcase_add_test(tc, pieces_of_any_size_tell_the_same);
    tcase_add_test(tc, long_messages_are_counted_off);
    tcase_add_test(tc, a_message_counts_when_its_last_byte_is_there);
    tcase_add_test(tc, what_breaks_the_protocol_is_noticed);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
