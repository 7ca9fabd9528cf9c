/* check_bench_frame.c - a server can read what the client writes; the client
 * reads a server's frames, whole and in pieces, and detects invalid ones.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "client/frame.h"
#include "suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define STREAM_MAX 200000
#define TOLD_MAX 32

static const uint8_t mask[FRAME_MASK_BYTES] = {0x37, 0xfa, 0x21, 0x3d};

/* Writing. -------------------------------------------------------------- */

START_TEST(the_example_of_the_rfc)
{
    /* RFC 6455 5.7 */
    static const uint8_t wanted[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                     0x7f, 0x9f, 0x4d, 0x51, 0x58};
    uint8_t frame[5 + FRAME_OWN_HEADER_MAX];

    ck_assert_uint_eq(
        frame_write(frame, FRAME_FIN | FRAME_TEXT, "Hello", 5, mask),
        sizeof(wanted));
    ck_assert_mem_eq(frame, wanted, sizeof(wanted));
}
END_TEST

START_TEST(a_length_is_written_in_its_shortest_form)
{
    static const struct {
        size_t payload, header;
        uint8_t start[10];
    } rows[] = {
        {0, 6, {0x82, 0x80}},
        {125, 6, {0x82, 0xfd}},
        {126, 8, {0x82, 0xfe, 0, 126}},
        {65535, 8, {0x82, 0xfe, 0xff, 0xff}},
        {65536, 14, {0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0}},
    };
    static uint8_t payload[65536], frame[65536 + FRAME_OWN_HEADER_MAX];

    memset(payload, 'a', sizeof(payload));
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t header = rows[i].header;

        ck_assert_uint_eq(
            frame_write(frame, 0x82, payload, rows[i].payload, mask),
            header + rows[i].payload);
        ck_assert_mem_eq(frame, rows[i].start, header - FRAME_MASK_BYTES);
        ck_assert_mem_eq(frame + header - FRAME_MASK_BYTES, mask, sizeof(mask));
        for (size_t at = 0; at < rows[i].payload; at++)
            ck_assert_uint_eq(frame[header + at] ^ mask[at % 4], 'a');
    }
}
END_TEST

START_TEST(nothing_is_read_of_no_payload)
{
    uint8_t frame[FRAME_OWN_HEADER_MAX];

    ck_assert_uint_eq(frame_write(frame, 0x89, NULL, 0, mask), 6);
}
END_TEST

/* Reading. -------------------------------------------------------------- */

static uint8_t stream[STREAM_MAX];
static size_t used;

static void put(uint8_t first, const void *payload, size_t bytes)
{
    uint8_t *at = stream + used;
    size_t header = bytes < 126 ? 2 : bytes < 65536 ? 4 : 10;

    at[0] = first;
    at[1] = (uint8_t)(header == 2 ? bytes : header == 4 ? 126u : 127u);
    for (size_t i = 2; i < header; i++)
        at[i] = (uint8_t)((uint64_t)bytes >> (8 * (header - 1 - i)));
    memcpy(at + header, payload, bytes);
    used += header + bytes;
}

/* Every kind of frame there is, and the longest ones if they are wanted. */
static void put_everything(bool long_ones)
{
    static uint8_t text[70000];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 31);
    used = 0;
    put(0x81, text, 0);
    put(0x81, text, 125);
    put(0x89, text, 125);
    put(0x82, text, 126);
    put(0x01, text, 300);
    put(0x8a, text, 0);
    put(0x00, text, 7);
    put(0x80, text, 20);
    put(0x88, "\x03\xe8", 2);
    if (!long_ones)
        return;
    put(0x81, text, 65535);
    put(0x81, text, 70000);
}

struct told {
    unsigned first[TOLD_MAX];
    size_t payload[TOLD_MAX];
    uint32_t sum[TOLD_MAX]; /* of the payload */
    size_t count;
};

