/* check_metrics.c - the table of metrics: each family fits into its buffer,
 * whatever the values, and is exported once, with each value in its place.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "observe/metrics.h"
#include "suite.h"

static char buffer[65536];
static size_t longest_family;
static struct tally tally;
static struct client_auth clients;
static struct metrics metrics;

static void clear(void)
{
    tally = (struct tally){0};
    metrics = (struct metrics){
        .hub = HUB_STATS_INIT, .tally = &tally, .clients = &clients};
}

static void write(void)
{
    char family[METRICS_FAMILY_MAX];
    struct linebuf all, out;

    linebuf_init(&all, buffer, sizeof(buffer));
    linebuf_init(&out, family, sizeof(family));
    for (size_t i = 0; metrics_write(&out, &metrics, i); i++) {
        ck_assert(!out.full);
        if (out.used > longest_family)
            longest_family = out.used;
        linebuf_add(&all, family);
        linebuf_init(&out, family, sizeof(family));
    }
    ck_assert(!all.full);
    ck_assert_uint_eq(out.used, 0);
}

static void has(const char *line)
{
    char whole[256];

    (void)snprintf(whole, sizeof(whole), "\n%s\n", line);
    ck_assert_msg(strstr(buffer, whole) != NULL, "%s is missing", line);
}

static void lacks(const char *text)
{
    ck_assert_msg(strstr(buffer, text) == NULL, "%s", text);
}

START_TEST(all_figures_at_their_longest_fit)
{
    struct metrics longest;

    memset(&longest, 0xff, sizeof(longest));
    memset((void *)&tally, 0xff, sizeof(tally));
    longest.tally = &tally;
    longest.clients = &clients;
    longest.hub.queued_bytes = 0;
    metrics = longest;
    write();
    ck_assert_uint_lt(longest_family, METRICS_FAMILY_MAX / 4 * 3);
    has("hub_connections 18446744073709551615");
}
END_TEST

START_TEST(each_family_is_introduced_once_and_named_as_it_should_be)
{
    char seen[100][64];
    size_t count = 0;
    const char *at = buffer;

    write();
    while ((at = strstr(at, "# TYPE ")) != NULL) {
        char type[16];

        at += strlen("# TYPE ");
        ck_assert_int_eq(sscanf(at, "%63s %15s\n", seen[count], type), 2);
        ck_assert(strncmp(seen[count], "hub_", 4) == 0 ||
                  strncmp(seen[count], "hubd_", 5) == 0 ||
                  strncmp(seen[count], "process_", 8) == 0);
        ck_assert_msg(
            (strcmp(type, "counter") == 0) ==
                (strcmp(seen[count] + strlen(seen[count]) - 6, "_total") == 0),
            "%s is a %s", seen[count], type);
        for (size_t i = 0; i < count; i++)
            ck_assert_str_ne(seen[i], seen[count]);
        count++;
    }
    ck_assert_uint_gt(count, 30);
}
END_TEST

START_TEST(each_figure_is_where_it_belongs)
{
    metrics.hub = (struct hub_stats){
        .connections = 101,
        .users = 102,
        .sessions = 103,
        .opened = 104,
        .messages_in = 105,
        .bytes_in = 106,
        .messages_out = 107,
        .bytes_out = 108,
        .dropped = 109,
        .slow_closed = 110,
        .loops = 5,
        .slowest_loop_ms = 1250,
        .uring_loops = 2,
        .memory_bytes = 300,
        .queued_bytes = 200,
    };
    metrics.hub.closed_by_cause[HUB_CLOSED_BY_PEER] = 12;
    metrics.hub.closed_by_cause[HUB_CLOSED_ERROR] = 13;
    metrics.hub.closed_by_cause[HUB_CLOSE_CAUSES_MAX - 1] = 14; /* unknown */
    metrics.hub.deliveries.counts[0] = 7;
    metrics.hub.deliveries.counts[HUB_HISTOGRAM_BUCKETS - 1] = 1;
    metrics.hub.deliveries.sum_us = 20000100;
    metrics.hub.turns.counts[3] = 9;
    metrics.memory = (struct proc_memory){111, 112};
    metrics.cpu_ns = 1500000000, metrics.fds = 113, metrics.fds_max = 114;
    metrics.started_ms = 1700000000250;
    metrics.connections_max = 115, metrics.draining = 1;
    metrics.http_connections = 116, metrics.http_workers = 117;
    metrics.bodies_bytes = 118, metrics.queued_limit = 119;
    metrics.received_limit = 120, metrics.bodies_limit = 121;
    tally_recipients(&tally.sent, 2);
    tally_recipients(&tally.broadcast, 50);
    write();
    has("hub_connections 101"), has("hub_users 102"), has("hub_sessions 103");
    has("hub_connections_opened_total 104");
    has("hub_received_messages_total 105"), has("hub_received_bytes_total 106");
    has("hub_sent_messages_total 107"), has("hub_sent_bytes_total 108");
    has("hub_dropped_messages_total 109");
    has("hub_slow_consumers_closed_total 110");
    has("hub_connections_closed_total{cause=\"peer\"} 12");
    has("hub_connections_closed_total{cause=\"host\"} 0");
    has("hub_connections_closed_total{cause=\"error\"} 13");
    lacks("cause=\"unknown\"");
    has("hub_loops{sender=\"uring\"} 2"),
        has("hub_loops{sender=\"sendmsg\"} 3");
    has("hub_loop_lag_seconds 1.25");
    has("hub_memory_bytes{for=\"queued\"} 200");
    has("hub_memory_bytes{for=\"received\"} 100");
    has("hub_memory_bytes{for=\"bodies\"} 118");
    has("hub_memory_limit_bytes{for=\"queued\"} 119");
    has("hub_memory_limit_bytes{for=\"received\"} 120");
    has("hub_memory_limit_bytes{for=\"bodies\"} 121");
    has("hub_delivery_delay_seconds_bucket{le=\"0.000016\"} 7");
    has("hub_delivery_delay_seconds_bucket{le=\"16.777216\"} 7");
    has("hub_delivery_delay_seconds_bucket{le=\"+Inf\"} 8");
    has("hub_delivery_delay_seconds_sum 20.0001");
    has("hub_delivery_delay_seconds_count 8");
    has("hub_loop_turn_duration_seconds_bucket{le=\"0.000064\"} 0");
    has("hub_loop_turn_duration_seconds_bucket{le=\"0.000128\"} 9");
    has("process_virtual_memory_bytes 111");
    has("process_resident_memory_bytes 112");
    has("process_cpu_seconds_total 1.5"), has("process_open_fds 113");
    has("process_max_fds 114");
    has("process_start_time_seconds 1700000000.25");
    has("hub_connections_max 115"), has("hub_draining 1");
    has("hub_http_connections 116"), has("hub_http_workers 117");
    has("hub_recipients_bucket{endpoint=\"send\",le=\"1\"} 0");
    has("hub_recipients_bucket{endpoint=\"send\",le=\"2\"} 1");
    has("hub_recipients_sum{endpoint=\"send\"} 2");
    has("hub_recipients_bucket{endpoint=\"broadcast\",le=\"10\"} 0");
    has("hub_recipients_bucket{endpoint=\"broadcast\",le=\"100\"} 1");
    has("hub_recipients_sum{endpoint=\"broadcast\"} 50");
}
END_TEST

