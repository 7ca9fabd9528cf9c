/* clients.c - see clients.h. */
#include "clients.h"

#include <stdio.h>

#include "resources/cgroup.h"
#include "resources/cpus.h"

int clients_init(struct clients *clients, const struct config *config,
                 char *error, size_t error_bytes)
{
    *clients = (struct clients){.control = {.config = config}};
    if ((config->client_auth & CLIENT_AUTH_JWT) != 0) {
        clients->tokens = token_auth_create(config, error, error_bytes);
        if (clients->tokens == NULL)
            return -1;
    }
    if ((config->client_auth & CLIENT_AUTH_TICKET) != 0) {
        clients->tickets =
            tickets_create(config->node_name, config->tickets_max);
        if (clients->tickets == NULL) {
            clients_fini(clients);
            return -1;
        }
    }
    client_auth_init(&clients->auth, config, clients->tokens, clients->tickets);
    return 0;
}

int clients_start(struct clients *clients, hub_t *hub, char *error,
                  size_t error_bytes)
{
    unsigned cpus = cpus_available(CGROUP_GROUPS, CGROUP_ROOT);

    if (clients->tokens == NULL)
        return 0;
    clients->refresh =
        refresh_create(hub, &clients->auth, cpus > 1 ? cpus / 2 : 1);
    clients->control.refresh = clients->refresh;
    if (clients->refresh != NULL)
        return 0;
    (void)snprintf(error, error_bytes,
                   "cannot start the threads that check tokens");
    return -1;
}

void clients_stop(struct clients *clients)
{
    refresh_destroy(clients->refresh);
    clients->refresh = NULL;
}

void clients_fini(struct clients *clients)
{
    if (clients->tickets != NULL)
        tickets_destroy(clients->tickets);
    token_auth_destroy(clients->tokens);
    clients->tickets = NULL;
    clients->tokens = NULL;
}

void clients_reload(struct clients *clients)
{
    if (clients->tokens != NULL)
        token_auth_reload(clients->tokens);
}

void clients_tick(struct clients *clients)
{
    client_auth_report(&clients->auth);
    if (clients->tickets != NULL)
        tickets_sweep(clients->tickets);
}
