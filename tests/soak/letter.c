/* letter.c - see letter.h. The sum takes the bytes in order, a word at a time;
 * each step is a bijection of the previous sum, so that one changed word is
 * always detected.
 */
#include "letter.h"

#include <stdio.h>
#include <string.h>

#define STAMP ",\"timestamp\":\"2000-01-01T00:00:00Z\""
#define HUB_STAMP ",\"timestamp\":\""
#define WORD 8
#define POOL_WORDS ((size_t)1 << 17) /* 1 MB: more than any filling */

/* Eight bytes each, and whole characters and escapes. */
static const char *const words[] = {
    "abcdefgh",  "0123 :,}",       "\xc3\xa9\xc3\xa8\xc3\xbc\xc3\x9f",
    "\\u20acxy", "\\\"\\\\\\/\\n", "\xf0\x9f\x98\x80\xe2\x82\xac.",
    "        ",  "{[null]}",
};

static char pool[POOL_WORDS * WORD];

static uint64_t mix(uint64_t value, uint64_t word)
{
    value = (value ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return value ^ value >> 29;
}

static void sum_add(struct letter_sum *s, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    uint64_t word;

    for (; bytes > 0 && s->kept != 0; bytes--) {
        s->rest[s->kept++] = *at++;
        if (s->kept == WORD) {
            memcpy(&word, s->rest, WORD);
            s->value = mix(s->value, word);
            s->kept = 0;
        }
    }
    for (; bytes >= WORD; bytes -= WORD, at += WORD) {
        memcpy(&word, at, WORD);
        s->value = mix(s->value, word);
    }
    if (bytes > 0) {
        memcpy(s->rest, at, bytes);
        s->kept = (unsigned)bytes;
    }
}

static uint64_t sum_end(const struct letter_sum *s)
{
    uint64_t word = 0;

    memcpy(&word, s->rest, s->kept);
    return mix(mix(s->value, word), s->kept);
}

void letter_init(void)
{
    uint64_t random = 1;

    for (size_t i = 0; i < POOL_WORDS; i++) {
        random = mix(random, i);
        memcpy(pool + i * WORD, words[random >> 61], WORD);
    }
}

static void fill(char *out, size_t bytes, uint32_t number)
{
    size_t whole = bytes / WORD;
    size_t from = number * UINT64_C(2654435761) % (POOL_WORDS - whole);

    memcpy(out, pool + from * WORD, whole * WORD);
    memset(out + whole * WORD, 'x', bytes - whole * WORD);
}

void letter_write(char *out, const struct letter *l)
{
    size_t tail = (l->stamped ? sizeof(STAMP) - 1 : 0) + 2;
    char *fields = out + LETTER_HEAD_BYTES + LETTER_SUM_BYTES;
    struct letter_sum sum = {0};
    char text[LETTER_FIELDS_BYTES + 1];

    memcpy(out, LETTER_HEAD, LETTER_HEAD_BYTES);
    (void)snprintf(text, sizeof(text), "%08x%02x%08x%04x%04x%06x%c", l->number,
                   l->lane, l->seq, l->user, l->session, l->bytes & 0xffffff,
                   l->stamped ? 's' : 'u');
    memcpy(fields, text, LETTER_FIELDS_BYTES);
    fill(out + LETTER_START_BYTES, l->bytes - LETTER_START_BYTES - tail,
         l->number);
    out[l->bytes - tail] = '"';
    if (l->stamped)
        memcpy(out + l->bytes - tail + 1, STAMP, sizeof(STAMP) - 1);
    out[l->bytes - 1] = '}';
    sum_add(&sum, fields, (size_t)(out + l->bytes - 1 - fields));
    (void)snprintf(text, sizeof(text), "%016llx",
                   (unsigned long long)sum_end(&sum));
    memcpy(out + LETTER_HEAD_BYTES, text, LETTER_SUM_BYTES);
}

/* Reading. -------------------------------------------------------------- */

static uint64_t hex(struct letter_reader *r, const char **at, unsigned digits)
{
    uint64_t value = 0;

    for (; digits > 0; digits--) {
        char c = *(*at)++;

        if (c >= '0' && c <= '9')
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            r->broken = true;
    }
    return value;
}

static void read_start(struct letter_reader *r)
{
    const char *at = r->start + LETTER_HEAD_BYTES;
    struct letter *l = &r->letter;

    r->broken |= memcmp(r->start, LETTER_HEAD, LETTER_HEAD_BYTES) != 0;
    r->expected = hex(r, &at, 16);
    sum_add(&r->sum, at, LETTER_FIELDS_BYTES);
    l->number = (uint32_t)hex(r, &at, 8);
    l->lane = (uint8_t)hex(r, &at, 2);
    l->seq = (uint32_t)hex(r, &at, 8);
    l->user = (uint16_t)hex(r, &at, 4);
    l->session = (uint16_t)hex(r, &at, 4);
    l->bytes = (uint32_t)hex(r, &at, 6);
    l->stamped = *at == 's';
    r->broken |= l->bytes < LETTER_BYTES_MIN || (*at != 's' && *at != 'u');
}

void letter_begin(struct letter_reader *r)
{
    r->got = 0;
    r->sum = (struct letter_sum){0};
    r->broken = false;
    r->tail_bytes = 0;
}

void letter_feed(struct letter_reader *r, const uint8_t *data, size_t bytes)
{
    size_t part;

    if (r->got < LETTER_START_BYTES) {
        part = LETTER_START_BYTES - r->got;
        part = bytes < part ? bytes : part;
        memcpy(r->start + r->got, data, part);
        r->got += part;
        data += part;
        bytes -= part;
        if (r->got == LETTER_START_BYTES)
            read_start(r);
    }
    if (bytes == 0 || r->broken)
        return;
    if (r->got < r->letter.bytes - 1) {
        part = r->letter.bytes - 1 - r->got;
        part = bytes < part ? bytes : part;
        sum_add(&r->sum, data, part);
        r->got += part;
        data += part;
        bytes -= part;
    }
    if (bytes > sizeof(r->tail) - r->tail_bytes) {
        r->broken = true;
        return;
    }
    memcpy(r->tail + r->tail_bytes, data, bytes);
    r->tail_bytes = (uint8_t)(r->tail_bytes + bytes);
    r->got += bytes;
}

/* ,"timestamp":"2024-05-06T07:08:09.012Z"} with any number of decimals. */
static bool is_hub_stamp(const char *tail, size_t bytes)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    const char *at = tail + sizeof(HUB_STAMP) - 1, *end = tail + bytes - 3;

    if (bytes < sizeof(HUB_STAMP) - 1 + sizeof(shape) - 1 + 3 ||
        memcmp(tail, HUB_STAMP, sizeof(HUB_STAMP) - 1) != 0 ||
        memcmp(end, "Z\"}", 3) != 0)
        return false;
    for (const char *s = shape; *s != '\0'; s++, at++) {
        if (*s == 'd' ? *at < '0' || *at > '9' : *at != *s)
            return false;
    }
    if (at < end && *at++ != '.')
        return false;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at == end;
}

bool letter_end(const struct letter_reader *r)
{
    if (r->broken || r->got < LETTER_BYTES_MIN ||
        sum_end(&r->sum) != r->expected || r->tail_bytes == 0)
        return false;
    if (r->letter.stamped)
        return r->tail_bytes == 1 && r->tail[0] == '}';
    return is_hub_stamp(r->tail, r->tail_bytes);
}
