/* check_outbox.c - the queue of a connection, against a plain list of frames
 * under random operations, and each rule by itself.
 */
#include "message/outbox.h"

#include <string.h>

#include "testing.h"

#define MODEL_MAX 600

/* The naive outbox; each frame with the reference it was made with. */
struct model {
    struct hub__frame *frames[MODEL_MAX];
    size_t count, offset;
};

static struct hub__frame *new_frame(enum hub__ws_opcode opcode, size_t bytes)
{
    static uint8_t payload[100];
    struct hub__frame *frame;

    payload[0]++; /* so that frames differ */
    frame = hub__frame_new(opcode, payload, bytes);
    ck_assert_ptr_nonnull(frame);
    return frame;
}

static void model_insert(struct model *m, size_t at, struct hub__frame *frame)
{
    memmove(m->frames + at + 1, m->frames + at,
            (m->count - at) * sizeof m->frames[0]);
    m->frames[at] = frame;
    m->count++;
}

static void model_remove(struct model *m, size_t at)
{
    hub__frame_unref(m->frames[at]);
    m->count--;
    memmove(m->frames + at, m->frames + at + 1,
            (m->count - at) * sizeof m->frames[0]);
    if (at == 0)
        m->offset = 0;
}

static size_t model_bytes(const struct model *m)
{
    size_t bytes = 0;

    for (size_t i = 0; i < m->count; i++)
        bytes += m->frames[i]->bytes;
    return bytes - m->offset;
}

/* Returns how many data messages are out whole with these bytes. */
static uint64_t advance(struct hub__outbox *o, size_t bytes)
{
    struct hub__frame *frame;
    uint64_t messages = 0;

    while ((frame = hub__outbox_advance(o, &bytes)) != NULL) {
        messages += hub__frame_is_data(frame);
        hub__frame_unref(frame);
    }
    ck_assert_uint_eq(bytes, 0);
    return messages;
}

static uint64_t model_advance(struct model *m, size_t bytes)
{
    uint64_t messages = 0;

    while (bytes > 0) {
        size_t left = m->frames[0]->bytes - m->offset;

        if (bytes < left) {
            m->offset += bytes;
            break;
        }
        bytes -= left;
        messages += m->frames[0]->opcode == HUB__WS_TEXT;
        model_remove(m, 0);
    }
    return messages;
}

static bool model_drop_oldest(struct model *m)
{
    for (size_t i = m->offset > 0 ? 1 : 0; i < m->count; i++) {
        if (m->frames[i]->opcode == HUB__WS_TEXT) {
            model_remove(m, i);
            return true;
        }
    }
    return false;
}

/* What may be written is what the model holds, in any portion. */
static void compare(const struct hub__outbox *o, const struct model *m,
                    size_t max, size_t max_bytes)
{
    static struct iovec iov[MODEL_MAX];
    size_t bytes, sum = 0;
    size_t count = hub__outbox_gather(o, iov, max, max_bytes, &bytes);

    if (o->bytes != model_bytes(m) || hub__outbox_empty(o) != (m->count == 0))
        ck_abort_msg("it holds %zu bytes, not %zu", o->bytes, model_bytes(m));
    for (size_t i = 0; i < count; i++) {
        size_t skip = i == 0 ? m->offset : 0;

        if (iov[i].iov_base != m->frames[i]->data + skip ||
            iov[i].iov_len != m->frames[i]->bytes - skip)
            ck_abort_msg("piece %zu is another", i);
        sum += iov[i].iov_len;
    }
    if (sum != bytes || count > max || (count > 1 && bytes > max_bytes))
        ck_abort_msg("%zu pieces of %zu bytes: too much", count, bytes);
    if (count < m->count && count < max &&
        (count == 0 || bytes + m->frames[count]->bytes <= max_bytes))
        ck_abort_msg("%zu pieces only", count);
    if (o->first == NULL && o->ring != NULL)
        ck_abort_msg("an empty outbox holds memory");
}

