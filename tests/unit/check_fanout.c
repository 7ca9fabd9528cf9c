/* check_fanout.c - broadcasts of one turn: in order with all other posts, for
 * every short sequence of posts; counted exactly; and the memory they are
 * joined in.
 */
#include "loop/fanout.h"

#include <string.h>

#include "loop/loop.h"
#include "testing.h"

/* Every sequence of posts. ---------------------------------------------- */

/* B broadcast, X a broadcast to all but the target, T to the target, J somebody
 * joins, C the target is closed, D it is dropped, P the loop turns. */
static const char letters[] = "BXTJCDP";

#define LETTERS (sizeof letters - 1)
#define STEPS 5
#define CLOSE_CODE 4001

/* One who listens, and what it ought to hear: one letter a message. */
struct guest {
    struct testing_peer peer; /* the first field: it is the member's data */
    struct testing_client client;
    bool is_socket;
    char end;                 /* 'C', 'D', or 0: it stays */
    char expected[STEPS + 2]; /* in order */
    size_t sure;              /* of these, at least so many */
    char heard[STEPS + 2];
    size_t heard_count;
};

/* Targets, one of each kind; bystanders, enough sockets for a ring to be used;
 * then those who join. */
enum { TARGETS = 2, BYSTANDERS = 6, GUESTS = TARGETS + BYSTANDERS + 2 * STEPS };

struct scene {
    hub_t *hub;
    const char *posts;
    struct guest guests[GUESTS];
    size_t guest_count;
};

static void hear(struct guest *g, const void *payload, size_t bytes)
{
    ck_assert_uint_eq(bytes, 1);
    ck_assert_uint_lt(g->heard_count, sizeof g->heard - 1);
    memcpy(&g->heard[g->heard_count++], payload, 1);
}

static int deliver(void *data, hub_id id, const struct hub_message *message)
{
    hear(data, message->payload, message->payload_bytes);
    return testing_deliver(data, id, message);
}

/* Every other one is a socket. */
static void let_in(struct scene *scene, const char *user)
{
    struct guest *g = &scene->guests[scene->guest_count];
    struct hub_member member = HUB_MEMBER_INIT;

    *g = (struct guest){.is_socket = scene->guest_count++ % 2 == 0};
    member.user_id = user;
    member.data = g;
    member.deliver = g->is_socket ? NULL : deliver;
    if (g->is_socket)
        ck_assert_int_eq(hub_adopt(scene->hub, testing_client_open(&g->client),
                                   &member, &g->peer.id),
                         0);
    else
        ck_assert_int_eq(hub_register(scene->hub, &member, &g->peer.id), 0);
}

static void expect(struct guest *g, char message)
{
    g->expected[strlen(g->expected)] = message;
}

static void send_letter(struct scene *scene, char letter, char message)
{
    char text[2] = {message, '\0'};
    struct hub_target target = hub_to_user("target");
    struct hub_target to =
        letter == 'T' ? hub_to_user("target") : hub_to_everybody();
    size_t least = letter == 'X' ? TARGETS : 0;
    size_t most = letter == 'T' ? TARGETS : scene->guest_count;
    int64_t recipients = 0;

    for (size_t i = least; i < most; i++) {
        if (scene->guests[i].end == 0) {
            expect(&scene->guests[i], message);
            recipients++;
        }
    }
    to.except = letter == 'X' ? &target : NULL;
    ck_assert_int_eq(hub_send(scene->hub, &to, HUB_TEXT_OF(text), NULL),
                     recipients);
}

static void end_targets(struct scene *scene, char how)
{
    for (size_t i = 0; i < TARGETS; i++) {
        struct guest *g = &scene->guests[i];
        int expected = g->end == 0 ? 0 : HUB_ENOENT;

        if (how == 'C')
            ck_assert_int_eq(
                hub_close(scene->hub, g->peer.id, CLOSE_CODE, NULL), expected);
        else
            ck_assert_int_eq(hub_unregister(scene->hub, g->peer.id), expected);
        if (g->end == 0)
            g->end = how;
    }
}

