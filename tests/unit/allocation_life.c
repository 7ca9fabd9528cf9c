/* allocation_life.c - see allocation_life.h. */
#include "allocation_life.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LARGE 1500 /* of a message that fills queues */
#define FLOOD 12   /* of them */
#define QUEUE 6000
#define EXPIRES_MS 600
#define WARNING_MS 200
#define GRACE_MS 50
#define FRAGMENTED "in three parts"

static struct allocation_peer peers[ALLOCATION_PEERS];
static hub_t *hub;
static unsigned number; /* of the last message */
static bool shutting;
static struct testing_client rejected;
static int rejected_code;

/* The account. --------------------------------------------------------- */

static bool is_in(const struct allocation_peer *p)
{
    struct hub_target target = hub_to_connection(p->id);
    struct hub__found found;
    bool in;

    if (!p->entered)
        return false;
    hub__registry_find(&hub->registry, &target, &found);
    in = hub__registry_next(&found, NULL) != NULL;
    hub__registry_unlock(&found);
    return in;
}

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* `to` NULL: everybody. */
static bool is_meant(const struct allocation_peer *p,
                     const struct hub_target *to)
{
    if (!is_in(p))
        return false;
    if (to == NULL)
        return true;
    if (to->id.value != 0)
        return to->id.value == p->id.value;
    return is_same(p->user, to->user_id) || is_same(p->session, to->session_id);
}

static void hear(struct allocation_peer *p, const void *payload, size_t bytes)
{
    char text[16] = "";

    memcpy(text, payload, bytes < sizeof text ? bytes : sizeof text - 1);
    ck_assert_uint_lt(p->got_count, ALLOCATION_NUMBERS_MAX);
    p->got[p->got_count++] = (unsigned)strtoul(text, NULL, 10);
}

static void check_refused(int64_t result, unsigned refused_before)
{
    ck_assert_int_eq(result, HUB_ENOMEM);
    ck_assert_uint_gt(testing_refused(), refused_before);
}

/* Sends the next number to whom `to` names, or to everybody. */
static void post(const struct hub_target *to, size_t bytes)
{
    unsigned before = testing_refused(), recipients = 0;
    bool meant[ALLOCATION_PEERS];
    char text[LARGE + 16];
    int64_t result;

    for (size_t i = 0; i < ALLOCATION_PEERS; i++)
        recipients += meant[i] = is_meant(&peers[i], to);
    memset(text, ' ', sizeof text);
    bytes += (size_t)snprintf(text, sizeof text, "%u", ++number);
    result = to != NULL ? hub_send(hub, to, HUB_BINARY_OF(text, bytes), NULL)
                        : hub_broadcast(hub, HUB_BINARY_OF(text, bytes));
    if (result == HUB_ENOENT) {
        ck_assert(to != NULL && to->id.value != 0 && recipients == 0);
        return;
    }
    if (result < 0) {
        check_refused(result, before);
        return;
    }
    ck_assert_int_eq(result, recipients);
    for (size_t i = 0; i < ALLOCATION_PEERS; i++) {
        if (!meant[i])
            continue;
        ck_assert_uint_lt(peers[i].wanted_count, ALLOCATION_NUMBERS_MAX);
        peers[i].wanted[peers[i].wanted_count++] = number;
    }
}

static void post_to(struct hub_target to)
{
    post(&to, 0);
}

/* Callbacks. ----------------------------------------------------------- */

static int deliver(void *data, hub_id id, const struct hub_message *message)
{
    struct allocation_peer *p = data;

    (void)id;
    ck_assert(p->opened == 1 && p->closed == 0);
    hear(p, message->payload, message->payload_bytes);
    return 0;
}

static void on_opened(hub_t *h, const struct hub_connection *connection)
{
    struct allocation_peer *p = connection->data;

    (void)h;
    ck_assert_uint_eq(p->opened++, 0);
    ck_assert(!p->entered || p->id.value == connection->id.value);
}

