/* listen.c - probes addresses with sockets bound as civetweb will bind its own,
 * and finds those that it has bound.
 *
 * Runs only at start and at the end.
 */
#include "front/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <civetweb.h>

size_t listen_list(const struct config *config,
                   struct listener out[LISTENERS_MAX])
{
    const struct metrics_place *place = &config->metrics;
    size_t count = 0;

    out[count++] = (struct listener){LISTENER_MAIN, "HUB_BIND", "PORT",
                                     config->bind, config->port};
    if (config->api_port.given)
        out[count++] =
            (struct listener){LISTENER_API, "HUB_API_BIND", "HUB_API_PORT",
                              config_api_bind(config), config->api_port.number};
    if (place->where == METRICS_APART)
        out[count++] = (struct listener){
            LISTENER_METRICS, "HUB_METRICS", "HUB_METRICS",
            place->bind[0] != '\0' ? place->bind : config->bind, place->port};
    return count;
}

static bool is_v6(const struct listener *listener)
{
    return strchr(listener->bind, ':') != NULL;
}

void listen_format(const struct listener *listeners, size_t count,
                   char out[LISTEN_LIST_MAX])
{
    char *end = out;

    *end = '\0';
    for (const struct listener *l = listeners; l < listeners + count; l++) {
        if (end != out)
            *end++ = ',';
        end += snprintf(end, LISTEN_TEXT_MAX, is_v6(l) ? "[%s]:%u" : "%s:%u",
                        l->bind, l->port);
    }
}

static socklen_t make_address(const struct listener *listener,
                              struct sockaddr_storage *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)listener->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)listener->port)};

    if (inet_pton(AF_INET, listener->bind, &v4.sin_addr) == 1) {
        memcpy(out, &v4, sizeof(v4));
        return sizeof(v4);
    }
    if (inet_pton(AF_INET6, listener->bind, &v6.sin6_addr) == 1) {
        memcpy(out, &v6, sizeof(v6));
        return sizeof(v6);
    }
    return 0;
}

static int try_bind(const struct sockaddr_storage *address, socklen_t bytes)
{
    int on = 1;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int err = 0;

    if (fd < 0)
        return errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (const struct sockaddr *)address, bytes) < 0 ||
        listen(fd, 1) < 0)
        err = errno;
    (void)close(fd);
    return err;
}

/* Why it cannot be bound, or NULL. */
static const char *problem_of(const struct listener *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = make_address(listener, &address);
    int err;

    if (bytes == 0)
        return "not a numeric address";
    err = try_bind(&address, bytes);
    return err == 0 ? NULL : strerror(err);
}

int listen_check(const struct config *config, char *error, size_t error_bytes)
{
    struct listener listeners[LISTENERS_MAX];
    size_t count = listen_list(config, listeners);
    char value[LISTEN_LIST_MAX];

    if (mg_check_feature(MG_FEATURES_IPV6))
        return 0;
    for (const struct listener *l = listeners; l < listeners + count; l++) {
        if (!is_v6(l))
            continue;
        listen_format(l, 1, value);
        (void)snprintf(error, error_bytes,
                       "%s=%s: must be an IPv4 address, since this civetweb "
                       "library was built without IPv6",
                       l->bind_setting,
                       l->role == LISTENER_METRICS ? value : l->bind);
        return -1;
    }
    return 0;
}

int listen_probe(const struct listener *listeners, size_t count, char *error,
                 size_t error_bytes)
{
    char where[LISTEN_LIST_MAX];

    for (const struct listener *l = listeners; l < listeners + count; l++) {
        const char *problem = problem_of(l);

        if (problem == NULL)
            continue;
        listen_format(l, 1, where);
        (void)snprintf(error, error_bytes, "%s%scannot listen on %s: %s",
                       l->role == LISTENER_MAIN ? "" : l->port_setting,
                       l->role == LISTENER_MAIN ? "" : ": ", where, problem);
        return -1;
    }
    return 0;
}

static bool is_on_port(int fd, unsigned port)
{
    struct sockaddr_storage name = {0};
    socklen_t bytes = sizeof(name);
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (getsockname(fd, (struct sockaddr *)&name, &bytes) < 0)
        return false;
    memcpy(&v4, &name, sizeof(v4));
    memcpy(&v6, &name, sizeof(v6));
    return (name.ss_family == AF_INET && ntohs(v4.sin_port) == port) ||
           (name.ss_family == AF_INET6 && ntohs(v6.sin6_port) == port);
}

int listen_find(unsigned port, int end)
{
    for (int fd = STDERR_FILENO + 1; fd < end; fd++) {
        int listening = 0;
        socklen_t bytes = sizeof(listening);

        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &bytes) ==
                0 &&
            listening && is_on_port(fd, port))
            return fd;
    }
    return -1;
}
