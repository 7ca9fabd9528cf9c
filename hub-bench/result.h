/* result.h - the results of a run: the figures of the report, in its units.
 * NAN: unknown.
 */
#ifndef HUB_BENCH_RESULT_H
#define HUB_BENCH_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "probe.h"

#define RESULT_TEXT_BYTES 320

struct publisher_burst;
struct roster;
struct swarm_result;

/* Of a histogram, in µs. */
struct result_times {
    double p50, p90, p99, p999, max, mean;
};

struct result {
    const struct options *options;
    double duration_s;
    bool interrupted;

    uint32_t connected, refused, lost, stalled, stalled_dropped;
    double connect_s, connects_per_s, cpu_us_per_connect;
    struct result_times connect;

    double memory_before, memory_connected, memory_per_connection;
    double memory_peak, memory_end;
    double sockets_before, sockets_connected, sockets_peak;
    double idle_s, idle_cpu_percent;

    uint64_t messages, errors;
    double messages_per_s;
    struct result_times response;

    uint64_t deliveries, missing, out_of_order, foreign;
    double deliveries_per_s;
    struct result_times delivery;

    size_t pid_count;
    pid_t pids[PROBE_PIDS_MAX];
    double server_us_per_delivery, server_us_per_message, server_cpu_percent;
    double own_us_per_delivery, own_cpu_percent;

    uint64_t due;                    /* open loop: messages that were due */
    char refusal[RESULT_TEXT_BYTES]; /* the first reason of each kind, or "" */
    char loss[RESULT_TEXT_BYTES];
    char publish_error[RESULT_TEXT_BYTES];
};

/* Memory before the first client, with all clients connected, at any time under
 * load, and at its end; -1 if it could not be read. */
void result_before(struct result *r, int64_t memory, int64_t sockets);
void result_connected(struct result *r, int64_t memory, int64_t sockets);
void result_memory_now(struct result *r, int64_t memory);
void result_sockets_now(struct result *r, int64_t sockets);
void result_end(struct result *r, int64_t memory);

/* Takes the numbers of clients; whenever they change, and before the following.
 */
void result_clients(struct result *r, const struct roster *roster);

/* Takes the results of connecting; `last_ns` is when the last client was open.
 */
void result_connect(struct result *r, const struct probe_moment *begin,
                    const struct probe_moment *end, int64_t last_ns);

void result_idle(struct result *r, const struct probe_moment *begin,
                 const struct probe_moment *end);

/* Takes what was delivered, and then what that cost. */
void result_deliveries(struct result *r, const struct swarm_result *swarm,
                       uint64_t missing);
void result_burst(struct result *r, const struct publisher_burst *burst,
                  int64_t last_delivery_ns);

#endif
