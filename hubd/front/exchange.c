/* exchange.c - what civetweb calls: the life of a connection and its requests.
 *
 * Whatever a handler does, a request gets one answer.
 */
#include "front/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <civetweb.h>

#include "base/log.h"
#include "base/slice.h"
#include "front/arrival.h"
#include "front/front.h"
#include "front/reply.h"

struct slice exchange_header(const struct exchange *x, const char *name,
                             unsigned *count)
{
    return request_header(x->request.info, name, count);
}

bool exchange_next_header(const struct exchange *x, const char *name,
                          unsigned *at, struct slice *value)
{
    return request_next_header(&x->request, name, at, value);
}

bool exchange_lists(const struct exchange *x, const char *name,
                    const char *member)
{
    return request_lists(x->request.info, name, member);
}

void exchange_forget_header(const struct exchange *x, const char *name)
{
    request_wipe(x->request.info, name);
}

/* Errors of HTTP itself, whatever the request is for. */
static bool is_of_http(enum refusal_kind kind)
{
    return kind == REFUSAL_INVALID_REQUEST || kind == REFUSAL_INVALID_BODY ||
           kind == REFUSAL_HEADERS_TOO_LARGE ||
           kind == REFUSAL_REQUEST_TIMEOUT ||
           kind == REFUSAL_EXPECTATION_FAILED ||
           kind == REFUSAL_HTTP_VERSION_NOT_SUPPORTED;
}

void exchange_refused(const struct exchange *x, const struct refusal *why)
{
    char remote[NETADDR_TEXT_MAX];
    struct netaddr addr;

    if (x->client == NULL || !is_of_http(why->kind))
        return;
    (void)exchange_remote(x, &addr);
    netaddr_format(&addr, remote);
    refused_add(&x->front->refused, remote, why);
}

bool exchange_is_head(const struct exchange *x)
{
    return x->method != NULL && strcmp(x->method, "HEAD") == 0;
}

/* All X-Forwarded-For lines in one (RFC 9110, 5.3), or NULL if there are none.
 * Returns 0, or -1 without memory for them. */
static int join_forwarded(const struct exchange *x, char **joined)
{
    static const char name[] = "X-Forwarded-For";
    struct slice value;
    size_t bytes = 0;
    char *end;

    for (unsigned at = 0; exchange_next_header(x, name, &at, &value);)
        bytes += value.bytes + 2;
    *joined = end = bytes > 0 ? malloc(bytes + 1) : NULL;
    if (end == NULL)
        return bytes > 0 ? -1 : 0;
    for (unsigned at = 0; exchange_next_header(x, name, &at, &value);) {
        if (end != *joined)
            end = stpcpy(end, ", ");
        end = mempcpy(end, value.start, value.bytes);
    }
    *end = '\0';
    return 0;
}

int exchange_remote(const struct exchange *x, struct netaddr *addr)
{
    const struct netaddr_list *trusted = x->front->options.trusted_proxies;
    char *forwarded;

    *addr = x->client->peer;
    if (trusted->count == 0)
        return 0;
    if (join_forwarded(x, &forwarded) < 0)
        return -1;
    *addr = netaddr_client(trusted, x->client->peer, forwarded);
    free(forwarded);
    return 0;
}

uint16_t exchange_remote_port(const struct exchange *x,
                              const struct netaddr *addr)
{
    return memcmp(addr, &x->client->peer, sizeof(*addr)) == 0
               ? x->client->peer_port
               : 0;
}

bool exchange_is_from_proxy(const struct exchange *x)
{
    return x->client != NULL &&
           netaddr_list_has(x->front->options.trusted_proxies,
                            &x->client->peer);
}

void exchange_trust(const struct exchange *x)
{
    if (x->client != NULL)
        x->client->trusted = true;
}

/* Requests. ------------------------------------------------------------- */

static struct exchange exchange_of(struct mg_connection *conn)
{
    const struct mg_request_info *info = mg_get_request_info(conn);

    return (struct exchange){
        .method = info->request_method,
        .path = info->local_uri_raw,
        .request = {.info = info, .query = info->query_string},
        .front = info->user_data,
        .client = info->conn_data,
        .conn = conn,
    };
}

/* The port comes from the kernel, not from a header. */
static enum listener_role listener_of(const struct exchange *x)
{
    const struct front_options *options = &x->front->options;

    for (size_t i = 1; i < options->listener_count; i++) {
        if (x->request.info->server_port == (int)options->listeners[i].port)
            return options->listeners[i].role;
    }
    return options->listeners[0].role;
}

static void handle(struct exchange *x)
{
    const struct front_options *options = &x->front->options;
    struct refusal why;

    options->handle(options->data, x);
    if (x->status != 0)
        return;
    (void)refuse_as(&why, REFUSAL_INTERNAL_ERROR);
    reply_refusal(x, &why);
}

static int check(struct exchange *x, struct refusal *why)
{
    struct arrival *arrival = &x->client->tap.arrival;

    if (request_check(&x->request, x->request.info, arrival->buffer, why) < 0)
        return -1;
    if (x->request.chunked)
        arrival_follow(arrival);
    x->held = arrival->buffer + arrival->head.end;
    x->held_bytes = arrival->bytes - arrival->head.end;
    if (!arrival->head.asterisk || strcmp(x->method, "OPTIONS") == 0)
        return 0;
    return refuse(why, REFUSAL_INVALID_REQUEST,
                  "the target * is only valid with OPTIONS");
}

