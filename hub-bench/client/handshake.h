/* handshake.h - the opening handshake of a client, RFC 6455 section 4.1. Pure.
 */
#ifndef HUB_BENCH_HANDSHAKE_H
#define HUB_BENCH_HANDSHAKE_H

#include <stddef.h>
#include <stdint.h>

#define HANDSHAKE_RANDOM_BYTES 16
#define HANDSHAKE_KEY_BYTES 25        /* base64 of those, and its NUL */
#define HANDSHAKE_AUTHORITY_BYTES 272 /* of "host:port", and a NUL */
#define HANDSHAKE_TARGET_BYTES 2048   /* of a path and its query, and a NUL */
#define HANDSHAKE_REQUEST_BYTES                                                \
    (HANDSHAKE_TARGET_BYTES + HANDSHAKE_AUTHORITY_BYTES + 256)
#define HANDSHAKE_ACCEPT_BYTES 29 /* base64 of SHA-1, and its NUL */

void handshake_key(char key[HANDSHAKE_KEY_BYTES],
                   const uint8_t random[HANDSHAKE_RANDOM_BYTES]);

/* What a server must answer to a key. Returns 0, or -1 if SHA-1 is not
 * available. */
int handshake_accept(char accept[HANDSHAKE_ACCEPT_BYTES], const char *key);

/* Writes the request for a target, whose '/' may be missing. Returns its length
 * without the NUL, as snprintf() does; HANDSHAKE_REQUEST_BYTES are enough if
 * authority and target keep to their limits. */
size_t handshake_request(char *out, size_t size, const char *authority,
                         const char *target, const char *key);

/* Checks an answer, from its status line to the empty line. Returns 0, or -1
 * and the reason in `why`. */
int handshake_check(const char *answer, size_t bytes, const char *key,
                    char *why, size_t why_size);

#endif
