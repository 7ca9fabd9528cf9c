/* sha1.c - see sha1.h: FIPS 180-4, 6.1, in the order of its text. */
#include "ws/sha1.h"

#include <string.h>

#define BLOCK 64
#define ROUNDS 80
#define LENGTH_BYTES 8 /* of the message in bits, at the end of its padding */

static uint32_t rotate(uint32_t word, unsigned left)
{
    return word << left | word >> (32 - left);
}

static void expand(uint32_t w[ROUNDS], const uint8_t block[BLOCK])
{
    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < ROUNDS; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
}

/* 4.1.1 and 4.2.1: what round i makes of b, c and d, with its constant. */
static uint32_t mix(int i, uint32_t b, uint32_t c, uint32_t d)
{
    if (i < 20)
        return ((b & c) | (~b & d)) + 0x5A827999;
    if (i < 40)
        return (b ^ c ^ d) + 0x6ED9EBA1;
    if (i < 60)
        return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC;
    return (b ^ c ^ d) + 0xCA62C1D6;
}

static void add_block(uint32_t hash[5], const uint8_t block[BLOCK])
{
    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4];
    uint32_t w[ROUNDS];

    expand(w, block);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t next = rotate(a, 5) + mix(i, b, c, d) + e + w[i];

        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
    hash[4] += e;
}

/* Hashes the rest of the message, a one bit, zeros, and the message's length.
 */
static void add_end(uint32_t hash[5], const uint8_t *rest, size_t bytes,
                    uint64_t bits)
{
    uint8_t end[2 * BLOCK] = {0};
    size_t blocks = bytes + 1 + LENGTH_BYTES <= BLOCK ? 1 : 2;

    memcpy(end, rest, bytes);
    end[bytes] = 0x80;
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        end[blocks * BLOCK - 1 - i] = (uint8_t)(bits >> 8 * i);
    for (size_t i = 0; i < blocks; i++)
        add_block(hash, end + i * BLOCK);
}

void hub__sha1(uint8_t digest[HUB__SHA1_BYTES], const void *data, size_t bytes)
{
    uint32_t hash[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476,
                        0xC3D2E1F0};
    const uint8_t *at = data;
    size_t left = bytes;

    for (; left >= BLOCK; left -= BLOCK, at += BLOCK)
        add_block(hash, at);
    add_end(hash, at, left, (uint64_t)bytes * 8);
    for (size_t i = 0; i < HUB__SHA1_BYTES; i++)
        digest[i] = (uint8_t)(hash[i / 4] >> (24 - 8 * (i % 4)));
}
