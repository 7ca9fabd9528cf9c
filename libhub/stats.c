/* stats.c - statistics, each read at its own moment: no value is torn, but two
 * of them need not be from the same instant. Threads: any.
 */
#include <string.h>

#include <hub/hub.h>

#include "internal.h"

static uint64_t read_counter(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_histogram(struct hub_histogram *sum,
                          const struct hub__histogram *h)
{
    for (unsigned i = 0; i < HUB_HISTOGRAM_BUCKETS; i++)
        sum->counts[i] += read_counter(&h->counts[i]);
    sum->sum_us += read_counter(&h->sum_us);
}

static void add_loop(struct hub_stats *sum, const struct hub__loop *loop,
                     int64_t clock_ms)
{
    const struct hub__counters *c = &loop->host.counters;
    int64_t waited_ms =
        clock_ms - atomic_load_explicit(&loop->turned_ms, memory_order_relaxed);

    sum->messages_in += read_counter(&c->messages_in);
    sum->bytes_in += read_counter(&c->bytes_in);
    sum->messages_out += read_counter(&c->messages_out);
    sum->bytes_out += read_counter(&c->bytes_out);
    sum->dropped += read_counter(&c->dropped);
    sum->slow_closed += read_counter(&c->slow_closed);
    for (unsigned i = 0; i < HUB_CLOSE_CAUSES_MAX; i++) {
        uint64_t closed = read_counter(&c->closed_by_cause[i]);

        sum->closed_by_cause[i] += closed;
        sum->closed += closed;
    }
    sum->uring_loops +=
        atomic_load_explicit(&loop->host.by_uring, memory_order_relaxed);
    add_histogram(&sum->deliveries, &c->deliveries);
    add_histogram(&sum->turns, &c->turns);
    if (waited_ms > 0 && (uint64_t)waited_ms > sum->slowest_loop_ms)
        sum->slowest_loop_ms = (uint64_t)waited_ms;
}

int hub_stats(hub_t *hub, struct hub_stats *stats)
{
    struct hub_stats sum = HUB_STATS_INIT;
    size_t bytes;

    if (hub == NULL || stats == NULL ||
        stats->struct_size < sizeof stats->struct_size)
        return HUB_EINVAL;
    hub__registry_count(&hub->registry, &sum.connections, &sum.users,
                        &sum.sessions);
    sum.loops = hub->loop_count;
    sum.places = read_counter(&hub->places.held);
    sum.queued_bytes = hub__budget_used(&hub->budget);
    sum.memory_bytes = sum.queued_bytes + hub__budget_used(&hub->reading);
    for (unsigned i = 0; i < hub->loop_count; i++)
        add_loop(&sum, &hub->loops[i], hub__clock_ms(hub));
    /* Read after `closed`, so that it is never less. */
    sum.opened = read_counter(&hub->opened);
    sum.rejected = read_counter(&hub->rejected);

    bytes = stats->struct_size;
    sum.struct_size = bytes;
    memcpy(stats, &sum, bytes < sizeof sum ? bytes : sizeof sum);
    return 0;
}
