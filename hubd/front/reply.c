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

#include <civetweb.h>

#include "front/front.h"

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

static bool keeps_alive(const struct exchange *x)
{
    const struct http_conns *conns = &x->front->conns;

    return x->client != NULL && x->keep_alive && !x->unread_body &&
           !atomic_load(&conns->ending) && !http_conns_crowded(conns);
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

static void write_all(struct exchange *x, const char *bytes, size_t count)
{
    if (x->client == NULL) {
        (void)mg_write(x->conn, bytes, count);
        return;
    }
    http_conn_wait(x->client, HTTP_CONN_WAIT_WRITE, 0);
    (void)mg_write(x->conn, bytes, count);
    (void)http_conn_done(x->client);
}

/* The head is put right before the body. */
static void answer(struct exchange *x, const struct reply *reply,
                   const struct content *content)
{
    const struct front_options *options = &x->front->options;
    bool keep_alive = keeps_alive(x);
    bool has_body = reply->status != 304 && !exchange_is_head(x);
    char head[REPLY_HEAD_MAX], *start = content->buffer + REPLY_HEAD_MAX;
    size_t head_bytes;

    /* Before writing: the peer may act on the reply at once. */
    if (!keep_alive)
        mg_disable_connection_keep_alive(x->conn);
    head_bytes = write_head(head, reply, content, keep_alive);
    start -= head_bytes;
    memcpy(start, head, head_bytes);
    /* Whoever looks at the figures once the answer is there finds it counted.
     */
    options->count(options->data, x->endpoint, reply->kind);
    write_all(x, start, head_bytes + (has_body ? content->bytes : 0));
    if (x->client != NULL && x->unread_body)
        http_conn_linger(x->client);
    x->status = reply->status;
}

struct reply reply_of(enum refusal_kind kind)
{
    const struct refusal_row *row = &refusal_rows[kind];

    return (struct reply){kind, row->status, row->headers};
}

void reply_json(struct exchange *x, const struct reply *reply, cJSON *body)
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
    answer(x, reply, &content);
}

void reply_text(struct exchange *x, const char *type, char *buffer,
                size_t bytes)
{
    const struct reply ok = reply_of(REFUSAL_NONE);
    const struct content content = {type, "no-store", buffer, bytes};

    answer(x, &ok, &content);
}

void reply_file(struct exchange *x, int status, const char *type,
                const char *headers, char *buffer, size_t bytes)
{
    const struct reply reply = {REFUSAL_NONE, status, headers};
    const struct content content = {type, "no-cache", buffer, bytes};

    answer(x, &reply, &content);
}

void reply_refusal(struct exchange *x, const struct refusal *why)
{
    const struct reply reply = {why->kind, why->status, why->headers};
    cJSON *body = cJSON_CreateObject();

    if (cJSON_AddStringToObject(body, "status", "error") == NULL ||
        cJSON_AddStringToObject(body, "code", why->code) == NULL ||
        cJSON_AddStringToObject(body, "message", why->message) == NULL) {
        cJSON_Delete(body);
        body = NULL;
    }
    reply_json(x, &reply, body);
}

void reply_continue(struct exchange *x)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

    (void)mg_write(x->conn, line, sizeof(line) - 1);
}
