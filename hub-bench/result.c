/* result.c - see result.h: computes the figures of the report. What could not
 * be read is -1, and becomes NAN, like everything unknown.
 */
#include "result.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>

#include "publisher.h"
#include "roster.h"
#include "swarm.h"

static double known(int64_t figure)
{
    return figure < 0 ? NAN : (double)figure;
}

static void keep_highest(double *peak, double value)
{
    if (!(value <= *peak)) /* also if *peak is NAN */
        *peak = value;
}

static double over(double value, double count)
{
    return count > 0 ? value / count : NAN;
}

static struct result_times times_of(const struct histogram *h)
{
    return (struct result_times){
        .p50 = histogram_quantile(h, 0.5) / 1e3,
        .p90 = histogram_quantile(h, 0.9) / 1e3,
        .p99 = histogram_quantile(h, 0.99) / 1e3,
        .p999 = histogram_quantile(h, 0.999) / 1e3,
        .max = histogram_quantile(h, 1) / 1e3,
        .mean = histogram_mean(h) / 1e3,
    };
}

/* CPU time of the server between two moments, in ns. */
static double server_ns(const struct probe_moment *from,
                        const struct probe_moment *to)
{
    if (from->server_cpu_ns < 0 || to->server_cpu_ns < 0)
        return NAN;
    return (double)(to->server_cpu_ns - from->server_cpu_ns);
}

static double own_ns(const struct probe_moment *from,
                     const struct probe_moment *to)
{
    return (double)(to->own_cpu_ns - from->own_cpu_ns);
}

static double passed_ns(const struct probe_moment *from,
                        const struct probe_moment *to)
{
    return (double)(to->at_ns - from->at_ns);
}

/* Memory. --------------------------------------------------------------- */

void result_before(struct result *r, int64_t memory, int64_t sockets)
{
    r->memory_before = known(memory);
    r->sockets_before = known(sockets);
}

void result_connected(struct result *r, int64_t memory, int64_t sockets)
{
    r->memory_connected = r->memory_peak = known(memory);
    r->sockets_connected = r->sockets_peak = known(sockets);
    r->memory_per_connection =
        (r->memory_connected - r->memory_before) / r->connected;
}

void result_memory_now(struct result *r, int64_t memory)
{
    keep_highest(&r->memory_peak, known(memory));
}

void result_sockets_now(struct result *r, int64_t sockets)
{
    keep_highest(&r->sockets_peak, known(sockets));
}

void result_end(struct result *r, int64_t memory)
{
    r->memory_end = known(memory);
    keep_highest(&r->memory_peak, r->memory_end);
}

/* Clients. -------------------------------------------------------------- */

void result_clients(struct result *r, const struct roster *roster)
{
    r->connected = atomic_load(&roster->connected);
    r->refused = atomic_load(&roster->refused);
    r->stalled = atomic_load(&roster->stalled);
    r->lost = atomic_load(&roster->lost);
    (void)snprintf(r->refusal, sizeof(r->refusal), "%s",
                   roster_reason(&roster->refusal));
    (void)snprintf(r->loss, sizeof(r->loss), "%s",
                   roster_reason(&roster->loss));
}

void result_connect(struct result *r, const struct probe_moment *begin,
                    const struct probe_moment *end, int64_t last_ns)
{
    r->connect_s = (double)(last_ns - begin->at_ns) / 1e9;
    r->connects_per_s = over(r->connected, r->connect_s);
    r->cpu_us_per_connect = server_ns(begin, end) / 1e3 / r->connected;
}

void result_idle(struct result *r, const struct probe_moment *begin,
                 const struct probe_moment *end)
{
    double ns = r->options->idle_ns == 0 ? 0 : passed_ns(begin, end);

    r->idle_s = ns / 1e9;
    r->idle_cpu_percent = over(server_ns(begin, end) * 100, ns);
}

/* Messages. ------------------------------------------------------------- */

void result_deliveries(struct result *r, const struct swarm_result *swarm,
                       uint64_t missing)
{
    r->connect = times_of(&swarm->connect);
    r->delivery = times_of(&swarm->delivery);
    r->deliveries = swarm->delivery.count;
    r->missing = missing;
    r->out_of_order = swarm->out_of_order;
    r->foreign = swarm->foreign;
    r->stalled_dropped = swarm->stalled_dropped;
}

/* Seconds from the start of a burst to its end, or to a later time. */
static double seconds_until(const struct publisher_burst *burst,
                            int64_t last_ns)
{
    int64_t end = burst->published.at_ns;

    return (double)((last_ns > end ? last_ns : end) - burst->begin.at_ns) / 1e9;
}

void result_burst(struct result *r, const struct publisher_burst *burst,
                  int64_t last_delivery_ns)
{
    const struct probe_moment *begin = &burst->begin, *end = &burst->end,
                              *published = &burst->published;
    double messages = (double)burst->messages;
    double deliveries = (double)r->deliveries;
    double percent_ns = passed_ns(begin, published) / 100;

    r->duration_s = passed_ns(begin, published) / 1e9;
    r->messages = burst->messages;
    r->errors = burst->errors;
    r->due = burst->due;
    r->messages_per_s =
        over(messages, seconds_until(burst, burst->answered_ns));
    r->response = times_of(&burst->response);
    (void)snprintf(r->publish_error, sizeof(r->publish_error), "%s",
                   burst->error);
    r->deliveries_per_s =
        over(deliveries, seconds_until(burst, last_delivery_ns));
    r->server_us_per_delivery = over(server_ns(begin, end) / 1e3, deliveries);
    r->server_us_per_message = over(server_ns(begin, end) / 1e3, messages);
    r->server_cpu_percent = over(server_ns(begin, published), percent_ns);
    r->own_us_per_delivery = over(own_ns(begin, end) / 1e3, deliveries);
    r->own_cpu_percent = over(own_ns(begin, published), percent_ns);
}
