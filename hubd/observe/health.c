/* health.c - answers three questions: may a load balancer send clients here, do
 * the event loops turn, and is the server draining.
 */
#include "observe/health.h"

#include <time.h>

#include "front/reply.h"

#define STUCK_MS 5000 /* a loop that has not turned for this long is stuck */

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

void health_answer(struct exchange *x, const struct health *health)
{
    bool ends = atomic_load(health->draining);
    struct hub_stats stats = HUB_STATS_INIT;
    cJSON *reply = status_object(ends ? "draining" : "healthy");

    (void)hub_stats(health->hub, &stats);
    if (cJSON_AddStringToObject(reply, "node", health->node) == NULL ||
        !add_stats(reply, &stats)) {
        cJSON_Delete(reply);
        reply = NULL;
    }
    reply_json(x, ends ? REFUSAL_DRAINING : REFUSAL_NONE, NULL, reply);
}

void health_answer_alive(struct exchange *x, const struct health *health)
{
    static const struct timespec second_look = {0, 300000000};
    struct hub_stats stats = HUB_STATS_INIT;
    bool is_stuck;

    (void)hub_stats(health->hub, &stats);
    if (health_is_stuck(&stats)) {
        /* Perhaps the whole process was suspended, and the loops are about to
         * turn. */
        (void)nanosleep(&second_look, NULL);
        (void)hub_stats(health->hub, &stats);
    }
    is_stuck = health_is_stuck(&stats);
    reply_json(x, is_stuck ? REFUSAL_STUCK : REFUSAL_NONE, NULL,
               status_object(is_stuck ? "stuck" : "alive"));
}

void health_answer_ready(struct exchange *x, const struct health *health)
{
    bool ends = atomic_load(health->draining);

    reply_json(x, ends ? REFUSAL_DRAINING : REFUSAL_NONE, NULL,
               status_object(ends ? "draining" : "ready"));
}

void health_answer_options(struct exchange *x, const struct health *health)
{
    bool ends = atomic_load(health->draining);

    reply_json(x, ends ? REFUSAL_DRAINING : REFUSAL_NONE,
               ends ? NULL : "Allow: GET, HEAD, POST, OPTIONS\r\n",
               status_object(ends ? "draining" : "ready"));
}