static void turn(struct scene *scene)
{
    ck_assert_int_eq(hub_poll(scene->hub, 0), 0);
    for (size_t i = 0; i < scene->guest_count; i++) {
        struct guest *g = &scene->guests[i];

        if (g->end == 0)
            g->sure = strlen(g->expected);
    }
}

static void post(struct scene *scene, char letter, char message)
{
    switch (letter) {
    case 'B':
    case 'X':
    case 'T':
        send_letter(scene, letter, message);
        break;
    case 'J':
        let_in(scene, "late");
        let_in(scene, "late");
        break;
    case 'P':
        turn(scene);
        break;
    default:
        end_targets(scene, letter);
    }
}

static void listen_to_socket(struct guest *g)
{
    struct testing_received frame;

    while (g->heard_count < strlen(g->expected) &&
           testing_client_receive(&g->client, &frame)) {
        ck_assert_uint_eq(frame.first_byte, TESTING_FIN_TEXT);
        hear(g, frame.payload, frame.bytes);
    }
    if (g->end == 'C')
        testing_client_expect_close(&g->client, CLOSE_CODE);
    if (g->end == 'D')
        ck_assert(testing_client_at_end(&g->client));
    testing_client_expect_nothing(&g->client);
    testing_client_close(&g->client);
}

static void check_guest(const struct scene *scene, struct guest *g)
{
    bool is_cut = g->is_socket && g->end == 'D';

    if (g->is_socket)
        listen_to_socket(g);
    /* Who is cut off misses what was not out yet, and only the end of it. */
    if (g->heard_count < (is_cut ? g->sure : strlen(g->expected)) ||
        strncmp(g->heard, g->expected, g->heard_count) != 0)
        ck_abort_msg("%s: '%s' came, not '%s'", scene->posts, g->heard,
                     g->expected);
    ck_assert_uint_eq(g->peer.opened, 1);
    ck_assert_uint_eq(g->peer.wrong, 0);
}

static void perform(struct scene *scene, const char *posts)
{
    scene->guest_count = 0;
    scene->posts = posts;
    for (size_t i = 0; i < TARGETS; i++)
        let_in(scene, "target");
    for (size_t i = 0; i < BYSTANDERS; i++)
        let_in(scene, "bystander");
    testing_settle(scene->hub);
    for (size_t i = 0; posts[i] != '\0'; i++)
        post(scene, posts[i], (char)('1' + i));
    testing_settle(scene->hub);
    for (size_t i = 0; i < scene->guest_count; i++)
        check_guest(scene, &scene->guests[i]);
    testing_settle(scene->hub); /* the sockets are gone now */
    for (size_t i = 0; i < scene->guest_count; i++) {
        struct guest *g = &scene->guests[i];

        if (g->peer.closed == 0)
            ck_assert_int_eq(hub_unregister(scene->hub, g->peer.id), 0);
    }
    testing_settle(scene->hub);
    for (size_t i = 0; i < scene->guest_count; i++) {
        ck_assert_uint_eq(scene->guests[i].peer.closed, 1);
        ck_assert_uint_eq(scene->guests[i].peer.info.messages_out,
                          scene->guests[i].heard_count);
    }
}

START_TEST(every_sequence_of_posts_is_seen_in_its_order)
{
    static struct scene scene;
    char posts[STEPS + 1];
    unsigned sequences = 0;

    scene.hub = testing_stage(NULL);
    for (size_t length = 1, most = LETTERS; length <= STEPS;
         length++, most *= LETTERS) {
        for (size_t number = 0; number < most; number++) {
            memset(posts, 0, sizeof posts);
            for (size_t i = 0, left = number; i < length; i++, left /= LETTERS)
                posts[i] = letters[left % LETTERS];
            perform(&scene, posts);
            sequences++;
        }
    }
    ck_assert_uint_eq(sequences, 7 + 49 + 343 + 2401 + 16807);
    hub_destroy(scene.hub);
}
END_TEST

/* A few of them, as they are told to people. ---------------------------- */

