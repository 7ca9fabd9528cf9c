/* receiver_connect.c - see receiver.h. From connect() to a valid answer to the
 * handshake, with a limited number of clients in between.
 */
#include "receiver.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "clock.h"

#define STALLED_BUFFER 4096
#define OPENING_MAX_NS (10 * SECOND_NS)
#define HOPELESS 16 /* give up after this many refusals without a success */

static int watch(struct receiver *r, struct receiver_client *c, int operation,
                 uint32_t events)
{
    struct epoll_event event = {.events = events,
                                .data.u32 = (uint32_t)(c - r->clients)};

    return epoll_ctl(r->epoll, operation, c->base.fd, &event) < 0 ? errno : 0;
}

static void opening_over(struct receiver *r)
{
    r->opening--;
    atomic_store(&r->site->roster->last_connect_ns, now_ns());
}

void receiver_refuse(struct receiver *r, struct receiver_client *c,
                     const char *why)
{
    opening_over(r);
    client_drop(&c->base);
    roster_blame(&r->site->roster->refusal, why);
    (void)atomic_fetch_add(&r->site->roster->refused, 1);
}

static void connect_one(struct receiver *r, struct receiver_client *c)
{
    struct roster *roster = r->site->roster;
    bool stalled = roster_is_stalled(roster, receiver_index(r, c));
    int err =
        client_connect(&c->base, (struct sockaddr *)&r->site->address,
                       r->site->address_bytes, stalled ? STALLED_BUFFER : 0);

    r->opening++;
    if (err == 0)
        err = watch(r, c, EPOLL_CTL_ADD, EPOLLOUT);
    if (err != 0)
        receiver_refuse(r, c, strerror(err));
}

/* No client got in, and many were refused: the others need not try. */
static bool is_hopeless(const struct roster *roster)
{
    unsigned enough = roster->options->connect_window;

    if (enough < HOPELESS)
        enough = HOPELESS;
    return atomic_load(&roster->connected) == 0 &&
           atomic_load(&roster->refused) > enough;
}

void receiver_connect(struct receiver *r)
{
    struct roster *roster = r->site->roster;

    while (r->next < r->count && r->opening < r->opening_max &&
           !atomic_load(&roster->stop)) {
        if (is_hopeless(roster)) {
            (void)atomic_fetch_add(&roster->refused, r->count - r->next);
            r->next = r->count;
            break;
        }
        connect_one(r, &r->clients[r->next++]);
    }
    if (r->settled || r->next < r->count || r->opening != 0)
        return;
    r->settled = true;
    (void)atomic_fetch_add(&roster->settled, 1);
    (void)eventfd_write(roster->notify, 1);
}

void receiver_refuse_late(struct receiver *r)
{
    int64_t before = now_ns() - OPENING_MAX_NS;

    for (uint32_t i = 0; i < r->next && r->opening != 0; i++) {
        struct receiver_client *c = &r->clients[i];

        if (c->base.opening != NULL && c->base.opening->since_ns < before)
            receiver_refuse(r, c, "no answer within 10 s");
    }
}

void receiver_request(struct receiver *r, struct receiver_client *c)
{
    const struct url *url = &r->site->roster->options->url;
    char target[URL_TARGET_BYTES];
    int err;

    (void)url_expand(target, sizeof(target), url->target, receiver_index(r, c));
    err = client_request(&c->base, url->authority, target);
    if (err == 0)
        err = watch(r, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP | EPOLLET);
    if (err != 0)
        receiver_refuse(r, c, strerror(err));
}

static void opened(struct receiver *r, struct receiver_client *c)
{
    struct roster *roster = r->site->roster;
    uint32_t index = receiver_index(r, c);

    histogram_add(&r->connect, now_ns() - c->base.opening->since_ns);
    client_opened(&c->base);
    opening_over(r);
    (void)atomic_fetch_add(&roster->connected, 1);
    if (roster_is_stalled(roster, index)) {
        c->base.phase = CLIENT_STALLED;
        (void)atomic_fetch_add(&roster->stalled, 1);
        (void)watch(r, c, EPOLL_CTL_DEL, 0);
    } else {
        atomic_store(&roster->readable[index], true);
        (void)atomic_fetch_add(&roster->reading, 1);
    }
}

size_t receiver_answer(struct receiver *r, struct receiver_client *c,
                       size_t bytes)
{
    char why[ROSTER_REASON_BYTES];
    long used = client_answer(&c->base, r->buffer, bytes, why, sizeof(why));

    if (used < 0)
        receiver_refuse(r, c, why);
    if (used <= 0)
        return 0;
    opened(r, c);
    return (size_t)used;
}
