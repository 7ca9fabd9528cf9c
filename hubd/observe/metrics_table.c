/* metrics_table.c - the table of all metrics: name, meaning, and where the
 * values are. docs/metrics.md has the same table.
 *
 * Expected labels are exported even while their counter is 0: otherwise rate()
 * would miss the first increase.
 */
#include "observe/metrics.h"

#include <stddef.h>

#include "observe/metrics_text.h"

struct family {
    const char *name, *type, *help;
    void (*write)(struct linebuf *out, const struct family *family,
                  const struct metrics *metrics);
    size_t offset;     /* of the value in struct metrics */
    unsigned decimals; /* of that value */
};

#define COUNTER "counter"
#define GAUGE "gauge"
#define HISTOGRAM "histogram"
#define AT(field) .offset = offsetof(struct metrics, field)

#define MS 3 /* decimals of a second */
#define US 6
#define NS 9

/* Writing. -------------------------------------------------------------- */

static const void *field_of(const struct metrics *m, const struct family *f)
{
    return (const char *)m + f->offset;
}

static void write_number(struct linebuf *out, const struct family *f,
                         const struct metrics *m)
{
    const uint64_t *number = field_of(m, f);

    metrics_text_sample(out, f->name, "", NULL,
                        (struct metrics_value){*number, f->decimals});
}

static void write_labelled(struct linebuf *out, const struct family *f,
                           const char *label, const char *value,
                           uint64_t number)
{
    const struct metrics_label labels[2] = {{label, value}};

    metrics_text_sample(out, f->name, "", labels,
                        (struct metrics_value){number, 0});
}

static void write_version(struct linebuf *out, const struct family *f,
                          const struct metrics *m)
{
    (void)m;
    write_labelled(out, f, "version", hub_version(), 1);
}

static void write_loops(struct linebuf *out, const struct family *f,
                        const struct metrics *m)
{
    write_labelled(out, f, "sender", hub_sender_name(HUB_SENDER_URING),
                   m->hub.uring_loops);
    write_labelled(out, f, "sender", hub_sender_name(HUB_SENDER_SENDMSG),
                   m->hub.loops - m->hub.uring_loops);
}

static void write_causes(struct linebuf *out, const struct family *f,
                         const struct metrics *m)
{
    static const enum hub_close_cause causes[] = {
#define CAUSE(name, text) name,
        HUB_CLOSE_CAUSE_MAP(CAUSE)
#undef CAUSE
    };

    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
        write_labelled(out, f, "cause", hub_close_cause_name(causes[i]),
                       m->hub.closed_by_cause[causes[i]]);
}

static void write_client_auth(struct linebuf *out, const struct family *f,
                              const struct metrics *m)
{
    for (int method = 0; method < IDENTITY_METHODS; method++) {
        for (int result = 0; result < CLIENT_AUTH_OVERLOADED; result++) {
            const struct metrics_label labels[2] = {
                {"method", client_auth_method_names[method]},
                {"result", client_auth_result_names[result]},
            };

            metrics_text_sample(
                out, f->name, "", labels,
                (struct metrics_value){
                    tally_read(&m->clients->counts[method][result]), 0});
        }
    }
}

static void write_key_fetches(struct linebuf *out, const struct family *f,
                              const struct metrics *m)
{
    write_labelled(out, f, "result", "ok", m->tokens.fetches);
    write_labelled(out, f, "result", "failed", m->tokens.failures);
}

static void write_refreshes(struct linebuf *out, const struct family *f,
                            const struct metrics *m)
{
    for (int result = 0; result < CLIENT_AUTH_RESULTS; result++) {
        if (result == CLIENT_AUTH_MISSING)
            continue;
        write_labelled(out, f, "result", client_auth_result_names[result],
                       tally_read(&m->clients->refreshes[result]));
    }
}

static void write_close_codes(struct linebuf *out, const struct family *f,
                              const struct metrics *m)
{
    for (int i = 0; i < TALLY_CLOSE_CODES; i++)
        write_labelled(out, f, "code", tally_close_code_names[i],
                       tally_read(&m->tally->close_codes[i]));
}

/* Unexpected labels are exported only once they have been counted. */
static bool is_told(enum tally_endpoint endpoint, int kind, uint64_t count)
{
    return count > 0 || (tally_expected[kind] & TALLY_AT(endpoint)) != 0;
}

static void write_answers(struct linebuf *out, const struct family *f,
                          const struct metrics *m, enum tally_endpoint endpoint,
                          const struct metrics_label *label)
{
    struct metrics_label labels[2] = {*label}, *code = labels;

    if (label->name != NULL)
        code++;
    code->name = "code";
    for (int i = 0; i < REFUSAL_KINDS; i++) {
        uint64_t count = tally_read(&m->tally->answers[endpoint][i]);

        code->value = refusal_rows[i].code;
        if (is_told(endpoint, i, count))
            metrics_text_sample(out, f->name, "", labels,
                                (struct metrics_value){count, 0});
    }
}

