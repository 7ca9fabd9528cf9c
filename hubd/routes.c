/* routes.c - an exact match of the raw path, or 404. civetweb's own matching
 * decodes, cleans and shortens paths, so it gets to see nothing but upgrades
 * that have passed every check.
 */
#include "routes.h"

#include <string.h>

#include "api/send.h"
#include "observe/console.h"
#include "front/handoff.h"
#include "observe/health.h"
#include "front/listen.h"
#include "base/log.h"
#include "observe/metrics.h"
#include "front/reply.h"
#include "base/secret.h"

/* A request on its way to an answer. */
struct exchange {
    struct server *server;
    struct mg_connection *conn;
    struct http_conn *client;
    struct request request;
};

struct route {
    const char *path;
    const char *method; /* GET includes HEAD where `head` says so */
    const char *allow;  /* a whole header line */
    int (*handle)(struct exchange *exchange);
    enum tally_endpoint endpoint;
    bool head;
};

static int health(struct exchange *x)
{
    return health_reply(x->server, x->conn, x->client);
}

static int alive(struct exchange *x)
{
    return health_reply_alive(x->server, x->conn, x->client);
}

static int ready(struct exchange *x)
{
    return health_reply_ready(x->server, x->conn, x->client);
}

static int api_send(struct exchange *x)
{
    return send_handle(x->server, x->conn, x->client, &x->request,
                       PUBLISH_SEND);
}

static int api_broadcast(struct exchange *x)
{
    return send_handle(x->server, x->conn, x->client, &x->request,
                       PUBLISH_BROADCAST);
}

static int metrics(struct exchange *x)
{
    return metrics_reply(x->server, x->conn, x->client);
}

static int console(struct exchange *x)
{
    return console_reply(x->server, x->conn, x->client, &x->request);
}

/* Who asks, behind the proxies that are trusted. */
static void format_remote(char remote[NETADDR_TEXT_MAX],
                          const struct mg_request_info *info,
                          const struct http_conn *client)
{
    struct netaddr addr;

    (void)handoff_address(&addr, info->user_data, client, info);
    netaddr_format(&addr, remote);
}

static void log_refused_upgrade(const struct exchange *x,
                                const struct refusal *why)
{
    enum log_level level = why->status == 400 ? LOG_DEBUG : LOG_INFO;
    char remote[NETADDR_TEXT_MAX];

    if (!log_wants(level))
        return;
    format_remote(remote, x->request.info, x->client);
    log_event(level, "refused", LOG_STR("remote", remote),
              LOG_INT("status", why->status), LOG_STR("code", why->code),
              LOG_STR("reason", why->message));
}

/* 0 is what lets civetweb answer it. */
static int upgrade(struct exchange *x)
{
    struct refusal why;

    if (atomic_load(&x->server->draining))
        (void)refuse_as(&why, REFUSAL_DRAINING);
    else if (x->client->expired)
        (void)refuse_as(&why, REFUSAL_REQUEST_TIMEOUT);
    else if (handoff_begin(x->server, x->client, &x->request, &why) == 0)
        return 0;
    log_refused_upgrade(x, &why);
    return reply_refusal(x->conn, x->client, &why);
}

#define GET "Allow: GET\r\n"
#define POST "Allow: POST\r\n"
#define GET_OR_HEAD "Allow: GET, HEAD\r\n"

static const struct route routes[] = {
    {"/ws", "GET", GET, upgrade, TALLY_WS, false},
    {"/api/send", "POST", POST, api_send, TALLY_SEND, false},
    {"/api/broadcast", "POST", POST, api_broadcast, TALLY_BROADCAST, false},
    {"/health", "GET", GET_OR_HEAD, health, TALLY_HEALTH, true},
    {"/livez", "GET", GET_OR_HEAD, alive, TALLY_HEALTH, true},
    {"/readyz", "GET", GET_OR_HEAD, ready, TALLY_HEALTH, true},
};

static const struct route metrics_route = {
    "/metrics", "GET", GET_OR_HEAD, metrics, TALLY_METRICS, true,
};

