/* check_no_memory.c - requests while allocations fail, one after the other or
 * all from some point on: each gets its answer, or a 503 that says what is
 * missing, and then nothing was delivered.
 *
 * This file stands in for civetweb, and drives the front by its callbacks.
 * Calls of the hub count as allocations too.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "access/admission.h"
#include "failing_malloc.h"
#include "fake_request.h"
#include "front/front.h"
#include "base/log.h"
#include "routes.h"
#include "server.h"
#include "suite.h"

#define KEY "s3cret-s3cret-s3cret"
#define MESSAGE_BYTES_MAX 20000
#define DESCRIPTORS 64
#define PROXY "127.0.0.1"

/* What stands for a connection of civetweb: there is one at a time. */
static struct fake_request fake;
static const char *body; /* what is left of it */
static size_t body_bytes;
static char written[65536]; /* all of it, and a NUL */
static size_t written_bytes;

static struct server server;
static struct config config;
static struct mg_connection *const conn = (void *)&fake;

struct ear {
    unsigned count;
    char last[MESSAGE_BYTES_MAX];
    size_t bytes;
};

static struct ear ada, bob;

/* civetweb. ------------------------------------------------------------ */

const struct mg_request_info *
__wrap_mg_get_request_info(const struct mg_connection *c);
int __wrap_mg_read(struct mg_connection *c, void *out, size_t size);
int __wrap_mg_write(struct mg_connection *c, const void *bytes, size_t count);
void __wrap_mg_disable_connection_keep_alive(struct mg_connection *c);
void *__wrap_mg_get_user_connection_data(const struct mg_connection *c);
struct mg_context *__wrap_mg_get_context(const struct mg_connection *c);
void *__wrap_mg_get_user_data(const struct mg_context *http);

const struct mg_request_info *
__wrap_mg_get_request_info(const struct mg_connection *c)
{
    (void)c;
    return &fake.info;
}

int __wrap_mg_read(struct mg_connection *c, void *out, size_t size)
{
    size_t bytes = size < body_bytes ? size : body_bytes;

    (void)c;
    memcpy(out, body, bytes);
    body += bytes;
    body_bytes -= bytes;
    return (int)bytes;
}

int __wrap_mg_write(struct mg_connection *c, const void *bytes, size_t count)
{
    (void)c;
    if (count >= sizeof(written) - written_bytes)
        abort(); /* a failed check would take memory */
    memcpy(written + written_bytes, bytes, count);
    written_bytes += count;
    written[written_bytes] = '\0';
    return (int)count;
}

void __wrap_mg_disable_connection_keep_alive(struct mg_connection *c)
{
    (void)c;
}

void *__wrap_mg_get_user_connection_data(const struct mg_connection *c)
{
    (void)c;
    return fake.info.conn_data;
}

struct mg_context *__wrap_mg_get_context(const struct mg_connection *c)
{
    (void)c;
    return NULL;
}

void *__wrap_mg_get_user_data(const struct mg_context *http)
{
    (void)http;
    return &server.front;
}

/* The hub. ------------------------------------------------------------- */

int64_t __real_hub_send(hub_t *hub, const struct hub_target *target,
                        const struct hub_message *message,
                        const struct hub_send_options *options);
int __real_hub_adopt(hub_t *hub, int fd, const struct hub_member *member,
                     hub_id *id);
int64_t __wrap_hub_send(hub_t *hub, const struct hub_target *target,
                        const struct hub_message *message,
                        const struct hub_send_options *options);
int __wrap_hub_adopt(hub_t *hub, int fd, const struct hub_member *member,
                     hub_id *id);
int __real_hub_reserve(hub_t *hub, const struct hub_member *member,
                       hub_place_t **place);
int __wrap_hub_reserve(hub_t *hub, const struct hub_member *member,
                       hub_place_t **place);

int64_t __wrap_hub_send(hub_t *hub, const struct hub_target *target,
                        const struct hub_message *message,
                        const struct hub_send_options *options)
{
    return failing_malloc_hits()
               ? HUB_ENOMEM
               : __real_hub_send(hub, target, message, options);
}

