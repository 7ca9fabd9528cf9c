/* swarm.c - see swarm.h. */
#include "swarm.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "receiver.h"

/* Whether somebody accepts connections there. */
static bool is_served(const struct addrinfo *address)
{
    const struct timeval patience = {.tv_sec = 3};
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool served;

    if (fd < 0)
        return false;
    /* It limits connect() as well. */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    served = connect(fd, address->ai_addr, address->ai_addrlen) == 0;
    (void)close(fd);
    return served;
}

/* A name may have several addresses, "localhost" for one: takes the first that
 * is served. */
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
    const struct url *url = &s->options->url;
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
    memcpy(&s->address, chosen->ai_addr, chosen->ai_addrlen);
    s->address_bytes = chosen->ai_addrlen;
    freeaddrinfo(list);
    return 0;
}

static int start_receivers(struct swarm *s)
{
    unsigned threads = s->options->threads;

    s->readable = calloc(s->options->clients, sizeof(*s->readable));
    s->receivers = calloc(threads, sizeof(*s->receivers));
    if (s->readable == NULL || s->receivers == NULL)
        return ENOMEM;
    for (; s->started < threads; s->started++) {
        int err = receiver_start(&s->receivers[s->started], s, s->started);

        if (err != 0)
            return err;
    }
    return 0;
}

int swarm_init(struct swarm *s, const struct options *o,
               struct flights *flights, int notify, char *error,
               size_t error_size)
{
    *s = (struct swarm){.options = o,
                        .flights = flights,
                        .notify = notify,
                        .roll = PTHREAD_MUTEX_INITIALIZER,
                        .refusal.taken = ATOMIC_FLAG_INIT,
                        .loss.taken = ATOMIC_FLAG_INIT};
    return resolve(s, error, error_size);
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
    return atomic_load(&s->settled) == s->started;
}

bool swarm_pick(const struct swarm *s, uint64_t random, uint32_t *client)
{
    uint32_t clients = s->options->clients;
    uint32_t at = (uint32_t)((random >> 32) * clients >> 32);

    for (uint32_t tried = 0; tried < clients; tried++) {
        if (atomic_load_explicit(&s->readable[at], memory_order_relaxed)) {
            *client = at;
            return true;
        }
        at = at + 1 == clients ? 0 : at + 1;
    }
    return false;
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
    atomic_store(&s->stop, true);
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
    free((void *)s->readable);
    (void)pthread_mutex_destroy(&s->roll);
    s->receivers = NULL;
    s->readable = NULL;
    s->started = 0;
}

bool swarm_is_stalled(const struct options *o, uint32_t client)
{
    double share = o->stalled_percent / 100;
    uint64_t all = (uint64_t)(share * o->clients + 0.5);

    /* Spread evenly: client n is one where the running total goes up. */
    return (client + UINT64_C(1)) * all / o->clients !=
           client * all / o->clients;
}

void swarm_blame(struct swarm_reason *reason, const char *text)
{
    if (atomic_flag_test_and_set(&reason->taken))
        return;
    (void)snprintf(reason->text, sizeof(reason->text), "%s", text);
    atomic_store(&reason->there, true);
}

const char *swarm_reason(const struct swarm_reason *reason)
{
    return atomic_load(&reason->there) ? reason->text : "";
}
