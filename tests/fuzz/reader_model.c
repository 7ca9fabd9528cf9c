/* reader_model.c - see reader_model.h. One state machine that takes one byte
 * per step; sections are those of RFC 6455.
 *
 * Two choices of the hub that the RFC leaves open: whether a frame may come at
 * this point of a message, and its length against the limit, are checked when
 * its header is complete; text is checked with each byte.
 */
#include "reader_model.h"

#include "fuzz.h"

#include <string.h>

enum place { FLAGS, LENGTH, LONG_LENGTH, KEY, PAYLOAD };

struct machine {
    struct model *out;
    size_t at; /* in the stream */
    size_t limit;

    enum place place;
    bool fin, control;
    uint8_t opcode, key[4];
    unsigned have, need; /* bytes of the long length, or of the key */
    uint64_t length, used;
    uint8_t body[125]; /* of a control frame */
    size_t frame_began;

    uint8_t message_opcode; /* 0: no message is open */
    uint8_t message[MODEL_STREAM_MAX];
    size_t message_bytes, message_began;
    size_t fragments;
    uint8_t character[4]; /* that the text stands in */
    unsigned character_bytes;
};

/* Its state between two runs does not count. */
static struct machine machine;

static void add_event(struct machine *m, uint8_t opcode, const uint8_t *payload,
                      size_t bytes, int status)
{
    struct model *out = m->out;

    REQUIRE(out->payload_bytes + bytes <= sizeof out->payloads);
    out->events[out->event_count++] =
        (struct model_event){opcode, status, out->payload_bytes, bytes};
    if (bytes > 0)
        memcpy(out->payloads + out->payload_bytes, payload, bytes);
    out->payload_bytes += bytes;
}

/* 5.5.1, 7.4: what may stand in a Close frame. */
static int end_close(struct machine *m)
{
    size_t bytes = (size_t)m->length;
    int code = 1005; /* 7.1.5: none was given */
    bool whole = true;

    if (bytes == 1)
        return 1002;
    if (bytes >= 2) {
        code = m->body[0] * 256 + m->body[1];
        if (code < 1000 || code > 4999 || (code > 1014 && code < 3000) ||
            code == 1004 || code == 1005 || code == 1006)
            return 1002;
        (void)fuzz_utf8_text(m->body + 2, bytes - 2, &whole);
    }
    if (!whole)
        return 1007;
    add_event(m, 8, m->body, bytes, code);
    return 0;
}

static int end_frame(struct machine *m)
{
    m->place = FLAGS;
    if (m->opcode == 8)
        return end_close(m);
    if (m->control) {
        add_event(m, m->opcode, m->body, (size_t)m->length, 0);
        return 0;
    }
    if (!m->fin)
        return 0;
    if (m->character_bytes > 0)
        return 1007;
    add_event(m, m->message_opcode, m->message, m->message_bytes, 0);
    m->message_opcode = 0;
    return 0;
}

static size_t fragments_allowed(const struct machine *m)
{
    return MODEL_FRAGMENTS_FREE + m->message_bytes / MODEL_FRAGMENT_BYTES;
}

/* 5.4: fragments follow one another; only control frames come between. */
static int begin_payload(struct machine *m)
{
    if (!m->control) {
        if ((m->opcode == 0) != (m->message_opcode != 0))
            return 1002;
        if (m->opcode != 0) {
            m->message_bytes = m->fragments = m->character_bytes = 0;
            m->message_began = m->frame_began;
        }
        if (m->length > m->limit - m->message_bytes)
            return 1009;
        if (m->opcode == 0 && m->fragments >= fragments_allowed(m))
            return 1008;
        if (m->opcode != 0)
            m->message_opcode = m->opcode;
        m->fragments++;
    }
    m->place = PAYLOAD;
    m->used = 0;
    return m->length == 0 ? end_frame(m) : 0;
}

/* 5.6, 8.1. */
static int take_text(struct machine *m, uint8_t byte)
{
    uint32_t code;

    m->character[m->character_bytes++] = byte;
    switch (fuzz_utf8_character(m->character, m->character_bytes, &code)) {
    case FUZZ_UTF8_BAD:
        return 1007;
    case FUZZ_UTF8_WHOLE:
        m->character_bytes = 0;
        break;
    case FUZZ_UTF8_CUT:
        break;
    }
    return 0;
}

static int take_payload(struct machine *m, uint8_t byte)
{
    byte ^= m->key[m->used % 4]; /* 5.3 */
    if (m->control)
        m->body[m->used] = byte;
    else
        m->message[m->message_bytes++] = byte;
    m->used++;
    if (!m->control && m->message_opcode == 1 && take_text(m, byte))
        return 1007;
    return m->used == m->length ? end_frame(m) : 0;
}

/* 5.2. */
static int take_flags(struct machine *m, uint8_t byte)
{
    m->fin = byte & 0x80;
    m->opcode = byte & 0x0F;
    m->control = m->opcode >= 8;
    m->frame_began = m->at;
    m->place = LENGTH;
    if ((byte & 0x70) || m->opcode > 10 || (m->opcode > 2 && m->opcode < 8))
        return 1002;
    return m->control && !m->fin ? 1002 : 0;
}

static int take_length(struct machine *m, uint8_t byte)
{
    m->length = byte & 0x7F;
    m->have = 0;
    m->need = 4;
    m->place = KEY;
    if (!(byte & 0x80) || (m->control && m->length > 125)) /* 5.1, 5.5 */
        return 1002;
    if (m->length > 125) {
        m->place = LONG_LENGTH;
        m->need = m->length == 126 ? 2 : 8;
        m->length = 0;
    }
    return 0;
}

/* 5.2: the shortest form, and no more than 63 bits. Six bytes of nothing but
 * zeros are enough to see that two would have done. */
static int take_long_length(struct machine *m, uint8_t byte)
{
    m->length = m->length << 8 | byte;
    m->have++;
    if (m->need == 8 && m->have == 1 && byte > 0x7F)
        return 1002;
    if (m->need == 8 && m->have == 6 && m->length == 0)
        return 1002;
    if (m->have < m->need)
        return 0;
    if (m->need == 2 && m->length < 126)
        return 1002;
    m->place = KEY;
    m->have = 0;
    m->need = 4;
    return 0;
}

static int take_byte(struct machine *m, uint8_t byte)
{
    switch (m->place) {
    case FLAGS:
        return take_flags(m, byte);
    case LENGTH:
        return take_length(m, byte);
    case LONG_LENGTH:
        return take_long_length(m, byte);
    case KEY:
        m->key[m->have++] = byte;
        return m->have < m->need ? 0 : begin_payload(m);
    case PAYLOAD:
        return take_payload(m, byte);
    }
    return 0;
}

void model_read(struct model *model, const uint8_t *stream, size_t bytes,
                size_t max_message_bytes)
{
    struct machine *m = &machine;

    m->out = model;
    m->limit = max_message_bytes;
    m->place = FLAGS;
    m->message_opcode = 0;
    m->message_bytes = 0;
    model->event_count = model->payload_bytes = 0;
    model->status = 0;
    model->shown_by = bytes;
    for (m->at = 0; m->at < bytes && model->status == 0; m->at++) {
        model->status = take_byte(m, stream[m->at]);
        model->shown_by = m->at + 1;
    }
    model->in_flight = m->place != FLAGS || m->message_opcode != 0;
    model->began = m->message_opcode != 0 ? m->message_began : m->frame_began;
}
