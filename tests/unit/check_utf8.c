/* check_utf8.c - the incremental UTF-8 check against a decoder written the long
 * way: decode a code point, encode it again, compare.
 */
#include "ws/utf8.h"

#include <stdlib.h>
#include <string.h>

#include "testing.h"

/* The shortest encoding, or 0 where there is none. */
static size_t encode(uint32_t point, uint8_t out[4])
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xC0 + point / 64);
        out[1] = (uint8_t)(0x80 + point % 64);
        return 2;
    }
    if (point >= 0xD800 && point <= 0xDFFF)
        return 0;
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xE0 + point / 4096);
        out[1] = (uint8_t)(0x80 + point / 64 % 64);
        out[2] = (uint8_t)(0x80 + point % 64);
        return 3;
    }
    if (point > 0x10FFFF)
        return 0;
    out[0] = (uint8_t)(0xF0 + point / 262144);
    out[1] = (uint8_t)(0x80 + point / 4096 % 64);
    out[2] = (uint8_t)(0x80 + point / 64 % 64);
    out[3] = (uint8_t)(0x80 + point % 64);
    return 4;
}

static size_t length_of(uint8_t lead)
{
    return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* Whether these bytes are a sequence of whole code points. */
static bool decodes(const uint8_t *in, size_t bytes)
{
    while (bytes > 0) {
        size_t length = length_of(in[0]);
        uint32_t point = length == 1 ? in[0] : in[0] & (0x7Fu >> length);
        uint8_t again[4];

        if (length > bytes)
            return false;
        for (size_t i = 1; i < length; i++)
            point = point * 64 + (in[i] & 0x3Fu);
        if (encode(point, again) != length || memcmp(again, in, length) != 0)
            return false;
        in += length;
        bytes -= length;
    }
    return true;
}

/* In two pieces, for every place to split. */
static bool valid_in_two(const uint8_t *in, size_t bytes, size_t split)
{
    struct hub__utf8 state = {0};

    return hub__utf8_feed(&state, in, split) &&
           hub__utf8_feed(&state, in + split, bytes - split) &&
           hub__utf8_complete(&state);
}

static void check_everywhere(const uint8_t *in, size_t bytes)
{
    bool expected = decodes(in, bytes);

    if (hub__utf8_valid(in, bytes) != expected)
        ck_abort_msg("%02x %02x %02x %02x: wrong", in[0], bytes > 1 ? in[1] : 0,
                     bytes > 2 ? in[2] : 0, bytes > 3 ? in[3] : 0);
    for (size_t split = 0; split <= bytes; split++) {
        if (valid_in_two(in, bytes, split) != expected)
            ck_abort_msg("%02x %02x...: wrong when split at %zu", in[0],
                         bytes > 1 ? in[1] : 0, split);
    }
}

START_TEST(all_sequences_of_one_and_two_bytes)
{
    uint8_t in[2];

    for (unsigned a = 0; a < 256; a++) {
        in[0] = (uint8_t)a;
        check_everywhere(in, 1);
        for (unsigned b = 0; b < 256; b++) {
            in[1] = (uint8_t)b;
            check_everywhere(in, 2);
        }
    }
}
END_TEST

START_TEST(three_bytes_behind_every_lead)
{
    static const uint8_t thirds[] = {0x00, 0x41, 0x7F, 0x80, 0x81,
                                     0xBF, 0xC0, 0xC2, 0xE0, 0xFF};
    uint8_t in[3];

    for (unsigned a = 0x80; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            for (size_t c = 0; c < TESTING_LENGTH(thirds); c++) {
                in[0] = (uint8_t)a;
                in[1] = (uint8_t)b;
                in[2] = thirds[c];
                check_everywhere(in, 3);
            }
        }
    }
}
END_TEST

START_TEST(four_bytes_at_every_bound)
{
    static const uint8_t edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F,
                                    0xA0, 0xBF, 0xC0, 0xF4, 0xFF};
    uint8_t in[4];

    for (unsigned a = 0xE0; a < 256; a++) {
        for (unsigned b = 0x70; b < 0xD0; b++) {
            for (size_t i = 0; i < 121; i++) {
                in[0] = (uint8_t)a;
                in[1] = (uint8_t)b;
                in[2] = edges[i / 11];
                in[3] = edges[i % 11];
                check_everywhere(in, 4);
            }
        }
    }
}
END_TEST

