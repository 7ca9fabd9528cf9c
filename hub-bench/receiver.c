/* receiver.c - one epoll set, edge-triggered, so that the kernel does not check
 * a socket again that was just read, and one buffer for all sockets. A socket
 * is read once each time it is reported; again only if the buffer was filled or
 * the stream has ended, which no further edge would report.
 *
 * The clock is read after every recv(), so a delivery is timed at most a few
 * microseconds after its bytes were in the socket's queue and it was this
 * socket's turn.
 */
#include "receiver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"

#define BUFFER_BYTES (256u << 10)
#define EVENTS_MAX 1024
#define WAKE UINT32_MAX /* in an event: not a client */
#define TICK_MS 200
#define GOODBYE_NS (500 * MS_NS)

/* Receiving. ------------------------------------------------------------ */

static struct order *orders_of(const struct receiver *r,
                               const struct receiver_client *c)
{
    return r->orders +
           (size_t)(c - r->clients) * r->site->roster->options->connections;
}

/* Gives up what was in flight to a client that is gone. Under the lock, so that
 * a message only counts on this client if it is seen here. */
static void give_up_for(struct receiver *r, const struct receiver_client *c)
{
    struct flights *f = r->site->flights;
    struct order *orders = orders_of(r, c);
    uint32_t next = atomic_load(&f->next), target = receiver_index(r, c);

    for (uint32_t at = atomic_load(&f->oldest); at != next; at++) {
        uint64_t number = (uint64_t)f->run << 32 | at;
        struct flight_view flight;

        if (flights_look(f, number, &flight) &&
            (flight.target == FLIGHTS_EVERYBODY || flight.target == target) &&
            !order_has(&orders[flight.lane], flight.position))
            (void)flights_lose(f, number);
    }
}

static void lost(struct receiver *r, struct receiver_client *c, const char *why)
{
    struct roster *roster = r->site->roster;

    roster_blame(&roster->loss, why);
    client_drop(&c->base);
    (void)atomic_fetch_add(&roster->lost, 1);
    (void)pthread_mutex_lock(&roster->lock);
    atomic_store(&roster->readable[receiver_index(r, c)], false);
    (void)atomic_fetch_sub(&roster->reading, 1);
    give_up_for(r, c);
    (void)pthread_mutex_unlock(&roster->lock);
}

static void closed(struct receiver *r, struct receiver_client *c,
                   const struct scan *close)
{
    char why[ROSTER_REASON_BYTES] = "the server closed it";

    if (close->payload_bytes >= 2)
        (void)snprintf(why, sizeof(why), "the server closed it with code %u",
                       (unsigned)close->payload[0] << 8 | close->payload[1]);
    client_control(&c->base, FRAME_CLOSE, close->payload,
                   close->payload_bytes < 2 ? 0 : 2);
    lost(r, c, why);
}

static void delivered(struct receiver *r, struct order *orders, uint64_t number,
                      int64_t now)
{
    struct flights *f = r->site->flights;
    struct flight_view flight;
    enum order_result order;

    if (!flights_is_ours(f, number)) {
        r->foreign++;
        return;
    }
    if (!flights_look(f, number, &flight)) {
        r->out_of_order++; /* a duplicate, or already given up */
        return;
    }
    order = order_take(&orders[flight.lane], flight.position);
    if (order != ORDER_FINE)
        r->out_of_order++;
    if (order == ORDER_TWICE || !flights_land(f, number) || !flight.measured)
        return;
    histogram_add(&r->delivery, now - flight.since_ns);
    r->last_delivery_ns = now;
}

/* Scans bytes that a client received. */
static void scan(struct receiver *r, struct receiver_client *c,
                 const uint8_t *at, const uint8_t *end, int64_t now)
{
    struct order *orders = orders_of(r, c);
    uint64_t count = 0;
    struct scan found;
    enum scan_result result;

    while ((result = scanner_next(&c->scanner, &at, end, &found)) !=
           SCAN_MORE) {
        switch (result) {
        case SCAN_MESSAGE:
            count++;
            delivered(r, orders, found.number, now);
            continue;
        case SCAN_OTHER:
            r->foreign++;
            continue;
        case SCAN_PING:
            client_control(&c->base, FRAME_PONG, found.payload,
                           found.payload_bytes);
            continue;
        case SCAN_CLOSE:
            closed(r, c, &found);
            break;
        case SCAN_BROKEN:
            lost(r, c, "the server broke the WebSocket protocol");
            break;
        case SCAN_PONG:
        case SCAN_MORE:
            continue;
        }
        break;
    }
    /* No other thread writes it, so no atomic addition is needed. */
    count += atomic_load_explicit(&r->delivered, memory_order_relaxed);
    atomic_store_explicit(&r->delivered, count, memory_order_relaxed);
}

/* The stream has ended or failed. */
static void ended(struct receiver *r, struct receiver_client *c, ssize_t result)
{
    const char *why =
        result == 0 ? "the server closed the connection" : strerror(errno);

    if (c->base.phase == CLIENT_OPEN)
        lost(r, c, why);
    else if (c->base.phase == CLIENT_CLOSING)
        client_drop(&c->base);
    else
        receiver_refuse(r, c, why);
}

