/* metrics.h - GET /metrics: figures for Prometheus, in its text format.
 *
 * Threads: civetweb's workers.
 */
#ifndef HUBD_METRICS_H
#define HUBD_METRICS_H

#include <stdbool.h>

#include <civetweb.h>

#include "front/http_conn.h"
#include "base/linebuf.h"
#include "resources/proc.h"
#include "server.h"

#define METRICS_BYTES_MAX 65536 /* all figures at their longest: half of it */

/* Everything that is told, read one after the other. */
struct metrics {
    struct hub_stats hub;
    struct proc_memory memory;
    uint64_t cpu_ns, fds, fds_max, started_ms;
    const struct tally *tally;
    uint64_t connections_max, draining;
    uint64_t http_connections, http_workers;
    uint64_t bodies_bytes;
    uint64_t queued_limit, received_limit, bodies_limit; /* in bytes */
};

/* metrics_table.c: writes all families. */
void metrics_write(struct linebuf *out, const struct metrics *metrics);

/* Answers the request. Returns the status. */
int metrics_reply(struct server *server, struct mg_connection *conn,
                  struct http_conn *client);

#endif