static void on_message(hub_t *h, const struct hub_connection *connection,
                       const struct hub_message *message)
{
    struct allocation_peer *p = connection->data;

    (void)h;
    ck_assert(p->opened == 1 && p->closed == 0);
    ck_assert_uint_eq(message->payload_bytes, strlen(FRAGMENTED));
    ck_assert_mem_eq(message->payload, FRAGMENTED, strlen(FRAGMENTED));
    p->messages++;
    post_to(hub_to_user(connection->user_id));
}

static void on_closed(hub_t *h, const struct hub_connection *connection,
                      const struct hub_close_info *info)
{
    struct allocation_peer *p = connection->data;

    (void)h;
    ck_assert(p->opened == 1 && p->closed++ == 0);
    ck_assert(!is_in(p));
    p->info = *info;
}

static void on_expiring(hub_t *h, const struct hub_connection *connection,
                        int64_t remaining_ms)
{
    struct allocation_peer *p = connection->data;

    (void)h;
    ck_assert(p->opened == 1 && p->closed == 0);
    ck_assert_int_eq(remaining_ms, WARNING_MS);
    p->warnings++;
}

/* Peers. --------------------------------------------------------------- */

static void say(struct allocation_peer *p, uint8_t first_byte, const char *text)
{
    uint8_t frame[64];
    size_t bytes = testing_frame(frame, first_byte, text, strlen(text));

    /* The hub may have given it up. */
    (void)!send(p->client.fd, frame, bytes, MSG_NOSIGNAL);
}

static void take(struct allocation_peer *p,
                 const struct testing_received *frame)
{
    ck_assert_int_eq(p->code, 0); /* nothing comes behind a Close */
    switch (frame->first_byte) {
    case TESTING_FIN_BINARY:
        hear(p, frame->payload, frame->bytes);
        break;
    case TESTING_FIN_PONG:
        p->pongs++;
        break;
    default:
        ck_assert_uint_eq(frame->first_byte, TESTING_FIN_CLOSE);
        ck_assert_uint_ge(frame->bytes, 2);
        p->code = frame->payload[0] << 8 | frame->payload[1];
        say(p, TESTING_FIN_CLOSE, "");
    }
}

static void read_peers(void)
{
    struct testing_received frame;

    for (size_t i = 0; i < ALLOCATION_PEERS; i++) {
        struct allocation_peer *p = &peers[i];

        while (p->is_socket && p->client.fd >= 0 && !p->idle &&
               testing_client_receive(&p->client, &frame))
            take(p, &frame);
    }
}

static void settle(void)
{
    testing_settle(hub);
    read_peers();
    testing_settle(hub);
}

/* While the hub drives itself to its end, its clock is what lets the peers have
 * their turn. */
static int64_t clock_of_hub(void)
{
    if (shutting) {
        testing_clock_advance(1);
        read_peers();
    }
    return testing_clock();
}

