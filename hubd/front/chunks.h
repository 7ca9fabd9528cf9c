/* chunks.h - decodes the chunked transfer coding (RFC 9112, 7.1), in whatever
 * pieces it arrives: each byte of the body is available as soon as it arrives,
 * not when its chunk is complete.
 *
 * Strict, because others may read the same bytes differently: lines end with CR
 * LF, sizes are hexadecimal digits. Extensions and trailers are skipped. Pure.
 */
#ifndef HUBD_CHUNKS_H
#define HUBD_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNKS_LINE_MAX 1024     /* a size and its extensions */
#define CHUNKS_TRAILERS_MAX 8192 /* all of them */

enum chunks_state {
    CHUNKS_SIZE,
    CHUNKS_EXTENSION,
    CHUNKS_SIZE_LF,
    CHUNKS_DATA,
    CHUNKS_DATA_CR,
    CHUNKS_DATA_LF,
    CHUNKS_TRAILER_START, /* of a line */
    CHUNKS_TRAILER,
    CHUNKS_TRAILER_LF,
    CHUNKS_END_LF,
    CHUNKS_DONE,
    CHUNKS_BROKEN,
};

/* All zero at first. */
struct chunks {
    enum chunks_state state;
    uint64_t left;     /* left of the chunk; or its size so far */
    unsigned digits;   /* of the size */
    size_t line_bytes; /* of the line, or of all trailers */
};

/* Replaces the first `*count` bytes at `bytes` by the body bytes in them.
 * Returns how many those are, and in `*count` how many of the given ones were
 * used: not all only if chunks_done() or chunks_broken(). */
size_t chunks_undo(struct chunks *chunks, char *bytes, size_t *count);

/* The same without the body: the bytes stay as they are. Returns how many were
 * used. */
size_t chunks_skip(struct chunks *chunks, const char *bytes, size_t count);

/* Whether the coding was malformed. */
bool chunks_broken(const struct chunks *chunks);

/* Whether the body is complete. */
bool chunks_done(const struct chunks *chunks);

/* Whether any part of a trailer has arrived. */
bool chunks_have_trailers(const struct chunks *chunks);

#endif
