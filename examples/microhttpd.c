/* microhttpd.c - a libmicrohttpd program whose WebSockets the hub takes over: a
 * chat with rooms.
 *
 *     microhttpd [port]
 *
 * A client opens ws://…/chat?user=ada&room=kitchen; what it sends reaches
 * everybody else in the room. The opening handshake is done by mhd_upgrade.c.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hub/hub.h>

#include "mhd_upgrade.h"

static const char *variable(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

static int is_id(const char *text)
{
    return text != NULL && text[0] != '\0' && strlen(text) <= HUB_ID_BYTES_MAX;
}

/* On a thread of the hub. A text from a client is valid UTF-8. */
static void say(hub_t *hub, const struct hub_connection *connection,
                const struct hub_message *message)
{
    struct hub_target others = hub_to_session(connection->session_id);

    others.except = HUB_TO_CONNECTION(connection->id);
    (void)hub_send(hub, &others, message, NULL);
}

/* On MHD's thread, once the 101 has been sent. MHD only lends its descriptor,
 * until MHD_upgrade_action(), so the hub gets a duplicate. */
static void upgraded(void *hub, struct MHD_Connection *connection,
                     void *request, const char *extra, size_t extra_bytes,
                     MHD_socket socket,
                     struct MHD_UpgradeResponseHandle *handle)
{
    struct hub_member member = HUB_MEMBER_INIT;
    int fd = mhd_take_socket(socket, handle, extra_bytes);

    (void)request, (void)extra;
    if (fd < 0)
        return;
    member.user_id = variable(connection, "user");
    member.session_id = variable(connection, "room");
    if (hub_adopt(hub, fd, &member, NULL) != 0)
        close(fd); /* it is still ours: the hub is full, or shutting down */
}

static enum MHD_Result answer(void *hub, struct MHD_Connection *connection,
                              const char *url, const char *method,
                              const char *version, const char *upload,
                              size_t *upload_bytes, void **request)
{
    (void)upload, (void)upload_bytes, (void)request;
    if (strcmp(url, "/chat") != 0)
        return mhd_answer(connection, MHD_HTTP_NOT_FOUND, "no such page\n");
    if (strcmp(method, "GET") != 0)
        return mhd_answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET\n");
    if (!is_id(variable(connection, "user")) ||
        !is_id(variable(connection, "room")))
        return mhd_answer(connection, MHD_HTTP_BAD_REQUEST, "user and room\n");
    return mhd_upgrade(connection, version, upgraded, hub);
}

static struct MHD_Daemon *listen_on(uint16_t port, hub_t *hub)
{
    /* AUTO means epoll, without which no descriptor may be above 1023. */
    return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO |
                                MHD_ALLOW_UPGRADE,
                            port, NULL, NULL, answer, hub,
                            MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_END);
}

int main(int argc, char **argv)
{
    char *end = "";
    long port = argc > 1 ? strtol(argv[1], &end, 10) : 8080;
    struct hub_options options = HUB_OPTIONS_INIT;
    struct MHD_Daemon *daemon;
    sigset_t signals;
    hub_t *hub;
    int taken, err;

    if (*end != '\0' || port < 0 || port > UINT16_MAX) {
        fprintf(stderr, "usage: microhttpd [port]\n");
        return 1;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* in all later threads */

    options.message = say;
    err = hub_create(&hub, &options);
    if (err != 0) {
        fprintf(stderr, "microhttpd: %s\n", hub_strerror(err));
        return 1;
    }
    daemon = listen_on((uint16_t)port, hub);
    if (daemon == NULL) {
        fprintf(stderr, "microhttpd: cannot listen on port %ld\n", port);
        return 1;
    }
    printf("ws://127.0.0.1:%u/chat\n",
           MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);

    sigwait(&signals, &taken);
    hub_shutdown(hub, 5000);
    MHD_stop_daemon(daemon); /* nothing calls the hub any more */
    hub_destroy(hub);
    return 0;
}
