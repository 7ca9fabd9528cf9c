/* check_stress.c - everything at once: threads that enter, send, broadcast,
 * close and leave at random, peers that talk, keep silent or break off, short
 * limits; then a shutdown. What came in must have gone out, once each, and what
 * one thread sent to one peer in the order of the calls.
 *
 * Assertions are made when the threads are gone; meanwhile they count what is
 * wrong.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"
#include "testing_rings.h"

#define WORKERS 4
#define STEPS 20000
#define STORM 3000 /* messages one after another */
#define POOL 64    /* ids that all workers know */
#define CLIENTS 24 /* of one worker */

static atomic_uint opened, closed, heard, wrong;
static atomic_uint_fast64_t pool[POOL];

/* In front of each message of a worker; a client's own look different. */
struct note {
    uint32_t magic, worker, number;
};

#define MAGIC 0xC0FFEE01u

/* What a recipient has heard of each worker: the last number. */
struct ear {
    uint32_t last[WORKERS];
};

/* Made by whoever lets a connection in, released in `closed`. */
struct guest {
    atomic_uint state; /* 0: new, 1: opened, 2: closed */
    unsigned patience; /* deliveries until it refuses */
    struct ear ear;    /* the loop's thread */
};

/* The other end of a socket, in the hands of one worker. */
struct client {
    int fd; /* -1: none */
    bool told_to_close;
    uint8_t input[4096]; /* a part of a frame is kept */
    size_t have;
    struct ear ear;
};

struct worker {
    hub_t *hub;
    uint64_t seed;
    uint32_t index, number; /* number: of its last message */
    bool breaks_rings;
    struct client clients[CLIENTS];
    uint64_t reached;
    pthread_t thread;
};

static void hear(struct ear *ear, const void *payload, size_t bytes)
{
    struct note note;

    if (bytes < sizeof note)
        return;
    memcpy(&note, payload, sizeof note);
    if (note.magic != MAGIC)
        return;
    if (note.worker >= WORKERS || note.number <= ear->last[note.worker])
        atomic_fetch_add(&wrong, 1);
    else
        ear->last[note.worker] = note.number;
    atomic_fetch_add(&heard, 1);
}

/* Callbacks. ----------------------------------------------------------- */

static void on_opened(hub_t *hub, const struct hub_connection *connection)
{
    struct guest *guest = connection->data;

    if (atomic_exchange(&guest->state, 1) != 0)
        atomic_fetch_add(&wrong, 1);
    if (atomic_fetch_add(&opened, 1) % 16 == 0)
        hub_send(hub, hub_to_connection(connection->id), hub_text("welcome"));
}

static void on_message(hub_t *hub, const struct hub_connection *connection,
                       const struct hub_message *message)
{
    struct guest *guest = connection->data;

    if (atomic_load(&guest->state) != 1)
        atomic_fetch_add(&wrong, 1);
    if (message->payload_bytes % 3 == 0)
        hub_send(hub, hub_to_user(connection->user_id), *message);
    else if (message->payload_bytes % 31 == 1)
        hub_close(hub, connection->id, 4000, "by its own message");
}

static void on_closed(hub_t *hub, const struct hub_connection *connection,
                      const struct hub_close_info *info)
{
    struct guest *guest = connection->data;

    (void)hub;
    if (atomic_exchange(&guest->state, 2) != 1 || info->duration_ms < 0)
        atomic_fetch_add(&wrong, 1);
    atomic_fetch_add(&closed, 1);
    free(guest);
}

static int deliver(void *data, hub_id id, const struct hub_message *message)
{
    struct guest *guest = data;

    (void)id;
    if (atomic_load(&guest->state) != 1)
        atomic_fetch_add(&wrong, 1);
    if (guest->patience-- == 0)
        return 1; /* refused: it does not count as delivered */
    hear(&guest->ear, message->payload, message->payload_bytes);
    return 0;
}

/* Workers. ------------------------------------------------------------- */

static unsigned pick(struct worker *w, unsigned below)
{
    return (unsigned)(testing_random(&w->seed) % below);
}

static const char *pick_name(struct worker *w)
{
    static const char *const names[] = {"ada", "bob", "cyd", "dan",
                                        "eve", "fay", "gus", "hal"};

    return names[pick(w, TESTING_LENGTH(names))];
}

static void let_in(struct worker *w, int fd)
{
    struct guest *guest = calloc(1, sizeof *guest);
    struct hub_member member = HUB_MEMBER_INIT;
    hub_id id;
    int err;

    if (guest == NULL)
        return;
    guest->patience = pick(w, 200);
    member.user_id = pick_name(w);
    member.session_id = pick(w, 2) ? pick_name(w) : NULL;
    member.data = guest;
    if (fd < 0)
        member.deliver = deliver;
    err = fd < 0 ? hub_register(w->hub, &member, &id)
                 : hub_adopt(w->hub, fd, &member, &id);
    if (err == 0) {
        atomic_store(&pool[pick(w, POOL)], id.value);
        return;
    }
    if (err != HUB_EFULL)
        atomic_fetch_add(&wrong, 1);
    free(guest);
    if (fd >= 0)
        close(fd);
}

