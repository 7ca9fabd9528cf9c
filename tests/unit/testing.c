/* testing.c - see testing.h. The memory hook is shared by all threads of a hub
 * and therefore counts atomically; everything else belongs to the test's own
 * thread.
 */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "suite.h"

#define PATIENCE_S 30

int testing_run(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);

    tcase_set_timeout(tc, 120);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}

uint64_t testing_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * 0x2545F4914F6CDD1Du) >> 11;
}

/* Time. --------------------------------------------------------------- */

static atomic_int_fast64_t fake_us = 1000000000;

int64_t testing_clock(void)
{
    return atomic_load(&fake_us);
}

void testing_clock_advance(int64_t ms)
{
    testing_clock_advance_us(ms * 1000);
}

void testing_clock_advance_us(int64_t us)
{
    atomic_fetch_add(&fake_us, us);
}

int64_t testing_real_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Threads. ------------------------------------------------------------ */

void testing_gate_pass(struct testing_gate *gate, uint64_t more)
{
    pthread_mutex_lock(&gate->lock);
    gate->count += more;
    pthread_cond_broadcast(&gate->cond);
    pthread_mutex_unlock(&gate->lock);
}

uint64_t testing_gate_count(struct testing_gate *gate)
{
    uint64_t count;

    pthread_mutex_lock(&gate->lock);
    count = gate->count;
    pthread_mutex_unlock(&gate->lock);
    return count;
}

bool testing_gate_await(struct testing_gate *gate, uint64_t least)
{
    struct timespec until;
    bool reached;
    int err = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&gate->lock);
    while (gate->count < least && err == 0)
        err = pthread_cond_timedwait(&gate->cond, &gate->lock, &until);
    reached = gate->count >= least;
    pthread_mutex_unlock(&gate->lock);
    return reached;
}

/* Memory. ------------------------------------------------------------- */

static atomic_uint asked, refused;
static unsigned fail_from, fail_to, fail_percent;
static uint64_t fail_seed;
static atomic_bool fail_none;

static bool fails(unsigned nth)
{
    uint64_t state = fail_seed + nth * 0x9E3779B97F4A7C15u;

    if (fail_percent > 0)
        return testing_random(&state) % 100 < fail_percent;
    return nth >= fail_from && nth <= fail_to;
}

static int ask(void *context, size_t bytes)
{
    (void)context;
    (void)bytes;
    if (atomic_load(&fail_none) || !fails(atomic_fetch_add(&asked, 1) + 1))
        return 1;
    atomic_fetch_add(&refused, 1);
    return 0;
}

static void start_failing(void)
{
    atomic_store(&asked, 0);
    atomic_store(&refused, 0);
    atomic_store(&fail_none, false);
    hub__mem_set_hook(ask, NULL);
}

static void fail_between(unsigned from, unsigned to)
{
    fail_from = from;
    fail_to = to;
    fail_percent = 0;
    start_failing();
}

void testing_fail_allocation(unsigned nth)
{
    fail_between(nth, nth);
}

void testing_fail_after(unsigned allowed)
{
    fail_between(allowed + 1, ~0u);
}

void testing_fail_randomly(uint64_t seed, unsigned percent)
{
    fail_seed = seed;
    fail_percent = percent;
    start_failing();
}

void testing_spare_memory(bool spare)
{
    atomic_store(&fail_none, spare);
}

unsigned testing_refused(void)
{
    return atomic_load(&refused);
}

unsigned testing_allow_memory(void)
{
    hub__mem_set_hook(NULL, NULL);
    return atomic_load(&refused);
}

/* The client. --------------------------------------------------------- */

size_t testing_frame(uint8_t *out, uint8_t first_byte, const void *payload,
                     size_t bytes)
{
    static const uint8_t mask[FRAME_MASK_BYTES] = {0x37, 0xFA, 0x21, 0x3D};

    return frame_write(out, first_byte, payload, bytes, mask);
}

int testing_client_open(struct testing_client *client)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    *client = (struct testing_client){.fd = fds[0]};
    ck_assert_int_eq(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
    return fds[1];
}

void testing_client_close(struct testing_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    free(client->input);
    *client = (struct testing_client){.fd = -1};
}