START_TEST(answers_are_told_where_they_are_to_be_expected_or_have_been)
{
    write();
    has("hub_http_requests_total{endpoint=\"send\",code=\"ok\"} 0");
    has("hub_http_requests_total{endpoint=\"send\",code=\"too_large\"} 0");
    has("hub_http_requests_total{endpoint=\"other\",code=\"not_found\"} 0");
    has("hub_http_requests_total{endpoint=\"health\",code=\"stuck\"} 0");
    has("hub_upgrades_refused_total{code=\"rate_limited\"} 0");
    lacks("endpoint=\"ws\"");
    lacks("endpoint=\"send\",code=\"rate_limited\"");
    lacks("hub_upgrades_refused_total{code=\"ok\"}");
    lacks("endpoint=\"console\"");
    tally_answer(&tally, TALLY_SEND, REFUSAL_RATE_LIMITED);
    tally_answer(&tally, TALLY_WS, REFUSAL_DRAINING);
    tally_answer(&tally, TALLY_CONSOLE, REFUSAL_NONE);
    write();
    has("hub_http_requests_total{endpoint=\"send\",code=\"rate_limited\"} 1");
    has("hub_upgrades_refused_total{code=\"draining\"} 1");
    has("hub_http_requests_total{endpoint=\"console\",code=\"ok\"} 1");
    lacks("endpoint=\"console\",code=\"method_not_allowed\"");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tests = tcase_create("metrics");

    tcase_add_checked_fixture(tests, clear, NULL);
    tcase_add_test(tests, all_figures_at_their_longest_fit);
    tcase_add_test(tests,
                   each_family_is_introduced_once_and_named_as_it_should_be);
    tcase_add_test(tests, each_figure_is_where_it_belongs);
    tcase_add_test(tests,
                   answers_are_told_where_they_are_to_be_expected_or_have_been);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