int __wrap_hub_adopt(hub_t *hub, int fd, const struct hub_member *member,
                     hub_id *id)
{
    return failing_malloc_hits() ? HUB_ENOMEM
                                 : __real_hub_adopt(hub, fd, member, id);
}

int __wrap_hub_reserve(hub_t *hub, const struct hub_member *member,
                       hub_place_t **place)
{
    return failing_malloc_hits() ? HUB_ENOMEM
                                 : __real_hub_reserve(hub, member, place);
}

static int hear(void *data, hub_id id, const struct hub_message *message)
{
    struct ear *ear = data;

    (void)id;
    ear->count++;
    ear->bytes = message->payload_bytes;
    memcpy(ear->last, message->payload, message->payload_bytes);
    return 0;
}

static uint64_t ears; /* in the hub */

static void enter(struct ear *ear, const char *user, const char *session,
                  const struct netaddr *addr)
{
    struct hub_member member = HUB_MEMBER_INIT;

    member.user_id = user;
    member.session_id = session;
    member.deliver = hear;
    member.data = ear;
    member.address = addr;
    member.address_bytes = addr != NULL ? sizeof(*addr) : 0;
    ck_assert_int_eq(hub_register(server.hub, &member, NULL), 0);
    ears++;
}

/* Places of the hub that are taken by others. */
static uint64_t places(void)
{
    struct hub_stats stats = HUB_STATS_INIT;

    ck_assert_int_eq(hub_stats(server.hub, &stats), 0);
    return stats.places - ears;
}

/* The ears are no sessions. */
static void on_closed(hub_t *hub, const struct hub_connection *connection,
                      const struct hub_close_info *info)
{
    if (connection->data != &ada && connection->data != &bob)
        admission_on_closed(hub, connection, info);
}

static void count(void *data, unsigned endpoint, enum refusal_kind kind)
{
    struct server *at = data;

    tally_answer(&at->tally, (enum tally_endpoint)endpoint, kind);
}

static void set_up(void)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct front_options front = {.workers = 4,
                                  .base = DESCRIPTORS,
                                  .read_timeout_ms = 60000,
                                  .write_timeout_ms = 60000,
                                  .keepalive_timeout_ms = 60000,
                                  .trusted_proxies = &config.trusted_proxies,
                                  .handle = routes_handle,
                                  .count = count,
                                  .data = &server};
    char text[256];

    config = (struct config){.api_key = strdup(KEY),
                             .read_timeout_ms = 60000,
                             .write_timeout_ms = 60000,
                             .max_message_bytes = MESSAGE_BYTES_MAX,
                             .console = CONFIG_ON};
    ck_assert_int_eq(origin_list_parse(&config.origins,
                                       "https://a.example,https://b.example",
                                       text, sizeof(text)),
                     0);
    ck_assert_int_eq(
        netaddr_list_parse(&config.trusted_proxies, PROXY, text, sizeof(text)),
        0);
    server = (struct server){.config = &config};
    options.flags = HUB_HOST_LOOP;
    options.closed = on_closed;
    options.max_connections = 10;
    options.max_connections_per_user = 1;
    options.max_connections_per_address = 1;
    ck_assert_int_eq(hub_create(&server.hub, &options), 0);
    ck_assert_int_eq(auth_init(&server.auth, &config, text, sizeof(text)), 0);
    ck_assert_int_eq(gate_init(&server.gate, &config, text, sizeof(text)), 0);
    memory_init(&server.memory, 0, config.max_message_bytes);
    server.clients.control.config = &config;
    client_auth_init(&server.clients.auth, &config, NULL, NULL);
    routes_init(&server);
    front.listener_count = listen_list(&config, front.listeners);
    ck_assert_int_eq(front_init(&server.front, &front), 0);
    ears = 0;
    enter(&ada, "ada", "s1", NULL);
    enter(&bob, "bob", NULL, NULL);
}

