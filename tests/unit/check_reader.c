/* check_reader.c - streams of frames: the same bytes whole, split at every byte
 * and split at random give the same events; errors are reported at the byte
 * that reveals them.
 */
#include "ws/reader.h"

#include <string.h>

#include "reader_stream.h"
#include "testing.h"

START_TEST(every_kind_of_frame_makes_its_event)
{
    size_t at = 0;

    stream_begin();
    stream_text(0x81, "Hello");
    stream_add(0x82, "\0\xFF\x80", 3);
    stream_text(0x89, "ping");
    stream_text(0x8A, "");
    stream_text(0x81, "");
    stream_text(0x82, "");
    stream_add(0x88, "\x03\xE8", 2);
    ck_assert_int_eq(stream_check_splits(STREAM_LIMIT), 0);
    stream_check_event(&at, 1, 0, "Hello", 5);
    stream_check_event(&at, 2, 0, "\0\xFF\x80", 3);
    stream_check_event(&at, 9, 0, "ping", 4);
    stream_check_event(&at, 10, 0, "", 0);
    stream_check_event(&at, 1, 0, "", 0);
    stream_check_event(&at, 2, 0, "", 0);
    stream_check_event(&at, 8, 1000, "\x03\xE8", 2);
    ck_assert_uint_eq(at, expected.count);
}
END_TEST

START_TEST(fragments_make_one_message_with_control_frames_between)
{
    size_t at = 0;

    stream_begin();
    stream_text(0x01, "Gr\xC3");
    stream_text(0x89, "1");
    stream_text(0x00, "");
    stream_text(0x00, "\xBC\xC3\x9F");
    stream_text(0x8A, "2");
    stream_text(0x89, "3");
    stream_text(0x80, "e");
    stream_text(0x02, "bin");
    stream_add(0x80, "\0", 1);
    stream_text(0x01, "");
    stream_text(0x80, "");
    stream_text(0x81, "last");
    ck_assert_int_eq(stream_check_splits(STREAM_LIMIT), 0);
    stream_check_event(&at, 9, 0, "1", 1);
    stream_check_event(&at, 10, 0, "2", 1);
    stream_check_event(&at, 9, 0, "3", 1);
    stream_check_event(&at, 1, 0,
                       "Gr\xC3\xBC\xC3\x9F"
                       "e",
                       7);
    stream_check_event(&at, 2, 0, "bin\0", 4);
    stream_check_event(&at, 1, 0, "", 0);
    stream_check_event(&at, 1, 0, "last", 4);
    ck_assert_uint_eq(at, expected.count);
}
END_TEST

START_TEST(frames_of_every_length_form)
{
    static const size_t sizes[] = {125, 126, 127, 65535, 65536, 65600};
    static uint8_t payload[65600];
    uint64_t seed = 3;

    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)testing_random(&seed);
    stream_begin();
    for (size_t i = 0; i < TESTING_LENGTH(sizes); i++)
        stream_add(0x82, payload, sizes[i]);
    ck_assert_int_eq(stream_check_splits(65600), 0);
    ck_assert_uint_eq(expected.number, TESTING_LENGTH(sizes));
}
END_TEST

START_TEST(random_streams_do_not_depend_on_where_they_are_split)
{
    uint64_t seed = 4711;

    for (int round = 0; round < 30; round++) {
        bool inside = false;
        uint8_t payload[300];

        stream_begin();
        for (int i = 0; i < 25; i++) {
            bool control = testing_random(&seed) % 4 == 0;
            bool fin = control || testing_random(&seed) % 2;
            size_t bytes = testing_random(&seed) % (control ? 126 : 300);
            unsigned opcode = control ? 9 : inside ? 0 : 2;

            for (size_t at = 0; at < bytes; at++)
                payload[at] = (uint8_t)testing_random(&seed);
            stream_add((uint8_t)(opcode | (fin ? 0x80 : 0)), payload, bytes);
            if (!control)
                inside = !fin;
        }
        ck_assert_int_eq(stream_check_splits(100000), 0);
    }
}
END_TEST

START_TEST(random_damage_ends_the_same_wherever_it_is_split)
{
    uint64_t seed = 815;

    for (int round = 0; round < 60; round++) {
        stream_begin();
        stream_text(0x01, "f\xC3\xBCnf");
        stream_text(0x89, "ping");
        stream_text(0x80, "sechs \xE2\x82\xAC");
        stream_text(0x81, "sieben \xF0\x9F\x98\x80");
        stream_add(0x88, "\x03\xE9gone \xC3\xA9", 9);
        stream.bytes[testing_random(&seed) % stream.count] ^=
            (uint8_t)(1u << testing_random(&seed) % 8);
        stream_check_splits(STREAM_LIMIT);
    }
}
END_TEST

/* Refusals. ----------------------------------------------------------- */

START_TEST(wrong_headers_are_refused_from_the_byte_that_shows_it)
{
    static const struct {
        const char *bytes;
        size_t count, shown;
    } cases[] = {
        {"\xC1\x80", 2, 1},                 /* RSV1 */
        {"\xA1\x80", 2, 1},                 /* RSV2 */
        {"\x91\x80", 2, 1},                 /* RSV3 */
        {"\x83\x80", 2, 1},                 /* opcodes of nothing */
        {"\x8B\x80", 2, 1},                 /* … and of no control frame */
        {"\x8F\x80", 2, 1},                 /* … */
        {"\x09\x80", 2, 1},                 /* a fragmented ping */
        {"\x08\x80", 2, 1},                 /* a fragmented close */
        {"\x81\x05", 2, 2},                 /* no mask */
        {"\x89\xFE", 2, 2},                 /* a ping of more than 125 */
        {"\x82\xFE\x00\x7D", 4, 4},         /* 125 in 16 bits */
        {"\x82\xFF\x80\x00", 4, 3},         /* the top bit */
        {"\x82\xFF\0\0\0\0\0\0\xFF", 9, 8}, /* 16 bits in 64 */
    };

    for (size_t i = 0; i < TESTING_LENGTH(cases); i++) {
        stream_begin();
        stream_text(0x81, "before");
        stream_raw(cases[i].bytes, cases[i].count);
        stream_check_refused(HUB__WS_PROTOCOL_ERROR, 12 + cases[i].shown);
        ck_assert_uint_eq(expected.number, 1);
    }
}
END_TEST

