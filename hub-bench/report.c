/* report.c - for people: one line per subject, values with three significant
 * digits. The warnings, which always go to standard error, are here too.
 */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <hub/version.h>

#define FIGURE_BYTES 32
#define BEHIND 0.95 /* fraction of a rate that counts as kept */

struct figure {
    char text[FIGURE_BYTES];
};

/* At least three digits, never an exponent. */
static void format_plain(char out[FIGURE_BYTES], double value)
{
    int decimals = fabs(value) < 10 ? 2 : fabs(value) < 100 ? 1 : 0;

    (void)snprintf(out, FIGURE_BYTES, "%.*f", decimals, value);
}

static struct figure number(double value)
{
    struct figure f = {"?"};

    if (!isnan(value))
        format_plain(f.text, value);
    return f;
}

/* A count with a space between thousands. */
static struct figure grouped(double value)
{
    struct figure f = {"?"};
    char digits[FIGURE_BYTES];
    size_t count, used = 0;

    if (isnan(value))
        return f;
    count = (size_t)snprintf(digits, sizeof(digits), "%.0f", value);
    for (size_t i = 0; i < count && used + 2 < FIGURE_BYTES; i++) {
        if (i != 0 && (count - i) % 3 == 0 && digits[i - 1] != '-')
            f.text[used++] = ' ';
        f.text[used++] = digits[i];
    }
    f.text[used] = '\0';
    return f;
}

static struct figure time_of(double us)
{
    struct figure f = {"?"};
    char plain[FIGURE_BYTES];
    const char *unit = "µs";

    if (isnan(us))
        return f;
    if (us >= 1e6) {
        us /= 1e6;
        unit = "s";
    } else if (us >= 1e4) {
        us /= 1e3;
        unit = "ms";
    }
    format_plain(plain, us);
    (void)snprintf(f.text, sizeof(f.text), "%.16s %s", plain, unit);
    return f;
}

static struct figure size_of(double bytes)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    struct figure f = {"?"};
    char plain[FIGURE_BYTES];
    size_t unit = 0;

    if (isnan(bytes))
        return f;
    while (fabs(bytes) >= 1024 && unit < 4) {
        bytes /= 1024;
        unit++;
    }
    if (unit == 0)
        (void)snprintf(plain, sizeof(plain), "%.0f", bytes);
    else
        format_plain(plain, bytes);
    (void)snprintf(f.text, sizeof(f.text), "%.16s %s", plain, units[unit]);
    return f;
}

static void print_times(FILE *out, const char *name,
                        const struct result_times *t)
{
    (void)fprintf(
        out, "  %-10s p50 %s, p90 %s, p99 %s, p99.9 %s, max %s, mean %s\n",
        name, time_of(t->p50).text, time_of(t->p90).text, time_of(t->p99).text,
        time_of(t->p999).text, time_of(t->max).text, time_of(t->mean).text);
}

static void print_head(const struct result *r, FILE *out)
{
    const struct options *o = r->options;

    (void)fprintf(out, "hub-bench %s%s%s: %s\n", HUB_VERSION,
                  o->label ? ", " : "", o->label ? o->label : "", o->url_text);
    if (o->duration_ns == 0)
        return;
    (void)fprintf(out, "  %s of %zu bytes to %s, ",
                  o->send ? "messages" : "broadcasts", o->bytes, o->publish);
    if (o->rate > 0)
        (void)fprintf(out, "%s/s", number(o->rate).text);
    else
        (void)fprintf(out, "%u in flight until %s", o->window,
                      o->until == UNTIL_ACCEPTED ? "accepted" : "delivered");
    (void)fprintf(out, ", %s s%s\n", number(r->duration_s).text,
                  r->interrupted ? " (interrupted)" : "");
}