static void tear_down(void)
{
    server_release(&server);
    config_release(&config);
}

/* Requests. ------------------------------------------------------------ */

struct answer {
    int status;
    char code[64];
    int recipients; /* -1: it does not say */
    unsigned failed;
};

/* Puts the chunks of a body together in its place. */
static void join_chunks(char *text)
{
    char *out = text, *end;
    size_t bytes;

    while ((bytes = strtoul(text, &end, 16)) > 0) {
        ck_assert_int_eq(strncmp(end, "\r\n", 2), 0);
        memmove(out, end + 2, bytes);
        out += bytes;
        text = end + 2 + bytes;
        ck_assert_int_eq(strncmp(text, "\r\n", 2), 0);
        text += 2;
    }
    ck_assert_str_eq(text, "0\r\n\r\n");
    *out = '\0';
}

static void read_answer(struct answer *answer)
{
    const char *length = strstr(written, "Content-Length: ");
    char *text = strstr(written, "\r\n\r\n");
    cJSON *json;

    ck_assert_int_eq(strncmp(written, "HTTP/1.1 ", 9), 0);
    ck_assert_int_eq(strtol(written + 9, NULL, 10), answer->status);
    ck_assert_ptr_nonnull(text);
    if (strstr(written, "Transfer-Encoding: chunked\r\n") != NULL)
        join_chunks(text + 4);
    else
        ck_assert(length != NULL && strtoul(length + strlen("Content-Length: "),
                                            NULL, 10) == strlen(text + 4));
    if (strstr(written, "Content-Type: application/json") == NULL)
        return;
    json = cJSON_Parse(text + 4);
    ck_assert_ptr_nonnull(json);
    if (cJSON_GetObjectItem(json, "code") != NULL)
        (void)snprintf(answer->code, sizeof(answer->code), "%s",
                       cJSON_GetObjectItem(json, "code")->valuestring);
    if (cJSON_GetObjectItem(json, "recipients") != NULL)
        answer->recipients = cJSON_GetObjectItem(json, "recipients")->valueint;
    cJSON_Delete(json);
}

/* What came to the client is the end of a handshake, and from the hub. */
static void check_switched(int client)
{
    char reply[512];
    ssize_t got;

    ck_assert_uint_eq(written_bytes, 0);
    ck_assert_int_eq(hub_poll(server.hub, 0), 0);
    got = recv(client, reply, sizeof(reply) - 1, MSG_DONTWAIT);
    ck_assert_int_gt(got, 0);
    reply[got] = '\0';
    ck_assert_int_eq(strncmp(reply, "HTTP/1.1 101 ", 13), 0);
    ck_assert_ptr_nonnull(strstr(reply, "\r\nSec-WebSocket-Accept: "));
    ck_assert_str_eq(reply + got - 4, "\r\n\r\n");
}

/* Who was let in leaves, and nothing of them is left. */
static void leave(int client, int fd)
{
    (void)close(fd); /* civetweb does */
    (void)close(client);
    ck_assert_int_eq(hub_poll(server.hub, 0), 0);
    ck_assert_int_eq(hub_poll(server.hub, 0), 0);
    ck_assert_uint_eq(places(), 0);
}

/* As civetweb reads it. */
static bool read_head(int fd)
{
    bool is_read;

    memset(fake.bytes, 'x', sizeof(fake.bytes));
    is_read = recv(fd, fake.bytes, sizeof(fake.bytes), 0) > 0 &&
              fake_civetweb(fake.bytes, sizeof(fake.bytes), &fake.info);
    (void)snprintf(fake.info.remote_addr, sizeof(fake.info.remote_addr), PROXY);
    fake.info.user_data = &server.front;
    return is_read;
}

