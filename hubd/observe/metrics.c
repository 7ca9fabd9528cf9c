/* metrics.c - who may read them, and the figures as they stand.
 *
 * Each scrape has a buffer of its own, so that any number of them can be under
 * way.
 */
#include "observe/metrics.h"

#include <stdlib.h>

#include "front/front.h"
#include "front/reply.h"
#include "observe/metrics_text.h"

static void take(struct metrics *m, const struct metrics_sources *sources,
                 const struct front *front)
{
    const struct memory *memory = sources->memory;
    uint64_t for_messages = memory_for_messages(memory);

    *m = (struct metrics){.hub = HUB_STATS_INIT};
    (void)hub_stats(sources->hub, &m->hub);
    proc_read_memory(&m->memory);
    m->cpu_ns = proc_cpu_ns();
    m->fds = proc_descriptors();
    m->fds_max = sources->plan->descriptors;
    m->started_ms = sources->started_ms;
    m->tally = sources->tally;
    m->connections_max = sources->plan->sockets;
    m->draining = atomic_load(sources->draining);
    m->http_connections = front_connections(front);
    m->http_workers = front_workers(front);
    m->bodies_bytes = atomic_load(&memory->bodies);
    m->received_limit = for_messages / 2; /* see hub_options.memory_bytes */
    m->queued_limit = for_messages - m->received_limit;
    m->bodies_limit = memory->limit - for_messages;
}

static void answer(struct exchange *x, const struct metrics_sources *sources,
                   char *buffer)
{
    struct metrics metrics;
    struct refusal why;
    struct linebuf out;

    linebuf_init(&out, buffer + REPLY_HEAD_MAX, METRICS_BYTES_MAX);
    take(&metrics, sources, x->front);
    metrics_write(&out, &metrics);
    if (!out.full) {
        reply_text(x, METRICS_TEXT_TYPE, buffer, out.used);
        return;
    }
    (void)refuse(&why, REFUSAL_INTERNAL_ERROR,
                 "the metrics are larger than %d bytes", METRICS_BYTES_MAX);
    reply_refusal(x, &why);
}

void metrics_answer(struct exchange *x, const struct metrics_sources *sources)
{
    struct refusal why;
    char *buffer;

    if (sources->auth != NULL && auth_check(sources->auth, x, &why) < 0) {
        reply_refusal(x, &why);
        return;
    }
    buffer = malloc(REPLY_HEAD_MAX + METRICS_BYTES_MAX);
    if (buffer == NULL) {
        (void)refuse_as(&why, REFUSAL_OUT_OF_MEMORY);
        reply_refusal(x, &why);
        return;
    }
    answer(x, sources, buffer);
    free(buffer);
}
