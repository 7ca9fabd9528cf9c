/* admission.c - reserves a place in the hub, or says why there is none, and
 * writes the two log lines of a connection.
 */
#include "access/admission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"

static int refuse_place(int err, struct refusal *why)
{
    switch (err) {
    case HUB_EFULL_ADDRESS:
        return refuse(why, REFUSAL_RATE_LIMITED,
                      "this address has reached its connection limit");
    case HUB_EFULL_USER:
        return refuse(why, REFUSAL_RATE_LIMITED,
                      "this user has reached its connection limit");
    case HUB_EFULL:
        return refuse_as(why, REFUSAL_AT_CAPACITY);
    case HUB_ESHUTDOWN:
        return refuse_as(why, REFUSAL_DRAINING);
    case HUB_ENOMEM:
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    default:
        return refuse(why, REFUSAL_INTERNAL_ERROR, "%s", hub_strerror(err));
    }
}

/* Random: reveals nothing, and is never reused. */
static int begin_v1(struct v1_session *v1)
{
    unsigned char bytes[(CONNECTION_ID_MAX - 1) / 2];

    *v1 = (struct v1_session){.refresh_ms = 0};
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -1;
    for (size_t i = 0; i < sizeof(bytes); i++)
        (void)snprintf(v1->connection_id + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

int admission_open(hub_t *hub, const struct netaddr *addr, uint16_t port,
                   bool speaks_v1, struct hub_member *member,
                   struct refusal *why)
{
    size_t bytes =
        sizeof(struct session) + (speaks_v1 ? sizeof(struct v1_session) : 0);
    struct session *session = malloc(bytes);
    int err;

    if (session == NULL)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    *session =
        (struct session){.addr = *addr, .port = port, .speaks_v1 = speaks_v1};
    if (speaks_v1 && begin_v1(session->v1) < 0) {
        free(session);
        return refuse_as(why, REFUSAL_INTERNAL_ERROR);
    }
    member->data = session;
    member->address = &session->addr;
    member->address_bytes = sizeof(session->addr);
    err = hub_reserve(hub, member, &member->place);
    if (err == 0)
        return 0;
    free(session);
    member->data = NULL;
    return refuse_place(err, why);
}

void admission_close(hub_t *hub, struct hub_member *member)
{
    hub_release(hub, member->place);
    free(member->data);
    member->place = NULL;
    member->data = NULL;
}

void admission_remote(const struct session *session,
                      char out[ADMISSION_REMOTE_MAX])
{
    char text[NETADDR_TEXT_MAX];

    netaddr_format(&session->addr, text);
    if (session->port == 0)
        (void)snprintf(out, ADMISSION_REMOTE_MAX, "%s", text);
    else if (strchr(text, ':') != NULL)
        (void)snprintf(out, ADMISSION_REMOTE_MAX, "[%s]:%u", text,
                       (unsigned)session->port);
    else
        (void)snprintf(out, ADMISSION_REMOTE_MAX, "%s:%u", text,
                       (unsigned)session->port);
}

void admission_on_opened(hub_t *hub, const struct hub_connection *connection)
{
    char remote[ADMISSION_REMOTE_MAX];

    (void)hub;
    if (!log_wants(LEVEL_INFO))
        return;
    admission_remote(connection->data, remote);
    log_event(LEVEL_INFO, "connected", LOG_STR("user", connection->user_id),
              LOG_STR("session", connection->session_id),
              LOG_STR("remote", remote), LOG_INT("id", connection->id.value));
}

void admission_on_closed(hub_t *hub, const struct hub_connection *connection,
                         const struct hub_close_info *info)
{
    struct session *session = connection->data; /* its last use */

    (void)hub;
    if (log_wants(LEVEL_INFO)) {
        char remote[ADMISSION_REMOTE_MAX];

        admission_remote(session, remote);
        log_event(
            LEVEL_INFO, "disconnected", LOG_STR("user", connection->user_id),
            LOG_STR("session", connection->session_id),
            LOG_STR("remote", remote), LOG_INT("id", connection->id.value),
            LOG_STR("cause", hub_close_cause_name(info->cause)),
            LOG_INT("code", info->code),
            LOG_INT("duration_ms", info->duration_ms),
            LOG_INT("bytes_in", info->bytes_in),
            LOG_INT("bytes_out", info->bytes_out),
            LOG_INT("messages_in", info->messages_in),
            LOG_INT("messages_out", info->messages_out));
    }
    free(session);
}
