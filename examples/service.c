/* service.c - a service of its own: it gets its socket from systemd or listens
 * on a port, reports when it is ready, logs for the journal, and drains on
 * SIGTERM. Its clients, ws://…/time, get the time every second.
 *
 *     service [port], or: systemd-socket-activate -l 8080 service
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <hub/hub.h>
#include <systemd/sd-daemon.h>

#include "mhd_upgrade.h"

#define DRAIN_MS 10000 /* well below systemd's TimeoutStopSec */

/* Levels are only for the journal, if it reads standard error: systemd.exec(5).
 * A shell may have inherited the variable. */
static const char *mark(enum hub_log_level level)
{
    static const char *const marks[] = {SD_DEBUG, SD_INFO, SD_WARNING, SD_ERR};
    const char *journal = getenv("JOURNAL_STREAM");
    struct stat status;
    char own[48] = "";

    if (fstat(STDERR_FILENO, &status) == 0)
        (void)snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status.st_dev,
                       (uintmax_t)status.st_ino);
    return journal != NULL && strcmp(journal, own) == 0 ? marks[level] : "";
}

static void write_line(void *data, enum hub_log_level level, const char *text)
{
    (void)data;
    fprintf(stderr, "%s%s\n", mark(level), text);
}

static void closed(hub_t *hub, const struct hub_connection *connection,
                   const struct hub_close_info *info)
{
    (void)hub;
    fprintf(stderr,
            "%sconnection %" PRIu64 " ended: %s, %d, after %" PRId64 " ms\n",
            mark(HUB_LOG_INFO), connection->id.value,
            hub_close_cause_name(info->cause), info->code, info->duration_ms);
}

static void upgraded(void *hub, struct MHD_Connection *connection,
                     void *request, const char *extra, size_t extra_bytes,
                     MHD_socket socket,
                     struct MHD_UpgradeResponseHandle *handle)
{
    struct hub_member member = HUB_MEMBER_INIT;
    int fd = mhd_take_socket(socket, handle, extra_bytes);

    (void)connection, (void)request, (void)extra;
    member.user_id = "guest";
    if (fd >= 0 && hub_adopt(hub, fd, &member, NULL) != 0)
        close(fd);
}

static enum MHD_Result answer(void *hub, struct MHD_Connection *connection,
                              const char *url, const char *method,
                              const char *version, const char *upload,
                              size_t *upload_bytes, void **request)
{
    (void)upload, (void)upload_bytes, (void)request;
    if (strcmp(url, "/time") != 0 || strcmp(method, "GET") != 0)
        return mhd_answer(connection, MHD_HTTP_NOT_FOUND, "GET /time\n");
    return mhd_upgrade(connection, version, upgraded, hub);
}

/* Listens on the socket from systemd, or on a port. */
static struct MHD_Daemon *listen_on(uint16_t port, hub_t *hub)
{
    int given = sd_listen_fds(0);
    MHD_socket fd = given > 0 ? SD_LISTEN_FDS_START : MHD_INVALID_SOCKET;

    if (given > 1 || (given == 1 && sd_is_socket(fd, 0, 0, 1) <= 0))
        return NULL;
    return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO |
                                MHD_ALLOW_UPGRADE | MHD_USE_ITC,
                            given > 0 ? 0 : port, NULL, NULL, answer, hub,
                            MHD_OPTION_CONNECTION_TIMEOUT, 30u,
                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_END);
}

static void tell_time(hub_t *hub)
{
    time_t now = time(NULL);
    struct tm utc;
    char text[32];

    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    (void)hub_broadcast(hub, HUB_TEXT_OF(text));
}

static int fail(const char *why)
{
    write_line(NULL, HUB_LOG_ERROR, why);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    char *end = "";
    long port = argc > 1 ? strtol(argv[1], &end, 10) : 8080;
    const struct timespec second = {1, 0};
    struct hub_options options = HUB_OPTIONS_INIT;
    struct MHD_Daemon *daemon;
    sigset_t signals;
    hub_t *hub;
    int err;

    if (*end != '\0' || port < 0 || port > UINT16_MAX)
        return fail("usage: service [port]");
    /* One thread takes them; blocked before there are others. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    options.closed = closed;
    options.log = write_line;
    err = hub_create(&hub, &options);
    if (err != 0)
        return fail(hub_strerror(err));
    daemon = listen_on((uint16_t)port, hub);
    if (daemon == NULL)
        return fail("there is no socket to listen on");
    fprintf(stderr, "%sready on port %u\n", mark(HUB_LOG_INFO),
            MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    sd_notify(0, "READY=1");
    while (sigtimedwait(&signals, NULL, &second) < 0)
        tell_time(hub);

    sd_notify(0, "STOPPING=1");
    close(MHD_quiesce_daemon(daemon)); /* no new connections */
    err = hub_shutdown(hub, DRAIN_MS);
    MHD_stop_daemon(daemon); /* nothing calls the hub any more */
    hub_destroy(hub);
    return err == 0 ? EXIT_SUCCESS : fail(hub_strerror(err));
}