static void random_step(struct hub__outbox *o, struct model *m, uint64_t *seed)
{
    unsigned what = (unsigned)(testing_random(seed) % 100);
    size_t size = (size_t)(testing_random(seed) % 60);
    struct hub__frame *frame;

    if (what < 45 && m->count < MODEL_MAX) {
        frame =
            new_frame(what % 5 == 0 ? HUB__WS_PING : HUB__WS_TEXT, size + 1);
        ck_assert(hub__outbox_push(o, frame) == 0);
        model_insert(m, m->count, frame);
    } else if (what < 55 && m->count < MODEL_MAX) {
        frame = new_frame(HUB__WS_PONG, size + 1);
        ck_assert(hub__outbox_push_front(o, frame) == 0);
        model_insert(m, m->offset > 0 ? 1 : 0, frame);
    } else if (what < 80) {
        size_t bytes = o->bytes == 0 ? 0 : testing_random(seed) % o->bytes + 1;

        if (what < 78 && bytes > 200)
            bytes = bytes % 200 + 1;
        ck_assert(advance(o, bytes) == model_advance(m, bytes));
    } else if (what < 90) {
        ck_assert(hub__outbox_drop_oldest(o) == model_drop_oldest(m));
    } else if (what < 92) {
        hub__outbox_drop_unsent(o);
        while (m->count > (m->offset > 0 ? 1u : 0u))
            model_remove(m, m->count - 1);
    } else if (what < 97) {
        frame = hub__outbox_pop(o);
        ck_assert(frame == (m->count == 0 ? NULL : m->frames[0]));
        if (frame != NULL) {
            hub__frame_unref(frame);
            model_remove(m, 0);
        }
    }
    compare(o, m, (size_t)(testing_random(seed) % MODEL_MAX),
            (size_t)(testing_random(seed) % 3000));
}

START_TEST(random_operations_give_what_a_list_gives)
{
    struct hub__outbox o = {0};
    struct model m = {.count = 0};
    uint64_t seed = 77;

    for (int step = 0; step < 20000; step++) {
        random_step(&o, &m, &seed);
        compare(&o, &m, MODEL_MAX, SIZE_MAX);
    }
    hub__outbox_fini(&o);
    ck_assert_uint_eq(o.bytes, 0);
    ck_assert_ptr_null(o.ring);
    while (m.count > 0)
        model_remove(&m, 0);
}
END_TEST

START_TEST(an_empty_outbox_has_nothing_to_give)
{
    struct hub__outbox o = {0};
    struct iovec iov[2];
    size_t bytes = 9;

    ck_assert(hub__outbox_empty(&o));
    ck_assert_uint_eq(hub__outbox_gather(&o, iov, 2, 100, &bytes), 0);
    ck_assert_uint_eq(bytes, 0);
    ck_assert_uint_eq(advance(&o, 0), 0);
    ck_assert(!hub__outbox_drop_oldest(&o));
    hub__outbox_drop_unsent(&o);
    ck_assert_ptr_null(hub__outbox_pop(&o));
    hub__outbox_fini(&o);
}
END_TEST

START_TEST(one_frame_takes_no_memory)
{
    struct hub__outbox o = {0};
    struct hub__frame *frame = new_frame(HUB__WS_TEXT, 10);

    testing_fail_after(0);
    ck_assert_int_eq(hub__outbox_push(&o, frame), 0);
    ck_assert_uint_eq(testing_allow_memory(), 0);
    ck_assert_ptr_null(o.ring);
    ck_assert_uint_eq(atomic_load(&frame->references), 2);
    hub__outbox_fini(&o);
    ck_assert_uint_eq(atomic_load(&frame->references), 1);
    hub__frame_unref(frame);
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
    struct hub__outbox o = {0};
    struct hub__frame *frame = new_frame(HUB__WS_TEXT, 10);
    size_t held = 0;

    /* Fails whenever the ring has to grow: at 1, 4, 8, 16 behind the first. */
    for (int round = 0; round < 40; round++) {
        int err;

        testing_fail_after(0);
        err = hub__outbox_push(&o, frame);
        if (err != 0) {
            ck_assert_int_eq(err, HUB_ENOMEM);
            ck_assert_int_eq(hub__outbox_push_front(&o, frame), HUB_ENOMEM);
            ck_assert_uint_eq(o.bytes, held * frame->bytes);
            ck_assert_uint_eq(atomic_load(&frame->references), held + 1);
            testing_allow_memory();
            ck_assert_int_eq(hub__outbox_push(&o, frame), 0);
        }
        testing_allow_memory();
        held++;
        ck_assert_uint_eq(o.bytes, held * frame->bytes);
    }
    hub__outbox_fini(&o);
    ck_assert_uint_eq(atomic_load(&frame->references), 1);
    hub__frame_unref(frame);
}
END_TEST

