/* listen.h - the listeners that the settings ask for: in civetweb's syntax,
 * whether their addresses are available, and which sockets they became.
 */
#ifndef HUBD_LISTEN_H
#define HUBD_LISTEN_H

#include <stddef.h>

#include "config/config.h"

#define LISTENERS_MAX 3
#define LISTEN_TEXT_MAX (CONFIG_ADDRESS_BYTES + 16) /* "[address]:port" */
#define LISTEN_LIST_MAX (LISTENERS_MAX * LISTEN_TEXT_MAX)

/* What a listener is for. */
enum listener_role {
    LISTENER_MAIN,    /* clients; without LISTENER_API, backends too */
    LISTENER_API,     /* backends and operators */
    LISTENER_METRICS, /* /metrics, and nothing else */
};

struct listener {
    enum listener_role role;
    const char *bind_setting, *port_setting; /* for errors */
    const char *bind; /* a numeric address of the settings */
    unsigned port;    /* 0: the kernel picks */
};

/* Lists them, the main one first. Returns how many there are. */
size_t listen_list(const struct config *config,
                   struct listener out[LISTENERS_MAX]);

/* Formats them for civetweb's listening_ports. */
void listen_format(const struct listener *listeners, size_t count,
                   char out[LISTEN_LIST_MAX]);

/* Whether civetweb supports the addresses. Returns 0, or -1 and one line in
 * `error`. */
int listen_check(const struct config *config, char *error, size_t error_bytes);

/* Tries to bind them, since civetweb does not say why it could not. Returns 0,
 * or -1 and one line in `error`. */
int listen_probe(const struct listener *listeners, size_t count, char *error,
                 size_t error_bytes);

/* The first socket below `end` that listens on that port, or -1: civetweb does
 * not tell its descriptors. */
int listen_find(unsigned port, int end);

#endif
