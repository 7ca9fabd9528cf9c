/* reply.c - the only place that writes to civetweb's connections.
 *
 * Head and body go out in one mg_write(), so that a reply is never in pieces,
 * and under a deadline of ours: a peer that does not read must not hold the
 * worker.
 */
#include "reply.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define BODY_MAX 2560 /* the longest message with every byte escaped */
#define HEAD_MAX 768

static const char no_memory[] =
    "{\"status\":\"error\",\"code\":\"out_of_memory\","
    "\"message\":\"the server is out of memory\"}";

static const char *phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } known[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].status == status)
            return known[i].phrase;
    }
    return "Internal Server Error";
}

static bool keeps_alive(const struct client *client)
{
    return client != NULL && client->keep_alive && !client->unread_body &&
           !atomic_load(&client->clients->ending) &&
           !clients_crowded(client->clients);
}

static size_t write_head(char *out, int status, const char *headers,
                         size_t body_bytes, bool keep_alive)
{
    char date[40];
    time_t now = time(NULL);
    struct tm utc;
    int n;

    (void)gmtime_r(&now, &utc);
    (void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    n = snprintf(out, HEAD_MAX,
                 "HTTP/1.1 %d %s\r\n"
                 "Date: %s\r\n"
                 "Content-Type: application/json\r\n"
                 "Content-Length: %zu\r\n"
                 "Cache-Control: no-store\r\n"
                 "%s"
                 "Connection: %s\r\n\r\n",
                 status, phrase(status), date, body_bytes,
                 headers != NULL ? headers : "",
                 keep_alive ? "keep-alive" : "close");
    return n > 0 && n < HEAD_MAX ? (size_t)n : 0;
}

static void write_all(struct mg_connection *conn, struct client *client,
                      const char *bytes, size_t count)
{
    if (client == NULL) {
        (void)mg_write(conn, bytes, count);
        return;
    }
    client_wait(client, CLIENT_WAIT_WRITE, 0);
    (void)mg_write(conn, bytes, count);
    (void)client_done(client);
}

int reply_json(struct mg_connection *conn, struct client *client, int status,
               const char *headers, cJSON *body)
{
    char out[HEAD_MAX + BODY_MAX], text[BODY_MAX];
    bool keep_alive = keeps_alive(client);
    size_t bytes, head;

    if (body == NULL ||
        !cJSON_PrintPreallocated(body, text, sizeof(text), false)) {
        status = 503;
        memcpy(text, no_memory, sizeof(no_memory));
    }
    cJSON_Delete(body);
    bytes = strlen(text);
    /* Before writing: the peer may act on the reply at once. */
    if (!keep_alive)
        mg_disable_connection_keep_alive(conn);
    head = write_head(out, status, headers, bytes, keep_alive);
    if (client != NULL && client->head) {
        bytes = 0;
    } else {
        memcpy(out + head, text, bytes);
    }
    write_all(conn, client, out, head + bytes);
    if (client != NULL && client->unread_body)
        client_linger(client);
    return status;
}

int reply_refusal(struct mg_connection *conn, struct client *client,
                  const struct refusal *why)
{
    cJSON *body = cJSON_CreateObject();

    if (cJSON_AddStringToObject(body, "status", "error") == NULL ||
        cJSON_AddStringToObject(body, "code", why->code) == NULL ||
        cJSON_AddStringToObject(body, "message", why->message) == NULL) {
        cJSON_Delete(body);
        body = NULL;
    }
    return reply_json(conn, client, why->status, why->headers, body);
}

void reply_continue(struct mg_connection *conn)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

    (void)mg_write(conn, line, sizeof(line) - 1);
}
