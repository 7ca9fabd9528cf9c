/* report_json.c - for programs: always the same keys, with null for unknown
 * values. Values are rounded to three decimals, which is more than their
 * precision.
 */
#include "report.h"

#include <math.h>

#include <cjson/cJSON.h>
#include <hub/version.h>

/* cJSON prints numbers without a fraction as integers. */
static void add_number(cJSON *object, const char *name, double value)
{
    if (isfinite(value))
        (void)cJSON_AddNumberToObject(object, name, round(value * 1000) / 1000);
    else
        (void)cJSON_AddNullToObject(object, name);
}

static void add_text(cJSON *object, const char *name, const char *text)
{
    if (text != NULL)
        (void)cJSON_AddStringToObject(object, name, text);
    else
        (void)cJSON_AddNullToObject(object, name);
}

static void add_times(cJSON *parent, const char *name,
                      const struct result_times *t)
{
    cJSON *object = cJSON_AddObjectToObject(parent, name);

    add_number(object, "p50", t->p50);
    add_number(object, "p90", t->p90);
    add_number(object, "p99", t->p99);
    add_number(object, "p999", t->p999);
    add_number(object, "max", t->max);
    add_number(object, "mean", t->mean);
}

static void add_settings(cJSON *root, const struct result *r)
{
    const struct options *o = r->options;

    add_text(root, "hub_bench", HUB_VERSION);
    add_text(root, "label", o->label);
    add_text(root, "url", o->url_text);
    add_text(root, "publish_url", o->publish);
    add_text(root, "mode", o->send ? "send" : "broadcast");
    add_number(root, "window",
               o->window != 0 ? (double)o->window : (double)NAN);
    add_number(root, "rate", o->rate > 0 ? o->rate : (double)NAN);
    add_number(root, "bytes", (double)o->bytes);
    add_number(root, "duration_s", r->duration_s);
}

static void add_connections(cJSON *root, const struct result *r)
{
    cJSON *clients = cJSON_AddObjectToObject(root, "clients");
    cJSON *connect = cJSON_AddObjectToObject(root, "connect");

    add_number(clients, "asked", r->options->clients);
    add_number(clients, "connected", r->connected);
    add_number(clients, "refused", r->refused);
    add_number(clients, "lost", r->lost);
    add_number(clients, "stalled", r->stalled);
    add_number(clients, "stalled_dropped", r->stalled_dropped);
    add_number(connect, "seconds", r->connect_s);
    add_number(connect, "per_second", r->connects_per_s);
    add_number(connect, "server_cpu_us_per_connection", r->cpu_us_per_connect);
    add_times(connect, "latency_us", &r->connect);
}

static void add_memory(cJSON *root, const struct result *r)
{
    cJSON *memory = cJSON_AddObjectToObject(root, "memory");
    cJSON *idle = cJSON_AddObjectToObject(root, "idle");

    add_number(memory, "process_bytes_before", r->memory_before);
    add_number(memory, "process_bytes_connected", r->memory_connected);
    add_number(memory, "process_bytes_per_connection",
               r->memory_per_connection);
    add_number(memory, "process_bytes_peak", r->memory_peak);
    add_number(memory, "process_bytes_end", r->memory_end);
    add_number(memory, "kernel_socket_bytes_before", r->sockets_before);
    add_number(memory, "kernel_socket_bytes_connected", r->sockets_connected);
    add_number(memory, "kernel_socket_bytes_peak", r->sockets_peak);
    add_number(idle, "seconds", r->idle_s);
    add_number(idle, "server_cpu_percent", r->idle_cpu_percent);
}

static void add_traffic(cJSON *root, const struct result *r)
{
    cJSON *publish = cJSON_AddObjectToObject(root, "publish");
    cJSON *delivery = cJSON_AddObjectToObject(root, "delivery");

    add_number(publish, "messages", (double)r->messages);
    add_number(publish, "per_second", r->messages_per_s);
    add_number(publish, "errors", (double)r->errors);
    add_number(publish, "due",
               r->options->rate > 0 ? (double)r->due : (double)NAN);
    add_times(publish, "response_us", &r->response);
    add_number(delivery, "count", (double)r->deliveries);
    add_number(delivery, "per_second", r->deliveries_per_s);
    add_number(delivery, "missing", (double)r->missing);
    add_number(delivery, "out_of_order", (double)r->out_of_order);
    add_number(delivery, "foreign", (double)r->foreign);
    add_times(delivery, "latency_us", &r->delivery);
}

static void add_costs(cJSON *root, const struct result *r)
{
    cJSON *server = cJSON_AddObjectToObject(root, "server");
    cJSON *pids = cJSON_AddArrayToObject(server, "pids");
    cJSON *client = cJSON_AddObjectToObject(root, "client");

    for (size_t i = 0; i < r->pid_count; i++)
        (void)cJSON_AddItemToArray(pids, cJSON_CreateNumber(r->pids[i]));
    add_number(server, "cpu_us_per_delivery", r->server_us_per_delivery);
    add_number(server, "cpu_us_per_message", r->server_us_per_message);
    add_number(server, "cpu_percent", r->server_cpu_percent);
    add_number(client, "cpu_us_per_delivery", r->own_us_per_delivery);
    add_number(client, "cpu_percent", r->own_cpu_percent);
}

int report_json(const struct result *r, FILE *out)
{
    cJSON *root = cJSON_CreateObject();
    char *text;
    int err = -1;

    add_settings(root, r);
    add_connections(root, r);
    add_memory(root, r);
    add_traffic(root, r);
    add_costs(root, r);
    text = cJSON_Print(root);
    if (text != NULL && fprintf(out, "%s\n", text) > 0 && fflush(out) == 0)
        err = 0;
    cJSON_free(text);
    cJSON_Delete(root);
    return err;
}