static void add(struct told *told, const uint8_t *bytes, size_t count)
{
    uint32_t *sum = &told->sum[told->count - 1];

    for (size_t i = 0; i < count; i++)
        *sum = *sum * 31 + bytes[i];
    told->payload[told->count - 1] += count;
}

static enum frame_result feed(struct frame_reader *r, size_t look,
                              const uint8_t *at, const uint8_t *end,
                              struct told *told)
{
    for (;;) {
        const uint8_t *from;

        if (r->left == 0) {
            struct frame frame;
            enum frame_result result = frame_next(r, look, &at, end, &frame);

            if (result == FRAME_MORE || result == FRAME_BROKEN)
                return result;
            ck_assert_uint_lt(told->count, TOLD_MAX);
            told->first[told->count] = frame.first;
            told->payload[told->count] = told->sum[told->count] = 0;
            told->count++;
            add(told, frame.payload, frame.payload_bytes);
        }
        from = at;
        add(told, from, frame_payload(r, &at, end));
        if (r->left != 0)
            return FRAME_MORE;
    }
}

/* The stream in pieces of `size`; a copy of each, so that reading over its end
 * is seen. */
static struct told read_in_pieces(size_t size, size_t look)
{
    struct frame_reader r = {0};
    struct told told = {.count = 0};

    for (size_t at = 0; at < used; at += size) {
        size_t bytes = used - at < size ? used - at : size;
        uint8_t *piece = malloc(bytes);

        ck_assert_ptr_nonnull(piece);
        memcpy(piece, stream + at, bytes);
        ck_assert_int_eq(feed(&r, look, piece, piece + bytes, &told),
                         FRAME_MORE);
        free(piece);
    }
    ck_assert_uint_eq(r.left + r.kept, 0);
    ck_assert(!r.open);
    return told;
}

static void check_pieces(const struct told *whole, size_t size, size_t look)
{
    struct told told = read_in_pieces(size, look);

    ck_assert_uint_eq(told.count, whole->count);
    for (size_t i = 0; i < whole->count; i++) {
        ck_assert_uint_eq(told.first[i], whole->first[i]);
        ck_assert_uint_eq(told.payload[i], whole->payload[i]);
        ck_assert_uint_eq(told.sum[i], whole->sum[i]);
    }
}

START_TEST(pieces_of_any_size_are_the_same_frames)
{
    static const unsigned firsts[] = {0x81, 0x81, 0x89, 0x82, 0x01,
                                      0x8a, 0x00, 0x80, 0x88};
    struct told whole;

    put_everything(false);
    whole = read_in_pieces(STREAM_MAX, 0);
    ck_assert_uint_eq(whole.count, COUNT(firsts));
    for (size_t i = 0; i < whole.count; i++)
        ck_assert_uint_eq(whole.first[i], firsts[i]);
    for (size_t size = 1; size < 200; size++)
        check_pieces(&whole, size, size % 3 * 20);
}
END_TEST

START_TEST(so_are_long_ones)
{
    struct told whole;

    put_everything(true);
    whole = read_in_pieces(STREAM_MAX, 0);
    ck_assert_uint_eq(whole.count, 11);
    ck_assert_uint_eq(whole.payload[9], 65535);
    ck_assert_uint_eq(whole.payload[10], 70000);
    for (size_t size = 1; size < STREAM_MAX; size = size * 3 + 1)
        check_pieces(&whole, size, size % 3 * 20);
}
END_TEST

START_TEST(as_much_as_is_asked_for_is_looked_at_in_one_piece)
{
    static const uint8_t text[] = "0123456789abcdef";
    static const struct {
        size_t payload, look, looked;
    } rows[] = {{16, 10, 10}, {10, 10, 10}, {9, 10, 9}, {0, 10, 0}, {9, 0, 0}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        used = 0;
        put(0x81, text, rows[i].payload);
        for (size_t cut = 0; cut < 2 + rows[i].looked; cut++) {
            struct frame_reader r = {0};
            const uint8_t *at = stream;
            struct frame frame;

            ck_assert_int_eq(
                frame_next(&r, rows[i].look, &at, stream + cut, &frame),
                FRAME_MORE);
            ck_assert_ptr_eq(at, stream + cut);
            ck_assert_int_eq(
                frame_next(&r, rows[i].look, &at, stream + used, &frame),
                FRAME_DATA);
            ck_assert_uint_eq(frame.payload_bytes, rows[i].looked);
            ck_assert_mem_eq(frame.payload, text, rows[i].looked);
            ck_assert_uint_eq(r.left, rows[i].payload - rows[i].looked);
        }
    }
}
END_TEST