static void check_counts(void)
{
    struct hub_stats stats = testing_stats(hub);
    uint64_t connections = 0;

    for (size_t i = 0; i < ALLOCATION_PEERS; i++)
        connections += is_in(&peers[i]);
    ck_assert_uint_eq(stats.connections, connections);
    ck_assert_uint_le(stats.users, connections);
    ck_assert_uint_le(stats.sessions, connections);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Each is greeted with the next number. */
static void enter(struct allocation_peer *p, const char *user,
                  const char *session, bool is_socket)
{
    unsigned before = testing_refused();
    struct hub_member member = HUB_MEMBER_INIT;
    struct hub_message greeting;
    char text[16];
    hub_id id = {77};
    int err;

    p->user = member.user_id = user;
    p->session = member.session_id = session;
    p->is_socket = is_socket;
    member.data = p;
    snprintf(text, sizeof text, "%u", ++number);
    greeting = hub_binary(text, strlen(text));
    member.greeting = &greeting;
    if (p == &peers[ALLOCATION_FAY])
        member.expires_ms = EXPIRES_MS;
    if (is_socket) {
        p->fd = testing_client_open(&p->client);
        testing_shrink_buffers(p->fd, 1);
        err = hub_adopt(hub, p->fd, &member, &id);
    } else {
        member.deliver = deliver;
        err = hub_register(hub, &member, &id);
    }
    if (err == 0) {
        p->entered = true;
        p->id = id;
        p->wanted[p->wanted_count++] = number;
        return;
    }
    check_refused(err, before);
    ck_assert_uint_eq(id.value, 77);
    if (is_socket) {
        ck_assert(is_open(p->fd));
        ck_assert(!testing_client_at_end(&p->client));
        close(p->fd);
        testing_client_close(&p->client);
    }
}

/* By hub_close(), or without a Close frame. */
static void leave(struct allocation_peer *p, bool politely)
{
    unsigned before = testing_refused();
    bool in = is_in(p);
    int err = politely ? hub_close(hub, p->id, 4001, "enough")
                       : hub_unregister(hub, p->id);

    if (err == 0) {
        ck_assert(in && !is_in(p));
        p->ended = true;
    } else if (err == HUB_ENOENT) {
        ck_assert(!in);
    } else {
        check_refused(err, before);
        ck_assert(is_in(p) == in);
    }
}

static void extend(const struct allocation_peer *p, int64_t expires_ms)
{
    unsigned before = testing_refused();
    bool in = is_in(p);
    int err = hub_extend(hub, p->id, expires_ms);

    if (err == 0)
        ck_assert(in);
    else if (err == HUB_ENOENT)
        ck_assert(!in);
    else
        check_refused(err, before);
}

/* The life. ------------------------------------------------------------ */

static void begin_life(void)
{
    enter(&peers[ALLOCATION_ANN], "ada", "s1", false);
    enter(&peers[ALLOCATION_BEA], "bob", NULL, false);
    enter(&peers[ALLOCATION_CYD], "ada", "s1", true);
    enter(&peers[ALLOCATION_DAN], "ada", "s2", true);
    enter(&peers[ALLOCATION_EVE], "cyd", "s1", true);
    enter(&peers[ALLOCATION_FAY], "fay", NULL, true);
    enter(&peers[ALLOCATION_SLOW], "dan", "s2", true);
    settle();
    check_counts();
}

static void talk_to_them(void)
{
    post_to(hub_to_user("ada"));
    post_to(hub_to_session("s1"));
    post_to(hub_to_either("ada", "s2"));
    post_to(hub_to_user("nobody"));
    if (peers[ALLOCATION_EVE].entered)
        post_to(hub_to_connection(peers[ALLOCATION_EVE].id));
    if (peers[ALLOCATION_BEA].entered)
        post_to(hub_to_connection(peers[ALLOCATION_BEA].id));
    settle();
    post(NULL, 0);
    settle();
    for (int i = 0; i < 20; i++) /* more than a first array takes */
        post(NULL, 0);
    post_to(hub_to_user("ada"));
    settle();
    check_counts();
}

static void let_them_talk(void)
{
    struct allocation_peer *p = &peers[ALLOCATION_CYD];

    say(p, 0x02, "in ");
    settle();
    say(p, TESTING_FIN_PING, "?");
    say(p, 0x00, "three");
    settle();
    say(p, 0x80, " parts");
    settle();
    /* Half a header, and the rest. */
    (void)!send(peers[ALLOCATION_EVE].client.fd, "\x82", 1, MSG_NOSIGNAL);
    settle();
    (void)!send(peers[ALLOCATION_EVE].client.fd, "\x8E\0\0\0\0" FRAGMENTED,
                5 + strlen(FRAGMENTED), MSG_NOSIGNAL);
    settle();
    check_counts();
}

/* One expires, one is extended in time, one is not to expire after all. */
static void let_time_pass(void)
{
    extend(&peers[ALLOCATION_BEA], 5000);
    extend(&peers[ALLOCATION_DAN], 5000);
    settle();
    testing_clock_advance(EXPIRES_MS - WARNING_MS);
    settle();
    extend(&peers[ALLOCATION_BEA], 100000);
    extend(&peers[ALLOCATION_DAN], 0);
    settle();
    testing_clock_advance(WARNING_MS);
    settle();
    post(NULL, 0);
    testing_clock_advance(GRACE_MS);
    settle();
    check_counts();
}

static void reject_one(void)
{
    unsigned before = testing_refused();
    struct hub_rejection rejection = HUB_REJECTION_INIT;
    struct testing_received frame;
    int fd = testing_client_open(&rejected), err;

    rejection.code = 3003;
    rejection.reason = "forbidden";
    rejected_code = 0;
    err = hub_reject(hub, fd, &rejection);
    if (err != 0) {
        check_refused(err, before);
        ck_assert(is_open(fd));
        close(fd);
        return;
    }
    settle();
    if (testing_client_receive(&rejected, &frame)) {
        ck_assert_uint_eq(frame.first_byte, TESTING_FIN_CLOSE);
        rejected_code = frame.payload[0] << 8 | frame.payload[1];
        testing_client_send(&rejected, TESTING_FIN_CLOSE, "", 0);
    }
    settle();
    ck_assert(testing_client_at_end(&rejected));
    ck_assert(!is_open(fd));
}

int allocation_rejected(void)
{
    return rejected_code;
}

static void fill_queue(void)
{
    struct hub_target to = hub_to_connection(peers[ALLOCATION_SLOW].id);

    peers[ALLOCATION_SLOW].idle = true;
    for (int i = 0; i < FLOOD; i++) {
        if (peers[ALLOCATION_SLOW].entered)
            post(&to, LARGE);
        if (i == 5)
            post(NULL, 0);
        if (i % 3 == 2)
            settle();
    }
    post(NULL, LARGE);
    settle();
    check_counts();
    peers[ALLOCATION_SLOW].idle = false;
}

static void let_them_leave(void)
{
    post(NULL, 0);
    leave(&peers[ALLOCATION_DAN], true);
    leave(&peers[ALLOCATION_ANN], false);
    leave(&peers[ALLOCATION_EVE], false);
    post(NULL, 0);
    settle();
    leave(&peers[ALLOCATION_DAN], true); /* is gone: nobody else's id */
    enter(&peers[ALLOCATION_LATE], "eve", "s3", true);
    settle();
    check_counts();
    post(NULL, 0);
    post_to(hub_to_session("s3"));
}

static void end_life(void)
{
    struct hub_stats stats;

    shutting = true;
    ck_assert_int_eq(hub_shutdown(hub, 60000), 0);
    shutting = false;
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("x")), HUB_ESHUTDOWN);
    stats = testing_stats(hub);
    ck_assert_uint_eq(stats.connections, 0);
    ck_assert_uint_eq(stats.users, 0);
    ck_assert_uint_eq(stats.sessions, 0);
    ck_assert_uint_eq(stats.opened, stats.closed);
    ck_assert_uint_eq(atomic_load(&hub->places.held), 0);
    ck_assert_uint_eq(atomic_load(&hub->rejecting), 0);
    read_peers();
}

