/* metrics.c - checks who may read the metrics, and collects their current
 * values. */
#include "observe/metrics.h"

#include <assert.h>
#include <time.h>

#include "front/front.h"
#include "front/reply.h"
#include "observe/metrics_text.h"

/* When keys were fetched that are so old. */
static uint64_t fetched_ms(int64_t age_ms)
{
    struct timespec now;

    if (age_ms < 0)
        return 0;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 -
           (uint64_t)age_ms;
}

static void take(struct metrics *m, const struct metrics_sources *sources,
                 const struct front *front)
{
    const struct memory *memory = sources->memory;
    uint64_t for_messages = memory_for_messages(memory);

    *m = (struct metrics){.hub = HUB_STATS_INIT, .tokens = {.age_ms = -1}};
    (void)hub_stats(sources->hub, &m->hub);
    proc_read_memory(&m->memory);
    m->cpu_ns = proc_cpu_ns();
    m->fds = proc_descriptors();
    m->fds_max = sources->plan->descriptors;
    m->started_ms = sources->started_ms;
    m->tally = sources->tally;
    if (sources->tickets != NULL)
        tickets_read(sources->tickets, &m->tickets);
    m->clients = sources->clients;
    if (m->clients->tokens != NULL)
        token_auth_figures(m->clients->tokens, &m->tokens);
    m->token_keys_fetched_ms = fetched_ms(m->tokens.age_ms);
    m->connections_max = sources->plan->sockets;
    m->draining = atomic_load(sources->draining);
    m->http_connections = front_connections(front);
    m->http_workers = front_workers(front);
    m->bodies_bytes = atomic_load(&memory->bodies);
    m->received_limit = for_messages / 2; /* see hub_options.memory_bytes */
    m->queued_limit = for_messages - m->received_limit;
    m->bodies_limit = memory->limit - for_messages;
}

void metrics_answer(struct exchange *x, const struct metrics_sources *sources)
{
    char family[METRICS_FAMILY_MAX];
    struct metrics metrics;
    struct refusal why;
    struct reply reply;
    struct linebuf out;

    if (sources->auth != NULL && auth_check(sources->auth, x, &why) < 0) {
        reply_refusal(x, &why);
        return;
    }
    take(&metrics, sources, x->front);
    reply_begin(&reply, x, REFUSAL_NONE, METRICS_TEXT_TYPE);
    linebuf_init(&out, family, sizeof(family));
    for (size_t i = 0; metrics_write(&out, &metrics, i); i++) {
        assert(!out.full);
        if (reply_write(&reply, family, out.used) < 0)
            break;
        linebuf_init(&out, family, sizeof(family));
    }
    reply_end(&reply);
}