/* One connection with one request. */
static struct answer ask(const char *head, const char *text, unsigned nth,
                         bool all)
{
    const struct mg_callbacks *c = &exchange_callbacks;
    struct answer answer = {.recipients = -1};
    void *client = NULL;
    bool is_read;
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(write(fds[0], head, strlen(head)), (ssize_t)strlen(head));
    body = text;
    body_bytes = strlen(text);
    written_bytes = 0;
    failing_malloc_start(nth, all);
    (void)c->init_connection(conn, &client);
    is_read = read_head(fds[1]);
    fake.info.conn_data = client;
    answer.status = c->begin_request(conn);
    c->end_request(conn, answer.status);
    answer.failed = failing_malloc_stop();
    ck_assert(is_read);
    if (answer.status == 101)
        check_switched(fds[0]);
    else
        read_answer(&answer);
    ck_assert_uint_eq(front_in_flight(&server.front), 0);
    ck_assert_uint_eq(places(), answer.status == 101);
    c->connection_close(conn);
    ck_assert_uint_eq(front_connections(&server.front), 0);
    leave(fds[0], fds[1]);
    return answer;
}

/* Lets one allocation after the other fail, then all from each one on, until
 * `check` has seen an answer without a failure. */
static void exhaust(const char *head, const char *text, unsigned least,
                    void (*check)(const struct answer *answer))
{
    for (int all = 0; all < 2; all++) {
        struct answer answer;
        unsigned nth = 0;

        do {
            ada.count = bob.count = 0;
            answer = ask(head, text, ++nth, all != 0);
            ck_assert_int_eq(hub_poll(server.hub, 0), 0);
            check(&answer);
        } while (answer.failed > 0);
        ck_assert_uint_gt(nth, least);
    }
}

static void check_refusal(const struct answer *answer)
{
    ck_assert_uint_gt(answer->failed, 0);
    ck_assert_int_eq(answer->status, 503);
    ck_assert_str_eq(answer->code, "out_of_memory");
    ck_assert_uint_eq(ada.count + bob.count, 0);
}

static void check_sent(const struct answer *answer)
{
    if (answer->status != 200) {
        check_refusal(answer);
        return;
    }
    ck_assert_int_eq(answer->recipients, 1);
    ck_assert_uint_eq(ada.count, 1);
    ck_assert_uint_eq(bob.count, 0);
    ck_assert_int_eq(ada.last[ada.bytes - 1], '}');
    ck_assert_ptr_nonnull(
        memmem(ada.last, ada.bytes, "\"timestamp\"", strlen("\"timestamp\"")));
}

static void check_broadcast(const struct answer *answer)
{
    if (answer->status != 200) {
        check_refusal(answer);
        return;
    }
    ck_assert_int_eq(answer->recipients, 2);
    ck_assert_uint_eq(ada.count, 1);
    ck_assert_uint_eq(bob.count, 1);
    ck_assert_uint_eq(ada.bytes, bob.bytes);
}

#define POST(path, more)                                                       \
    "POST " path " HTTP/1.1\r\nHost: x\r\nX-API-Key: " KEY "\r\n" more "\r\n"

/* A body read piece by piece, a timestamp added. */
START_TEST(a_send_reaches_its_target_or_nobody)
{
    char *text = malloc(MESSAGE_BYTES_MAX);
    int at = snprintf(text, MESSAGE_BYTES_MAX,
                      "{\"targetUserId\":\"ada\",\"targetSessionId\":\"s1\","
                      "\"message\":{\"type\":\"t\",\"payload\":\"");

    memset(text + at, 'x', 15000);
    strcpy(text + at + 15000, "\"}}");
    exhaust(POST("/api/send", "Transfer-Encoding: chunked\r\n"), text, 10,
            check_sent);
    free(text);
}
END_TEST

/* A timestamp that has to be decoded. */
START_TEST(a_broadcast_reaches_everybody_or_nobody)
{
    static const char text[] =
        "{\"type\":\"t\",\"payload\":1,"
        "\"timestamp\":\"2024-05-06T07:08:09\\u002B02:00\"}";
    char head[256];

    (void)snprintf(head, sizeof(head),
                   POST("/api/broadcast", "Content-Length: %zu\r\n"),
                   strlen(text));
    exhaust(head, text, 8, check_broadcast);
}
END_TEST

static int expected;

