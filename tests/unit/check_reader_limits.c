/* check_reader_limits.c - how much a client may send, how much of it is held,
 * since when a message is incomplete, and what happens without memory.
 */
#include "ws/reader.h"

#include <string.h>

#include "reader_stream.h"
#include "testing.h"

/* Limits. ------------------------------------------------------------- */

START_TEST(a_message_may_be_as_large_as_the_limit_and_no_larger)
{
    static char payload[STREAM_LIMIT + 1];

    stream_begin();
    stream_add(0x82, payload, STREAM_LIMIT - 1);
    stream_add(0x82, payload, STREAM_LIMIT);
    ck_assert_int_eq(stream_check_splits(STREAM_LIMIT), 0);
    ck_assert_uint_eq(expected.number, 2);
    stream_begin();
    stream_add(0x82, payload, STREAM_LIMIT + 1);
    stream_check_refused(HUB__WS_TOO_BIG, 8); /* by its header */
}
END_TEST

START_TEST(fragments_count_together)
{
    static char payload[STREAM_LIMIT];

    stream_begin();
    stream_add(0x02, payload, 600);
    stream_add(0x00, payload, 300);
    stream_add(0x80, payload, 100);
    ck_assert_int_eq(stream_check_splits(STREAM_LIMIT), 0);
    stream_begin();
    stream_add(0x02, payload, 600);
    stream_add(0x89, payload, 125); /* does not count */
    stream_add(0x80, payload, 401);
    stream_check_refused(HUB__WS_TOO_BIG, 608 + 131 + 8);
}
END_TEST

START_TEST(a_declared_length_takes_no_memory)
{
    static const char huge[] = "\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFmask";
    struct hub__reader *reader = NULL;

    stream_begin();
    stream_raw(huge, 14);
    stream_check_refused(HUB__WS_TOO_BIG, 14);

    /* Within the limit: what is held grows with what came. */
    stream_begin();
    stream_raw("\x82\xFF\0\0\0\0\x40\0\0\0mask1234567890", 24);
    events_reset(&got);
    ck_assert_int_eq(stream_feed(&reader, &got, 0, 24, SIZE_MAX), 0);
    ck_assert_ptr_nonnull(reader);
    ck_assert_uint_eq(reader->message_bytes, 10);
    ck_assert_uint_le(reader->message_size, 20);
    hub__reader_drop(&reader);
}
END_TEST

START_TEST(no_limit_can_be_overflowed)
{
    stream_begin();
    stream_text(0x02, "0123456789");
    stream_raw("\x80\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFmask", 14);
    ck_assert_int_eq(stream_check_splits(STREAM_LIMIT), HUB__WS_TOO_BIG);
    ck_assert_int_eq(stream_check_splits(INT64_MAX), HUB__WS_TOO_BIG);
    ck_assert_int_eq(stream_check_splits((size_t)INT64_MAX + 9),
                     HUB__WS_TOO_BIG);
    ck_assert_int_eq(stream_check_splits((size_t)INT64_MAX + 10), 0);
}
END_TEST

START_TEST(the_number_of_empty_fragments_is_bounded)
{
    stream_begin();
    stream_text(0x01, "");
    for (int i = 2; i < 1024; i++)
        stream_text(0x00, "");
    stream_text(0x80, "");
    stream_text(0x01, ""); /* counts from one again */
    stream_text(0x80, "");
    ck_assert_int_eq(stream_check_splits(STREAM_LIMIT), 0);
    ck_assert_uint_eq(expected.number, 2);
    stream_begin();
    stream_text(0x01, "");
    for (int i = 2; i <= 1024; i++)
        stream_text(0x00, "");
    stream_check_refused(0, stream.count);
    stream_text(0x80, "");
    stream_check_refused(HUB__WS_POLICY, stream.count);
}
END_TEST

/* 63 bytes buy none, 64 buy one, whatever fragment they came in. */
START_TEST(bytes_buy_more_fragments)
{
    static const char payload[64];

    for (size_t bytes = 62; bytes <= 64; bytes++) {
        int more = bytes == 64 ? 1 : 0;

        stream_begin();
        stream_text(0x02, "");
        stream_add(0x00, payload, bytes - 1);
        for (int i = 3; i <= 1024 + more; i++)
            stream_text(0x00, i == 700 ? "x" : "");
        stream_check_refused(0, stream.count);
        stream_text(0x00, "");
        stream_check_refused(HUB__WS_POLICY, stream.count);
    }
}
END_TEST

static bool take_size(void *context, const struct hub__reader_event *event)
{
    *(size_t *)context = event->payload_bytes;
    return true;
}

/* Returns what comes of a message of so many bytes in frames of `piece`. */
static int feed_fragments(size_t bytes, size_t piece)
{
    static char payload[4096];
    const struct hub__reader_limits limits = {.message_bytes = bytes};
    struct hub__reader *reader = NULL;
    size_t size = 0;
    int status = 0;

    for (size_t sent = 0; sent < bytes && status == 0; sent += piece) {
        uint8_t first = sent == 0 ? 0x02 : 0x00;

        if (sent + piece >= bytes)
            first |= TESTING_FIN;
        stream_begin();
        stream_add(first, payload, piece);
        status = hub__reader_feed(&reader, stream.bytes, stream.count, &limits,
                                  1, take_size, &size);
    }
    ck_assert_uint_eq(size, status == 0 ? bytes : 0);
    hub__reader_drop(&reader);
    return status;
}

