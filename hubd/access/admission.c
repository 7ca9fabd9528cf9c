/* admission.c - taking and giving back in opposite orders, and the two lines a
 * connection leaves in the log.
 */
#include "access/admission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

int admission_init(struct admission *admission, const struct config *config)
{
    *admission = (struct admission){0};
    admission->per_ip = quota_create(config->max_connections_per_ip);
    admission->per_user = quota_create(config->max_connections_per_user);
    if (admission->per_ip != NULL && admission->per_user != NULL)
        return 0;
    admission_fini(admission);
    return -1;
}

void admission_fini(struct admission *admission)
{
    quota_free(admission->per_ip);
    quota_free(admission->per_user);
}

static int take_quota(struct quota *quota, const void *name, size_t bytes,
                      const char *whose, struct refusal *why)
{
    int taken = quota_take(quota, name, bytes);

    if (taken == 0)
        return 0;
    if (taken < 0)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    return refuse(why, REFUSAL_RATE_LIMITED,
                  "this %s has as many connections as it may", whose);
}

static int take_place(struct admission *admission, struct refusal *why)
{
    if (atomic_fetch_add(&admission->held, 1) < admission->limit)
        return 0;
    (void)atomic_fetch_sub(&admission->held, 1);
    return refuse_as(why, REFUSAL_AT_CAPACITY);
}

struct session *admission_open(struct admission *admission,
                               const struct netaddr *addr, uint16_t port,
                               const char *user_id, struct refusal *why)
{
    struct session *session = malloc(sizeof(*session));

    if (session == NULL) {
        (void)refuse_as(why, REFUSAL_OUT_OF_MEMORY);
        return NULL;
    }
    *session = (struct session){admission, *addr, port};
    if (take_quota(admission->per_ip, addr, sizeof(*addr), "address", why) < 0)
        goto fail;
    if (take_quota(admission->per_user, user_id, strlen(user_id), "user", why) <
        0)
        goto fail_user;
    if (take_place(admission, why) < 0)
        goto fail_place;
    return session;

fail_place:
    quota_give(admission->per_user, user_id, strlen(user_id));
fail_user:
    quota_give(admission->per_ip, addr, sizeof(*addr));
fail:
    free(session);
    return NULL;
}

void admission_close(struct session *session, const char *user_id)
{
    struct admission *admission = session->admission;

    (void)atomic_fetch_sub(&admission->held, 1);
    quota_give(admission->per_user, user_id, strlen(user_id));
    quota_give(admission->per_ip, &session->addr, sizeof(session->addr));
    free(session);
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
    if (!log_wants(LOG_INFO))
        return;
    admission_remote(connection->data, remote);
    log_event(LOG_INFO, "connected", LOG_STR("user", connection->user_id),
              LOG_STR("session", connection->session_id),
              LOG_STR("remote", remote), LOG_INT("id", connection->id.value));
}

void admission_on_closed(hub_t *hub, const struct hub_connection *connection,
                         const struct hub_close_info *info)
{
    struct session *session = connection->data;

    (void)hub;
    if (log_wants(LOG_INFO)) {
        char remote[ADMISSION_REMOTE_MAX];

        admission_remote(session, remote);
        log_event(
            LOG_INFO, "disconnected", LOG_STR("user", connection->user_id),
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
    admission_close(session, connection->user_id);
}
