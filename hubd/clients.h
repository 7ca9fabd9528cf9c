/* clients.h - combines the parts that authenticate clients and talk to them:
 * tokens, tickets, and hub.v1.
 *
 * Threads: started, reloaded and stopped by one thread.
 */
#ifndef HUBD_CLIENTS_H
#define HUBD_CLIENTS_H

#include <stddef.h>

#include <hub/hub.h>

#include "access/client_auth.h"
#include "access/tickets.h"
#include "access/token_auth.h"
#include "api/control.h"
#include "api/refresh.h"
#include "config/config.h"

struct clients {
    struct token_auth *tokens; /* NULL: not allowed */
    struct tickets *tickets;   /* NULL: not allowed */
    struct client_auth auth;
    struct refresh *refresh; /* NULL without tokens */
    struct control control;
};

/* Reads the keys. Returns 0, or -1 and one line in `error`: a setting is to
 * blame. */
int clients_init(struct clients *clients, const struct config *config,
                 char *error, size_t error_bytes);

/* To be called once there is a hub. Returns 0, or -1 and one line in `error`.
 */
int clients_start(struct clients *clients, hub_t *hub, char *error,
                  size_t error_bytes);

/* To be called before the hub is destroyed, even if not started. */
void clients_stop(struct clients *clients);

/* To be called after that. */
void clients_fini(struct clients *clients);

void clients_reload(struct clients *clients);

/* Writes log lines that are due, and removes expired tickets; to be called a
 * few times a second. */
void clients_tick(struct clients *clients);

#endif