START_TEST(whoever_sends_in_small_frames_may_send_as_much_as_others)
{
    ck_assert_int_eq(feed_fragments(4 << 20, 64), 0);
    ck_assert_int_eq(feed_fragments(5 << 20, 4096), 0);
    ck_assert_int_eq(feed_fragments(1024, 1), 0);
    ck_assert_int_eq(feed_fragments(1040, 1), 0);
    ck_assert_int_eq(feed_fragments(1041, 1), HUB__WS_POLICY);
    ck_assert_int_eq(feed_fragments(4 << 20, 32), HUB__WS_POLICY);
}
END_TEST

/* What is held. ------------------------------------------------------- */

START_TEST(a_reader_lives_only_while_something_is_in_flight)
{
    struct hub__reader *reader = NULL;

    stream_begin();
    stream_text(0x81, "whole");
    stream_text(0x01, "part");
    stream_text(0x80, "part");
    events_reset(&got);
    testing_fail_after(0);
    ck_assert_int_eq(stream_feed(&reader, &got, 0, 11, STREAM_LIMIT), 0);
    ck_assert_uint_eq(testing_allow_memory(), 0);
    ck_assert_ptr_null(reader);
    ck_assert_int_eq(stream_feed(&reader, &got, 11, 12, STREAM_LIMIT), 0);
    ck_assert_ptr_nonnull(reader);
    ck_assert_int_eq(stream_feed(&reader, &got, 12, 21, STREAM_LIMIT), 0);
    ck_assert_ptr_nonnull(reader);
    ck_assert_int_eq(stream_feed(&reader, &got, 21, stream.count, STREAM_LIMIT),
                     0);
    ck_assert_ptr_null(reader);
    ck_assert_uint_eq(got.number, 2);
    hub__reader_drop(&reader);
}
END_TEST

static int feed_at(struct hub__reader **reader, size_t from, size_t to,
                   int64_t now_ms)
{
    const struct hub__reader_limits limits = {.message_bytes = STREAM_LIMIT};
    uint8_t copy[1000];

    memcpy(copy, stream.bytes + from, to - from);
    return hub__reader_feed(reader, copy, to - from, &limits, now_ms,
                            events_take, &got);
}

START_TEST(the_time_counts_from_the_first_byte_of_what_is_in_flight)
{
    struct hub__reader *reader = NULL;

    stream_begin();
    stream_text(0x01, "one"); /* 9 bytes */
    stream_text(0x89, "pin");
    stream_text(0x80, "one");
    stream_text(0x81, "two");
    stream_text(0x82, "three");
    events_reset(&got);
    ck_assert_int_eq(feed_at(&reader, 0, 1, 10), 0);
    ck_assert_int_eq(reader->started_ms, 10);
    ck_assert_int_eq(feed_at(&reader, 1, 11, 20), 0);
    ck_assert_int_eq(reader->started_ms, 10);
    ck_assert_int_eq(feed_at(&reader, 11, 20, 30), 0);
    ck_assert_int_eq(reader->started_ms, 10);
    /* The end of a message and the start of the next in one piece. */
    ck_assert_int_eq(feed_at(&reader, 20, 28, 40), 0);
    ck_assert_uint_eq(got.number, 2);
    ck_assert_int_eq(reader->started_ms, 40);
    ck_assert_int_eq(feed_at(&reader, 28, 35, 50), 0);
    ck_assert_int_eq(reader->started_ms, 40);
    ck_assert_int_eq(feed_at(&reader, 35, 40, 60), 0);
    ck_assert_uint_eq(got.number, 3);
    ck_assert_int_eq(reader->started_ms, 60);
    ck_assert_int_eq(feed_at(&reader, 40, stream.count, 70), 0);
    ck_assert_ptr_null(reader);
}
END_TEST

START_TEST(nothing_follows_when_the_taker_has_had_enough)
{
    size_t shown;

    stream_begin();
    stream_text(0x81, "one");
    stream_add(0x88, "\x03\xE8", 2);
    stream_text(0x81, "two");
    stream_raw("\xFF\xFF\xFF", 3);
    events_reset(&expected);
    expected.stop_at = 2;
    ck_assert_int_eq(stream_feed_whole(&expected, STREAM_LIMIT), 0);
    ck_assert_uint_eq(expected.number, 2);
    events_reset(&got);
    got.stop_at = 2;
    ck_assert_int_eq(stream_feed_pieces(&got, STREAM_LIMIT, 1, NULL, &shown),
                     0);
    ck_assert_uint_eq(shown, 9 + 8);
}
END_TEST

START_TEST(without_memory_the_status_says_so_and_nothing_leaks)
{
    unsigned nth = 0;
    int status;

    stream_begin();
    stream_text(0x01, "one");
    stream_text(0x89, "ping");
    stream_text(0x00, "two and more");
    stream_text(0x80, "three and still more");
    do {
        uint64_t seed = 1;
        size_t shown;

        events_reset(&got);
        testing_fail_allocation(++nth);
        status = stream_feed_pieces(&got, STREAM_LIMIT, 5, &seed, &shown);
        if (testing_allow_memory() > 0)
            ck_assert_int_eq(status, HUB__WS_INTERNAL_ERROR);
        else
            ck_assert_int_eq(status, 0);
    } while (status != 0);
    ck_assert_uint_gt(nth, 3);
    ck_assert_uint_eq(got.number, 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_message_may_be_as_large_as_the_limit_and_no_larger,
        fragments_count_together,
        a_declared_length_takes_no_memory,
        no_limit_can_be_overflowed,
        the_number_of_empty_fragments_is_bounded,
        bytes_buy_more_fragments,
        whoever_sends_in_small_frames_may_send_as_much_as_others,
        a_reader_lives_only_while_something_is_in_flight,
        the_time_counts_from_the_first_byte_of_what_is_in_flight,
        nothing_follows_when_the_taker_has_had_enough,
        without_memory_the_status_says_so_and_nothing_leaks,
    };

    return testing_run("reader_limits", tests, TESTING_LENGTH(tests));
}