/* This and what is below it. */
static const struct route console_route = {
    "/console", "GET", GET_OR_HEAD, console, TALLY_CONSOLE, true,
};

/* Whether the request came to the listener that is for metrics alone. The port
 * is the kernel's, not one that a header claims. */
static bool is_apart(const struct server *server,
                     const struct mg_request_info *info)
{
    return server->metrics_port != 0 &&
           info->server_port == (int)server->metrics_port;
}

static const struct route *find_route(const struct server *server,
                                      const struct mg_request_info *info)
{
    const struct config *config = server->config;
    const char *path = info->local_uri_raw;
    bool apart = is_apart(server, info);

    if (strcmp(path, metrics_route.path) == 0)
        return apart || config->metrics.where == METRICS_ON ? &metrics_route
                                                            : NULL;
    if (apart)
        return NULL;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(path, routes[i].path) == 0)
            return &routes[i];
    }
    return config->console == CONFIG_ON && console_has(path) ? &console_route
                                                             : NULL;
}

static bool allows(const struct route *route, const char *method)
{
    return strcmp(method, route->method) == 0 ||
           (route->head && strcmp(method, "HEAD") == 0);
}

/* `malformed` is what request_check() found, or NULL. */
static int dispatch(struct exchange *x, const struct refusal *malformed)
{
    const struct mg_request_info *info = x->request.info;
    const struct route *route = find_route(x->server, info);
    struct refusal why;

    if (route == NULL) {
        (void)refuse_as(&why, REFUSAL_NOT_FOUND);
        return reply_refusal(x->conn, x->client, &why);
    }
    x->client->endpoint = route->endpoint;
    if (!allows(route, info->request_method)) {
        (void)refuse(&why, REFUSAL_METHOD_NOT_ALLOWED,
                     "%s does not take this method", info->local_uri_raw);
        why.headers = route->allow;
        return reply_refusal(x->conn, x->client, &why);
    }
    if (malformed != NULL)
        return reply_refusal(x->conn, x->client, malformed);
    return route->handle(x);
}

/* Where civetweb's buffer of this thread starts: see request_check(). */
static _Thread_local const char *buffer;

/* What comes in pieces, or before its time, is in the buffer for longer than a
 * request takes, and nobody but civetweb knows where. */
static void find_buffer(const char *inside)
{
    if (inside != NULL && (buffer == NULL || inside < buffer ||
                           inside >= buffer + REQUEST_HEAD_MAX))
        secret_undump(inside, REQUEST_HEAD_MAX);
}

static int begin_request(struct mg_connection *conn)
{
    const struct mg_request_info *info = mg_get_request_info(conn);
    struct exchange x = {info->user_data, conn, info->conn_data, {0}};
    struct http_conn *client = x.client;
    struct refusal malformed;
    int err;

    if (client == NULL) {
        (void)refuse_as(&malformed, REFUSAL_OUT_OF_MEMORY);
        return reply_refusal(conn, NULL, &malformed);
    }
    find_buffer(info->request_method);
    client->expired = http_conn_done(client);
    client->in_request = true;
    client->endpoint = TALLY_OTHER;
    (void)atomic_fetch_add(&x.server->in_flight, 1);
    (void)clock_gettime(CLOCK_MONOTONIC, &client->began);
    http_conn_meet(client, info);
    err = request_check(&x.request, info, &buffer, &malformed);
    client->head = strcmp(info->request_method, "HEAD") == 0;
    client->unread_body = x.request.has_body;
    client->keep_alive = x.request.keep_alive && !client->expired &&
                         !atomic_load(&x.server->draining);
    err = dispatch(&x, err < 0 ? &malformed : NULL);
    /* Whoever was asked: a key may be among what was sent. */
    auth_forget(info);
    return err;
}

static void log_request(const struct mg_request_info *info,
                        const struct http_conn *client, int status)
{
    char remote[NETADDR_TEXT_MAX];
    struct timespec now;
    int64_t us;

    if (!log_wants(LOG_DEBUG))
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    us = (int64_t)(now.tv_sec - client->began.tv_sec) * 1000000 +
         (now.tv_nsec - client->began.tv_nsec) / 1000;
    format_remote(remote, info, client);
    /* The path without its query, which may hold what is private. */
    log_event(LOG_DEBUG, "request", LOG_STR("method", info->request_method),
              LOG_STR("path", info->local_uri_raw), LOG_INT("status", status),
              LOG_INT("duration_us", us), LOG_STR("remote", remote));
}

