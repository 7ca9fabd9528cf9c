/* reply.c - the only place that writes to civetweb's connections.
 *
 * Head and body go out in one mg_write(), so that a reply is never in pieces,
 * and under a deadline of ours: a peer that does not read must not hold the
 * worker.
 */
#include "front/reply.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server.h"

#define BODY_MAX 2560 /* the longest message with every byte escaped */

/* A body, which begins REPLY_HEAD_MAX bytes behind `buffer`. */
struct content {
    const char *type;
    const char *cache; /* of Cache-Control */
    char *buffer;
    size_t bytes;
};

static const char no_memory[] =
    "{\"status\":\"error\",\"code\":\"out_of_memory\","
    "\"message\":\"the server is out of memory\"}";

static bool keeps_alive(const struct http_conn *client)
{
    return client != NULL && client->keep_alive && !client->unread_body &&
           !atomic_load(&client->clients->ending) &&
           !http_conns_crowded(client->clients);
}

/* For clients that keep connections longer than hubd does (RFC 2068 section
 * 19.7.1.1): a second less, or they send just when it is closed. */
#define KEPT "keep-alive\r\nKeep-Alive: timeout=14"
_Static_assert(HTTP_CONN_NEXT_S == 15, "KEPT is a second less");

static size_t write_head(char *out, const struct reply *reply,
                         const struct content *content, bool keep_alive)
{
    char date[40];
    time_t now = time(NULL);
    struct tm utc;
    int n;

    (void)gmtime_r(&now, &utc);
    (void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    n = snprintf(out, REPLY_HEAD_MAX,
                 "HTTP/1.1 %d %s\r\n"
                 "Date: %s\r\n"
                 "Content-Type: %s\r\n"
                 "Content-Length: %zu\r\n"
                 "Cache-Control: %s\r\n"
                 "%s"
                 "Connection: %s\r\n\r\n",
                 reply->status, refusal_phrase(reply->status), date,
                 content->type, content->bytes, content->cache,
                 reply->headers != NULL ? reply->headers : "",
                 keep_alive ? KEPT : "close");
    return n > 0 && n < REPLY_HEAD_MAX ? (size_t)n : 0;
}

static void write_all(struct mg_connection *conn, struct http_conn *client,
                      const char *bytes, size_t count)
{
    if (client == NULL) {
        (void)mg_write(conn, bytes, count);
        return;
    }
    http_conn_wait(client, HTTP_CONN_WAIT_WRITE, 0);
    (void)mg_write(conn, bytes, count);
    (void)http_conn_done(client);
}

/* Before the peer can have seen the answer: whoever then looks finds it
 * counted. */
static void count(const struct mg_connection *conn,
                  const struct http_conn *client, const struct reply *reply)
{
    struct server *server = mg_get_user_data(mg_get_context(conn));

    tally_answer(&server->tally,
                 client != NULL ? client->endpoint : TALLY_OTHER, reply->kind);
}

/* The head is put right before the body. */
static int answer(struct mg_connection *conn, struct http_conn *client,
                  const struct reply *reply, const struct content *content)
{
    bool keep_alive = keeps_alive(client);
    bool has_body = reply->status != 304 && !(client != NULL && client->head);
    char head[REPLY_HEAD_MAX], *start = content->buffer + REPLY_HEAD_MAX;
    size_t head_bytes;

    /* Before writing: the peer may act on the reply at once. */
    if (!keep_alive)
        mg_disable_connection_keep_alive(conn);
    head_bytes = write_head(head, reply, content, keep_alive);
    start -= head_bytes;
    memcpy(start, head, head_bytes);
    count(conn, client, reply);
    write_all(conn, client, start,
              head_bytes + (has_body ? content->bytes : 0));
    if (client != NULL && client->unread_body)
        http_conn_linger(client);
    return reply->status;
}

struct reply reply_of(enum refusal_kind kind)
{
    const struct refusal_row *row = &refusal_rows[kind];

    return (struct reply){kind, row->status, row->headers};
}

int reply_json(struct mg_connection *conn, struct http_conn *client,
               const struct reply *reply, cJSON *body)
{
    const struct reply out_of_memory = reply_of(REFUSAL_OUT_OF_MEMORY);
    char buffer[REPLY_HEAD_MAX + BODY_MAX], *text = buffer + REPLY_HEAD_MAX;
    struct content content = {"application/json", "no-store", buffer, 0};

    if (body == NULL || !cJSON_PrintPreallocated(body, text, BODY_MAX, false)) {
        reply = &out_of_memory;
        memcpy(text, no_memory, sizeof(no_memory));
    }
    cJSON_Delete(body);
    content.bytes = strlen(text);
    return answer(conn, client, reply, &content);
}

int reply_text(struct mg_connection *conn, struct http_conn *client,
               const char *type, char *buffer, size_t bytes)
{
    const struct reply ok = reply_of(REFUSAL_NONE);
    const struct content content = {type, "no-store", buffer, bytes};

    return answer(conn, client, &ok, &content);
}

int reply_file(struct mg_connection *conn, struct http_conn *client, int status,
               const char *type, const char *headers, char *buffer,
               size_t bytes)
{
    const struct reply reply = {REFUSAL_NONE, status, headers};
    const struct content content = {type, "no-cache", buffer, bytes};

    return answer(conn, client, &reply, &content);
}

int reply_refusal(struct mg_connection *conn, struct http_conn *client,
                  const struct refusal *why)
{
    const struct reply reply = {why->kind, why->status, why->headers};
    cJSON *body = cJSON_CreateObject();

    if (cJSON_AddStringToObject(body, "status", "error") == NULL ||
        cJSON_AddStringToObject(body, "code", why->code) == NULL ||
        cJSON_AddStringToObject(body, "message", why->message) == NULL) {
        cJSON_Delete(body);
        body = NULL;
    }
    return reply_json(conn, client, &reply, body);
}

void reply_continue(struct mg_connection *conn)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

    (void)mg_write(conn, line, sizeof(line) - 1);
}
