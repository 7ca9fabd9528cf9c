/* check_send.c - arguments of the calls that send, and such calls from inside
 * callbacks.
 */
#include <string.h>

#include "testing.h"

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

int main(void)
{
    const TTest *const tests[] = {
        a_target_is_an_id_or_names,
        a_message_is_text_or_binary_with_a_payload,
        nobody_there_is_no_error,
        a_payload_is_copied,
        a_callback_may_send_but_not_wait,
        so_it_is_with_threads,
    };

    return testing_run("send", tests, TESTING_LENGTH(tests));
}