START_TEST(who_joins_gets_only_what_comes_later)
{
    struct testing_client client;
    struct testing_peer peer = {.id = {0}}, early;
    struct hub_member member = HUB_MEMBER_INIT;
    hub_t *hub = testing_stage(NULL);

    testing_enter(hub, &early, "early", NULL);
    member.user_id = "late";
    member.data = &peer;
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("before")), 1);
    ck_assert_int_eq(
        hub_adopt(hub, testing_client_open(&client), &member, NULL), 0);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("after")), 2);
    ck_assert_int_eq(hub_poll(hub, 0), 0); /* all in one turn */
    testing_client_expect_text(&client, "after");
    testing_client_expect_nothing(&client);
    ck_assert_uint_eq(early.delivered, 2);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

/* Its last act: by now the Close frame is on its way to the client. */
static void answer_close(hub_t *hub, const struct hub_connection *connection,
                         const struct hub_close_info *info)
{
    (void)hub;
    (void)info;
    if (strcmp(connection->user_id, "member") == 0)
        testing_client_send_close(connection->data, 1001, "");
}

static int ignore(void *data, hub_id id, const struct hub_message *message)
{
    (void)data;
    (void)id;
    (void)message;
    return 0;
}

/* Sends to all but the one that has just broken the protocol. */
static void tell_others(hub_t *hub, const struct hub_connection *connection,
                        const struct hub_message *message)
{
    struct hub_target others = hub_to_everybody();
    const hub_id *left_out = hub_data(hub);

    (void)connection;
    (void)message;
    others.except = HUB_TO_CONNECTION(*left_out);
    ck_assert_int_eq(hub_send(hub, &others, HUB_TEXT_OF("3"), NULL), 1);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("4")), 1);
}

/* What was posted before it broke the protocol still is for it, and what was
 * posted after that is not, though it comes along with that. */
START_TEST(who_leaves_gets_only_what_came_before)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_client clients[2];
    struct testing_peer peers[2];
    hub_id left_out;
    hub_t *hub;

    testing_record(&options);
    options.message = tell_others;
    options.data = &left_out;
    hub = testing_stage(&options);
    for (size_t i = 0; i < 2; i++)
        testing_join(hub, &clients[i], &peers[i], "u", NULL);
    left_out = peers[0].id;
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("1")), 2);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_CONNECTION(left_out), HUB_TEXT_OF("2"), NULL), 1);
    testing_client_send_raw(&clients[0], "\xC1", 1); /* RSV1 */
    testing_client_send(&clients[1], TESTING_FIN_TEXT, "go", 2);
    testing_settle(hub);
    testing_client_expect_text(&clients[0], "1");
    testing_client_expect_text(&clients[0], "2");
    testing_client_expect_close(&clients[0], 1002);
    testing_client_expect_text(&clients[1], "1");
    testing_client_expect_text(&clients[1], "3");
    testing_client_expect_text(&clients[1], "4");
    hub_destroy(hub);
    for (size_t i = 0; i < 2; i++)
        testing_client_close(&clients[i]);
}
END_TEST

START_TEST(a_shutdown_comes_behind_the_broadcasts)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_member member = HUB_MEMBER_INIT;
    struct hub_stats stats = HUB_STATS_INIT;
    struct testing_client client;
    hub_t *hub;

    options.closed = answer_close;
    hub = testing_stage(&options);
    member.user_id = "socket";
    ck_assert_int_eq(
        hub_adopt(hub, testing_client_open(&client), &member, NULL), 0);
    member.user_id = "member";
    member.data = &client;
    member.deliver = ignore;
    ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("1")), 2);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("2")), 2);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("3")), 2);
    ck_assert_int_eq(hub_shutdown(hub, 20000), 0);
    testing_client_expect_text(&client, "1");
    testing_client_expect_text(&client, "2");
    testing_client_expect_text(&client, "3");
    testing_client_expect_close(&client, 1001);
    ck_assert(testing_client_at_end(&client));
    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    ck_assert_uint_eq(stats.messages_out, 6);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

