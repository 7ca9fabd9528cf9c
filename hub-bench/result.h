/* result.h - what a run came to: the figures of the report, in its units. NAN
 * stands for what is not known.
 */
#ifndef HUB_BENCH_RESULT_H
#define HUB_BENCH_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "probe.h"

#define RESULT_TEXT_BYTES 320

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

    uint64_t due; /* open loop: messages that had their time */
    char refusal[RESULT_TEXT_BYTES]; /* the first reason of each, or "" */
    char loss[RESULT_TEXT_BYTES];
    char publish_error[RESULT_TEXT_BYTES];
};

#endif