START_TEST(a_frame_is_whole_when_its_last_byte_is_there)
{
    struct frame frame;
    size_t at = 0;

    put_everything(true);
    while (at < used) {
        long bytes = frame_whole(stream + at, used - at, &frame);

        ck_assert_int_gt(bytes, 0);
        ck_assert_uint_eq(frame.first, stream[at]);
        ck_assert_ptr_eq(frame.payload + frame.payload_bytes,
                         stream + at + bytes);
        for (long some = 0; some < bytes; some += some < 200 ? 1 : 997)
            ck_assert_int_eq(frame_whole(stream + at, (size_t)some, &frame), 0);
        at += (size_t)bytes;
    }
}
END_TEST

static const struct {
    const char *bytes;
    size_t count;
    bool alone; /* wrong whatever came before */
} broken[] = {
    {"\x81\x85hello....", 11, true}, /* masked */
    {"\xc1\x00", 2, true},           /* a reserved bit */
    {"\x83\x00", 2, true},           /* opcodes that are none */
    {"\x87\x00", 2, true},
    {"\x8b\x00", 2, true},
    {"\x8f\x00", 2, true},
    {"\x09\x00", 2, true},                      /* a fragmented ping */
    {"\x89\x7e\x00\x7e", 4, true},              /* a long one */
    {"\x89\x7f\0\0\0\0\0\0\0\x7e", 10, true},   /* the same */
    {"\x81\x7f\x80\0\0\0\0\0\0\0", 10, true},   /* below zero */
    {"\x81\x7e\x00\x7d", 4, true},              /* not the shortest */
    {"\x81\x7f\0\0\0\0\0\0\xff\xff", 10, true}, /* the same */
    {"\x80\x00", 2, false},                     /* nothing to continue */
    {"\x01\x00\x81\x00", 4, false},             /* not finished */
};

START_TEST(what_no_server_may_send_is_noticed)
{
    for (size_t i = 0; i < COUNT(broken); i++) {
        const uint8_t *from = (const uint8_t *)broken[i].bytes;
        struct frame_reader whole = {0}, bytewise = {0};
        struct told told = {.count = 0};
        enum frame_result result = FRAME_MORE;
        struct frame frame;

        ck_assert_msg(feed(&whole, 0, from, from + broken[i].count, &told) ==
                          FRAME_BROKEN,
                      "row %zu", i);
        for (size_t at = 0; at < broken[i].count && result == FRAME_MORE; at++)
            result = feed(&bytewise, 0, from + at, from + at + 1, &told);
        ck_assert_msg(result == FRAME_BROKEN, "row %zu by bytes", i);
        ck_assert_msg((frame_whole(from, broken[i].count, &frame) < 0) ==
                          broken[i].alone,
                      "row %zu whole", i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_frame");
    TCase *tc = tcase_create("bench_frame");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_example_of_the_rfc);
    tcase_add_test(tc, a_length_is_written_in_its_shortest_form);
    tcase_add_test(tc, nothing_is_read_of_no_payload);
    tcase_add_test(tc, pieces_of_any_size_are_the_same_frames);
    tcase_add_test(tc, so_are_long_ones);
    tcase_add_test(tc, as_much_as_is_asked_for_is_looked_at_in_one_piece);
    tcase_add_test(tc, a_frame_is_whole_when_its_last_byte_is_there);
    tcase_add_test(tc, what_no_server_may_send_is_noticed);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
