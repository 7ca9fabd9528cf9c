/* check_siphash.c - SipHash-1-3 against a second implementation, written in a
 * different way: the paper's compression over an array of state words, with the
 * number of rounds as a parameter. That one is itself checked against the
 * vectors of SipHash-2-4 in the paper's appendix.
 */
#include "base/siphash.h"

#include <string.h>

#include "testing.h"

static uint64_t turn(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void rounds(uint64_t v[4], int count)
{
    while (count-- > 0) {
        for (int half = 0; half < 2; half++) {
            int a = half == 0 ? 0 : 2, c = half == 0 ? 2 : 0;

            v[a] += v[1];
            v[1] = turn(v[1], half == 0 ? 13 : 17) ^ v[a];
            v[a] = turn(v[a], 32);
            v[c] += v[3];
            v[3] = turn(v[3], half == 0 ? 16 : 21) ^ v[c];
        }
    }
}

static uint64_t siphash(int compression, int finalization,
                        const struct hub__siphash_key *key, const uint8_t *in,
                        size_t bytes)
{
    uint64_t v[4] = {key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d,
                     key->k0 ^ 0x6c7967656e657261,
                     key->k1 ^ 0x7465646279746573};
    uint64_t word = 0;

    for (size_t i = 0; i <= bytes / 8 * 8 + 7; i++) {
        uint64_t byte = i < bytes ? in[i] : i % 8 == 7 ? bytes & 0xFF : 0;

        word |= byte << (i % 8 * 8);
        if (i % 8 == 7) {
            v[3] ^= word;
            rounds(v, compression);
            v[0] ^= word;
            word = 0;
        }
    }
    v[2] ^= 0xFF;
    rounds(v, finalization);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Key 00 01 .. 0f, as in the paper. */
static const struct hub__siphash_key counting = {0x0706050403020100,
                                                 0x0f0e0d0c0b0a0908};

START_TEST(the_second_implementation_is_right)
{
    uint8_t in[64];

    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)i;
    ck_assert_uint_eq(siphash(2, 4, &counting, in, 15), 0xa129ca6149be45e5);
    ck_assert_uint_eq(siphash(2, 4, &counting, in, 0), 0x726fdb47dd0e0e31);
}
END_TEST

START_TEST(every_length_gives_the_same_as_the_second_one)
{
    uint8_t in[300];
    uint64_t seed = 13;

    for (size_t bytes = 0; bytes <= sizeof in; bytes++) {
        struct hub__siphash_key key = {testing_random(&seed) << 20,
                                       testing_random(&seed) << 11};

        for (size_t i = 0; i < bytes; i++)
            in[i] = (uint8_t)testing_random(&seed);
        ck_assert_uint_eq(hub__siphash(&key, in, bytes),
                          siphash(1, 3, &key, in, bytes));
        ck_assert_uint_eq(hub__siphash(&counting, in, bytes),
                          siphash(1, 3, &counting, in, bytes));
    }
}
END_TEST

START_TEST(every_bit_of_key_and_text_counts)
{
    struct hub__siphash_key key = counting;
    uint8_t in[20] = "nineteen characters";
    uint64_t hash = hub__siphash(&key, in, 19);

    for (unsigned bit = 0; bit < 64; bit++) {
        key.k0 ^= 1ull << bit;
        ck_assert_uint_ne(hub__siphash(&key, in, 19), hash);
        key.k0 ^= 1ull << bit;
        key.k1 ^= 1ull << bit;
        ck_assert_uint_ne(hub__siphash(&key, in, 19), hash);
        key.k1 ^= 1ull << bit;
    }
    for (unsigned bit = 0; bit < 19 * 8; bit++) {
        in[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_uint_ne(hub__siphash(&key, in, 19), hash);
        in[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_uint_eq(hub__siphash(&key, in, 19), hash);
    ck_assert_uint_ne(hub__siphash(&key, in, 20), hash);
}
END_TEST

START_TEST(text_is_read_from_any_address)
{
    uint8_t in[40] = "xxxxxxxxthe same text";

    for (size_t shift = 1; shift < 8; shift++) {
        uint8_t moved[40];

        memcpy(moved + shift, in + 8, 13);
        ck_assert_uint_eq(hub__siphash(&counting, moved + shift, 13),
                          hub__siphash(&counting, in + 8, 13));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_second_implementation_is_right,
        every_length_gives_the_same_as_the_second_one,
        every_bit_of_key_and_text_counts,
        text_is_read_from_any_address,
    };

    return testing_run("siphash", tests, TESTING_LENGTH(tests));
}