static void leave(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    memset(client, 0, sizeof *client);
    client->fd = -1;
}

static void connect_client(struct worker *w)
{
    struct client *client = &w->clients[pick(w, CLIENTS)];
    int fds[2];

    leave(client);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        atomic_fetch_add(&wrong, 1);
        return;
    }
    client->fd = fds[0];
    let_in(w, fds[1]);
}

/* Takes a frame from `data`. Returns its length, or 0 if it is not there whole;
 * none is as long as the client's buffer. */
static size_t take_frame(struct client *client, const uint8_t *data,
                         size_t bytes)
{
    size_t header = 2, payload;

    if (bytes < 2)
        return 0;
    payload = data[1];
    if (payload == 126) {
        header = 4;
        if (bytes < header)
            return 0;
        payload = (size_t)(data[2] << 8 | data[3]);
    }
    if (client->told_to_close || data[1] > 126 ||
        header + payload > sizeof client->input)
        atomic_fetch_add(&wrong, 1);
    if (bytes - header < payload)
        return 0;
    if (data[0] == TESTING_FIN_CLOSE)
        client->told_to_close = true;
    else if (data[0] == TESTING_FIN_BINARY)
        hear(&client->ear, data + header, payload);
    else if (data[0] != TESTING_FIN_TEXT && data[0] != TESTING_FIN_PING &&
             data[0] != TESTING_FIN_PONG)
        atomic_fetch_add(&wrong, 1);
    return header + payload;
}

static void read_all(struct client *client)
{
    ssize_t got;

    while ((got = recv(client->fd, client->input + client->have,
                       sizeof client->input - client->have, MSG_DONTWAIT)) >
           0) {
        size_t at = 0, taken;

        client->have += (size_t)got;
        while ((taken = take_frame(client, client->input + at,
                                   client->have - at)) > 0)
            at += taken;
        client->have -= at;
        memmove(client->input, client->input + at, client->have);
    }
}

