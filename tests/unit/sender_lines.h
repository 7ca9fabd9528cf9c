/* sender_lines.h - a full batch of sockets in every state that a write may find
 * them in, and what each write must do to them.
 *
 * What is written to a line is taken from its own part of random bytes, so that
 * lost, repeated or misdirected bytes show at its other end.
 */
#ifndef SENDER_LINES_H
#define SENDER_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "loop/sender.h"

#define SENDER_PIECES 32 /* of one write, at most */

enum sender_line_kind {
    SENDER_SMALL,        /* one piece that fits */
    SENDER_PIECED,       /* several that fit, empty ones among them */
    SENDER_LARGE,        /* one piece that does not fit */
    SENDER_LARGE_PIECED, /* several that do not */
    SENDER_FULL,         /* a socket that takes nothing */
    SENDER_RESET,        /* closed by a peer that had not read all */
    SENDER_GONE,         /* closed by a peer that had */
    SENDER_NO_SOCKET,    /* something else's descriptor */
    SENDER_NO_FD,        /* nobody's descriptor */
    SENDER_KINDS,
};

struct sender_line {
    enum sender_line_kind kind;
    int ours, theirs;   /* -1: none */
    size_t sent, got;   /* bytes */
    const uint8_t *all; /* what is written to it, again and again */
};

struct sender_lines {
    uint64_t seed;
    struct sender_line lines[HUB__SENDER_BATCH];
    struct hub__write writes[HUB__SENDER_BATCH];
    struct sender_line *of[HUB__SENDER_BATCH]; /* whose the writes are */
    struct iovec iov[HUB__SENDER_BATCH][SENDER_PIECES];
};

struct sender_lines *sender_lines_new(uint64_t seed);

/* Checks that what came is what was taken, everywhere. */
void sender_lines_free(struct sender_lines *lines);

/* Makes a batch of `count` writes to lines in random order. */
void sender_lines_prepare(struct sender_lines *lines, size_t count);

/* A write has been tried: counts what it says was taken. */
void sender_lines_count(struct sender_lines *lines, size_t at);

/* The same for the first write to a line, whose result is certain. */
void sender_lines_expect(struct sender_lines *lines, size_t at);

/* Its peer reads all there is. */
void sender_lines_drain(struct sender_line *line);

#endif
