/* routes.c - an exact match of the raw path, or 404. civetweb's own matching
 * decodes, cleans and shortens paths, so it is bypassed: every request is
 * answered here.
 */
#include "routes.h"

#include <string.h>

#include "access/auth.h"
#include "base/clock.h"
#include "front/reply.h"
#include "observe/tally.h"
#include "resources/proc.h"
#include "server.h"

/* Who asks, judged by the listener. */
enum audience {
    CLIENTS = 1,
    BACKENDS = 2, /* and operators */
    EITHER = CLIENTS | BACKENDS,
};

struct route {
    enum audience audience;
    const char *path;
    const char *method; /* GET includes HEAD if `head` is set */
    const char *allow;  /* a whole header line */
    void (*handle)(struct exchange *x, struct routes *routes);
    enum tally_endpoint endpoint;
    bool head;
};

static void health(struct exchange *x, struct routes *routes)
{
    health_answer(x, &routes->health);
}

static void alive(struct exchange *x, struct routes *routes)
{
    health_answer_alive(x, &routes->health);
}

static void ready(struct exchange *x, struct routes *routes)
{
    health_answer_ready(x, &routes->health);
}

static void api_send(struct exchange *x, struct routes *routes)
{
    send_answer(x, &routes->send, PUBLISH_SEND);
}

static void api_broadcast(struct exchange *x, struct routes *routes)
{
    send_answer(x, &routes->send, PUBLISH_BROADCAST);
}

static void api_tickets(struct exchange *x, struct routes *routes)
{
    tickets_answer(x, &routes->tickets);
}

static void metrics(struct exchange *x, struct routes *routes)
{
    metrics_answer(x, &routes->metrics);
}

static void console(struct exchange *x, struct routes *routes)
{
    console_answer(x, &routes->console);
}

static void upgrade(struct exchange *x, struct routes *routes)
{
    upgrade_answer(x, &routes->upgrade);
}

#define GET "Allow: GET\r\n"
#define POST "Allow: POST\r\n"
#define GET_OR_HEAD "Allow: GET, HEAD\r\n"

static const struct route all_routes[] = {
    {CLIENTS, "/ws", "GET", GET, upgrade, TALLY_WS, false},
    {BACKENDS, "/api/send", "POST", POST, api_send, TALLY_SEND, false},
    {BACKENDS, "/api/broadcast", "POST", POST, api_broadcast, TALLY_BROADCAST,
     false},
    {BACKENDS, "/api/tickets", "POST", POST, api_tickets, TALLY_TICKETS, false},
    /* Load balancers check the port that they send clients to. */
    {EITHER, "/health", "GET", GET_OR_HEAD, health, TALLY_HEALTH, true},
    {EITHER, "/livez", "GET", GET_OR_HEAD, alive, TALLY_HEALTH, true},
    {EITHER, "/readyz", "GET", GET_OR_HEAD, ready, TALLY_HEALTH, true},
};

static const struct route metrics_route = {
    BACKENDS, "/metrics", "GET", GET_OR_HEAD, metrics, TALLY_METRICS, true,
};

/* This path and everything below it. */
static const struct route console_route = {
    BACKENDS, "/console", "GET", GET_OR_HEAD, console, TALLY_CONSOLE, true,
};

static enum audience audience_of(const struct routes *routes,
                                 enum listener_role role)
{
    if (role == LISTENER_API)
        return BACKENDS;
    return routes->has_api ? CLIENTS : EITHER;
}

/* For any audience. */
static const struct route *find_path(const struct routes *routes,
                                     const char *path)
{
    if (strcmp(path, metrics_route.path) == 0)
        return routes->has_metrics ? &metrics_route : NULL;
    for (size_t i = 0; i < sizeof(all_routes) / sizeof(all_routes[0]); i++) {
        if (strcmp(path, all_routes[i].path) == 0)
            return &all_routes[i];
    }
    return routes->has_console && console_has(path) ? &console_route : NULL;
}

