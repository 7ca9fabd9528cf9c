/* reply.c - the only place that writes to civetweb's connections.
 *
 * Head and body share a buffer, in which the head is put right before the first
 * piece once that is complete. So a short answer is sent in one mg_write(), and
 * a long one in one per piece, each with our own deadline: a peer that does not
 * read must not block the worker.
 */
#include "front/reply.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <civetweb.h>

#include "base/linebuf.h"
#include "front/front.h"

#define LAST_CHUNK "0\r\n\r\n"
#define PIECE_AT (REPLY_HEAD_MAX + REPLY_FRAMING_MAX)

/* Compilers that are told to initialize the stack (-ftrivial-auto-var-init)
 * would clear ten kilobytes for each answer. */
#if __has_attribute(uninitialized)
#define NOT_CLEARED __attribute__((uninitialized))
#else
#define NOT_CLEARED
#endif

static const char json[] = "application/json";
static const char no_memory[] =
    "{\"status\":\"error\",\"code\":\"out_of_memory\","
    "\"message\":\"the server is out of memory\"}";

void reply_begin(struct reply *reply, struct exchange *x,
                 enum refusal_kind kind, const char *type)
{
    const struct refusal_row *row = &refusal_rows[kind];

    /* Field by field, so that the buffer is not cleared. */
    reply->status = row->status;
    reply->cache = "no-store";
    reply->headers = row->headers;
    reply->length = -1;
    reply->x = x;
    reply->kind = kind;
    reply->type = type;
    reply->written = 0;
    reply->begun = reply->chunked = reply->failed = false;
    reply->used = 0;
}

static bool has_body(const struct reply *reply)
{
    return reply->status != 304 && !exchange_is_head(reply->x);
}

/* The head. ------------------------------------------------------------- */

static bool keeps_alive(const struct reply *reply)
{
    const struct exchange *x = reply->x;
    const struct http_conns *conns = &x->front->conns;

    return (reply->chunked || reply->length >= 0) && x->client != NULL &&
           x->keep_alive && !x->unread_body && !atomic_load(&conns->ending) &&
           !http_conns_crowded(conns);
}

/* Formatted once a second: it is a third of the work of a head. */
static const char *date_text(struct http_date *latest)
{
    time_t now = time(NULL);
    struct tm utc;

    if (now == latest->when)
        return latest->text;
    latest->when = now;
    (void)gmtime_r(&now, &utc);
    (void)strftime(latest->text, sizeof(latest->text),
                   "%a, %d %b %Y %H:%M:%S GMT", &utc);
    return latest->text;
}

/* The framing of the body; none for one that ends with the connection. */
static void add_framing(struct linebuf *head, const struct reply *reply)
{
    if (reply->length >= 0)
        linebuf_addf(head, "\r\nContent-Length: %lld",
                     (long long)reply->length);
    else if (reply->chunked)
        linebuf_add(head, "\r\nTransfer-Encoding: chunked");
}

/* The second line is for clients that would keep idle connections longer than
 * we do (RFC 2068, 19.7.1.1). */
static void add_connection(struct linebuf *head, const struct reply *reply,
                           bool keep_alive)
{
    if (!keep_alive)
        linebuf_add(head, "Connection: close\r\n\r\n");
    else
        linebuf_addf(head,
                     "Connection: keep-alive\r\n"
                     "Keep-Alive: timeout=%d\r\n\r\n",
                     http_conn_idle_s(reply->x->client));
}

static size_t write_head(char out[REPLY_HEAD_MAX], const struct reply *reply,
                         bool keep_alive)
{
    struct http_date fresh = {0};
    struct http_date *date =
        reply->x->client != NULL ? &reply->x->client->date : &fresh;
    struct linebuf head;

    linebuf_init(&head, out, REPLY_HEAD_MAX);
    linebuf_addf(&head, "HTTP/1.1 %d ", reply->status);
    linebuf_add(&head, refusal_phrase(reply->status));
    linebuf_add(&head, "\r\nDate: ");
    linebuf_add(&head, date_text(date));
    linebuf_add(&head, "\r\nContent-Type: ");
    linebuf_add(&head, reply->type);
    add_framing(&head, reply);
    linebuf_add(&head, "\r\nCache-Control: ");
    linebuf_add(&head, reply->cache);
    linebuf_add(&head, "\r\n");
    if (reply->headers != NULL)
        linebuf_add(&head, reply->headers);
    add_connection(&head, reply, keep_alive);
    assert(!head.full);
    return head.used;
}

/* Puts the head before `start`. Returns where it begins. */
static char *prepend_head(struct reply *reply, char *start)
{
    struct exchange *x = reply->x;
    const struct front_options *options = &x->front->options;
    bool keep_alive = keeps_alive(reply);
    size_t bytes = write_head(reply->buffer, reply, keep_alive);

    reply->begun = true;
    x->status = reply->status;
    /* Before writing: the peer may act on the answer at once, and metrics must
     * already count it. */
    if (!keep_alive)
        mg_disable_connection_keep_alive(x->conn);
    options->count(options->data, x->endpoint, reply->kind);
    return memmove(start - bytes, reply->buffer, bytes);
}

