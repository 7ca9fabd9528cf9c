/* fuzz.h - shared by the fuzz targets. A target turns bytes into a call, and
 * judges the outcome by an oracle; if they disagree, it aborts.
 *
 * Nothing in here comes from libhub or hubd: an oracle must not share mistakes
 * with the code it judges.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C"
#endif
    int
    LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Cheap where it holds, and a finding where it does not. */
#define REQUIRE(condition)                                                     \
    ((condition) ? (void)0 : fuzz_finding(#condition, __FILE__, __LINE__))

__attribute__((noreturn)) static inline void
fuzz_finding(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line,
                  condition);
    abort();
}

/* Numbers that follow from a seed in the input: where to split it. */
static inline size_t fuzz_draw(uint32_t *seed, size_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

/* UTF-8 as RFC 3629 defines it: the shortest form of a number up to 10FFFF that
 * is no surrogate. What a beginning can still become is the range between all
 * missing bits clear and all of them set. */
enum fuzz_utf8 { FUZZ_UTF8_BAD, FUZZ_UTF8_CUT, FUZZ_UTF8_WHOLE };

/* What the first `have` bytes (1 to 4) of a character make of it. */
static inline enum fuzz_utf8 fuzz_utf8_character(const uint8_t *p, size_t have,
                                                 uint32_t *code)
{
    unsigned ones = (unsigned)__builtin_clz(~((uint32_t)p[0] << 24));
    size_t length = ones == 0 ? 1 : ones;
    uint32_t low = p[0], high, least;

    *code = low;
    if (p[0] < 0x80)
        return FUZZ_UTF8_WHOLE;
    if (ones < 2 || ones > 4)
        return FUZZ_UTF8_BAD;
    low = high = p[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (i < have && p[i] >> 6 != 2)
            return FUZZ_UTF8_BAD;
        low = low << 6 | (i < have ? p[i] & 0x3Fu : 0);
        high = high << 6 | (i < have ? p[i] & 0x3Fu : 0x3F);
    }
    least = length == 2 ? 0x80 : 1u << (5 * length - 4);
    if (high < least || low > 0x10FFFF || (low >= 0xD800 && high <= 0xDFFF))
        return FUZZ_UTF8_BAD;
    *code = low;
    return have < length ? FUZZ_UTF8_CUT : FUZZ_UTF8_WHOLE;
}

/* Returns how many bytes a text may begin with: all of them, or those before
 * the one that spoils it. `whole`: it may end there too. */
static inline size_t fuzz_utf8_text(const uint8_t *text, size_t bytes,
                                    bool *whole)
{
    size_t at = 0;

    *whole = false;
    while (at < bytes) {
        enum fuzz_utf8 state = FUZZ_UTF8_CUT;
        size_t have = 0;
        uint32_t code;

        while (state == FUZZ_UTF8_CUT && at + have < bytes)
            state = fuzz_utf8_character(text + at, ++have, &code);
        if (state == FUZZ_UTF8_BAD)
            return at + have - 1;
        if (state == FUZZ_UTF8_CUT)
            return bytes;
        at += have;
    }
    *whole = true;
    return bytes;
}

/* Whether a text is UTF-8 without C0, DEL and C1. */
static inline bool fuzz_utf8_is_shown(const char *text, size_t bytes)
{
    const uint8_t *p = (const uint8_t *)text;
    bool whole;

    (void)fuzz_utf8_text(p, bytes, &whole);
    for (size_t i = 0; i < bytes && whole; i++) {
        if (p[i] < 0x20 || p[i] == 0x7F)
            return false;
        if (p[i] == 0xC2 && p[i + 1] < 0xA0)
            return false;
    }
    return whole;
}

#endif