START_TEST(fragments_have_to_follow_one_another)
{
    stream_begin();
    stream_text(0x80, "continues nothing");
    stream_check_refused(HUB__WS_PROTOCOL_ERROR, 6);
    stream_begin();
    stream_text(0x00, "continues nothing");
    stream_check_refused(HUB__WS_PROTOCOL_ERROR, 6);
    stream_begin();
    stream_text(0x01, "one");
    stream_text(0x81, "two");
    stream_check_refused(HUB__WS_PROTOCOL_ERROR, 9 + 6);
    stream_begin();
    stream_text(0x01, "one");
    stream_text(0x89, "");
    stream_text(0x02, "two");
    stream_check_refused(HUB__WS_PROTOCOL_ERROR, 9 + 6 + 6);
    stream_begin();
    stream_text(0x01, "one");
    stream_text(0x80, "two");
    stream_text(0x80, "three");
    stream_check_refused(HUB__WS_PROTOCOL_ERROR, 9 + 9 + 6);
}
END_TEST

START_TEST(text_that_is_not_utf8_is_refused)
{
    stream_begin();
    stream_text(0x81, "ab\xC0\xAF");
    ck_assert_int_eq(stream_check_splits(STREAM_LIMIT), HUB__WS_INVALID_DATA);
    ck_assert_uint_eq(expected.number, 0);
    stream_check_refused(HUB__WS_INVALID_DATA,
                         6 + 3); /* seen before it is whole */
    stream_begin();
    stream_text(0x01, "ab\xC3");
    stream_text(0x89, "");
    stream_text(0x00, "A");
    stream_check_refused(HUB__WS_INVALID_DATA, 9 + 6 + 7);
    stream_begin();
    stream_text(0x01, "ab\xC3");
    stream_text(0x80, "");
    stream_check_refused(HUB__WS_INVALID_DATA, 9 + 6);
    stream_begin();
    stream_text(0x81, "\xE2\x82");
    stream_check_refused(HUB__WS_INVALID_DATA, 8);
    stream_begin();
    stream_text(0x82, "\xC0\xAF"); /* binary is free */
    ck_assert_int_eq(stream_check_splits(STREAM_LIMIT), 0);
}
END_TEST

START_TEST(a_new_text_starts_afresh_behind_a_broken_off_one_of_binary)
{
    stream_begin();
    stream_text(0x02, "\xC3");
    stream_text(0x80, "\xC3");
    stream_text(0x01, "A");
    stream_text(0x80, "B");
    ck_assert_int_eq(stream_check_splits(STREAM_LIMIT), 0);
    ck_assert_uint_eq(expected.number, 2);
}
END_TEST

START_TEST(close_frames_carry_a_code_that_may_travel_and_utf8)
{
    static const int wrong[] = {0,    1,    999,  1004, 1005, 1006,
                                1015, 1016, 2999, 5000, 65535};
    static const int right[] = {1000, 1001, 1002, 1003, 1007, 1011, 1012,
                                1013, 1014, 3000, 3999, 4000, 4999};
    uint8_t body[125];

    memset(body, 'r', sizeof body);
    for (size_t i = 0; i < TESTING_LENGTH(wrong); i++) {
        body[0] = (uint8_t)(wrong[i] >> 8);
        body[1] = (uint8_t)wrong[i];
        stream_begin();
        stream_add(0x88, body, 2 + i);
        stream_check_refused(HUB__WS_PROTOCOL_ERROR, 6 + 2 + i);
        ck_assert_uint_eq(expected.number, 0);
    }
    for (size_t i = 0; i < TESTING_LENGTH(right); i++) {
        size_t at = 0;

        body[0] = (uint8_t)(right[i] >> 8);
        body[1] = (uint8_t)right[i];
        stream_begin();
        stream_add(0x88, body, i == 0 ? sizeof body : 2 + i);
        ck_assert_int_eq(stream_check_splits(STREAM_LIMIT), 0);
        stream_check_event(&at, 8, right[i], body,
                           i == 0 ? sizeof body : 2 + i);
    }
    stream_begin();
    stream_add(0x88, "\x03", 1);
    stream_check_refused(HUB__WS_PROTOCOL_ERROR, 7);
    stream_begin();
    stream_add(0x88, "\x03\xE8\xC3", 3);
    stream_check_refused(HUB__WS_INVALID_DATA, 9);
    stream_begin();
    stream_add(0x88, "", 0);
    ck_assert_int_eq(stream_check_splits(STREAM_LIMIT), 0);
    ck_assert_uint_eq(expected.number, 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_kind_of_frame_makes_its_event,
        fragments_make_one_message_with_control_frames_between,
        frames_of_every_length_form,
        random_streams_do_not_depend_on_where_they_are_split,
        random_damage_ends_the_same_wherever_it_is_split,
        wrong_headers_are_refused_from_the_byte_that_shows_it,
        fragments_have_to_follow_one_another,
        text_that_is_not_utf8_is_refused,
        a_new_text_starts_afresh_behind_a_broken_off_one_of_binary,
        close_frames_carry_a_code_that_may_travel_and_utf8,
    };

    return testing_run("reader", tests, TESTING_LENGTH(tests));
}
