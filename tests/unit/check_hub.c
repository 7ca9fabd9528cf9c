/* check_hub.c - a hub as a whole: made and destroyed with every resource
 * failing in turn, arguments of the sending calls, and shutting down.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"
#include "testing_rings.h"

/* Making. -------------------------------------------------------------- */

START_TEST(a_hub_comes_and_goes)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    static int data;
    hub_t *hub;

    ck_assert_int_eq(hub_create(&hub, NULL), 0);
    ck_assert_ptr_null(hub_data(hub));
    hub_destroy(hub);
    options.data = &data;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    ck_assert_ptr_eq(hub_data(hub), &data);
    hub_destroy(hub);
    hub_destroy(NULL);
    ck_assert_ptr_null(hub_data(NULL));
}
END_TEST

/* Only a loop that may send in either way does without some memory. */
static void check_sender(hub_t *hub, const struct hub_options *options,
                         unsigned refused)
{
    struct hub_stats stats = HUB_STATS_INIT;

    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    if (options->sender == HUB_SENDER_URING)
        ck_assert_uint_eq(stats.uring_loops, stats.loops);
    if (refused == 0)
        return;
    ck_assert_int_eq(options->sender, HUB_SENDER_AUTO);
    ck_assert_uint_eq(stats.uring_loops,
                      testing_has_rings() ? stats.loops - 1 : 0);
}

static void check_memory(const struct hub_options *options)
{
    unsigned nth = 0, refused;
    hub_t *hub = NULL;
    int err;

    do {
        testing_fail_allocation(++nth);
        err = hub_create(&hub, options);
        refused = testing_allow_memory();
        if (err != 0) {
            ck_assert_int_eq(err, HUB_ENOMEM);
            ck_assert_ptr_null(hub);
            ck_assert_uint_eq(refused, 1);
        } else {
            check_sender(hub, options, refused);
            hub_destroy(hub);
            hub = NULL;
        }
    } while (refused > 0);
    ck_assert_uint_gt(nth, 7);
}

START_TEST(without_memory_there_is_no_hub)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    for (unsigned sender = HUB_SENDER_AUTO; sender <= HUB_SENDER_SENDMSG;
         sender++) {
        if (sender == HUB_SENDER_URING && !testing_has_rings())
            continue;
        options.sender = (enum hub_sender)sender;
        options.loops = 3;
        options.flags = 0;
        check_memory(&options);
        options.loops = 0;
        options.flags = HUB_HOST_LOOP;
        check_memory(&options);
    }
}
END_TEST

START_TEST(without_descriptors_there_is_no_hub)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct rlimit before, few;
    unsigned allowed = 0;
    hub_t *hub = NULL;
    int err, fd = dup(0);

    options.loops = 2;
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    do {
        few = (struct rlimit){(rlim_t)fd + allowed++, before.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        err = hub_create(&hub, &options);
        if (err != 0) {
            ck_assert_int_eq(err, HUB_ESYSTEM);
            ck_assert_int_eq(errno, EMFILE);
            ck_assert_ptr_null(hub);
        }
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        ck_assert_uint_lt(allowed, 20);
    } while (err != 0);
    ck_assert_uint_ge(allowed, 7); /* three a loop; some are taken, perhaps */
    hub_destroy(hub);
    ck_assert_int_eq(dup(0), fd); /* none was left open */
    close(fd);
}
END_TEST

static char said[200];

static void keep_said(void *data, enum hub_log_level level, const char *text)
{
    (void)data;
    ck_assert_int_eq(level, HUB_LOG_INFO);
    strncpy(said, text, sizeof said - 1);
}

