/* health.c - three questions: may a balancer send clients here, do the event
 * loops turn, and has the server begun to drain.
 */
#include "observe/health.h"

#include <time.h>

#include "front/reply.h"

#define STUCK_MS 5000 /* a loop that has not turned for so long is no more */

static cJSON *status_object(const char *status)
{
    cJSON *reply = cJSON_CreateObject();

    if (cJSON_AddStringToObject(reply, "status", status) != NULL)
        return reply;
    cJSON_Delete(reply);
    return NULL;
}

static bool add_stats(cJSON *reply, const struct hub_stats *stats)
{
    cJSON *object = cJSON_AddObjectToObject(reply, "stats");

    return cJSON_AddNumberToObject(object, "total_users",
                                   (double)stats->users) != NULL &&
           cJSON_AddNumberToObject(object, "total_connections",
                                   (double)stats->connections) != NULL &&
           cJSON_AddNumberToObject(object, "total_sessions",
                                   (double)stats->sessions) != NULL;
}

bool health_is_stuck(const struct hub_stats *stats)
{
    return stats->slowest_loop_ms > STUCK_MS;
}

int health_reply(struct server *server, struct mg_connection *conn,
                 struct http_conn *client)
{
    bool ends = atomic_load(&server->draining);
    struct reply head = reply_of(ends ? REFUSAL_DRAINING : REFUSAL_NONE);
    struct hub_stats stats = HUB_STATS_INIT;
    cJSON *reply = status_object(ends ? "draining" : "healthy");

    (void)hub_stats(server->hub, &stats);
    if (!add_stats(reply, &stats)) {
        cJSON_Delete(reply);
        reply = NULL;
    }
    return reply_json(conn, client, &head, reply);
}

int health_reply_alive(struct server *server, struct mg_connection *conn,
                       struct http_conn *client)
{
    static const struct timespec second_look = {0, 300000000};
    struct hub_stats stats = HUB_STATS_INIT;
    struct reply head;
    bool is_stuck;

    (void)hub_stats(server->hub, &stats);
    if (health_is_stuck(&stats)) {
        /* Perhaps the whole process was stopped, and they are about to. */
        (void)nanosleep(&second_look, NULL);
        (void)hub_stats(server->hub, &stats);
    }
    is_stuck = health_is_stuck(&stats);
    head = reply_of(is_stuck ? REFUSAL_STUCK : REFUSAL_NONE);
    return reply_json(conn, client, &head,
                      status_object(is_stuck ? "stuck" : "alive"));
}

int health_reply_ready(struct server *server, struct mg_connection *conn,
                       struct http_conn *client)
{
    bool ends = atomic_load(&server->draining);
    struct reply head = reply_of(ends ? REFUSAL_DRAINING : REFUSAL_NONE);

    return reply_json(conn, client, &head,
                      status_object(ends ? "draining" : "ready"));
}