static void write_refused(struct linebuf *out, const struct family *f,
                          const struct metrics *m)
{
    write_answers(out, f, m, TALLY_WS, &(struct metrics_label){0});
}

static void write_requests(struct linebuf *out, const struct family *f,
                           const struct metrics *m)
{
    for (int i = 0; i < TALLY_ENDPOINTS; i++) {
        const struct metrics_label label = {"endpoint",
                                            tally_endpoint_names[i]};

        if (i != TALLY_WS)
            write_answers(out, f, m, (enum tally_endpoint)i, &label);
    }
}

static void write_recipients_of(struct linebuf *out, const struct family *f,
                                enum tally_endpoint endpoint,
                                const struct tally_recipients *recipients)
{
    const struct metrics_label label = {"endpoint",
                                        tally_endpoint_names[endpoint]};
    uint64_t counts[TALLY_RECIPIENT_BUCKETS];
    const struct metrics_histogram histogram = {
        .bounds = tally_recipient_bounds,
        .counts = counts,
        .bound_count = TALLY_RECIPIENT_BOUNDS,
        .sum = tally_read(&recipients->sum),
    };

    for (size_t i = 0; i < TALLY_RECIPIENT_BUCKETS; i++)
        counts[i] = tally_read(&recipients->counts[i]);
    metrics_text_histogram(out, f->name, label, &histogram);
}

static void write_recipients(struct linebuf *out, const struct family *f,
                             const struct metrics *m)
{
    write_recipients_of(out, f, TALLY_SEND, &m->tally->sent);
    write_recipients_of(out, f, TALLY_BROADCAST, &m->tally->broadcast);
}

static void write_times(struct linebuf *out, const struct family *f,
                        const struct metrics *m)
{
    const struct hub_histogram *times = field_of(m, f);
    uint64_t bounds[HUB_HISTOGRAM_BUCKETS - 1];
    const struct metrics_histogram histogram = {
        .bounds = bounds,
        .counts = times->counts,
        .bound_count = HUB_HISTOGRAM_BUCKETS - 1,
        .sum = times->sum_us,
        .decimals = US,
    };

    for (unsigned i = 0; i < HUB_HISTOGRAM_BUCKETS - 1; i++)
        bounds[i] = hub_histogram_bound_us(i);
    metrics_text_histogram(out, f->name, (struct metrics_label){0}, &histogram);
}

static void write_memory(struct linebuf *out, const struct family *f,
                         const struct metrics *m)
{
    write_labelled(out, f, "for", "queued", m->hub.queued_bytes);
    write_labelled(out, f, "for", "received",
                   m->hub.memory_bytes - m->hub.queued_bytes);
    write_labelled(out, f, "for", "bodies", m->bodies_bytes);
}

static void write_memory_limits(struct linebuf *out, const struct family *f,
                                const struct metrics *m)
{
    write_labelled(out, f, "for", "queued", m->queued_limit);
    write_labelled(out, f, "for", "received", m->received_limit);
    write_labelled(out, f, "for", "bodies", m->bodies_limit);
}

/* The table. ------------------------------------------------------------ */