static const struct route *find_route(const struct routes *routes,
                                      const struct exchange *x)
{
    const struct route *route;

    if (x->listener == LISTENER_METRICS)
        return strcmp(x->path, metrics_route.path) == 0 ? &metrics_route : NULL;
    route = find_path(routes, x->path);
    return route != NULL &&
                   (route->audience & audience_of(routes, x->listener)) != 0
               ? route
               : NULL;
}

static bool allows(const struct route *route, const struct exchange *x)
{
    return strcmp(x->method, route->method) == 0 ||
           (route->head && exchange_is_head(x));
}

/* Load balancers ask this to see whether the server is up. "/" is not one of
 * our paths, but their default. */
static bool is_about_server(const struct exchange *x)
{
    return x->listener != LISTENER_METRICS &&
           strcmp(x->method, "OPTIONS") == 0 &&
           (strcmp(x->path, "*") == 0 || strcmp(x->path, "/") == 0);
}

static void dispatch(struct exchange *x, struct routes *routes)
{
    const struct route *route;
    struct refusal why;

    if (x->malformed != NULL &&
        (x->path == NULL || strcmp(x->path, "*") == 0)) {
        reply_refusal(x, x->malformed);
        return;
    }
    if (x->malformed == NULL && is_about_server(x)) {
        x->endpoint = TALLY_HEALTH;
        health_answer_options(x, &routes->health);
        return;
    }
    route = find_route(routes, x);
    if (route == NULL) {
        (void)refuse_as(&why, REFUSAL_NOT_FOUND);
        reply_refusal(x, &why);
        return;
    }
    x->endpoint = route->endpoint;
    if (!allows(route, x)) {
        (void)refuse(&why, REFUSAL_METHOD_NOT_ALLOWED,
                     "%s does not support this method", x->path);
        why.headers = route->allow;
        reply_refusal(x, &why);
    } else if (x->malformed != NULL) {
        reply_refusal(x, x->malformed);
    } else {
        route->handle(x, routes);
    }
}

void routes_init(struct server *server)
{
    const struct config *config = server->config;
    struct routes *routes = &server->routes;

    *routes = (struct routes){
        .has_console = config->console == CONFIG_ON,
        .has_metrics = config->metrics.where == METRICS_ON,
        .has_api = config->api_port.given,
    };
    routes->intake = (struct intake){
        .auth = &server->auth,
        .memory = &server->memory,
        .draining = &server->draining,
        .read_timeout_ms = config->read_timeout_ms,
    };
    routes->send = (struct send_context){
        .hub = server->hub,
        .intake = &routes->intake,
        .tally = &server->tally,
        .max_message_bytes = config->max_message_bytes,
    };
    routes->tickets = (struct tickets_context){
        .intake = &routes->intake,
        .tickets = server->clients.tickets,
        .ttl_ms = config->ticket_ttl_ms,
    };
    routes->upgrade = (struct upgrade_context){
        .hub = server->hub,
        .gate = &server->gate,
        .auth = &server->clients.auth,
        .control = &server->clients.control,
        .subprotocols = config->subprotocols,
        .draining = &server->draining,
    };
    routes->health =
        (struct health){server->hub, &server->draining, config->node_name};
    routes->metrics = (struct metrics_sources){
        .hub = server->hub,
        .auth = config->metrics_key != NULL ? &server->metrics_auth : NULL,
        .memory = &server->memory,
        .tally = &server->tally,
        .tickets = server->clients.tickets,
        .clients = &server->clients.auth,
        .plan = &server->plan,
        .draining = &server->draining,
        .started_ms = proc_started_ms(),
    };
    routes->console =
        (struct console){server->hub, &server->draining, clock_now_ms()};
}

void routes_handle(void *data, struct exchange *x)
{
    struct server *server = data;

    dispatch(x, &server->routes);
    /* For every path: the request may contain a key. */
    auth_forget(x);
    credential_forget(&x->request);
}
