/* listen.h - the addresses of the listeners: in civetweb's words, and whether
 * they can be had.
 */
#ifndef HUBD_LISTEN_H
#define HUBD_LISTEN_H

#include <stddef.h>

#include "config/config.h"

#define LISTEN_TEXT_MAX (CONFIG_ADDRESS_BYTES + 16) /* "[address]:port" */

/* One of everything, or none with a port of its own for /metrics. */
struct listen_address {
    const char *bind;
    unsigned port;
};

struct listen_address listen_main(const struct config *config);

/* Returns whether there is one. */
bool listen_metrics(const struct config *config, struct listen_address *out);

void listen_format(const struct listen_address *address,
                   char out[LISTEN_TEXT_MAX]);

/* As for civetweb's listening_ports: the main one first. */
void listen_format_all(const struct config *config,
                       char out[2 * LISTEN_TEXT_MAX]);

/* Whether civetweb knows such addresses. Returns 0, or -1 and one line in
 * `error`. */
int listen_check(const struct config *config, char *error, size_t error_bytes);

/* Tries to bind them, since civetweb does not tell why it could not. Returns 0,
 * or -1 and one line in `error`. */
int listen_probe(const struct config *config, char *error, size_t error_bytes);

#endif
