/* console.c - serves files that are compiled in, each with an ETag for
 * revalidation, and the hub's statistics as JSON.
 *
 * The page shows untrusted messages, in a tab that has the key. So its scripts
 * and styles come only from here, nothing else is loaded or connected to, no
 * text can become markup (trusted types), and no other page can frame it. If
 * clients have a port of their own, the page may connect to that port, on any
 * host: only the request says under which name it was loaded.
 */
#include "observe/console.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "front/front.h"
#include "front/reply.h"
#include "observe/console_files.h"

#define STATS_PATH "/console/stats"
#define HEADERS_MAX 1024
#define TAG_MAX 24
#define PLACE_MAX 24 /* of a source with a port */

#define PROTECTION                                                             \
    "X-Content-Type-Options: nosniff\r\n"                                      \
    "Referrer-Policy: no-referrer\r\n"                                         \
    "Cross-Origin-Resource-Policy: same-origin\r\n"

/* "%s" is where clients connect, unless it is here. */
#define POLICY                                                                 \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; "         \
    "style-src 'self'; img-src 'self'; connect-src 'self'%s; "                 \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "            \
    "require-trusted-types-for 'script'; trusted-types 'none'\r\n"             \
    "Cross-Origin-Opener-Policy: same-origin\r\n"

static const struct console_file *find_file(const char *path)
{
    for (size_t i = 0; i < console_file_count; i++) {
        if (strcmp(path, console_files[i].path) == 0)
            return &console_files[i];
    }
    return NULL;
}

bool console_has(const char *path)
{
    return strcmp(path, STATS_PATH) == 0 || find_file(path) != NULL;
}

/* FNV-1a is enough: nobody has a reason to make two files collide. */
static uint64_t hash(const unsigned char *bytes, size_t count)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < count; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    return sum;
}

/* Depends only on the content: every hubd of the same version returns the same
 * tag. */
static void write_tag(char tag[TAG_MAX], const struct console_file *file,
                      size_t bytes)
{
    (void)snprintf(tag, TAG_MAX, "\"%016" PRIx64 "\"",
                   hash(file->bytes, bytes));
}

/* RFC 9110, 13.1.2: weak comparison. */
static bool is_known(const struct exchange *x, const char *tag)
{
    static const char name[] = "If-None-Match";
    char weak[TAG_MAX + 2];

    (void)snprintf(weak, sizeof(weak), "W/%s", tag);
    return exchange_lists(x, name, "*") || exchange_lists(x, name, tag) ||
           exchange_lists(x, name, weak);
}

static void answer_part(struct exchange *x, const struct console_file *file)
{
    size_t bytes = (size_t)(file->end - file->bytes);
    char headers[HEADERS_MAX], tag[TAG_MAX], clients[PLACE_MAX] = "";
    struct reply reply;

    write_tag(tag, file, bytes);
    if (x->listener == LISTENER_API)
        (void)snprintf(clients, sizeof(clients), " ws://*:%u",
                       front_port(x->front, LISTENER_MAIN));
    (void)snprintf(headers, sizeof(headers), "ETag: %s\r\n" POLICY PROTECTION,
                   tag, clients);
    reply_begin(&reply, x, REFUSAL_NONE, file->type);
    reply.headers = headers;
    reply.length = (int64_t)bytes;
    /* It may be cached, but must be revalidated. */
    reply.cache = "no-cache";
    if (is_known(x, tag))
        reply.status = 304;
    (void)reply_write(&reply, file->bytes, bytes);
    reply_end(&reply);
}

static bool add_figures(cJSON *reply, const struct hub_stats *stats)
{
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {
        {"connections", stats->connections},
        {"users", stats->users},
        {"sessions", stats->sessions},
        {"opened", stats->opened},
        {"closed", stats->closed},
        {"messages_in", stats->messages_in},
        {"bytes_in", stats->bytes_in},
        {"messages_out", stats->messages_out},
        {"bytes_out", stats->bytes_out},
        {"dropped", stats->dropped},
        {"slow_closed", stats->slow_closed},
        {"loops", stats->loops},
        {"uring_loops", stats->uring_loops},
        {"slowest_loop_ms", stats->slowest_loop_ms},
        {"memory_bytes", stats->memory_bytes},
    };
    cJSON *object = cJSON_AddObjectToObject(reply, "stats");

    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        if (cJSON_AddNumberToObject(object, figures[i].name,
                                    (double)figures[i].value) == NULL)
            return false;
    }
    return true;
}

/* Tells the page whether it was loaded from the port of backends, and which
 * port is for clients. */
static bool add_ports(cJSON *reply, const struct exchange *x)
{
    cJSON *object;

    if (x->listener != LISTENER_API)
        return true;
    object = cJSON_AddObjectToObject(reply, "ports");
    return cJSON_AddNumberToObject(object, "clients",
                                   front_port(x->front, LISTENER_MAIN)) !=
               NULL &&
           cJSON_AddNumberToObject(object, "api",
                                   front_port(x->front, LISTENER_API)) != NULL;
}

static void answer_stats(struct exchange *x, const struct console *console)
{
    bool draining = atomic_load(console->draining);
    int64_t uptime_ms = clock_now_ms() - console->up_since_ms;
    struct hub_stats stats = HUB_STATS_INIT;
    cJSON *reply = cJSON_CreateObject();

    (void)hub_stats(console->hub, &stats);
    if (cJSON_AddStringToObject(reply, "status",
                                draining ? "draining" : "healthy") == NULL ||
        cJSON_AddNumberToObject(reply, "uptime_ms", (double)uptime_ms) ==
            NULL ||
        !add_ports(reply, x) || !add_figures(reply, &stats)) {
        cJSON_Delete(reply);
        reply = NULL;
    }
    reply_json(x, REFUSAL_NONE, PROTECTION, reply);
}

void console_answer(struct exchange *x, const struct console *console)
{
    if (strcmp(x->path, STATS_PATH) == 0)
        answer_stats(x, console);
    else
        answer_part(x, find_file(x->path));
}