void testing_shrink_buffers(int fd, int bytes)
{
    ck_assert_int_eq(
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
}

void testing_client_send_raw(struct testing_client *client, const void *data,
                             size_t bytes)
{
    ck_assert_int_eq(send(client->fd, data, bytes, MSG_NOSIGNAL),
                     (ssize_t)bytes);
}

void testing_client_send(struct testing_client *client, uint8_t first_byte,
                         const void *payload, size_t bytes)
{
    uint8_t *frame = malloc(bytes + FRAME_OWN_HEADER_MAX);

    ck_assert_ptr_nonnull(frame);
    testing_client_send_raw(client, frame,
                            testing_frame(frame, first_byte, payload, bytes));
    free(frame);
}

void testing_client_send_close(struct testing_client *client, int code,
                               const char *reason)
{
    uint8_t body[HUB__WS_CONTROL_MAX];
    size_t bytes = strlen(reason);

    ck_assert_uint_le(bytes, sizeof body - 2);
    body[0] = (uint8_t)(code >> 8);
    body[1] = (uint8_t)code;
    memcpy(body + 2, reason, bytes);
    testing_client_send(client, TESTING_FIN_CLOSE, body, bytes + 2);
}

/* Takes in what the kernel holds. */
static void fill(struct testing_client *client)
{
    for (;;) {
        ssize_t got;

        if (client->size - client->have < 4096) {
            client->size = client->size * 2 + 8192;
            client->input = realloc(client->input, client->size);
            ck_assert_ptr_nonnull(client->input);
        }
        got = recv(client->fd, client->input + client->have,
                   client->size - client->have, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            client->ended = got == 0 || errno != EAGAIN;
            return;
        }
        client->have += (size_t)got;
    }
}

bool testing_client_receive(struct testing_client *client,
                            struct testing_received *frame)
{
    struct frame found;
    long bytes;

    if (client->taken > 0) {
        client->have -= client->taken;
        memmove(client->input, client->input + client->taken, client->have);
        client->taken = 0;
    }
    fill(client);
    bytes = frame_whole(client->input, client->have, &found);
    ck_assert_msg(bytes >= 0, "a frame that no server may send");
    if (bytes == 0)
        return false;
    *frame = (struct testing_received){(uint8_t)found.first, found.payload,
                                       found.payload_bytes};
    client->taken = (size_t)bytes;
    return true;
}

void testing_client_expect(struct testing_client *client, uint8_t first_byte,
                           const void *payload, size_t bytes)
{
    struct testing_received frame;

    ck_assert_msg(testing_client_receive(client, &frame), "no frame came");
    ck_assert_uint_eq(frame.first_byte, first_byte);
    ck_assert_uint_eq(frame.bytes, bytes);
    if (bytes > 0)
        ck_assert_mem_eq(frame.payload, payload, bytes);
}

void testing_client_expect_text(struct testing_client *client, const char *text)
{
    testing_client_expect(client, TESTING_FIN_TEXT, text, strlen(text));
}

void testing_client_expect_close(struct testing_client *client, int code)
{
    struct testing_received frame;

    ck_assert_msg(testing_client_receive(client, &frame), "no frame came");
    ck_assert_uint_eq(frame.first_byte, TESTING_FIN_CLOSE);
    if (code == HUB__WS_NO_STATUS) {
        ck_assert_uint_eq(frame.bytes, 0);
        return;
    }
    ck_assert_uint_ge(frame.bytes, 2);
    ck_assert_int_eq(frame.payload[0] << 8 | frame.payload[1], code);
}

void testing_client_expect_nothing(struct testing_client *client)
{
    struct testing_received frame;

    if (testing_client_receive(client, &frame))
        ck_abort_msg("frame 0x%02x of %zu bytes came", frame.first_byte,
                     frame.bytes);
}

bool testing_client_at_end(struct testing_client *client)
{
    struct testing_received frame;

    return !testing_client_receive(client, &frame) && client->ended &&
           client->have == 0;
}

/* The record. --------------------------------------------------------- */

static void keep(struct testing_peer *peer, const struct hub_message *message)
{
    size_t bytes = message->payload_bytes;

    peer->kind = message->kind;
    peer->last_bytes = bytes;
    if (bytes > sizeof peer->last)
        bytes = sizeof peer->last;
    if (bytes > 0)
        memcpy(peer->last, message->payload, bytes);
}

int testing_deliver(void *data, hub_id id, const struct hub_message *message)
{
    struct testing_peer *peer = data;

    if (peer == NULL)
        return 0;
    if (peer->opened != 1 || peer->closed != 0 || peer->id.value != id.value)
        peer->wrong++;
    if (peer->refuse != 0)
        return peer->refuse;
    peer->delivered++;
    keep(peer, message);
    return 0;
}

static void on_opened(hub_t *hub, const struct hub_connection *connection)
{
    struct testing_peer *peer = connection->data;

    (void)hub;
    if (peer == NULL)
        return;
    if (peer->opened != 0 || peer->closed != 0)
        peer->wrong++;
    peer->opened++;
    peer->id = connection->id;
}

static void on_message(hub_t *hub, const struct hub_connection *connection,
                       const struct hub_message *message)
{
    struct testing_peer *peer = connection->data;

    (void)hub;
    if (peer == NULL)
        return;
    if (peer->opened != 1 || peer->closed != 0)
        peer->wrong++;
    peer->messages++;
    keep(peer, message);
}

static void on_closed(hub_t *hub, const struct hub_connection *connection,
                      const struct hub_close_info *info)
{
    struct testing_peer *peer = connection->data;

    (void)hub;
    if (peer == NULL)
        return;
    if (peer->opened != 1 || peer->closed != 0 ||
        peer->id.value != connection->id.value)
        peer->wrong++;
    peer->closed++;
    peer->info = *info;
}

void testing_record(struct hub_options *options)
{
    options->opened = on_opened;
    options->message = on_message;
    options->closed = on_closed;
}

/* The stage. ---------------------------------------------------------- */

hub_t *testing_stage(const struct hub_options *options)
{
    struct hub_options mine = HUB_OPTIONS_INIT;
    hub_t *hub = NULL;

    if (options != NULL)
        mine = *options;
    mine.flags |= HUB_HOST_LOOP;
    if (mine.opened == NULL && mine.message == NULL && mine.closed == NULL)
        testing_record(&mine);
    ck_assert_int_eq(hub__create(&hub, &mine, testing_clock), 0);
    ck_assert_ptr_nonnull(hub);
    return hub;
}

struct hub_stats testing_stats(hub_t *hub)
{
    struct hub_stats stats = HUB_STATS_INIT;

    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    return stats;
}

void testing_settle(hub_t *hub)
{
    struct pollfd ready = {.fd = hub_fd(hub), .events = POLLIN};
    int turns = 0;

    do {
        ck_assert_int_eq(hub_poll(hub, 0), 0);
        ck_assert_msg(++turns < 100000, "the hub does not come to rest");
    } while (poll(&ready, 1, 0) == 1);
}

void testing_pass(hub_t *hub, int64_t ms)
{
    while (ms > 0) {
        int64_t step = ms < 50 ? ms : 50;

        testing_clock_advance(step);
        ms -= step;
        testing_settle(hub);
    }
}

void testing_join(hub_t *hub, struct testing_client *client,
                  struct testing_peer *peer, const char *user,
                  const char *session)
{
    struct hub_member member = HUB_MEMBER_INIT;
    hub_id id;

    *peer = (struct testing_peer){.id = {0}};
    member.user_id = user;
    member.session_id = session;
    member.data = peer;
    ck_assert_int_eq(hub_adopt(hub, testing_client_open(client), &member, &id),
                     0);
    testing_settle(hub);
    ck_assert_uint_eq(peer->opened, 1);
    ck_assert_uint_eq(peer->id.value, id.value);
}

void testing_enter(hub_t *hub, struct testing_peer *peer, const char *user,
                   const char *session)
{
    struct hub_member member = HUB_MEMBER_INIT;
    hub_id id;

    *peer = (struct testing_peer){.id = {0}};
    member.user_id = user;
    member.session_id = session;
    member.data = peer;
    member.deliver = testing_deliver;
    ck_assert_int_eq(hub_register(hub, &member, &id), 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer->opened, 1);
    ck_assert_uint_eq(peer->id.value, id.value);
}

struct hub__conn *testing_conn(hub_t *hub, hub_id id)
{
    struct hub_target target = hub_to_connection(id);
    struct hub__found found;
    struct hub__entry *entry;

    hub__registry_find(&hub->registry, &target, &found);
    entry = hub__registry_next(&found, NULL);
    hub__registry_unlock(&found);
    ck_assert_ptr_nonnull(entry);
    return hub__conn_of(entry);
}

void testing_block(hub_t *hub, struct testing_peer *peer, size_t waiting)
{
    static const uint8_t filler[1000];
    struct hub__conn *conn = testing_conn(hub, peer->id);

    while (!conn->blocked || conn->outbox.bytes < waiting) {
        ck_assert_int_eq(hub_send(hub, HUB_TO_CONNECTION(peer->id),
                                  HUB_BINARY_OF(filler, sizeof filler), NULL),
                         1);
        testing_settle(hub);
        ck_assert_uint_eq(peer->closed, 0);
    }
}
