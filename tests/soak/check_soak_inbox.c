/* check_soak_inbox.c - letters come out of a stream of frames unchanged,
 * however it is cut; any changed byte is detected.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "inbox.h"
#include "suite.h"

#define STREAM_MAX 300000
#define HUB_STAMP ",\"timestamp\":\"2024-05-06T07:08:09.012Z\"}"

static uint8_t stream[STREAM_MAX];
static size_t used;

static void set_up(void)
{
    letter_init();
    used = 0;
}

static void put_frame(uint8_t first, const void *payload, size_t bytes)
{
    stream[used++] = first;
    if (bytes < 126) {
        stream[used++] = (uint8_t)bytes;
    } else if (bytes < 65536) {
        stream[used++] = 126;
        stream[used++] = (uint8_t)(bytes >> 8);
        stream[used++] = (uint8_t)bytes;
    } else {
        stream[used++] = 127;
        for (int i = 0; i < 8; i++)
            stream[used++] = (uint8_t)((uint64_t)bytes >> (56 - 8 * i));
    }
    memcpy(stream + used, payload, bytes);
    used += bytes;
}

static struct letter a_letter(uint32_t bytes, bool stamped)
{
    return (struct letter){.number = 77,
                           .seq = 5,
                           .bytes = bytes,
                           .user = 12,
                           .session = LETTER_ANY,
                           .lane = 3,
                           .stamped = stamped};
}

/* As a hub sends it: with a timestamp behind it, if it brings none. */
static void put_letter(uint32_t bytes, bool stamped)
{
    struct letter l = a_letter(bytes, stamped);
    char *text = malloc(bytes + sizeof(HUB_STAMP));

    ck_assert_ptr_nonnull(text);
    letter_write(text, &l);
    if (!stamped) {
        memcpy(text + bytes - 1, HUB_STAMP, sizeof(HUB_STAMP) - 1);
        bytes += sizeof(HUB_STAMP) - 2;
    }
    put_frame(0x81, text, bytes);
    free(text);
}

static enum inbox_result read_all(struct inbox *box)
{
    const uint8_t *at = stream;

    return inbox_next(box, &at, stream + used);
}

static enum inbox_result only_result(void)
{
    struct inbox box = {0};

    return read_all(&box);
}

START_TEST(letters_of_every_size_are_read_however_they_are_cut)
{
    static const uint32_t sizes[] = {LETTER_BYTES_MIN,
                                     LETTER_BYTES_MIN + 1,
                                     125,
                                     126,
                                     127,
                                     200,
                                     1000,
                                     65535,
                                     65536};

    for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint32_t bytes = sizes[i / 2];
        bool stamped = i % 2 == 1;

        if (stamped && bytes < LETTER_STAMPED_MIN)
            continue;
        for (size_t cut = 1; cut < 400; cut++) {
            struct inbox box = {0};
            const uint8_t *at;

            used = 0;
            put_letter(bytes, stamped);
            at = stream;
            while ((size_t)(stream + used - at) > cut) {
                const uint8_t *end = at + cut;

                ck_assert_int_eq(inbox_next(&box, &at, end), INBOX_MORE);
                ck_assert_ptr_eq(at, end);
            }
            ck_assert_int_eq(inbox_next(&box, &at, stream + used),
                             INBOX_LETTER);
            ck_assert_uint_eq(box.reader.letter.number, 77);
            ck_assert_uint_eq(box.reader.letter.seq, 5);
            ck_assert_uint_eq(box.reader.letter.bytes, bytes);
            ck_assert_uint_eq(box.reader.letter.user, 12);
            ck_assert_uint_eq(box.reader.letter.session, LETTER_ANY);
            ck_assert_uint_eq(box.reader.letter.lane, 3);
            ck_assert(box.reader.letter.stamped == stamped);
            if (bytes > 1000)
                cut += 37;
        }
    }
}
END_TEST

START_TEST(a_changed_byte_anywhere_shows)
{
    for (int stamped = 0; stamped < 2; stamped++) {
        used = 0;
        put_letter(300, stamped == 1);
        ck_assert_int_eq(only_result(), INBOX_LETTER);
        for (size_t i = 4; i < used; i++) {
            stream[i] ^= 0x40; /* no digit of a timestamp stays one */
            ck_assert_msg(only_result() == INBOX_ALTERED, "byte %zu", i);
            stream[i] ^= 0x40;
        }
    }
}
END_TEST

