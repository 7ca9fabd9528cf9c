/* metrics.c - who may read them, and the figures as they stand.
 *
 * Each scrape has a buffer of its own, so that any number of them can be under
 * way.
 */
#include "observe/metrics.h"

#include <stdlib.h>

#include "base/log.h"
#include "observe/metrics_text.h"
#include "front/reply.h"

static void take(struct metrics *m, struct server *server)
{
    const struct memory *memory = &server->memory;
    struct http_conns *clients = &server->clients;
    uint64_t for_messages = memory_for_messages(memory);

    *m = (struct metrics){.hub = HUB_STATS_INIT};
    (void)hub_stats(server->hub, &m->hub);
    proc_read_memory(&m->memory);
    m->cpu_ns = proc_cpu_ns();
    m->fds = proc_descriptors();
    m->fds_max = server->plan.descriptors;
    m->started_ms = server->started_ms;
    m->tally = &server->tally;
    m->connections_max = server->plan.sockets;
    m->draining = atomic_load(&server->draining);
    m->http_connections = atomic_load(&clients->open);
    m->http_workers = atomic_load(&clients->workers);
    m->bodies_bytes = atomic_load(&memory->bodies);
    m->received_limit = for_messages / 2; /* see hub_options.memory_bytes */
    m->queued_limit = for_messages - m->received_limit;
    m->bodies_limit = memory->limit - for_messages;
}

static int answer(struct server *server, struct mg_connection *conn,
                  struct http_conn *client, char *buffer)
{
    struct metrics metrics;
    struct refusal why;
    struct linebuf out;

    linebuf_init(&out, buffer + REPLY_HEAD_MAX, METRICS_BYTES_MAX);
    take(&metrics, server);
    metrics_write(&out, &metrics);
    if (!out.full)
        return reply_text(conn, client, METRICS_TEXT_TYPE, buffer, out.used);
    (void)refuse(&why, REFUSAL_INTERNAL_ERROR,
                 "the metrics are larger than %d bytes", METRICS_BYTES_MAX);
    return reply_refusal(conn, client, &why);
}

int metrics_reply(struct server *server, struct mg_connection *conn,
                  struct http_conn *client)
{
    const struct mg_request_info *info = mg_get_request_info(conn);
    struct refusal why;
    char *buffer;
    int status;

    if (server->config->metrics_key != NULL &&
        auth_check(&server->metrics_auth, info, &why) < 0)
        return reply_refusal(conn, client, &why);
    buffer = malloc(REPLY_HEAD_MAX + METRICS_BYTES_MAX);
    if (buffer == NULL) {
        (void)refuse_as(&why, REFUSAL_OUT_OF_MEMORY);
        return reply_refusal(conn, client, &why);
    }
    status = answer(server, conn, client, buffer);
    free(buffer);
    return status;
}
