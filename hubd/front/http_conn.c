/* http_conn.c - the list of connections in civetweb's hands, and their
 * deadlines.
 *
 * A deadline goes from 0 to a time and then to 0 (in time) or EXPIRED (swept),
 * and each step is one atomic exchange: either the worker was in time or it was
 * not.
 */
#include "front/http_conn.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <civetweb.h>

#include "base/clock.h"

#define EXPIRED (-1)

/* A request head is small and should arrive at once; a slow one only occupies a
 * thread. Read timeouts meant for bodies are too long for that. */
#define HEAD_MS_MAX 10000
#define HEAD_CROWDED_MS 5000 /* when workers are scarce */
#define HEAD_FULL_MS 1000    /* when there is none left */

/* An idle connection also occupies a thread. Backends keep theirs for the next
 * message; others have little use for it. */
#define NEXT_MS_MAX 15000
#define NEXT_CROWDED_MS 1000

/* How many workers are busy: more than half of them, nearly all, all. */
enum crowd { CROWD_NONE, CROWD_HALF, CROWD_SOME, CROWD_FULL };

#define LINGER_MS 300
#define LINGER_BYTES (4 << 20)

static int64_t shorter(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void http_conns_init(struct http_conns *clients, unsigned workers,
                     int64_t read_timeout_ms, int64_t write_timeout_ms,
                     int64_t keepalive_timeout_ms)
{
    *clients = (struct http_conns){
        .workers = workers,
        .head_ms = shorter(read_timeout_ms, HEAD_MS_MAX),
        .write_ms = write_timeout_ms,
        .next_ms = shorter(keepalive_timeout_ms, NEXT_MS_MAX),
        .kept_ms = keepalive_timeout_ms,
    };
    (void)pthread_mutex_init(&clients->lock, NULL);
}

void http_conns_fini(struct http_conns *clients)
{
    (void)pthread_mutex_destroy(&clients->lock);
}

static int64_t length_of(const struct http_conns *clients,
                         enum http_conn_wait wait)
{
    switch (wait) {
    case HTTP_CONN_WAIT_HEAD:
        return clients->head_ms;
    case HTTP_CONN_WAIT_WRITE:
        return clients->write_ms;
    case HTTP_CONN_WAIT_KEPT:
        return clients->kept_ms;
    case HTTP_CONN_WAIT_NEXT:
    case HTTP_CONN_WAIT_BODY: /* has one of its own */
        break;
    }
    return clients->next_ms;
}

static enum crowd crowd_of(const struct http_conns *clients)
{
    unsigned open = atomic_load_explicit(&clients->open, memory_order_relaxed);
    unsigned workers =
        atomic_load_explicit(&clients->workers, memory_order_relaxed);

    if (open >= workers)
        return CROWD_FULL;
    if (open > workers - workers / 8)
        return CROWD_SOME;
    return open > workers / 2 ? CROWD_HALF : CROWD_NONE;
}

bool http_conns_crowded(const struct http_conns *clients)
{
    return crowd_of(clients) >= CROWD_SOME;
}

/* The length of a wait, shortened if others may need the worker. */
static int64_t length_among(const struct http_conns *clients,
                            enum http_conn_wait wait, enum crowd crowd)
{
    int64_t length = length_of(clients, wait);

    if (wait == HTTP_CONN_WAIT_HEAD && crowd >= CROWD_SOME)
        return shorter(length,
                       crowd == CROWD_FULL ? HEAD_FULL_MS : HEAD_CROWDED_MS);
    if (wait != HTTP_CONN_WAIT_NEXT && wait != HTTP_CONN_WAIT_KEPT)
        return length;
    if (crowd >= CROWD_SOME)
        return shorter(length, NEXT_CROWDED_MS);
    return crowd == CROWD_HALF ? clients->next_ms : length;
}

static int64_t effective(const struct http_conns *clients,
                         enum http_conn_wait wait, int64_t deadline,
                         enum crowd crowd)
{
    return deadline - length_of(clients, wait) +
           length_among(clients, wait, crowd);
}

void http_conn_meet(struct http_conn *client,
                    const struct mg_request_info *info)
{
    /* Of a link-local address the interface stands behind a "%". */
    (void)netaddr_parse(&client->peer, info->remote_addr,
                        strcspn(info->remote_addr, "%"));
    client->peer_port = (uint16_t)info->remote_port;
}

int http_conn_fd(const struct http_conn *client)
{
    return atomic_load(&client->tap.fd);
}

void http_conn_forget_fd(struct http_conn *client)
{
    tap_attach(NULL);
    atomic_store(&client->tap.fd, -1);
}

static bool has_unread(int fd)
{
    int waiting = 0;

    return fd >= 0 && ioctl(fd, FIONREAD, &waiting) == 0 && waiting > 0;
}

static void sweep_one(struct http_conn *c, int64_t now, enum crowd crowd)
{
    int64_t deadline = atomic_load(&c->deadline_ms);
    enum http_conn_wait wait = (enum http_conn_wait)atomic_load(&c->wait);
    int fd = http_conn_fd(c);

    if (deadline <= 0 || effective(c->clients, wait, deadline, crowd) > now)
        return;
    if (fd < 0)
        return; /* the worker is not waiting yet */
    /* Shortened waits are for what the peer still has to send, not for how long
     * a busy machine takes to run the worker. */
    if (deadline > now && wait < HTTP_CONN_WAIT_WRITE && has_unread(fd))
        return;
    /* A worker that has moved on since then has changed the deadline. */
    if (atomic_compare_exchange_strong(&c->deadline_ms, &deadline, EXPIRED))
        (void)shutdown(fd, wait >= HTTP_CONN_WAIT_WRITE ? SHUT_RDWR : SHUT_RD);
}

/* The lock is held over system calls here, because it keeps the descriptors
 * from being closed and reused meanwhile. */
void http_conns_sweep(struct http_conns *clients)
{
    int64_t now = clock_now_ms();
    enum crowd crowd = crowd_of(clients);

    (void)pthread_mutex_lock(&clients->lock);
    for (struct http_conn *c = clients->first; c != NULL; c = c->next)
        sweep_one(c, now, crowd);
    (void)pthread_mutex_unlock(&clients->lock);
}

void http_conns_wake(struct http_conns *clients)
{
    (void)pthread_mutex_lock(&clients->lock);
    for (struct http_conn *c = clients->first; c != NULL; c = c->next)
        (void)shutdown(http_conn_fd(c), SHUT_RD);
    (void)pthread_mutex_unlock(&clients->lock);
}

struct http_conn *http_conn_create(struct http_conns *clients)
{
    struct http_conn *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->clients = clients;
    atomic_store(&c->tap.fd, -1);
    tap_attach(&c->tap);
    (void)pthread_mutex_lock(&clients->lock);
    c->next = clients->first;
    if (c->next != NULL)
        c->next->previous = c;
    clients->first = c;
    (void)pthread_mutex_unlock(&clients->lock);
    (void)atomic_fetch_add(&clients->open, 1);
    http_conn_wait(c, HTTP_CONN_WAIT_HEAD, 0);
    return c;
}

void http_conn_destroy(struct http_conn *client)
{
    struct http_conns *clients = client->clients;

    (void)pthread_mutex_lock(&clients->lock);
    if (client->previous != NULL)
        client->previous->next = client->next;
    else
        clients->first = client->next;
    if (client->next != NULL)
        client->next->previous = client->previous;
    (void)pthread_mutex_unlock(&clients->lock);
    http_conn_forget_fd(client);
    (void)atomic_fetch_sub(&clients->open, 1);
    free(client);
}

void http_conn_wait(struct http_conn *client, enum http_conn_wait wait,
                    int64_t ms)
{
    if (ms == 0)
        ms = length_of(client->clients, wait);
    /* In this order: the sweep reads the deadline first, and gives up if it
     * has changed when it wants to act on the kind of wait. */
    atomic_store(&client->deadline_ms, 0);
    atomic_store(&client->wait, (int)wait);
    atomic_store(&client->deadline_ms, clock_now_ms() + ms);
}

static enum http_conn_wait idle_of(const struct http_conn *client)
{
    return client->trusted ? HTTP_CONN_WAIT_KEPT : HTTP_CONN_WAIT_NEXT;
}

int http_conn_idle_s(const struct http_conn *client)
{
    const struct http_conns *clients = client->clients;
    int64_t ms = length_among(clients, idle_of(client), crowd_of(clients));

    return (int)(ms / 1000) - 1;
}

void http_conn_idle(struct http_conn *client)
{
    http_conn_wait(client, idle_of(client), 0);
}

bool http_conn_done(struct http_conn *client)
{
    return atomic_exchange(&client->deadline_ms, 0) == EXPIRED;
}

bool http_conn_has_unread(struct http_conn *client)
{
    return has_unread(http_conn_fd(client));
}

void http_conn_linger(struct http_conn *client)
{
    int64_t end = clock_now_ms() + LINGER_MS;
    size_t left = LINGER_BYTES;
    int fd = http_conn_fd(client);
    char untouched[4096];

    if (fd < 0 || shutdown(fd, SHUT_WR) < 0)
        return;
    while (left > 0) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int64_t wait = end - clock_now_ms();
        ssize_t got;

        if (wait <= 0 || poll(&ready, 1, (int)wait) <= 0)
            return;
        /* MSG_TRUNC discards the data without copying; only sanitizers look at
         * the buffer. */
        got = recvfrom(fd, untouched, sizeof(untouched),
                       MSG_DONTWAIT | MSG_TRUNC, NULL, NULL);
        if (got <= 0)
            return;
        left -= (size_t)got < left ? (size_t)got : left;
    }
}