int allocation_create(enum hub_slow_consumer policy)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    int err;

    memset(peers, 0, sizeof peers);
    for (size_t i = 0; i < ALLOCATION_PEERS; i++)
        peers[i].client.fd = -1;
    rejected = (struct testing_client){.fd = -1};
    number = 0;
    options.flags = HUB_HOST_LOOP;
    options.slow_consumer = policy;
    options.queue_bytes = QUEUE;
    options.close_timeout_ms = 40; /* and its ticks as short */
    options.expiry_warning_ms = WARNING_MS;
    options.expiry_grace_ms = GRACE_MS;
    options.expiring = on_expiring;
    options.opened = on_opened;
    options.message = on_message;
    options.closed = on_closed;
    hub = NULL;
    err = hub__create(&hub, &options, clock_of_hub);
    ck_assert((hub != NULL) == (err == 0));
    return err;
}

struct allocation_peer *allocation_live(void)
{
    begin_life();
    talk_to_them();
    let_them_talk();
    let_time_pass();
    reject_one();
    fill_queue();
    settle();
    let_them_leave();
    end_life();
    return peers;
}

void allocation_release(void)
{
    hub_destroy(hub);
    for (size_t i = 0; i < ALLOCATION_PEERS; i++)
        testing_client_close(&peers[i].client);
    testing_client_close(&rejected);
}