START_TEST(it_says_how_it_sends)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    unsigned nth = 0;
    hub_t *hub;

    options.log = keep_said;
    options.loops = 3;
    options.sender = HUB_SENDER_SENDMSG;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    ck_assert_str_eq(said, "sends by sendmsg");
    hub_destroy(hub);
    if (!testing_has_rings())
        return;
    options.sender = HUB_SENDER_URING;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    ck_assert_str_eq(said, "sends by io_uring");
    hub_destroy(hub);
    if (getenv("HUB_TEST_SENDMSG") != NULL)
        return;
    options.sender = HUB_SENDER_AUTO;
    do /* until it is a ring that there is no memory for */
        testing_fail_allocation(++nth);
    while (hub_create(&hub, &options) != 0);
    ck_assert_uint_eq(testing_allow_memory(), 1);
    ck_assert_ptr_nonnull(strstr(said, "by io_uring in 2 of 3 loops"));
    hub_destroy(hub);
}
END_TEST

/* Sending. ------------------------------------------------------------- */

START_TEST(a_target_is_an_id_or_names)
{
    hub_t *hub = testing_stage(NULL);
    struct hub_target to = {.id = {0}};
    struct testing_peer peer;

    testing_enter(hub, &peer, "u", "s");
    ck_assert_int_eq(hub_send(hub, to, hub_text("x")), HUB_EINVAL);
    to = hub_to_connection(peer.id);
    to.user_id = "u";
    ck_assert_int_eq(hub_send(hub, to, hub_text("x")), HUB_EINVAL);
    to.user_id = NULL;
    to.session_id = "s";
    ck_assert_int_eq(hub_send(hub, to, hub_text("x")), HUB_EINVAL);
    to.session_id = NULL;
    ck_assert_int_eq(hub_send(hub, to, hub_text("x")), 1);
    ck_assert_int_eq(hub_send(NULL, to, hub_text("x")), HUB_EINVAL);
    ck_assert_int_eq(hub_broadcast(NULL, hub_text("x")), HUB_EINVAL);
    testing_settle(hub);
    ck_assert_uint_eq(peer.delivered, 1);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_message_is_text_or_binary_with_a_payload)
{
    hub_t *hub = testing_stage(NULL);
    struct hub_message message = hub_text("x");
    struct testing_peer peer;

    testing_enter(hub, &peer, "u", NULL);
    for (int kind = -1; kind < 16; kind++) {
        int expected = kind == HUB_TEXT || kind == HUB_BINARY ? 1 : HUB_EINVAL;

        message.kind = (enum hub_kind)kind;
        ck_assert_int_eq(hub_broadcast(hub, message), expected);
        ck_assert_int_eq(hub_send(hub, hub_to_user("u"), message), expected);
    }
    message = hub_binary(NULL, 1);
    ck_assert_int_eq(hub_broadcast(hub, message), HUB_EINVAL);
    ck_assert_int_eq(hub_send(hub, hub_to_user("u"), message), HUB_EINVAL);
    message = hub_binary(NULL, 0);
    ck_assert_int_eq(hub_broadcast(hub, message), 1);
    message = hub_binary("", SIZE_MAX);
    ck_assert_int_eq(hub_broadcast(hub, message), HUB_ENOMEM);
    testing_settle(hub);
    ck_assert_uint_eq(peer.delivered, 5);
    hub_destroy(hub);
}
END_TEST

START_TEST(nobody_there_is_no_error)
{
    hub_t *hub = testing_stage(NULL);

    ck_assert_int_eq(hub_broadcast(hub, hub_text("x")), 0);
    ck_assert_int_eq(hub_send(hub, hub_to_user("x"), hub_text("x")), 0);
    ck_assert_int_eq(hub_send(hub, hub_to_session("x"), hub_text("x")), 0);
    ck_assert_int_eq(hub_send(hub, hub_to_either("x", "y"), hub_text("x")), 0);
    ck_assert_int_eq(hub_send(hub, hub_to_user(""), hub_text("x")), 0);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_payload_is_copied)
{
    hub_t *hub = testing_stage(NULL);
    struct testing_peer peer;
    char payload[] = "as it was";

    testing_enter(hub, &peer, "u", NULL);
    ck_assert_int_eq(hub_broadcast(hub, hub_text(payload)), 1);
    memset(payload, 'X', sizeof payload);
    testing_settle(hub);
    ck_assert_mem_eq(peer.last, "as it was", 9);
    hub_destroy(hub);
}
END_TEST