START_TEST(a_control_frame_goes_behind_what_is_half_written)
{
    struct hub__outbox o = {0};
    struct hub__frame *text = new_frame(HUB__WS_TEXT, 10);
    struct hub__frame *ping = new_frame(HUB__WS_PING, 1);

    ck_assert_int_eq(hub__outbox_push(&o, text), 0);
    ck_assert_int_eq(hub__outbox_push(&o, text), 0);
    ck_assert_uint_eq(advance(&o, 1), 0);
    ck_assert_int_eq(hub__outbox_push_front(&o, ping), 0);
    ck_assert_uint_eq(advance(&o, text->bytes - 1), 1);
    ck_assert_ptr_eq(o.first, ping);
    ck_assert_int_eq(hub__outbox_push_front(&o, ping), 0);
    ck_assert_uint_eq(advance(&o, 2 * ping->bytes), 0);
    ck_assert_ptr_eq(o.first, text);
    hub__outbox_fini(&o);
    hub__frame_unref(text);
    hub__frame_unref(ping);
}
END_TEST

START_TEST(what_is_half_written_or_control_is_never_dropped_as_oldest)
{
    struct hub__outbox o = {0};
    struct hub__frame *text = new_frame(HUB__WS_TEXT, 10);
    struct hub__frame *ping = new_frame(HUB__WS_PING, 1);

    ck_assert_int_eq(hub__outbox_push(&o, text), 0);
    advance(&o, 3);
    ck_assert(!hub__outbox_drop_oldest(&o));
    ck_assert_int_eq(hub__outbox_push(&o, ping), 0);
    ck_assert(!hub__outbox_drop_oldest(&o));
    ck_assert_int_eq(hub__outbox_push(&o, text), 0);
    ck_assert(hub__outbox_drop_oldest(&o));
    ck_assert_uint_eq(o.bytes, text->bytes - 3 + ping->bytes);
    hub__outbox_drop_unsent(&o);
    ck_assert_ptr_eq(o.first, text);
    ck_assert_uint_eq(o.offset, 3);
    ck_assert_uint_eq(o.bytes, text->bytes - 3);
    hub__outbox_fini(&o);
    hub__frame_unref(text);
    hub__frame_unref(ping);
}
END_TEST

START_TEST(the_first_piece_is_given_however_large_it_is)
{
    struct hub__outbox o = {0};
    struct hub__frame *text = new_frame(HUB__WS_TEXT, 50);
    struct iovec iov[4];
    size_t bytes;

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(hub__outbox_push(&o, text), 0);
    ck_assert_uint_eq(hub__outbox_gather(&o, iov, 4, 1, &bytes), 1);
    ck_assert_uint_eq(bytes, text->bytes);
    ck_assert_uint_eq(hub__outbox_gather(&o, iov, 4, 2 * text->bytes, &bytes),
                      2);
    ck_assert_uint_eq(
        hub__outbox_gather(&o, iov, 4, 2 * text->bytes - 1, &bytes), 1);
    ck_assert_uint_eq(hub__outbox_gather(&o, iov, 0, 1000, &bytes), 0);
    ck_assert_uint_eq(bytes, 0);
    hub__outbox_fini(&o);
    hub__frame_unref(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        random_operations_give_what_a_list_gives,
        an_empty_outbox_has_nothing_to_give,
        one_frame_takes_no_memory,
        without_memory_nothing_changes,
        a_control_frame_goes_behind_what_is_half_written,
        what_is_half_written_or_control_is_never_dropped_as_oldest,
        the_first_piece_is_given_however_large_it_is,
    };

    return testing_run("outbox", tests, TESTING_LENGTH(tests));
}