/* clang-format off */
static const struct family families[] = {
    {"hub_build_info", GAUGE, "Always 1; the label holds the version.",
     .write = write_version},
    {"hub_draining", GAUGE, "1 while hubd is shutting down, else 0.",
     write_number, AT(draining)},

    {"hub_connections", GAUGE, "WebSockets that are open.",
     write_number, AT(hub.connections)},
    {"hub_connections_max", GAUGE, "WebSockets that can be open at a time.",
     write_number, AT(connections_max)},
    {"hub_users", GAUGE, "Distinct user ids that are connected.",
     write_number, AT(hub.users)},
    {"hub_sessions", GAUGE, "Distinct session ids that are connected.",
     write_number, AT(hub.sessions)},
    {"hub_connections_opened_total", COUNTER, "WebSockets that were opened.",
     write_number, AT(hub.opened)},
    {"hub_connections_closed_total", COUNTER,
     "WebSockets that were closed, by cause.",
     .write = write_causes},
    {"hub_close_codes_total", COUNTER,
     "WebSockets that were closed, by the code of the first Close frame from "
     "either side; 1005: a frame without a code, 1006: no frame.",
     .write = write_close_codes},
    {"hub_upgrades_refused_total", COUNTER,
     "Requests for /ws that were answered with an error, by its code.",
     .write = write_refused},

    {"hub_http_requests_total", COUNTER,
     "Other HTTP requests, by endpoint and by the code of the error in the "
     "answer, or ok.",
     .write = write_requests},
    {"hub_http_connections", GAUGE,
     "TCP connections that an HTTP worker is serving.",
     write_number, AT(http_connections)},
    {"hub_http_workers", GAUGE, "HTTP workers: the most connections that can be served at a time.",
     write_number, AT(http_workers)},

    {"hub_recipients", HISTOGRAM,
     "Connections that a message was queued for, by the endpoint it was posted "
     "to.",
     .write = write_recipients},

    {"hubd_client_auth_total", COUNTER,
     "Handshakes, by authentication method and result.",
     .write = write_client_auth},
    {"hubd_token_refreshes_total", COUNTER,
     "Tokens that connected clients sent, by result.",
     .write = write_refreshes},
    {"hubd_token_keys", GAUGE, "Keys that tokens are verified with.",
     write_number, AT(tokens.keys)},
    {"hubd_token_key_fetches_total", COUNTER,
     "Fetches of keys from HUB_JWT_KEYS_URL, by result.",
     .write = write_key_fetches},
    {"hubd_token_keys_fetched_timestamp_seconds", GAUGE,
     "Unix time of the last successful fetch of keys; 0: never.",
     write_number, AT(token_keys_fetched_ms), MS},
    {"hubd_tickets_issued_total", COUNTER, "Tickets issued to backends.",
     write_number, AT(tickets.issued)},
    {"hubd_tickets_redeemed_total", COUNTER,
     "Valid tickets that clients presented, including those put back.",
     write_number, AT(tickets.redeemed)},
    {"hubd_tickets_put_back_total", COUNTER,
     "Tickets that became valid again, because their client was refused for "
     "another reason.",
     write_number, AT(tickets.put_back)},
    {"hubd_tickets_expired_total", COUNTER,
     "Tickets that expired before a client presented them.",
     write_number, AT(tickets.expired)},
    {"hubd_tickets_waiting", GAUGE, "Tickets that are valid now.",
     write_number, AT(tickets.waiting)},

    {"hub_received_messages_total", COUNTER, "Messages received from WebSockets.",
     write_number, AT(hub.messages_in)},
    {"hub_received_bytes_total", COUNTER,
     "Bytes received from WebSockets, as they came over the wire.",
     write_number, AT(hub.bytes_in)},
    {"hub_sent_messages_total", COUNTER,
     "Messages that were written whole to a WebSocket, counted for each "
     "recipient.",
     write_number, AT(hub.messages_out)},
    {"hub_sent_bytes_total", COUNTER,
     "Bytes sent to WebSockets, as they went over the wire.",
     write_number, AT(hub.bytes_out)},
    {"hub_delivery_delay_seconds", HISTOGRAM,
     "From the moment a message was read and checked until the kernel had "
     "taken its last byte, for each recipient. The clock is read after each "
     "batch of up to 256 writes.",
     write_times, AT(hub.deliveries)},
    {"hub_dropped_messages_total", COUNTER,
     "Messages that were not delivered to slow consumers, with "
     "HUB_SLOW_CONSUMER set to drop-oldest or drop-newest.",
     write_number, AT(hub.dropped)},
    {"hub_slow_consumers_closed_total", COUNTER,
     "WebSockets that were closed because their queue was full, with "
     "HUB_SLOW_CONSUMER set to close.",
     write_number, AT(hub.slow_closed)},

    {"hub_memory_bytes", GAUGE,
     "Memory in use for messages: queued for clients, partly received from "
     "clients, and bodies of requests.",
     .write = write_memory},
    {"hub_memory_limit_bytes", GAUGE,
     "The limits of hub_memory_bytes, which are parts of HUB_MEMORY_LIMIT.",
     .write = write_memory_limits},

    {"hub_loops", GAUGE, "Event loops, by how they send.",
     .write = write_loops},
    {"hub_loop_lag_seconds", GAUGE,
     "How long ago the event loop that is furthest behind began its last "
     "turn; an idle loop turns once a second.",
     write_number, AT(hub.slowest_loop_ms), MS},
    {"hub_loop_turn_duration_seconds", HISTOGRAM,
     "Turns of the event loops, without the time spent idle.",
     write_times, AT(hub.turns)},

    {"process_cpu_seconds_total", COUNTER,
     "CPU time of the process, in user and in kernel mode.",
     write_number, AT(cpu_ns), NS},
    {"process_open_fds", GAUGE, "Descriptors that are open.",
     write_number, AT(fds)},
    {"process_max_fds", GAUGE, "Descriptors that may be open.",
     write_number, AT(fds_max)},
    {"process_virtual_memory_bytes", GAUGE, "Address space of the process.",
     write_number, AT(memory.virtual_bytes)},
    {"process_resident_memory_bytes", GAUGE,
     "Memory of the process that is in RAM.",
     write_number, AT(memory.resident_bytes)},
    {"process_start_time_seconds", GAUGE,
     "Start of the process, in seconds since 1970-01-01 UTC.",
     write_number, AT(started_ms), MS},
};
/* clang-format on */

bool metrics_write(struct linebuf *out, const struct metrics *metrics,
                   size_t family)
{
    const struct family *f;

    if (family >= sizeof(families) / sizeof(families[0]))
        return false;
    f = &families[family];
    metrics_text_family(out, f->name, f->type, f->help);
    f->write(out, f, metrics);
    return true;
}