static int begin_request(struct mg_connection *conn)
{
    struct exchange x = exchange_of(conn);
    struct http_conn *client = x.client;
    struct refusal malformed;

    if (client == NULL) {
        (void)refuse_as(&malformed, REFUSAL_OUT_OF_MEMORY);
        reply_refusal(&x, &malformed);
        return x.status;
    }
    arrival_end(&client->tap.arrival);
    if (client->tap.arrival.head.asterisk)
        x.path = "*";
    x.late = http_conn_done(client);
    client->in_request = true;
    client->trusted = false;
    (void)atomic_fetch_add(&x.front->in_flight, 1);
    (void)clock_gettime(CLOCK_MONOTONIC, &client->began);
    http_conn_meet(client, x.request.info);
    x.listener = listener_of(&x);
    if (check(&x, &malformed) < 0)
        x.malformed = &malformed;
    x.unread_body = x.request.has_body;
    x.keep_alive = x.request.keep_alive && !x.late;
    handle(&x);
    return x.status;
}

static void log_request(const struct exchange *x, int status)
{
    const struct timespec *began = &x->client->began;
    char remote[NETADDR_TEXT_MAX];
    struct netaddr addr;
    struct timespec now;
    int64_t us;

    if (!log_wants(LEVEL_DEBUG))
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    us = (int64_t)(now.tv_sec - began->tv_sec) * 1000000 +
         (now.tv_nsec - began->tv_nsec) / 1000;
    (void)exchange_remote(x, &addr);
    netaddr_format(&addr, remote);
    /* The path without its query, which may contain private data. */
    log_event(LEVEL_DEBUG, "request", LOG_STR("method", x->method),
              LOG_STR("path", x->path), LOG_INT("status", status),
              LOG_INT("duration_us", us), LOG_STR("remote", remote));
}

static void end_request(const struct mg_connection *conn, int status)
{
    const struct exchange x = exchange_of((struct mg_connection *)conn);
    struct http_conn *client = x.client;
    int64_t length = x.request.info->content_length;

    if (client == NULL || !client->in_request)
        return;
    log_request(&x, status);
    arrival_next(&client->tap.arrival, length > 0 ? length : 0);
    client->in_request = false;
    (void)atomic_fetch_sub(&x.front->in_flight, 1);
    http_conn_idle(client);
}

/* How far civetweb got with a head it rejects: it fills in the request's fields
 * as it goes. */
static enum head_parsed parsed(const struct mg_request_info *info, int status)
{
    if (info->request_method == NULL)
        return HEAD_UNPARSED;
    if (info->num_headers == 0)
        return HEAD_LINE_FAILED;
    if (info->num_headers < 0)
        return HEAD_FIELD_FAILED;
    return status == 411 ? HEAD_LENGTH_FAILED : HEAD_CODING_FAILED;
}

/* Explains a rejection by civetweb. Returns false if there is nothing to
 * answer: empty lines are not a request. */
static bool explain(int status, const struct exchange *x, struct refusal *why)
{
    const struct arrival *arrival = &x->client->tap.arrival;
    bool late = http_conn_done(x->client);

    if (!head_fault(&arrival->head, arrival->buffer, arrival->bytes,
                    REQUEST_HEAD_MAX, parsed(x->request.info, status), why))
        return false;
    if (late)
        (void)refuse_as(why, REFUSAL_REQUEST_TIMEOUT);
    else if (status == 505)
        (void)refuse_as(why, REFUSAL_HTTP_VERSION_NOT_SUPPORTED);
    else if (status >= 500)
        (void)refuse_as(why, REFUSAL_INTERNAL_ERROR);
    return true;
}

static int http_error(struct mg_connection *conn, int status,
                      const char *message)
{
    /* The headers are set if they could be parsed. */
    struct exchange x = {
        .request = {.info = mg_get_request_info(conn)},
        .front = mg_get_user_data(mg_get_context(conn)),
        .client = mg_get_user_connection_data(conn),
        .conn = conn,
        .unread_body = true,
    };
    struct refusal why;

    (void)message;
    if (x.client == NULL) {
        (void)refuse_as(&why, REFUSAL_OUT_OF_MEMORY);
        reply_refusal(&x, &why);
        return 0;
    }
    arrival_end(&x.client->tap.arrival);
    http_conn_meet(x.client, x.request.info);
    if (explain(status, &x, &why)) {
        x.malformed = &why;
        handle(&x);
    }
    return 0;
}

/* Connections. ---------------------------------------------------------- */

/* Before any worker runs: the first request already needs to know which
 * listener it came in on. */
static void init_context(const struct mg_context *http)
{
    front_take_ports(mg_get_user_data(http), http);
}

static int init_connection(const struct mg_connection *conn, void **data)
{
    struct front *front = mg_get_user_data(mg_get_context(conn));

    *data = http_conn_create(&front->conns);
    return 0;
}

static void connection_close(const struct mg_connection *conn)
{
    struct http_conn *client = mg_get_user_connection_data(conn);

    if (client != NULL)
        http_conn_destroy(client);
}

static int log_message(const struct mg_connection *conn, const char *message)
{
    (void)conn;
    log_event(LEVEL_WARN, "civetweb", LOG_STR("message", message));
    return 1;
}

const struct mg_callbacks exchange_callbacks = {
    .begin_request = begin_request,
    .end_request = end_request,
    .log_message = log_message,
    .connection_close = connection_close,
    .http_error = http_error,
    .init_connection = init_connection,
    .init_context = init_context,
};
