/* sender_lines.c - see sender_lines.h. */
#include "sender_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

/* More than a socket holds. The bytes are there twice, so that a write may
 * begin anywhere in the first half. */
#define ALL ((size_t)1 << 20)

static uint8_t random_bytes[HUB__SENDER_BATCH * 64 + 2 * ALL];

static void make_bytes(void)
{
    static bool made;
    uint64_t seed = 4711;

    if (made)
        return;
    made = true;
    for (size_t i = 0; i < sizeof random_bytes; i++)
        random_bytes[i] =
            (uint8_t)(i < ALL ? testing_random(&seed) : random_bytes[i - ALL]);
}

static void fill(struct sender_line *line)
{
    ssize_t taken;

    do {
        taken = send(line->ours, line->all + line->sent % ALL, 5000,
                     MSG_DONTWAIT | MSG_NOSIGNAL);
        if (taken > 0)
            line->sent += (size_t)taken;
    } while (taken > 0);
    ck_assert_int_eq(errno, EAGAIN);
}

static void open_line(struct sender_line *line)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    line->ours = fds[0];
    line->theirs = fds[1];
    if (line->kind == SENDER_FULL)
        fill(line);
    if (line->kind == SENDER_RESET)
        ck_assert_int_eq(send(line->ours, "unread", 6, 0), 6);
    if (line->kind == SENDER_RESET || line->kind == SENDER_GONE) {
        close(line->theirs);
        line->theirs = -1;
    }
}

struct sender_lines *sender_lines_new(uint64_t seed)
{
    struct sender_lines *lines = calloc(1, sizeof *lines);

    ck_assert_ptr_nonnull(lines);
    make_bytes();
    lines->seed = seed;
    for (size_t i = 0; i < HUB__SENDER_BATCH; i++) {
        struct sender_line *line = &lines->lines[i];

        line->kind = (enum sender_line_kind)(i % SENDER_KINDS);
        line->all = random_bytes + i * 64;
        line->ours = line->theirs = -1;
        if (line->kind == SENDER_NO_SOCKET)
            line->ours = open("/dev/null", O_RDWR | O_CLOEXEC);
        else if (line->kind != SENDER_NO_FD)
            open_line(line);
    }
    return lines;
}

void sender_lines_drain(struct sender_line *line)
{
    static uint8_t input[65536];
    ssize_t got;

    if (line->theirs < 0)
        return;
    while ((got = recv(line->theirs, input, sizeof input, MSG_DONTWAIT)) > 0) {
        if (memcmp(input, line->all + line->got % ALL, (size_t)got) != 0)
            ck_abort_msg("other bytes came behind the first %zu", line->got);
        line->got += (size_t)got;
    }
    ck_assert_int_eq(errno, EAGAIN);
}

void sender_lines_free(struct sender_lines *lines)
{
    for (size_t i = 0; i < HUB__SENDER_BATCH; i++) {
        struct sender_line *line = &lines->lines[i];

        sender_lines_drain(line);
        ck_assert_uint_eq(line->got, line->sent);
        if (line->ours >= 0)
            close(line->ours);
        if (line->theirs >= 0)
            close(line->theirs);
    }
    free(lines);
}

/* Making writes. -------------------------------------------------------- */

static size_t pick(struct sender_lines *lines, size_t below)
{
    return (size_t)(testing_random(&lines->seed) % below);
}

static void shuffle(struct sender_lines *lines)
{
    for (size_t i = 0; i < HUB__SENDER_BATCH; i++)
        lines->of[i] = &lines->lines[i];
    for (size_t i = HUB__SENDER_BATCH; i > 1; i--) {
        size_t other = pick(lines, i);
        struct sender_line *line = lines->of[other];

        lines->of[other] = lines->of[i - 1];
        lines->of[i - 1] = line;
    }
}

/* Pieces that follow one another in the line's bytes. */
static void prepare(struct sender_lines *lines, size_t at)
{
    struct sender_line *line = lines->of[at];
    struct hub__write *w = &lines->writes[at];
    bool pieced = line->kind == SENDER_PIECED ||
                  line->kind == SENDER_LARGE_PIECED ||
                  (line->kind > SENDER_LARGE_PIECED && pick(lines, 2) == 0);
    bool large =
        line->kind == SENDER_LARGE || line->kind == SENDER_LARGE_PIECED;
    const uint8_t *from = line->all + line->sent % ALL;

    *w = (struct hub__write){.fd = line->ours, .iov = lines->iov[at]};
    w->iov_count = pieced ? pick(lines, SENDER_PIECES - 1) + 2 : 1;
    if (large && pieced)
        w->iov_count = SENDER_PIECES;
    for (size_t i = 0; i < w->iov_count; i++) {
        size_t bytes = large ? ALL / w->iov_count : pick(lines, 200) + (i == 0);

        w->iov[i].iov_base = (void *)(uintptr_t)(from + w->bytes);
        w->iov[i].iov_len = bytes;
        w->bytes += bytes;
    }
    w->result = -1;
}

void sender_lines_prepare(struct sender_lines *lines, size_t count)
{
    ck_assert_uint_le(count, HUB__SENDER_BATCH);
    shuffle(lines);
    for (size_t i = 0; i < count; i++)
        prepare(lines, i);
}

/* Their results. -------------------------------------------------------- */

void sender_lines_count(struct sender_lines *lines, size_t at)
{
    const struct hub__write *w = &lines->writes[at];
    struct sender_line *line = lines->of[at];

    if (w->result < 0)
        return;
    ck_assert_int_gt(w->result, 0);
    ck_assert_uint_le((size_t)w->result, w->bytes);
    line->sent += (size_t)w->result;
}

void sender_lines_expect(struct sender_lines *lines, size_t at)
{
    const struct hub__write *w = &lines->writes[at];

    switch (lines->of[at]->kind) {
    case SENDER_SMALL:
    case SENDER_PIECED:
        ck_assert_int_eq(w->result, (ssize_t)w->bytes);
        break;
    case SENDER_LARGE:
    case SENDER_LARGE_PIECED:
        ck_assert_int_gt(w->result, 0);
        ck_assert_int_lt(w->result, (ssize_t)w->bytes);
        break;
    case SENDER_FULL:
        ck_assert_int_eq(w->result, -EAGAIN);
        break;
    case SENDER_RESET:
    case SENDER_GONE:
        ck_assert_msg(w->result == -EPIPE || w->result == -ECONNRESET, "%zd",
                      w->result);
        break;
    case SENDER_NO_SOCKET:
        ck_assert_int_eq(w->result, -ENOTSOCK);
        break;
    case SENDER_NO_FD:
        ck_assert_int_eq(w->result, -EBADF);
        break;
    case SENDER_KINDS:
        ck_abort();
    }
    sender_lines_count(lines, at);
}