/* Inside callbacks. ---------------------------------------------------- */

static int results[8];

static void try_everything(hub_t *hub, const struct hub_connection *connection,
                           const struct hub_message *message)
{
    struct hub_stats stats = HUB_STATS_INIT;

    (void)message;
    results[0] = hub_poll(hub, 0);
    results[1] = hub_shutdown(hub, 0);
    results[2] = (int)hub_broadcast(hub, hub_text("from inside"));
    results[3] = (int)hub_send(hub, hub_to_connection(connection->id),
                               hub_text("to you"));
    results[4] = hub_stats(hub, &stats);
    testing_gate_pass(connection->data, 1);
}

START_TEST(a_callback_may_send_but_not_wait)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_gate gate = TESTING_GATE_INIT;
    struct hub_member member = HUB_MEMBER_INIT;
    struct testing_client client;
    hub_t *hub;

    options.message = try_everything;
    hub = testing_stage(&options);
    member.user_id = "u";
    member.data = &gate;
    ck_assert_int_eq(
        hub_adopt(hub, testing_client_open(&client), &member, NULL), 0);
    testing_client_send(&client, TESTING_FIN_TEXT, "go", 2);
    testing_settle(hub);
    ck_assert_uint_eq(testing_gate_count(&gate), 1);
    ck_assert_int_eq(results[0], HUB_EDEADLK);
    ck_assert_int_eq(results[1], HUB_EDEADLK);
    ck_assert_int_eq(results[2], 1);
    ck_assert_int_eq(results[3], 1);
    ck_assert_int_eq(results[4], 0);
    testing_client_expect_text(&client, "from inside");
    testing_client_expect_text(&client, "to you");
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

START_TEST(so_it_is_with_threads)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_gate gate = TESTING_GATE_INIT;
    struct hub_member member = HUB_MEMBER_INIT;
    struct testing_client client;
    hub_t *hub;

    options.loops = 2;
    options.message = try_everything;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    member.user_id = "u";
    member.data = &gate;
    ck_assert_int_eq(
        hub_adopt(hub, testing_client_open(&client), &member, NULL), 0);
    testing_client_send(&client, TESTING_FIN_TEXT, "go", 2);
    ck_assert(testing_gate_await(&gate, 1));
    ck_assert_int_eq(results[0], HUB_EINVAL);
    ck_assert_int_eq(results[1], HUB_EDEADLK);
    ck_assert_int_eq(results[2], 1);
    ck_assert_int_eq(results[3], 1);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

/* One loop's callbacks keep sending to the other's while the hub goes. */
static int send_on(void *data, hub_id id, const struct hub_message *message)
{
    (void)id;
    (void)message;
    hub_broadcast(*(hub_t **)data, hub_text("again"));
    return 0;
}

START_TEST(destroying_while_callbacks_send_is_safe)
{
    for (int round = 0; round < 50; round++) {
        struct hub_options options = HUB_OPTIONS_INIT;
        struct hub_member member = HUB_MEMBER_INIT;
        hub_t *hub;

        options.loops = 3;
        ck_assert_int_eq(hub_create(&hub, &options), 0);
        member.user_id = "u";
        member.data = &hub;
        member.deliver = send_on;
        for (int i = 0; i < 6; i++)
            ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
        ck_assert_int_eq(hub_broadcast(hub, hub_text("go")), 6);
        hub_destroy(hub);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_hub_comes_and_goes,
        without_memory_there_is_no_hub,
        without_descriptors_there_is_no_hub,
        it_says_how_it_sends,
        a_target_is_an_id_or_names,
        a_message_is_text_or_binary_with_a_payload,
        nobody_there_is_no_error,
        a_payload_is_copied,
        a_callback_may_send_but_not_wait,
        so_it_is_with_threads,
        destroying_while_callbacks_send_is_safe,
    };

    return testing_run("hub", tests, TESTING_LENGTH(tests));
}
