/* limits.c - at most two connections per user: the third is rejected over HTTP,
 * before there is a WebSocket (mhd_upgrade.c).
 *
 *     limits [port]
 *
 * A client opens ws://…/inbox?user=ada. Lines of standard input, such as `ada
 * dinner is ready`, go to all of ada's connections.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hub/hub.h>

#include "mhd_upgrade.h"

/* A WebSocket request on its way to the hub. */
struct guest {
    hub_place_t *place; /* NULL: the hub has it */
};

/* On MHD's thread, once the 101 has been sent. */
static void upgraded(void *hub, struct MHD_Connection *connection,
                     void *request, const char *extra, size_t extra_bytes,
                     MHD_socket socket,
                     struct MHD_UpgradeResponseHandle *handle)
{
    struct guest *guest = request;
    struct hub_member member = HUB_MEMBER_INIT;
    int fd = mhd_take_socket(socket, handle, extra_bytes);

    (void)connection, (void)extra;
    if (fd < 0)
        return;
    member.place = guest->place; /* it was reserved for this user */
    if (hub_adopt(hub, fd, &member, NULL) == 0)
        guest->place = NULL;
    else
        close(fd);
}

/* However a request ended: releases a place that was not used. */
static void ended(void *hub, struct MHD_Connection *connection, void **request,
                  enum MHD_RequestTerminationCode how)
{
    struct guest *guest = *request;

    (void)connection, (void)how;
    if (guest != NULL)
        hub_release(hub, guest->place);
    free(guest);
    *request = NULL;
}

/* Returns 0 and a place, or one of the hub's errors. */
static int reserve(hub_t *hub, struct MHD_Connection *connection,
                   const char *user, hub_place_t **place)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct hub_member member = HUB_MEMBER_INIT;

    member.user_id = user;
    if (info != NULL && info->client_addr->sa_family == AF_INET) {
        member.address =
            &((const struct sockaddr_in *)(const void *)info->client_addr)
                 ->sin_addr;
        member.address_bytes = sizeof(struct in_addr);
    }
    return hub_reserve(hub, &member, place);
}

static unsigned status_of(int err)
{
    if (err == HUB_EINVAL) /* no user, or one whose name is too long */
        return MHD_HTTP_BAD_REQUEST;
    return err == HUB_EFULL_USER || err == HUB_EFULL_ADDRESS
               ? MHD_HTTP_TOO_MANY_REQUESTS
               : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static enum MHD_Result answer(void *hub, struct MHD_Connection *connection,
                              const char *url, const char *method,
                              const char *version, const char *upload,
                              size_t *upload_bytes, void **request)
{
    const char *user =
        MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "user");
    struct guest *guest;
    int err;

    (void)upload, (void)upload_bytes;
    if (strcmp(url, "/inbox") != 0 || strcmp(method, "GET") != 0)
        return mhd_answer(connection, MHD_HTTP_NOT_FOUND, "no such page\n");
    *request = guest = calloc(1, sizeof *guest);
    if (guest == NULL)
        return MHD_NO;
    err = reserve(hub, connection, user, &guest->place);
    if (err != 0)
        return mhd_answer(connection, status_of(err), hub_strerror(err));
    return mhd_upgrade(connection, version, upgraded, hub);
}

/* This thread may wait if the hub cannot keep up. */
static void deliver_lines(hub_t *hub)
{
    struct hub_send_options patience = HUB_SEND_OPTIONS_INIT;
    char user[HUB_ID_BYTES_MAX + 1], text[1024];

    patience.wait_ms = 1000;
    while (scanf("%256s %1023[^\n]", user, text) == 2) {
        int64_t sent =
            hub_send(hub, HUB_TO_USER(user), HUB_TEXT_OF(text), &patience);

        printf("%s: %s\n", user, sent < 0 ? hub_strerror((int)sent) : "sent");
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    long port = argc > 1 ? strtol(argv[1], NULL, 10) : 8080;
    struct hub_options options = HUB_OPTIONS_INIT;
    struct MHD_Daemon *daemon;
    hub_t *hub;

    options.max_connections_per_user = 2;
    options.max_connections_per_address = 100;
    if (hub_create(&hub, &options) != 0)
        return 1;
    daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_ALLOW_UPGRADE,
        (uint16_t)port, NULL, NULL, answer, hub, MHD_OPTION_NOTIFY_COMPLETED,
        ended, hub, MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "limits: cannot listen on port %ld\n", port);
        return 1;
    }
    printf("ws://127.0.0.1:%u/inbox\n",
           MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    deliver_lines(hub); /* until the input ends */
    hub_shutdown(hub, 5000);
    MHD_stop_daemon(daemon); /* nothing calls the hub any more */
    hub_destroy(hub);
    return 0;
}
