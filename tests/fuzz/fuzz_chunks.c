/* fuzz_chunks.c - a chunked body: in whatever pieces it arrives, the bytes, the
 * end, and the place of an error must be those of a model that has the whole
 * body and looks for complete lines.
 *
 * Input: a seed for the splits, then the body, in which byte 1 stands for 600
 * letters.
 */
#include "fuzz.h"

#include <string.h>

#include "front/chunks.h"

#define PADDING 600
#define TEXT_MAX 65536
#define SIZE_DIGITS 16

enum verdict { CUT, BAD, WHOLE };

static struct {
    char text[TEXT_MAX]; /* the body as it is sent */
    size_t bytes;
    char data[TEXT_MAX]; /* what the model makes of it */
    size_t data_bytes, used;
} model;

static void write_text(const uint8_t *from, size_t bytes)
{
    model.bytes = 0;
    for (size_t i = 0; i < bytes; i++) {
        size_t count = from[i] == 1 ? PADDING : 1;

        if (count > TEXT_MAX - model.bytes)
            return;
        memset(model.text + model.bytes, from[i] == 1 ? 'a' : from[i], count);
        model.bytes += count;
    }
}

/* The line at `at`: its length without CR LF. No byte but those of text may be
 * in it, and no more than `most`. */
static enum verdict read_line(size_t at, size_t most, size_t *length)
{
    const unsigned char *p = (const unsigned char *)model.text;

    for (size_t end = at; end < model.bytes; end++) {
        *length = end - at;
        if (p[end] == '\r') {
            if (end + 1 == model.bytes)
                return CUT;
            return p[end + 1] == '\n' ? WHOLE : BAD;
        }
        if (*length == most || p[end] == 0x7f || (p[end] < ' ' && p[end] != 9))
            return BAD;
    }
    return CUT;
}

/* Reads the size in the first bytes of a line. */
static enum verdict read_size(size_t at, uint64_t *size, size_t *digits)
{
    *size = 0;
    for (*digits = 0; at + *digits < model.bytes; ++*digits) {
        static const char hex[] = "0123456789abcdefABCDEF";
        char c = model.text[at + *digits];
        const char *found = c != '\0' ? strchr(hex, c) : NULL;
        size_t value = found != NULL ? (size_t)(found - hex) : 0;

        if (found == NULL)
            return *digits > 0 &&
                           (c == ';' || c == ' ' || c == '\t' || c == '\r')
                       ? WHOLE
                       : BAD;
        if (*digits == SIZE_DIGITS)
            return BAD;
        *size = *size * 16 + (value < 16 ? value : value - 6);
    }
    return CUT;
}

static enum verdict read_trailers(size_t at)
{
    size_t left = CHUNKS_TRAILERS_MAX, length;

    for (;;) {
        enum verdict verdict = read_line(at, left, &length);

        if (verdict != WHOLE)
            return verdict;
        at += length + 2;
        left -= length;
        if (length == 0)
            break;
    }
    model.used = at;
    return WHOLE;
}

/* A chunk's bytes and its line end, at *at, which moves behind them. */
static enum verdict read_data(size_t *at, uint64_t size)
{
    size_t there = model.bytes - *at;
    size_t count = size < there ? (size_t)size : there;

    memcpy(model.data + model.data_bytes, model.text + *at, count);
    model.data_bytes += count;
    *at += count;
    for (size_t i = 0; i < 2; i++) {
        if (*at == model.bytes)
            return CUT;
        if (model.text[(*at)++] != "\r\n"[i])
            return BAD;
    }
    return WHOLE;
}

static enum verdict read_model(void)
{
    size_t at = 0;

    model.data_bytes = 0;
    for (;;) {
        enum verdict verdict;
        size_t digits, length;
        uint64_t size;

        verdict = read_size(at, &size, &digits);
        if (verdict != WHOLE)
            return verdict;
        /* What begins the extensions does not count among them. */
        verdict = read_line(at + digits + (model.text[at + digits] != '\r'),
                            CHUNKS_LINE_MAX, &length);
        if (verdict != WHOLE)
            return verdict;
        at += digits + (model.text[at + digits] != '\r') + length + 2;
        if (size == 0)
            return read_trailers(at);
        verdict = read_data(&at, size);
        if (verdict != WHOLE)
            return verdict;
    }
}

static void check_pieces(enum verdict verdict, uint32_t seed, size_t most)
{
    struct chunks chunks = {0};
    size_t at = 0, done = 0;

    while (at < model.bytes && !chunks_done(&chunks) &&
           !chunks_broken(&chunks)) {
        size_t count = 1 + fuzz_draw(&seed, most), got;
        char *piece; /* with no byte to spare */

        if (count > model.bytes - at)
            count = model.bytes - at;
        piece = malloc(count);
        REQUIRE(piece != NULL);
        memcpy(piece, model.text + at, count);
        got = chunks_undo(&chunks, piece, &count);
        REQUIRE(got <= model.data_bytes - done);
        REQUIRE(memcmp(piece, model.data + done, got) == 0);
        free(piece);
        done += got;
        at += count;
    }
    REQUIRE(chunks_done(&chunks) == (verdict == WHOLE));
    REQUIRE(chunks_broken(&chunks) == (verdict == BAD));
    REQUIRE(done == model.data_bytes);
    REQUIRE(verdict != WHOLE || at == model.used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    enum verdict verdict;

    if (bytes < 1)
        return 0;
    write_text(data + 1, bytes - 1);
    verdict = read_model();
    check_pieces(verdict, data[0], 1);
    check_pieces(verdict, data[0], 7);
    check_pieces(verdict, data[0], 1000);
    check_pieces(verdict, data[0], TEXT_MAX);
    return 0;
}
