/* check_ws_frame.c - frame headers of RFC 6455: all combinations of the first
 * two bytes, every length at a bound, and each error at the byte that reveals
 * it.
 */
#include "ws/ws_frame.h"

#include <stdlib.h>
#include <string.h>

#include "testing.h"

/* Reads from a copy with no byte to spare, for the address sanitizer. */
static int read_exact(const uint8_t *in, size_t bytes, struct hub__ws_header *h)
{
    uint8_t *copy = malloc(bytes == 0 ? 1 : bytes);
    int result;

    if (copy == NULL)
        ck_abort_msg("no memory");
    memcpy(copy, in, bytes);
    result = hub__ws_header_read(copy, bytes, h);
    free(copy);
    return result;
}

/* The result must be -1 from `shown` bytes on and 0 before. */
static void check_refused(const uint8_t *in, size_t bytes, size_t shown)
{
    struct hub__ws_header h;

    for (size_t have = 0; have <= bytes; have++) {
        int result = read_exact(in, have, &h);

        if (result != (have < shown ? 0 : -1))
            ck_abort_msg("%02x %02x with %zu bytes: %d", in[0], in[1], have,
                         result);
    }
}

/* Without ck_assert for each of a million steps, which takes its time. */
static void check_accepted(const uint8_t *in, size_t header_bytes,
                           uint64_t payload_bytes)
{
    struct hub__ws_header h;

    for (size_t have = 0; have < header_bytes; have++) {
        if (read_exact(in, have, &h) != 0)
            ck_abort_msg("%02x %02x: not with %zu bytes", in[0], in[1], have);
    }
    for (size_t more = 0; more < 3; more++) {
        int length = read_exact(in, header_bytes + more, &h);

        if (length != (int)header_bytes || h.header_bytes != header_bytes ||
            h.payload_bytes != payload_bytes || h.fin != in[0] >> 7 ||
            h.opcode != (in[0] & 15) ||
            memcmp(h.masking_key, in + header_bytes - 4, 4) != 0)
            ck_abort_msg("%02x %02x: read wrong", in[0], in[1]);
    }
}

static bool known(unsigned opcode)
{
    return opcode == 0 || opcode == 1 || opcode == 2 || opcode == 8 ||
           opcode == 9 || opcode == 10;
}

START_TEST(every_first_byte_is_judged_at_once)
{
    for (unsigned first = 0; first < 256; first++) {
        uint8_t in[16] = {(uint8_t)first, 0x80, 1, 2, 3, 4};
        unsigned opcode = first & 15;
        bool reserved = (first & 0x70) != 0;
        bool fragmented = opcode >= 8 && first < 128;

        if (reserved || fragmented || !known(opcode))
            check_refused(in, 6, 1);
        else
            check_accepted(in, 6, 0);
    }
}
END_TEST

START_TEST(every_second_byte_is_judged_at_once)
{
    static const uint8_t firsts[] = {0x00, 0x01, 0x02, 0x80, 0x81,
                                     0x82, 0x88, 0x89, 0x8A};

    for (size_t i = 0; i < TESTING_LENGTH(firsts); i++) {
        for (unsigned second = 0; second < 256; second++) {
            uint8_t in[20] = {firsts[i], (uint8_t)second, 1, 2, 3, 4, 5, 6};
            bool control = firsts[i] >= 0x88;

            if (second < 128 || (control && second > 128 + 125))
                check_refused(in, 14, 2);
            else if (second == 128 + 126)
                check_accepted(in, 8, 0x0102);
            else if (second == 128 + 127)
                check_accepted(in, 14, 0x0102030405060000);
            else
                check_accepted(in, 6, second - 128);
        }
    }
}
END_TEST

START_TEST(a_length_of_16_bits_has_to_need_them)
{
    for (unsigned length = 0; length < 65536; length++) {
        uint8_t in[16] = {
            0x82, 0xFE, (uint8_t)(length >> 8), (uint8_t)length, 9, 8, 7, 6};

        if (length < 126)
            check_refused(in, 8, 4);
        else
            check_accepted(in, 8, length);
    }
}
END_TEST

static void put_length(uint8_t *in, uint64_t length)
{
    for (int i = 0; i < 8; i++)
        in[2 + i] = (uint8_t)(length >> (56 - 8 * i));
}

START_TEST(a_length_of_64_bits_has_to_need_them)
{
    static const uint64_t wrong[] = {0,     1,     125,   126,
                                     32767, 32768, 65534, 65535};
    static const uint64_t right[] = {65536,      65537,      0xFFFFFF,
                                     0x1000000,  UINT32_MAX, 1ull << 32,
                                     1ull << 55, 1ull << 56, (1ull << 63) - 1};
    uint8_t in[20] = {0x82, 0xFF, [10] = 9, 8, 7, 6};

    for (size_t i = 0; i < TESTING_LENGTH(wrong); i++) {
        put_length(in, wrong[i]);
        check_refused(in, 14, 8); /* six bytes of zeros tell */
    }
    for (size_t i = 0; i < TESTING_LENGTH(right); i++) {
        put_length(in, right[i]);
        check_accepted(in, 14, right[i]);
    }
}
END_TEST