START_TEST(what_was_broadcast_before_the_end_is_delivered_in_it)
{
    struct testing_peer peer;
    hub_t *hub = testing_stage(NULL);

    testing_enter(hub, &peer, "u", NULL);
    for (int i = 0; i < 3 * HUB__TURN_POSTS; i++)
        ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("x")), 1);
    ck_assert_int_eq(hub_unregister(hub, peer.id), 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_uint_eq(peer.delivered, 3 * HUB__TURN_POSTS);
    ck_assert_uint_eq(peer.wrong, 0);
    hub_destroy(hub);
}
END_TEST

/* Figures. -------------------------------------------------------------- */

START_TEST(messages_and_bytes_are_counted_exactly)
{
    static char text[70001];
    static const size_t sizes[] = {0, 1, 125, 126, 1000, 65535, 65536, 70000};
    struct hub_stats stats = HUB_STATS_INIT;
    struct testing_client clients[5];
    struct testing_peer peers[6];
    struct testing_received frame;
    uint64_t framed = 0, bare = 0;
    hub_t *hub = testing_stage(NULL);

    for (size_t i = 0; i < 5; i++)
        testing_join(hub, &clients[i], &peers[i], "socket", NULL);
    testing_enter(hub, &peers[5], "member", NULL);
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < TESTING_LENGTH(sizes); i++) {
        ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(text, sizes[i])), 6);
        bare += sizes[i];
        framed += sizes[i] + (sizes[i] < 126 ? 2 : sizes[i] < 65536 ? 4 : 10);
        if (i % 3 == 0) {
            testing_settle(hub);
            for (size_t c = 0; c < 5; c++)
                while (testing_client_receive(&clients[c], &frame))
                    ;
        }
    }
    testing_settle(hub);
    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    ck_assert_uint_eq(stats.messages_out, 6 * TESTING_LENGTH(sizes));
    ck_assert_uint_eq(stats.bytes_out, 5 * framed + bare);
    hub_destroy(hub);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_uint_eq(peers[i].info.messages_out, TESTING_LENGTH(sizes));
        ck_assert_uint_eq(peers[i].info.bytes_out, i < 5 ? framed : bare);
    }
    for (size_t i = 0; i < 5; i++)
        testing_client_close(&clients[i]);
}
END_TEST

/* Memory. --------------------------------------------------------------- */

/* Until the only client has read it all. */
static void broadcast(hub_t *hub, struct testing_client *client, size_t bytes,
                      unsigned times)
{
    static char text[100000];
    struct testing_received frame;

    for (unsigned i = 0; i < times; i++)
        ck_assert_int_eq(hub_broadcast(hub, HUB_BINARY_OF(text, bytes)), 1);
    for (unsigned left = times; left > 0;) {
        testing_settle(hub);
        while (testing_client_receive(client, &frame))
            left--;
    }
    testing_settle(hub);
}

START_TEST(what_a_peak_took_is_given_back)
{
    struct testing_client client;
    struct testing_peer peer;
    hub_t *hub = testing_stage(NULL);
    const struct hub__fanout *f = &hub->loops[0].fanout;

    testing_join(hub, &client, &peer, "u", NULL);
    broadcast(hub, &client, 90000, 1);
    ck_assert_ptr_null(f->joined); /* one is nothing to be joined */
    broadcast(hub, &client, 100, 2);
    ck_assert_ptr_nonnull(f->joined);
    ck_assert_uint_le(f->joined_size, 65536);
    broadcast(hub, &client, 50000, 3);
    ck_assert_ptr_null(f->joined);
    ck_assert_uint_eq(f->joined_size, 0);
    ck_assert_uint_eq(f->count, 0);
    ck_assert_uint_eq(f->bytes, 0);
    broadcast(hub, &client, 100, 2);
    ck_assert_ptr_nonnull(f->joined);
    ck_assert_uint_eq(peer.closed, 0);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_sequence_of_posts_is_seen_in_its_order,
        who_joins_gets_only_what_comes_later,
        who_leaves_gets_only_what_came_before,
        a_shutdown_comes_behind_the_broadcasts,
        what_was_broadcast_before_the_end_is_delivered_in_it,
        messages_and_bytes_are_counted_exactly,
        what_a_peak_took_is_given_back,
    };

    return testing_run("fanout", tests, TESTING_LENGTH(tests));
}