static void check_status(const struct answer *answer)
{
    if (answer->status != expected)
        check_refusal(answer);
    ck_assert(answer->status == 503 || answer->failed == 0);
}

START_TEST(other_answers_are_given_or_refused)
{
    expected = 200;
    exhaust("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", "", 6, check_status);
    exhaust("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", "", 3, check_status);
    exhaust("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", "", 3, check_status);
    exhaust("GET /console/stats HTTP/1.1\r\nHost: x\r\n\r\n", "", 20,
            check_status);
    exhaust("GET /console/icon.svg HTTP/1.1\r\nHost: x\r\n\r\n", "", 1,
            check_status);
    expected = 404;
    exhaust("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", "", 5, check_status);
    expected = 401;
    exhaust("POST /api/send HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            "", 5, check_status);
}
END_TEST

#define TICKETS POST("/api/tickets", "Content-Length: 16\r\n")
#define FOR_ADA "{\"userId\":\"ada\"}"

static void check_ticket(const struct answer *answer)
{
    struct tickets_figures figures;

    tickets_read(server.clients.tickets, &figures);
    ck_assert_uint_eq(figures.issued, answer->status == 200);
    tickets_destroy(server.clients.tickets);
    server.clients.tickets = tickets_create("n", 10);
    ck_assert_ptr_nonnull(server.clients.tickets);
    routes_init(&server);
    if (answer->status == 200)
        ck_assert_ptr_nonnull(strstr(written, "\"ticket\":\"hubt_n_"));
    else
        check_refusal(answer);
}

START_TEST(a_ticket_is_issued_or_refused)
{
    struct answer answer = ask(TICKETS, FOR_ADA, 0, false);

    ck_assert_int_eq(answer.status, 409); /* they are off */
    ck_assert_str_eq(answer.code, "tickets_off");
    server.clients.tickets = tickets_create("n", 10);
    ck_assert_ptr_nonnull(server.clients.tickets);
    routes_init(&server);
    exhaust(TICKETS, FOR_ADA, 3, check_ticket);
}
END_TEST

/* A figure that cannot be had is 0. */
static void check_metrics(const struct answer *answer)
{
    if (answer->status != 200) {
        check_refusal(answer);
        return;
    }
    ck_assert_ptr_nonnull(strstr(written, "\nhub_connections 2\n"));
    ck_assert_ptr_nonnull(strstr(written, "\nhub_connections_opened_total 2"));
    ck_assert(answer->failed > 0 ||
              strstr(written, "\nprocess_resident_memory_bytes 0\n") == NULL);
}

START_TEST(metrics_are_told_as_far_as_they_are_known)
{
    server.routes.has_metrics = true;
    ck_assert_int_eq(hub_poll(server.hub, 0), 0);
    exhaust("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "", 1, check_metrics);
}
END_TEST

static void check_handshake(const struct answer *answer)
{
    if (answer->status != 101)
        check_refusal(answer);
}

/* The share of the proxy's own address is used up: who comes through it must
 * not be taken for it. */
START_TEST(a_handshake_is_of_who_it_is_or_is_refused)
{
    static const char head[] =
        "GET /ws?userId=eve HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Origin: https://b.example\r\n"
        "X-Forwarded-For: 203.0.113.7\r\n\r\n";
    struct netaddr proxy;

    ck_assert_int_eq(netaddr_parse(&proxy, PROXY, strlen(PROXY)), 0);
    enter(&bob, "proxy", NULL, &proxy);
    exhaust(head, "", 4, check_handshake);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory");
    TCase *tests = tcase_create("no_memory");

    log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_send_reaches_its_target_or_nobody);
    tcase_add_test(tests, a_broadcast_reaches_everybody_or_nobody);
    tcase_add_test(tests, other_answers_are_given_or_refused);
    tcase_add_test(tests, a_ticket_is_issued_or_refused);
    tcase_add_test(tests, metrics_are_told_as_far_as_they_are_known);
    tcase_add_test(tests, a_handshake_is_of_who_it_is_or_is_refused);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
