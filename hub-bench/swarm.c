/* swarm.c - see swarm.h. */
#include "swarm.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
/* Whether a server accepts connections there. */
static bool is_served(const struct addrinfo *address)
{
    const struct timeval patience = {.tv_sec = 3};
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool served;

    if (fd < 0)
        return false;
    /* SO_SNDTIMEO limits connect() too. */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    served = connect(fd, address->ai_addr, address->ai_addrlen) == 0;
    (void)close(fd);
    return served;
}

/* A name may have several addresses, as "localhost" does: picks the first with
 * a server. */
static const struct addrinfo *choose(const struct addrinfo *list)
{
    if (list->ai_next == NULL)
        return list;
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
        if (is_served(at))
            return at;
    }
    return list;
}

static int resolve(struct swarm *s, char *error, size_t size)
{
    const struct url *url = &s->roster.options->url;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV};
    const struct addrinfo *chosen;
    struct addrinfo *list;
    char port[8];
    int err;

    (void)snprintf(port, sizeof(port), "%u", (unsigned)url->port);
    err = getaddrinfo(url->host, port, &hints, &list);
    if (err != 0) {
        (void)snprintf(error, size, "%s: %s", url->host, gai_strerror(err));
        return -1;
    }
    chosen = choose(list);
    memcpy(&s->site.address, chosen->ai_addr, chosen->ai_addrlen);
    s->site.address_bytes = chosen->ai_addrlen;
    freeaddrinfo(list);
    return 0;
}

static int start_receivers(struct swarm *s)
{
    unsigned threads = s->roster.options->threads;

    s->receivers = calloc(threads, sizeof(*s->receivers));
    if (s->receivers == NULL)
        return ENOMEM;
    for (; s->started < threads; s->started++) {
        int err =
            receiver_start(&s->receivers[s->started], &s->site, s->started);

        if (err != 0)
            return err;
    }
    return 0;
}

int swarm_init(struct swarm *s, const struct options *o,
               struct flights *flights, int notify, char *error,
               size_t error_size)
{
    int err;

    *s = (struct swarm){.site.flights = flights};
    s->site.roster = &s->roster;
    err = roster_init(&s->roster, o, notify);
    if (err != 0) {
        (void)snprintf(error, error_size, "%s", strerror(err));
        return -1;
    }
    if (resolve(s, error, error_size) == 0)
        return 0;
    roster_fini(&s->roster);
    return -1;
}

int swarm_start(struct swarm *s, char *error, size_t error_size)
{
    int err = start_receivers(s);

    if (err == 0)
        return 0;
    (void)snprintf(error, error_size, "cannot start to connect: %s",
                   strerror(err));
    return -1;
}

bool swarm_is_settled(const struct swarm *s)
{
    return atomic_load(&s->roster.settled) == s->started;
}

uint64_t swarm_delivered(const struct swarm *s)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < s->started; i++)
        sum += atomic_load_explicit(&s->receivers[i].delivered,
                                    memory_order_relaxed);
    return sum;
}

void swarm_stop(struct swarm *s)
{
    if (s->stopped)
        return;
    s->stopped = true;
    atomic_store(&s->roster.stop, true);
    for (unsigned i = 0; i < s->started; i++)
        receiver_wake(&s->receivers[i]);
    for (unsigned i = 0; i < s->started; i++)
        receiver_join(&s->receivers[i]);
}

void swarm_collect(const struct swarm *s, struct swarm_result *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < s->started; i++) {
        const struct receiver *r = &s->receivers[i];

        histogram_merge(&out->connect, &r->connect);
        histogram_merge(&out->delivery, &r->delivery);
        if (r->last_delivery_ns > out->last_delivery_ns)
            out->last_delivery_ns = r->last_delivery_ns;
        out->out_of_order += r->out_of_order;
        out->foreign += r->foreign;
        out->stalled_dropped += r->stalled_dropped;
    }
}

void swarm_fini(struct swarm *s)
{
    for (unsigned i = 0; i < s->started; i++)
        receiver_fini(&s->receivers[i]);
    free(s->receivers);
    roster_fini(&s->roster);
    s->receivers = NULL;
    s->started = 0;
}