/* Pieces. --------------------------------------------------------------- */

static void write_out(struct reply *reply, const char *bytes, size_t count)
{
    struct exchange *x = reply->x;
    bool late = false;
    int put;

    if (x->client != NULL)
        http_conn_wait(x->client, HTTP_CONN_WAIT_WRITE, 0);
    put = mg_write(x->conn, bytes, count);
    if (x->client != NULL)
        late = http_conn_done(x->client);
    if (!late && put == (int)count)
        return;
    reply->failed = true;
    mg_disable_connection_keep_alive(x->conn);
}

/* Makes the piece a chunk. Returns where it begins. */
static char *frame_chunk(char *start, char **end, bool last)
{
    char line[REPLY_FRAMING_MAX];
    size_t bytes = (size_t)(*end - start);
    int line_bytes = snprintf(line, sizeof(line), "%zx\r\n", bytes);

    if (bytes > 0) {
        start -= line_bytes;
        memcpy(start, line, (size_t)line_bytes);
        *end = mempcpy(*end, "\r\n", 2);
    }
    if (last)
        *end = mempcpy(*end, LAST_CHUNK, strlen(LAST_CHUNK));
    return start;
}

/* Sends the piece, after the head if that has not been sent. */
static void flush(struct reply *reply, bool last)
{
    char *start = reply->buffer + PIECE_AT;
    char *end = start + (has_body(reply) ? reply->used : 0);

    if (!reply->begun && reply->length < 0) {
        if (last)
            reply->length = reply->written;
        else
            reply->chunked = reply->x->request.http11;
    }
    if (reply->chunked)
        start = frame_chunk(start, &end, last);
    if (!reply->begun)
        start = prepend_head(reply, start);
    reply->used = 0;
    if (end > start)
        write_out(reply, start, (size_t)(end - start));
}

int reply_write(struct reply *reply, const void *bytes, size_t count)
{
    const char *from = bytes;

    reply->written += (int64_t)count;
    while (count > 0 && has_body(reply) && !reply->failed) {
        size_t room = REPLY_PIECE_BYTES - reply->used;
        size_t more = count < room ? count : room;

        /* Only when there is more: a body that just fits is not sent in pieces.
         */
        if (more == 0) {
            flush(reply, false);
            continue;
        }
        memcpy(reply->buffer + PIECE_AT + reply->used, from, more);
        reply->used += more;
        from += more;
        count -= more;
    }
    return reply->failed ? -1 : 0;
}

void reply_end(struct reply *reply)
{
    struct exchange *x = reply->x;

    if (!reply->failed)
        flush(reply, true);
    assert(reply->failed || reply->chunked || reply->length == reply->written ||
           reply->length < 0);
    if (x->client != NULL && x->unread_body)
        http_conn_linger(x->client);
}

/* Whole answers. -------------------------------------------------------- */

static void reply_no_memory(struct exchange *x)
{
    struct reply reply;

    reply_begin(&reply, x, REFUSAL_OUT_OF_MEMORY, json);
    (void)reply_write(&reply, no_memory, sizeof(no_memory) - 1);
    reply_end(&reply);
}

/* Most fit into the buffer, so printing them needs no memory. */
static int print(struct reply *reply, cJSON *body)
{
    char *text = reply->buffer + PIECE_AT;

    if (cJSON_PrintPreallocated(body, text, REPLY_PIECE_BYTES, false)) {
        reply->used = strlen(text);
        reply->written = (int64_t)reply->used;
        return 0;
    }
    text = cJSON_PrintUnformatted(body);
    if (text == NULL)
        return -1;
    (void)reply_write(reply, text, strlen(text));
    cJSON_free(text);
    return 0;
}

void reply_json(struct exchange *x, enum refusal_kind kind, const char *headers,
                cJSON *body)
{
    NOT_CLEARED struct reply reply;
    int err;

    reply_begin(&reply, x, kind, json);
    if (headers != NULL)
        reply.headers = headers;
    err = body != NULL ? print(&reply, body) : -1;
    cJSON_Delete(body);
    if (err < 0)
        reply_no_memory(x);
    else
        reply_end(&reply);
}

void reply_refusal(struct exchange *x, const struct refusal *why)
{
    cJSON *body = cJSON_CreateObject();

    if (cJSON_AddStringToObject(body, "status", "error") == NULL ||
        cJSON_AddStringToObject(body, "code", why->code) == NULL ||
        cJSON_AddStringToObject(body, "message", why->message) == NULL) {
        cJSON_Delete(body);
        body = NULL;
    }
    exchange_refused(x, why);
    reply_json(x, why->kind, why->headers, body);
}

void reply_continue(struct exchange *x)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

    (void)mg_write(x->conn, line, sizeof(line) - 1);
}