START_TEST(a_length_with_its_top_bit_set_is_refused_from_it)
{
    static const uint64_t wrong[] = {1ull << 63, UINT64_MAX,
                                     (1ull << 63) + 65536};
    uint8_t in[20] = {0x82, 0xFF};

    for (size_t i = 0; i < TESTING_LENGTH(wrong); i++) {
        put_length(in, wrong[i]);
        check_refused(in, 14, 3);
    }
}
END_TEST

START_TEST(headers_are_written_in_the_shortest_form)
{
    static const struct {
        uint64_t length;
        size_t bytes;
        uint8_t expected[10];
    } cases[] = {
        {0, 2, {0x81, 0}},
        {125, 2, {0x81, 125}},
        {126, 4, {0x81, 126, 0, 126}},
        {65535, 4, {0x81, 126, 0xFF, 0xFF}},
        {65536, 10, {0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
        {0x0102030405060708, 10, {0x81, 127, 1, 2, 3, 4, 5, 6, 7, 8}},
    };

    for (size_t i = 0; i < TESTING_LENGTH(cases); i++) {
        uint8_t out[HUB__WS_HEADER_OUT_MAX] = {0};

        ck_assert_uint_eq(
            hub__ws_header_write(out, HUB__WS_TEXT, cases[i].length),
            cases[i].bytes);
        ck_assert_mem_eq(out, cases[i].expected, sizeof out);
    }
}
END_TEST

START_TEST(every_opcode_is_written_as_final)
{
    static const enum hub__ws_opcode opcodes[] = {HUB__WS_TEXT, HUB__WS_BINARY,
                                                  HUB__WS_CLOSE, HUB__WS_PING,
                                                  HUB__WS_PONG};

    for (size_t i = 0; i < TESTING_LENGTH(opcodes); i++) {
        uint8_t out[HUB__WS_HEADER_OUT_MAX];

        ck_assert_uint_eq(hub__ws_header_write(out, opcodes[i], 7), 2);
        ck_assert_uint_eq(out[0], 0x80u | (unsigned)opcodes[i]);
        ck_assert_uint_eq(out[1], 7);
    }
}
END_TEST

START_TEST(the_mask_comes_off_at_every_phase_and_length)
{
    static const uint8_t key[4] = {0x12, 0x00, 0xFF, 0xA5};
    uint64_t seed = 5;

    for (size_t bytes = 0; bytes <= 70; bytes++) {
        for (uint64_t phase = 0; phase < 9; phase++) {
            uint8_t *data = malloc(bytes == 0 ? 1 : bytes);
            uint8_t expected[70];

            ck_assert_ptr_nonnull(data);
            for (size_t i = 0; i < bytes; i++) {
                data[i] = (uint8_t)testing_random(&seed);
                expected[i] = data[i] ^ key[(phase + i) % 4];
            }
            hub__ws_unmask(data, bytes, key, phase);
            ck_assert(bytes == 0 || memcmp(data, expected, bytes) == 0);
            free(data);
        }
    }
}
END_TEST

START_TEST(the_mask_does_not_care_for_alignment_or_large_phases)
{
    static const uint8_t key[4] = {1, 2, 4, 8};
    uint8_t data[64];

    for (size_t start = 0; start < 8; start++) {
        for (uint64_t phase = UINT64_MAX - 8; phase != 0; phase++) {
            memset(data, 0, sizeof data);
            hub__ws_unmask(data + start, 40, key, phase);
            for (size_t i = 0; i < sizeof data; i++)
                ck_assert_uint_eq(data[i], i < start || i >= start + 40
                                               ? 0
                                               : key[(phase + i - start) % 4]);
        }
    }
}
END_TEST

START_TEST(status_codes_that_may_travel)
{
    for (unsigned code = 0; code < 70000; code++) {
        bool defined =
            (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);

        if (hub__ws_status_valid(code) !=
            (defined || (code >= 3000 && code <= 4999)))
            ck_abort_msg("code %u", code);
    }
    ck_assert(!hub__ws_status_valid(~0u));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_first_byte_is_judged_at_once,
        every_second_byte_is_judged_at_once,
        a_length_of_16_bits_has_to_need_them,
        a_length_of_64_bits_has_to_need_them,
        a_length_with_its_top_bit_set_is_refused_from_it,
        headers_are_written_in_the_shortest_form,
        every_opcode_is_written_as_final,
        the_mask_comes_off_at_every_phase_and_length,
        the_mask_does_not_care_for_alignment_or_large_phases,
        status_codes_that_may_travel,
    };

    return testing_run("ws_frame", tests, TESTING_LENGTH(tests));
}