START_TEST(two_bytes_that_changed_places_show)
{
    put_letter(300, true);
    for (size_t i = 4; i + 8 < used; i++) {
        uint8_t first = stream[i], second = stream[i + 8];

        stream[i] = second;
        stream[i + 8] = first;
        if (first != second)
            ck_assert_msg(only_result() == INBOX_ALTERED, "byte %zu", i);
        stream[i] = first;
        stream[i + 8] = second;
    }
}
END_TEST

START_TEST(bytes_that_are_missing_or_too_many_show)
{
    char text[400];
    struct letter l = a_letter(300, true);

    letter_write(text, &l);
    for (size_t bytes = 0; bytes < 400; bytes++) {
        memset(text + 300, ' ', 100);
        used = 0;
        put_frame(0x81, text, bytes);
        ck_assert_int_eq(only_result(),
                         bytes == 300 ? INBOX_LETTER : INBOX_ALTERED);
    }
}
END_TEST

START_TEST(a_timestamp_is_there_once)
{
    char text[400];
    struct letter l = a_letter(300, false);

    letter_write(text, &l);
    put_frame(0x81, text, 300);
    ck_assert_int_eq(only_result(), INBOX_ALTERED); /* none */

    l.stamped = true;
    letter_write(text, &l);
    memcpy(text + 299, HUB_STAMP, sizeof(HUB_STAMP) - 1);
    used = 0;
    put_frame(0x81, text, 299 + sizeof(HUB_STAMP) - 1);
    ck_assert_int_eq(only_result(), INBOX_ALTERED); /* two */
}
END_TEST

START_TEST(control_frames_come_between_messages)
{
    struct inbox box = {0};
    const uint8_t *at = stream, *end;

    put_frame(0x89, "who", 3);
    put_letter(100, false);
    put_frame(0x8a, "", 0);
    put_frame(0x88, "\x03\xe9shutting down", 15);
    end = stream + used;
    ck_assert_int_eq(inbox_next(&box, &at, end), INBOX_PING);
    ck_assert_uint_eq(box.control.payload_bytes, 3);
    ck_assert_mem_eq(box.control.payload, "who", 3);
    ck_assert_int_eq(inbox_next(&box, &at, end), INBOX_LETTER);
    ck_assert_int_eq(inbox_next(&box, &at, end), INBOX_PONG);
    ck_assert_int_eq(inbox_next(&box, &at, end), INBOX_CLOSE);
    ck_assert_mem_eq(box.control.payload, "\x03\xe9shutting down", 15);
    ck_assert_int_eq(inbox_next(&box, &at, end), INBOX_MORE);
}
END_TEST

START_TEST(what_no_hub_may_send_is_broken)
{
    static const struct {
        uint8_t bytes[12];
        size_t count;
    } rows[] = {
        {{0x01, 2, 'h', 'i'}, 4},            /* a fragment */
        {{0x80, 0}, 2},                      /* a continuation */
        {{0x82, 2, 'h', 'i'}, 4},            /* binary */
        {{0xc1, 2, 'h', 'i'}, 4},            /* a reserved bit */
        {{0x83, 0}, 2},                      /* an unknown opcode */
        {{0x81, 0x82, 0, 0, 0, 0, 0, 0}, 8}, /* a mask */
        {{0x89, 126, 0, 126}, 4},            /* a long ping */
        {{0x88, 1, 3}, 3},                   /* half a code */
        {{0x81, 126, 0, 125}, 4},            /* not the shortest length */
        {{0x81, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 10},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memcpy(stream, rows[i].bytes, rows[i].count);
        used = rows[i].count;
        ck_assert_msg(only_result() == INBOX_BROKEN, "row %zu", i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("soak_inbox");
    TCase *tc = tcase_create("soak_inbox");

    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, letters_of_every_size_are_read_however_they_are_cut);
    tcase_add_test(tc, a_changed_byte_anywhere_shows);
    tcase_add_test(tc, two_bytes_that_changed_places_show);
    tcase_add_test(tc, bytes_that_are_missing_or_too_many_show);
    tcase_add_test(tc, a_timestamp_is_there_once);
    tcase_add_test(tc, control_frames_come_between_messages);
    tcase_add_test(tc, what_no_hub_may_send_is_broken);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
