/* listen.h - the address of the listener: in civetweb's words, and whether it
 * can be had.
 */
#ifndef HUBD_LISTEN_H
#define HUBD_LISTEN_H

#include <stddef.h>

#include "config.h"

/* As for civetweb's listening_ports. */
void listen_format(const struct config *config, char *out, size_t bytes);

/* Tries to bind it, since civetweb does not tell why it could not. Returns 0,
 * or -1 and one line in `error`. */
int listen_probe(const struct config *config, char *error, size_t error_bytes);

#endif
