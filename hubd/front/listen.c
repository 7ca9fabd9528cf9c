/* listen.c - throw-away sockets, bound as civetweb will bind its own.
 *
 * Runs once, at the start.
 */
#include "front/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <civetweb.h>

struct listen_address listen_main(const struct config *config)
{
    return (struct listen_address){config->bind, config->port};
}

bool listen_metrics(const struct config *config, struct listen_address *out)
{
    const struct metrics_place *place = &config->metrics;

    if (place->where != METRICS_APART)
        return false;
    out->bind = place->bind[0] != '\0' ? place->bind : config->bind;
    out->port = place->port;
    return true;
}

static bool is_v6(const struct listen_address *address)
{
    return strchr(address->bind, ':') != NULL;
}

void listen_format(const struct listen_address *address,
                   char out[LISTEN_TEXT_MAX])
{
    (void)snprintf(out, LISTEN_TEXT_MAX, is_v6(address) ? "[%s]:%u" : "%s:%u",
                   address->bind, address->port);
}

void listen_format_all(const struct config *config,
                       char out[2 * LISTEN_TEXT_MAX])
{
    struct listen_address address = listen_main(config);
    char *end;

    listen_format(&address, out);
    if (!listen_metrics(config, &address))
        return;
    end = out + strlen(out);
    *end++ = ',';
    listen_format(&address, end);
}

static socklen_t make_address(const struct listen_address *address,
                              struct sockaddr_storage *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)address->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)address->port)};

    if (inet_pton(AF_INET, address->bind, &v4.sin_addr) == 1) {
        memcpy(out, &v4, sizeof(v4));
        return sizeof(v4);
    }
    if (inet_pton(AF_INET6, address->bind, &v6.sin6_addr) == 1) {
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

/* What is wrong with it, or NULL. */
static const char *problem_of(const struct listen_address *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = make_address(listener, &address);
    int err;

    if (bytes == 0)
        return "not a numeric address";
    err = try_bind(&address, bytes);
    return err == 0 ? NULL : strerror(err);
}

static int probe(const struct listen_address *listener, const char *setting,
                 char *error, size_t error_bytes)
{
    const char *problem = problem_of(listener);
    char where[LISTEN_TEXT_MAX];

    if (problem == NULL)
        return 0;
    listen_format(listener, where);
    (void)snprintf(error, error_bytes, "%scannot listen on %s: %s", setting,
                   where, problem);
    return -1;
}

int listen_check(const struct config *config, char *error, size_t error_bytes)
{
    struct listen_address main = listen_main(config), metrics = main;
    char value[LISTEN_TEXT_MAX];

    (void)listen_metrics(config, &metrics);
    if ((!is_v6(&main) && !is_v6(&metrics)) ||
        mg_check_feature(MG_FEATURES_IPV6))
        return 0;
    if (!is_v6(&main))
        listen_format(&metrics, value);
    (void)snprintf(error, error_bytes,
                   "%s=%s: takes an IPv4 address, since the civetweb library "
                   "here was built without IPv6",
                   is_v6(&main) ? "HUB_BIND" : "HUB_METRICS",
                   is_v6(&main) ? main.bind : value);
    return -1;
}

int listen_probe(const struct config *config, char *error, size_t error_bytes)
{
    struct listen_address listener = listen_main(config);

    if (probe(&listener, "", error, error_bytes) < 0)
        return -1;
    if (!listen_metrics(config, &listener))
        return 0;
    return probe(&listener, "HUB_METRICS: ", error, error_bytes);
}
