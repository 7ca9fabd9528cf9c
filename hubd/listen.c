/* listen.c - one throw-away socket, bound as civetweb will bind its own.
 *
 * Runs once, at the start.
 */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <civetweb.h>

void listen_format(const struct config *config, char *out, size_t bytes)
{
    bool v6 = strchr(config->bind, ':') != NULL;

    (void)snprintf(out, bytes, v6 ? "[%s]:%u" : "%s:%u", config->bind,
                   config->port);
}

static socklen_t make_address(const struct config *config,
                              struct sockaddr_storage *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)config->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)config->port)};

    if (inet_pton(AF_INET, config->bind, &v4.sin_addr) == 1) {
        memcpy(out, &v4, sizeof(v4));
        return sizeof(v4);
    }
    if (inet_pton(AF_INET6, config->bind, &v6.sin6_addr) == 1) {
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

int listen_probe(const struct config *config, char *error, size_t error_bytes)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = make_address(config, &address);
    char where[96];
    int err;

    listen_format(config, where, sizeof(where));
    if (bytes == 0) {
        (void)snprintf(error, error_bytes,
                       "cannot listen on %s: not a numeric address", where);
        return -1;
    }
    if (address.ss_family == AF_INET6 && !mg_check_feature(MG_FEATURES_IPV6)) {
        (void)snprintf(error, error_bytes,
                       "cannot listen on %s: this civetweb library was built "
                       "without IPv6",
                       where);
        return -1;
    }
    err = try_bind(&address, bytes);
    if (err == 0)
        return 0;
    (void)snprintf(error, error_bytes, "cannot listen on %s: %s", where,
                   strerror(err));
    return -1;
}