static void print_connections(const struct result *r, FILE *out)
{
    (void)fprintf(out,
                  "\nclients      %u asked, %u connected, %u refused, %u lost, "
                  "%u stalled",
                  r->options->clients, r->connected, r->refused, r->lost,
                  r->stalled);
    if (r->stalled_dropped != 0)
        (void)fprintf(out, " (%u of them dropped)", r->stalled_dropped);
    (void)fprintf(out, "\nconnect      %s/s, server CPU %s each\n",
                  grouped(r->connects_per_s).text,
                  time_of(r->cpu_us_per_connect).text);
    print_times(out, "", &r->connect);
    (void)fprintf(
        out,
        "memory       process %s, with clients %s: %s each; peak %s, at the "
        "end %s\n",
        size_of(r->memory_before).text, size_of(r->memory_connected).text,
        size_of(r->memory_per_connection).text, size_of(r->memory_peak).text,
        size_of(r->memory_end).text);
    (void)fprintf(
        out, "             kernel sockets %s, with clients %s, peak %s\n",
        size_of(r->sockets_before).text, size_of(r->sockets_connected).text,
        size_of(r->sockets_peak).text);
    (void)fprintf(out, "idle         server CPU %s %% over %s s\n",
                  number(r->idle_cpu_percent).text, number(r->idle_s).text);
}

static void print_traffic(const struct result *r, FILE *out)
{
    (void)fprintf(out, "publish      %s messages, %s/s, %s errors\n",
                  grouped((double)r->messages).text,
                  grouped(r->messages_per_s).text,
                  grouped((double)r->errors).text);
    print_times(out, "response", &r->response);
    (void)fprintf(out,
                  "delivery     %s deliveries, %s/s, %s missing, %s out of "
                  "order\n",
                  grouped((double)r->deliveries).text,
                  grouped(r->deliveries_per_s).text,
                  grouped((double)r->missing).text,
                  grouped((double)r->out_of_order).text);
    print_times(out, "latency", &r->delivery);
    (void)fprintf(
        out,
        "server       CPU %s per delivery, %s per message, %s %% of a "
        "core\n",
        time_of(r->server_us_per_delivery).text,
        time_of(r->server_us_per_message).text,
        number(r->server_cpu_percent).text);
    (void)fprintf(out, "this tool    CPU %s per delivery, %s %% of a core\n",
                  time_of(r->own_us_per_delivery).text,
                  number(r->own_cpu_percent).text);
}

int report_text(const struct result *r, FILE *out)
{
    print_head(r, out);
    print_connections(r, out);
    if (r->options->duration_ns != 0)
        print_traffic(r, out);
    return fflush(out) == 0 && !ferror(out) ? 0 : -1;
}

void report_warnings(const struct result *r, FILE *out)
{
    const struct options *o = r->options;
    double due = (double)r->due;

    if (r->refused != 0)
        (void)fprintf(out, "hub-bench: %u of %u clients were refused: %s\n",
                      r->refused, o->clients, r->refusal);
    if (r->lost != 0)
        (void)fprintf(out, "hub-bench: %u clients lost their connection: %s\n",
                      r->lost, r->loss);
    if (r->errors != 0)
        (void)fprintf(out,
                      "hub-bench: %" PRIu64 " messages were not accepted: %s\n",
                      r->errors, r->publish_error);
    if (r->missing != 0)
        (void)fprintf(out, "hub-bench: %" PRIu64 " deliveries are missing\n",
                      r->missing);
    if (r->out_of_order != 0)
        (void)fprintf(out,
                      "hub-bench: %" PRIu64 " deliveries came out of order, "
                      "twice or too late\n",
                      r->out_of_order);
    if (r->foreign != 0)
        (void)fprintf(
            out, "hub-bench: %" PRIu64 " messages were not from this run\n",
            r->foreign);
    if (due > 0 && (double)(r->messages + r->errors) < BEHIND * due)
        (void)fprintf(out,
                      "hub-bench: the rate was not kept: %" PRIu64
                      " messages instead of %.0f\n",
                      r->messages + r->errors, due);
    if (r->pid_count == 0)
        (void)fprintf(out, "hub-bench: the server's process is unknown, and so "
                           "are its memory and CPU use; see --pid\n");
    else if (isnan(r->memory_connected))
        (void)fprintf(out, "hub-bench: the memory use of the server cannot be "
                           "read: no permission, or the server has exited\n");
}