START_TEST(every_code_point_is_accepted_and_no_surrogate)
{
    uint8_t in[4];

    for (uint32_t point = 0; point <= 0x10FFFF; point++) {
        size_t bytes = encode(point, in);

        if (bytes > 0 && !hub__utf8_valid(in, bytes))
            ck_abort_msg("U+%04X refused", point);
    }
    for (uint32_t point = 0xD800; point <= 0xDFFF; point++) {
        in[0] = 0xED;
        in[1] = (uint8_t)(0x80 + point / 64 % 64);
        in[2] = (uint8_t)(0x80 + point % 64);
        if (hub__utf8_valid(in, 3))
            ck_abort_msg("U+%04X accepted", point);
    }
}
END_TEST

START_TEST(a_wrong_byte_is_seen_when_it_comes)
{
    static const struct {
        const char *start;
        uint8_t wrong;
    } cases[] = {{"", 0x80},         {"", 0xC0},         {"", 0xC1},
                 {"", 0xF5},         {"", 0xFF},         {"\xC3", 0x41},
                 {"\xE0", 0x9F},     {"\xED", 0xA0},     {"\xF0", 0x8F},
                 {"\xF4", 0x90},     {"\xE6\xBC", 0xC2}, {"\xF0\x9F\x98", 0x7F},
                 {"ascii\xC3", 0xC3}};

    for (size_t i = 0; i < TESTING_LENGTH(cases); i++) {
        struct hub__utf8 state = {0};

        ck_assert(
            hub__utf8_feed(&state, cases[i].start, strlen(cases[i].start)));
        ck_assert_msg(!hub__utf8_feed(&state, &cases[i].wrong, 1), "case %zu",
                      i);
    }
}
END_TEST

START_TEST(a_text_that_stops_inside_a_character_is_not_complete)
{
    static const char *const starts[] = {
        "\xC3",     "\xE6",         "\xE6\xBC",      "\xF0",
        "\xF0\x9F", "\xF0\x9F\x98", "a\xC3\xA9-\xC3"};

    for (size_t i = 0; i < TESTING_LENGTH(starts); i++) {
        struct hub__utf8 state = {0};

        ck_assert(hub__utf8_feed(&state, starts[i], strlen(starts[i])));
        ck_assert(!hub__utf8_complete(&state));
        ck_assert(!hub__utf8_valid(starts[i], strlen(starts[i])));
    }
}
END_TEST

START_TEST(nothing_at_all_is_a_text)
{
    struct hub__utf8 state = {0};

    ck_assert(hub__utf8_valid("", 0));
    ck_assert(hub__utf8_feed(&state, "", 0));
    ck_assert(hub__utf8_complete(&state));
}
END_TEST

/* Long texts take the shortcut over ASCII: put what is not ASCII at every
 * offset from a word boundary. The buffer has no byte to spare. */
START_TEST(runs_of_ascii_hide_nothing)
{
    for (size_t bytes = 1; bytes <= 40; bytes++) {
        for (size_t at = 0; at < bytes; at++) {
            uint8_t *text = malloc(bytes);

            ck_assert_ptr_nonnull(text);
            memset(text, 'a', bytes);
            ck_assert(hub__utf8_valid(text, bytes));
            text[at] = 0xC3;
            ck_assert(!hub__utf8_valid(text, bytes));
            if (at + 1 < bytes) {
                text[at + 1] = 0xA9;
                for (size_t split = 0; split <= bytes; split++)
                    ck_assert(valid_in_two(text, bytes, split));
            }
            free(text);
        }
    }
}
END_TEST

START_TEST(random_bytes_and_random_damage)
{
    uint64_t seed = 20111;
    uint8_t in[24];

    for (int round = 0; round < 100000; round++) {
        size_t bytes = 0;

        while (bytes + 4 <= sizeof in) {
            uint32_t point = (uint32_t)(testing_random(&seed) >>
                                        (testing_random(&seed) % 2 ? 32 : 20)) &
                             0xFFFF;

            bytes += encode(point, in + bytes);
        }
        if (testing_random(&seed) % 2)
            in[testing_random(&seed) % bytes] = (uint8_t)testing_random(&seed);
        check_everywhere(in, bytes);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        all_sequences_of_one_and_two_bytes,
        three_bytes_behind_every_lead,
        four_bytes_at_every_bound,
        every_code_point_is_accepted_and_no_surrogate,
        a_wrong_byte_is_seen_when_it_comes,
        a_text_that_stops_inside_a_character_is_not_complete,
        nothing_at_all_is_a_text,
        runs_of_ascii_hide_nothing,
        random_bytes_and_random_damage,
    };

    return testing_run("utf8", tests, TESTING_LENGTH(tests));
}