/* Reads once. Returns whether the socket must be read again. */
static bool read_once(struct receiver *r, struct receiver_client *c, bool over)
{
    ssize_t bytes = recv(c->base.fd, r->buffer, BUFFER_BYTES, 0);
    size_t used = 0;
    int64_t now;

    if (bytes < 0 && errno == EAGAIN)
        return false;
    if (bytes <= 0) {
        ended(r, c, bytes);
        return false;
    }
    now = now_ns();
    if (c->base.phase == CLIENT_SHAKING)
        used = receiver_answer(r, c, (size_t)bytes);
    if (c->base.phase == CLIENT_OPEN)
        scan(r, c, r->buffer + used, r->buffer + bytes, now);
    return (bytes == BUFFER_BYTES || over) && c->base.fd >= 0 &&
           c->base.phase != CLIENT_STALLED;
}

static void readable(struct receiver *r, struct receiver_client *c,
                     uint32_t events)
{
    bool over = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

    while (read_once(r, c, over))
        continue;
}

/* The thread. ----------------------------------------------------------- */

static void turn(struct receiver *r, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(r->epoll, events, EVENTS_MAX, timeout_ms);

    for (int i = 0; i < count; i++) {
        struct receiver_client *c;
        eventfd_t ignored;

        if (events[i].data.u32 == WAKE) {
            (void)eventfd_read(r->wake, &ignored);
            continue;
        }
        c = &r->clients[events[i].data.u32];
        if (c->base.phase == CLIENT_CONNECTING)
            receiver_request(r, c);
        else
            readable(r, c, events[i].events);
    }
}

/* Sends a Close on all connections, and waits a moment for the answers. */
static void say_goodbye(struct receiver *r)
{
    static const uint8_t normal[2] = {1000 >> 8, 1000 & 0xff};
    int64_t deadline = now_ns() + GOODBYE_NS;
    uint32_t left = 0;

    for (uint32_t i = 0; i < r->next; i++) {
        struct receiver_client *c = &r->clients[i];

        if (c->base.phase == CLIENT_STALLED && !client_is_held(&c->base))
            r->stalled_dropped++;
        if (c->base.phase == CLIENT_OPEN || c->base.phase == CLIENT_STALLED)
            client_control(&c->base, FRAME_CLOSE, normal, sizeof(normal));
        if (c->base.phase == CLIENT_OPEN)
            c->base.phase = CLIENT_CLOSING;
        else
            client_drop(&c->base);
    }
    do {
        turn(r, TICK_MS / 10);
        left = 0;
        for (uint32_t i = 0; i < r->next; i++)
            left += r->clients[i].base.phase == CLIENT_CLOSING;
    } while (left != 0 && now_ns() < deadline);
    for (uint32_t i = 0; i < r->next; i++)
        client_drop(&r->clients[i].base);
}

static void *receive(void *argument)
{
    struct receiver *r = argument;
    int64_t tick = now_ns();

    while (!atomic_load(&r->site->roster->stop)) {
        if (!r->settled)
            receiver_connect(r);
        turn(r, r->settled ? -1 : TICK_MS);
        if (!r->settled && now_ns() - tick > TICK_MS * MS_NS) {
            receiver_refuse_late(r);
            tick = now_ns();
        }
    }
    say_goodbye(r);
    return NULL;
}

static int prepare(struct receiver *r)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = WAKE};
    size_t lanes = r->site->roster->options->connections;

    r->clients = calloc(r->count, sizeof(*r->clients));
    r->orders = calloc(r->count * lanes, sizeof(*r->orders));
    r->buffer = malloc(BUFFER_BYTES);
    if (r->clients == NULL || r->orders == NULL || r->buffer == NULL)
        return ENOMEM;
    for (uint32_t i = 0; i < r->count; i++)
        r->clients[i].base.fd = -1;
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (r->epoll < 0 || r->wake < 0 ||
        epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->wake, &event) < 0)
        return errno;
    return 0;
}

int receiver_start(struct receiver *r, const struct receiver_site *site,
                   unsigned index)
{
    const struct options *o = site->roster->options;
    int err;

    r->site = site;
    r->index = index;
    r->step = o->threads;
    r->count = (o->clients - index + o->threads - 1) / o->threads;
    r->opening_max = o->connect_window / o->threads;
    if (o->connect_window == 0)
        r->opening_max = r->count;
    else if (r->opening_max == 0)
        r->opening_max = 1;
    r->epoll = r->wake = -1;
    err = prepare(r);
    if (err == 0)
        err = pthread_create(&r->thread, NULL, receive, r);
    if (err != 0)
        receiver_fini(r);
    return err;
}

void receiver_wake(struct receiver *r)
{
    (void)eventfd_write(r->wake, 1);
}

void receiver_join(struct receiver *r)
{
    (void)pthread_join(r->thread, NULL);
}

void receiver_fini(struct receiver *r)
{
    if (r->epoll >= 0)
        (void)close(r->epoll);
    if (r->wake >= 0)
        (void)close(r->wake);
    free(r->clients);
    free(r->orders);
    free(r->buffer);
    r->clients = NULL;
    r->orders = NULL;
    r->buffer = NULL;
    r->epoll = r->wake = -1;
}