/* A client reads, talks, closes, talks nonsense or breaks off. */
static void act_as_client(struct worker *w)
{
    static const uint8_t first[] = {0x81, 0x82, 0x01, 0x80, 0x89, 0x8A, 0x88};
    struct client *client = &w->clients[pick(w, CLIENTS)];
    uint8_t frame[400], payload[300];
    unsigned what = pick(w, 20);
    size_t bytes;

    if (client->fd < 0)
        return;
    if (what < 8) {
        read_all(client);
    } else if (what < 18) {
        memset(payload, 'a' + (int)what, sizeof payload);
        bytes = testing_frame(frame, first[pick(w, what < 17 ? 2 : 7)], payload,
                              pick(w, what < 17 ? 300 : 126));
        (void)!send(client->fd, frame, bytes - (pick(w, 40) == 0),
                    MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
        leave(client);
    }
}

static void check_result(struct worker *w, int64_t result)
{
    if (result >= 0)
        w->reached += (uint64_t)result;
    else if (result != HUB_ENOENT && result != HUB_EAGAIN)
        atomic_fetch_add(&wrong, 1);
}

/* In one of so many ways, all but four of which are a broadcast. */
static void send_somewhere(struct worker *w, unsigned bytes, unsigned ways)
{
    struct note note = {MAGIC, w->index, ++w->number};
    uint8_t text[2000] = {0};
    struct hub_message message = hub_binary(text, sizeof note + pick(w, bytes));
    hub_id id = {atomic_load(&pool[pick(w, POOL)])};

    memcpy(text, &note, sizeof note);
    switch (pick(w, ways)) {
    default:
        check_result(w, hub_broadcast(w->hub, message));
        break;
    case 1:
        check_result(w, hub_send(w->hub, hub_to_user(pick_name(w)), message));
        break;
    case 2:
        check_result(w,
                     hub_send(w->hub, hub_to_session(pick_name(w)), message));
        break;
    case 3:
        if (id.value != 0)
            check_result(w, hub_send(w->hub, hub_to_connection(id), message));
        break;
    case 4:
        check_result(w,
                     hub_send(w->hub, hub_to_either(pick_name(w), pick_name(w)),
                              message));
    }
}

/* More than a turn may take; broadcasts, and a few others among them. */
static void send_storm(struct worker *w)
{
    for (int i = 0; i < STORM; i++)
        send_somewhere(w, 50, 40);
}

static void step(struct worker *w)
{
    hub_id id = {atomic_load(&pool[pick(w, POOL)])};
    struct hub_stats stats = HUB_STATS_INIT;
    unsigned what = pick(w, 100);

    if (what < 2)
        let_in(w, -1);
    else if (what < 10)
        connect_client(w);
    else if (what < 60)
        act_as_client(w);
    else if (what < 94)
        send_somewhere(w, 1900, 5);
    else if (what < 96)
        check_result(w, hub_close(w->hub, id, 1000, "at random"));
    else if (what < 98)
        check_result(w, hub_unregister(w->hub, id));
    else
        check_result(w, hub_stats(w->hub, &stats));
}

static void *work(void *context)
{
    struct worker *w = context;

    for (int i = 0; i < STEPS; i++) {
        if (w->breaks_rings && i == STEPS / 2)
            testing_break_rings();
        if (pick(w, 5000) == 0)
            send_storm(w);
        step(w);
    }
    return NULL;
}

/* The whole. ----------------------------------------------------------- */

static void start(struct worker *w, hub_t *hub, uint64_t seed, uint32_t index)
{
    *w = (struct worker){.hub = hub, .seed = seed * 100 + index + 1};
    w->index = index;
    for (size_t c = 0; c < CLIENTS; c++)
        w->clients[c].fd = -1;
}

static void check_figures(const struct hub_stats *stats, uint64_t reached)
{
    ck_assert_uint_eq(stats->connections, 0);
    ck_assert_uint_eq(stats->users, 0);
    ck_assert_uint_eq(stats->sessions, 0);
    ck_assert_uint_eq(stats->opened, stats->closed);
    ck_assert_uint_eq(stats->opened, atomic_load(&opened));
    ck_assert_uint_eq(stats->closed, atomic_load(&closed));
    ck_assert_uint_eq(atomic_load(&wrong), 0);
    ck_assert_uint_gt(stats->opened, 200);
    ck_assert_uint_gt(stats->messages_in, 0);
    ck_assert_uint_le(stats->messages_out,
                      reached + stats->opened + stats->messages_in * 120);
    ck_assert_uint_gt(stats->messages_out, 1000);
    ck_assert_uint_le(atomic_load(&heard), stats->messages_out);
    ck_assert_uint_gt(atomic_load(&heard), stats->messages_out / 4);
}

static void stress(enum hub_slow_consumer policy, uint64_t seed,
                   bool breaks_rings)
{
    static struct worker workers[WORKERS];
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_stats stats = HUB_STATS_INIT;
    uint64_t reached = 0;
    hub_t *hub;
    int err;

    options.loops = 3;
    options.max_connections = 120;
    options.slow_consumer = policy;
    options.queue_bytes = 30000;
    options.ping_interval_ms = options.pong_timeout_ms = 60;
    options.write_timeout_ms = options.close_timeout_ms = 80;
    options.message_timeout_ms = 100;
    options.opened = on_opened;
    options.message = on_message;
    options.closed = on_closed;
    atomic_store(&opened, 0);
    atomic_store(&closed, 0);
    atomic_store(&heard, 0);
    for (size_t i = 0; i < POOL; i++)
        atomic_store(&pool[i], 0);
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        start(&workers[i], hub, seed, i);
        workers[i].breaks_rings = breaks_rings && i == 0;
        ck_assert_int_eq(
            pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        reached += workers[i].reached;
    }
    err = hub_shutdown(hub, 5000);
    ck_assert_msg(err == 0, "%s", hub_strerror(err));
    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    check_figures(&stats, reached);
    /* A loop notices when it writes a batch, and one may have had none. */
    if (breaks_rings)
        ck_assert_uint_lt(stats.uring_loops, options.loops);
    hub_destroy(hub);
    for (size_t i = 0; i < WORKERS; i++) {
        for (size_t c = 0; c < CLIENTS; c++)
            leave(&workers[i].clients[c]);
    }
}

START_TEST(what_comes_in_goes_out_when_slow_ones_are_closed)
{
    stress(HUB_SLOW_CLOSE, 1, false);
}
END_TEST

START_TEST(what_comes_in_goes_out_when_the_oldest_is_dropped)
{
    stress(HUB_SLOW_DROP_OLDEST, 2, false);
}
END_TEST

START_TEST(what_comes_in_goes_out_when_the_newest_is_dropped)
{
    stress(HUB_SLOW_DROP_NEWEST, 3, false);
}
END_TEST

START_TEST(what_comes_in_goes_out_when_io_uring_fails_in_the_middle)
{
    stress(HUB_SLOW_CLOSE, 4, true);
    stress(HUB_SLOW_DROP_OLDEST, 5, true);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_comes_in_goes_out_when_slow_ones_are_closed,
        what_comes_in_goes_out_when_the_oldest_is_dropped,
        what_comes_in_goes_out_when_the_newest_is_dropped,
        what_comes_in_goes_out_when_io_uring_fails_in_the_middle,
    };

    return testing_run("stress", tests, TESTING_LENGTH(tests));
}
