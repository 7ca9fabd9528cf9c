/* client.c - see client.h. */
#include "client/client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "client/frame.h"
#include "clock.h"

static int fill_random(void *out, size_t bytes)
{
    return getrandom(out, bytes, 0) == (ssize_t)bytes ? 0 : -1;
}

static int prepare(struct client *c, int receive_buffer)
{
    uint8_t random[HANDSHAKE_RANDOM_BYTES];
    const int one = 1;

    c->opening = malloc(sizeof(*c->opening));
    if (c->opening == NULL || fill_random(random, sizeof(random)) != 0)
        return ENOMEM;
    c->opening->used = 0;
    c->opening->since_ns = now_ns();
    handshake_key(c->opening->key, random);
    if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
        return errno;
    if (receive_buffer != 0 &&
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
                   sizeof(receive_buffer)) < 0)
        return errno;
    return 0;
}

int client_connect(struct client *c, const struct sockaddr *address,
                   socklen_t address_bytes, int receive_buffer)
{
    int err;

    c->fd = socket(address->sa_family,
                   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return errno;
    c->phase = CLIENT_CONNECTING;
    err = prepare(c, receive_buffer);
    if (err == 0 && connect(c->fd, address, address_bytes) < 0 &&
        errno != EINPROGRESS)
        err = errno;
    return err;
}

int client_request(struct client *c, const char *authority, const char *target)
{
    char request[HANDSHAKE_REQUEST_BYTES];
    size_t bytes;
    ssize_t sent;
    int err = 0;
    socklen_t err_bytes = sizeof(err);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &err_bytes) < 0)
        return errno;
    if (err != 0)
        return err;
    bytes = handshake_request(request, sizeof(request), authority, target,
                              c->opening->key);
    sent = send(c->fd, request, bytes, MSG_NOSIGNAL);
    if (sent != (ssize_t)bytes)
        return sent < 0 ? errno : EIO;
    c->phase = CLIENT_SHAKING;
    return 0;
}

/* Checks a complete answer. Returns its length, or -1. */
static long judge(struct client *c, const char *answer, const char *end,
                  char *why, size_t why_size)
{
    size_t bytes = (size_t)(end - answer);

    if (handshake_check(answer, bytes, c->opening->key, why, why_size) != 0)
        return -1;
    return (long)bytes;
}

static const char *end_of_answer(const char *text, size_t bytes)
{
    const char *end = memmem(text, bytes, "\r\n\r\n", 4);

    return end == NULL ? NULL : end + 4;
}

long client_answer(struct client *c, const uint8_t *data, size_t bytes,
                   char *why, size_t why_size)
{
    struct client_opening *o = c->opening;
    size_t before = o->used, room = sizeof(o->answer) - before;
    const char *end;
    long used;

    if (before == 0) {
        end = end_of_answer((const char *)data, bytes);
        if (end != NULL)
            return judge(c, (const char *)data, end, why, why_size);
    }
    if (bytes < room)
        room = bytes;
    memcpy(o->answer + before, data, room);
    o->used += room;
    end = end_of_answer(o->answer, o->used);
    if (end == NULL && o->used == sizeof(o->answer)) {
        (void)snprintf(why, why_size, "the header of the answer is too long");
        return -1;
    }
    if (end == NULL)
        return 0;
    used = judge(c, o->answer, end, why, why_size);
    return used < 0 ? -1 : used - (long)before;
}

void client_opened(struct client *c)
{
    free(c->opening);
    c->opening = NULL;
    c->phase = CLIENT_OPEN;
}

void client_control(const struct client *c, unsigned opcode,
                    const uint8_t *payload, size_t bytes)
{
    uint8_t frame[FRAME_OWN_HEADER_MAX + FRAME_CONTROL_MAX];
    uint8_t mask[FRAME_MASK_BYTES];

    if (bytes > FRAME_CONTROL_MAX || fill_random(mask, sizeof(mask)) != 0)
        return;
    bytes = frame_write(frame, FRAME_FIN | opcode, payload, bytes, mask);
    /* Very little is ever sent: a full buffer means that the server does not
     * read. */
    (void)send(c->fd, frame, bytes, MSG_NOSIGNAL);
}

bool client_is_held(const struct client *c)
{
    struct tcp_info info;
    socklen_t bytes = sizeof(info);

    return getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == 0 &&
           info.tcpi_state == TCP_ESTABLISHED;
}

void client_drop(struct client *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
    free(c->opening);
    c->opening = NULL;
    c->phase = CLIENT_GONE;
}