static void end_request(const struct mg_connection *conn, int status)
{
    const struct mg_request_info *info = mg_get_request_info(conn);
    struct server *server = info->user_data;
    struct http_conn *client = info->conn_data;

    if (client == NULL || !client->in_request)
        return;
    log_request(info, client, client->handoff != NULL ? 101 : status);
    client->in_request = false;
    (void)atomic_fetch_sub(&server->in_flight, 1);
    http_conn_wait(client, HTTP_CONN_WAIT_NEXT, 0);
}

/* civetweb's own refusals. It means 413 for a head that does not fit into its
 * buffer, but mostly says 400. */
static void explain(int status, struct http_conn *client, struct refusal *why)
{
    if (client != NULL && http_conn_done(client))
        (void)refuse_as(why, REFUSAL_REQUEST_TIMEOUT);
    else if (status == 413 ||
             (status == 400 && client != NULL &&
              http_conn_sent_more_than(client, REQUEST_HEAD_MAX - 1)))
        (void)refuse(why, REFUSAL_HEADERS_TOO_LARGE,
                     "the request head is larger than %d bytes",
                     REQUEST_HEAD_MAX);
    else if (status == 505)
        (void)refuse_as(why, REFUSAL_HTTP_VERSION_NOT_SUPPORTED);
    else if (status >= 500)
        (void)refuse_as(why, REFUSAL_INTERNAL_ERROR);
    else
        (void)refuse_as(why, REFUSAL_INVALID_REQUEST);
}

static int http_error(struct mg_connection *conn, int status,
                      const char *message)
{
    /* Empty, unless it could be parsed. */
    const struct mg_request_info *info = mg_get_request_info(conn);
    struct http_conn *client = mg_get_user_connection_data(conn);
    struct refusal why;

    (void)message;
    find_buffer(info->request_method);
    auth_forget(info);
    explain(status, client, &why);
    if (client != NULL) {
        client->endpoint = TALLY_OTHER;
        client->head = false;
        client->keep_alive = false;
        client->unread_body = true;
    }
    (void)reply_refusal(conn, client, &why);
    return 0;
}

/* As they were bound; a listener for metrics is the second one. */
static void take_ports(struct server *server, const struct mg_context *http)
{
    struct mg_server_port ports[2] = {{0}};
    struct listen_address apart;

    (void)mg_get_server_ports(http, 2, ports);
    server->port = (unsigned)ports[0].port;
    if (listen_metrics(server->config, &apart))
        server->metrics_port = (unsigned)ports[1].port;
}

/* Before any worker runs: when the first request comes, /ws must exist, and it
 * must be known which listener it came to. */
static void init_context(const struct mg_context *http)
{
    take_ports(mg_get_user_data(http), http);
    handoff_register((struct mg_context *)http);
}

static int init_connection(const struct mg_connection *conn, void **data)
{
    struct server *server = mg_get_user_data(mg_get_context(conn));

    *data = http_conn_create(&server->clients, conn);
    return 0;
}

static void connection_close(const struct mg_connection *conn)
{
    struct http_conn *client = mg_get_user_connection_data(conn);

    if (client == NULL)
        return;
    handoff_end(client);
    http_conn_destroy(client);
}

static int log_message(const struct mg_connection *conn, const char *message)
{
    /* What peers can cause at will is not worth a warning. */
    bool peer = strncasecmp(message, "websocket", strlen("websocket")) == 0;

    (void)conn;
    log_event(peer ? LOG_DEBUG : LOG_WARN, "civetweb",
              LOG_STR("message", message));
    return 1;
}

const struct mg_callbacks routes_callbacks = {
    .begin_request = begin_request,
    .end_request = end_request,
    .log_message = log_message,
    .connection_close = connection_close,
    .http_error = http_error,
    .init_connection = init_connection,
    .init_context = init_context,
};
