/* fuzz_utf8.c - the incremental check of UTF-8: fed whole, in pieces and byte
 * by byte, it must reject exactly at the first invalid byte, and hubd's own
 * check must agree on the whole.
 *
 * Input: a seed for the splits, then the text.
 */
#include "fuzz.h"

#include "base/utf8.h"
#include "ws/utf8.h"

static void check_pieces(const uint8_t *text, size_t bytes, size_t good,
                         bool whole, uint32_t seed, size_t most)
{
    struct hub__utf8 utf8 = {0};
    size_t at = 0;

    while (at < bytes) {
        size_t piece = most > 1 ? fuzz_draw(&seed, most + 1) : 1;

        if (piece > bytes - at)
            piece = bytes - at;
        at += piece;
        REQUIRE(hub__utf8_feed(&utf8, text + at - piece, piece) ==
                (good >= at));
        if (good < at)
            return;
    }
    REQUIRE(hub__utf8_complete(&utf8) == whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    size_t good;
    uint32_t seed;
    bool whole;

    if (bytes < 1)
        return 0;
    seed = *data++;
    bytes--;
    good = fuzz_utf8_text(data, bytes, &whole);

    REQUIRE(hub__utf8_valid(data, bytes) == whole);
    REQUIRE(utf8_is_valid((const char *)data, bytes) == whole);
    check_pieces(data, bytes, good, whole, seed, 1);
    check_pieces(data, bytes, good, whole, seed, 5);
    check_pieces(data, bytes, good, whole, seed, 40);
    return 0;
}
