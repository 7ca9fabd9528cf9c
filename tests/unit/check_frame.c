/* check_frame.c - encoded messages: their bytes, and that the last of many
 * holders releases them.
 */
#include "message/frame.h"

#include <stdlib.h>
#include <string.h>

#include "testing.h"

static void check_bytes(struct hub__frame *frame, const void *expected,
                        size_t bytes)
{
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(frame->bytes, bytes);
    ck_assert_mem_eq(frame->data, expected, bytes);
    hub__frame_unref(frame);
}

START_TEST(a_frame_is_header_and_payload)
{
    check_bytes(hub__frame_new(HUB__WS_TEXT, "Hello", 5), "\x81\x05Hello", 7);
    check_bytes(hub__frame_new(HUB__WS_BINARY, "\0\xFF", 2), "\x82\x02\0\xFF",
                4);
    check_bytes(hub__frame_new(HUB__WS_PING, NULL, 0), "\x89\0", 2);
    check_bytes(hub__frame_new(HUB__WS_TEXT, NULL, 0), "\x81\0", 2);
}
END_TEST

START_TEST(a_payload_of_any_size_comes_back_as_it_was)
{
    static const size_t sizes[] = {1,     125,   126,   127,
                                   65535, 65536, 65537, 1000000};

    for (size_t i = 0; i < TESTING_LENGTH(sizes); i++) {
        uint8_t *payload = malloc(sizes[i]);
        struct hub_message message;
        struct hub__frame *frame;

        ck_assert_ptr_nonnull(payload);
        for (size_t at = 0; at < sizes[i]; at++)
            payload[at] = (uint8_t)(at * 7);
        frame = hub__frame_new(HUB__WS_BINARY, payload, sizes[i]);
        ck_assert_ptr_nonnull(frame);
        message = hub__frame_message(frame);
        ck_assert_int_eq(message.kind, HUB_BINARY);
        ck_assert_uint_eq(message.payload_bytes, sizes[i]);
        ck_assert_mem_eq(message.payload, payload, sizes[i]);
        ck_assert_uint_eq(frame->bytes, frame->header_bytes + sizes[i]);
        hub__frame_unref(frame);
        free(payload);
    }
}
END_TEST

START_TEST(a_payload_beyond_all_memory_is_refused)
{
    ck_assert_ptr_null(hub__frame_new(HUB__WS_BINARY, "", SIZE_MAX));
    ck_assert_ptr_null(hub__frame_new(HUB__WS_BINARY, "", SIZE_MAX - 16));
    ck_assert_ptr_null(hub__frame_new(HUB__WS_BINARY, "", SIZE_MAX / 2 + 1));
}
END_TEST

START_TEST(only_text_and_binary_are_data)
{
    static const struct {
        enum hub__ws_opcode opcode;
        bool data;
    } cases[] = {{HUB__WS_TEXT, true},
                 {HUB__WS_BINARY, true},
                 {HUB__WS_CLOSE, false},
                 {HUB__WS_PING, false},
                 {HUB__WS_PONG, false}};

    for (size_t i = 0; i < TESTING_LENGTH(cases); i++) {
        struct hub__frame *frame = hub__frame_new(cases[i].opcode, "x", 1);

        ck_assert_int_eq(hub__frame_is_data(frame), cases[i].data);
        hub__frame_unref(frame);
    }
}
END_TEST

START_TEST(a_close_frame_is_a_code_and_a_reason)
{
    check_bytes(hub__frame_close(1000, NULL), "\x88\x02\x03\xE8", 4);
    check_bytes(hub__frame_close(1001, "bye"),
                "\x88\x05\x03\xE9"
                "bye",
                7);
    check_bytes(hub__frame_close(4999, ""), "\x88\x02\x13\x87", 4);
    check_bytes(hub__frame_close(HUB__WS_NO_STATUS, "ignored"), "\x88\0", 2);
}
END_TEST

START_TEST(a_reason_never_makes_a_control_frame_too_long)
{
    char reason[200];

    for (size_t bytes = 120; bytes < 130; bytes++) {
        struct hub__frame *frame;

        memset(reason, 'r', bytes);
        reason[bytes] = '\0';
        frame = hub__frame_close(1000, reason);
        ck_assert_ptr_nonnull(frame);
        ck_assert_uint_eq(frame->data[1], bytes < 123 ? bytes + 2 : 125);
        hub__frame_unref(frame);
    }
}
END_TEST

START_TEST(without_memory_there_is_no_frame)
{
    testing_fail_allocation(1);
    ck_assert_ptr_null(hub__frame_new(HUB__WS_TEXT, "x", 1));
    testing_fail_allocation(1);
    ck_assert_ptr_null(hub__frame_close(1000, "x"));
    ck_assert_uint_eq(testing_allow_memory(), 1);
}
END_TEST

static void *hold_and_drop(void *context)
{
    struct hub__frame *frame = context;

    for (int i = 0; i < 10000; i++) {
        hub__frame_ref(frame, 2);
        if (frame->data[2] != 'x')
            return context;
        hub__frame_unref(frame);
        hub__frame_unref(frame);
    }
    hub__frame_unref(frame);
    return NULL;
}

START_TEST(threads_may_hold_and_drop_at_once)
{
    struct hub__frame *frame = hub__frame_new(HUB__WS_TEXT, "x", 1);
    pthread_t threads[4];
    void *wrong;

    ck_assert_ptr_nonnull(frame);
    hub__frame_ref(frame, TESTING_LENGTH(threads));
    for (size_t i = 0; i < TESTING_LENGTH(threads); i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, hold_and_drop, frame), 0);
    for (size_t i = 0; i < TESTING_LENGTH(threads); i++) {
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    ck_assert_uint_eq(atomic_load(&frame->references), 1);
    hub__frame_unref(frame);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_frame_is_header_and_payload,
        a_payload_of_any_size_comes_back_as_it_was,
        a_payload_beyond_all_memory_is_refused,
        only_text_and_binary_are_data,
        a_close_frame_is_a_code_and_a_reason,
        a_reason_never_makes_a_control_frame_too_long,
        without_memory_there_is_no_frame,
        threads_may_hold_and_drop_at_once,
    };

    return testing_run("frame", tests, TESTING_LENGTH(tests));
}
