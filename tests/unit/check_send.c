/* check_send.c - arguments of the calls that send, and such calls from inside
 * callbacks.
 */
#include <string.h>

#include "testing.h"

/* Targets. ------------------------------------------------------------- */

static hub_t *hub;
static struct testing_peer peer;

static void set_up(void)
{
    hub = testing_stage(NULL);
    testing_enter(hub, &peer, "u", "s");
}

static int64_t send_to(struct hub_target target)
{
    return hub_send(hub, &target, HUB_TEXT_OF("x"), NULL);
}

START_TEST(a_target_names_something)
{
    struct hub_target to = HUB_TARGET_INIT;

    set_up();
    ck_assert_int_eq(send_to(to), HUB_EINVAL);
    ck_assert_int_eq(hub_send(hub, NULL, HUB_TEXT_OF("x"), NULL), HUB_EINVAL);
    to = hub_to_connection(peer.id);
    ck_assert_int_eq(hub_send(NULL, &to, HUB_TEXT_OF("x"), NULL), HUB_EINVAL);
    ck_assert_int_eq(hub_broadcast(NULL, HUB_TEXT_OF("x")), HUB_EINVAL);
    ck_assert_int_eq(send_to(to), 1);
    to.user_id = "u"; /* the same connection once more */
    ck_assert_int_eq(send_to(to), 1);
    to.session_id = "s";
    ck_assert_int_eq(send_to(to), 1);
    to.flags = HUB_TO_EVERYBODY;
    ck_assert_int_eq(send_to(to), 1);
    to.flags = 2;
    ck_assert_int_eq(send_to(to), HUB_EINVAL);
    testing_settle(hub);
    ck_assert_uint_eq(peer.delivered, 4);
    hub_destroy(hub);
}
END_TEST

START_TEST(an_id_alone_must_be_there)
{
    struct hub_target to = hub_to_connection((hub_id){77}), nobody;
    const hub_id gone[] = {{77}, {0}, {UINT64_MAX}};

    set_up();
    nobody = hub_to_user("nobody");
    ck_assert_int_eq(send_to(to), HUB_ENOENT);
    to.except = &nobody;
    ck_assert_int_eq(send_to(to), 0);
    to.except = NULL;
    to.user_id = "nobody";
    ck_assert_int_eq(send_to(to), 0);
    to = (struct hub_target)HUB_TARGET_INIT;
    to.ids = gone;
    to.id_count = 1;
    ck_assert_int_eq(send_to(to), 0);
    to.id_count = 3;
    ck_assert_int_eq(send_to(to), 0);
    to.id = peer.id;
    ck_assert_int_eq(send_to(to), 1);
    hub_destroy(hub);
}
END_TEST

START_TEST(lists_hold_what_they_count)
{
    const char *names[] = {"u", NULL};
    static hub_id many[HUB_TARGET_NAMES_MAX + 1];
    struct hub_target to;

    set_up();
    for (int list = 0; list < 3; list++) {
        const size_t counts[] = {1, HUB_TARGET_NAMES_MAX + 1, SIZE_MAX};

        for (size_t i = 0; i < TESTING_LENGTH(counts); i++) {
            to = hub_to_user("u");
            *(list == 0   ? &to.id_count
              : list == 1 ? &to.user_id_count
                          : &to.session_id_count) = counts[i];
            ck_assert_int_eq(send_to(to), HUB_EINVAL);
            to.ids = many;
            to.user_ids = to.session_ids = names;
            ck_assert_int_eq(send_to(to), i == 0 ? 1 : HUB_EINVAL);
        }
    }
    to = (struct hub_target)HUB_TARGET_INIT;
    to.user_ids = names;
    to.user_id_count = 2;
    ck_assert_int_eq(send_to(to), HUB_EINVAL);
    to.user_id_count = 0;
    ck_assert_int_eq(send_to(to), HUB_EINVAL); /* it names nobody */
    to.session_ids = names;
    to.session_id_count = 2;
    ck_assert_int_eq(send_to(to), HUB_EINVAL);
    to.session_id_count = 1;
    to.ids = many;
    to.id_count = HUB_TARGET_NAMES_MAX - 1;
    ck_assert_int_eq(send_to(to), 0);
    to.id_count++;
    ck_assert_int_eq(send_to(to), HUB_EINVAL);
    testing_settle(hub);
    ck_assert_uint_eq(peer.delivered, 3);
    hub_destroy(hub);
}
END_TEST

START_TEST(who_is_excluded_is_a_target_as_well)
{
    struct hub_target to = hub_to_everybody(), except = HUB_TARGET_INIT, other;

    set_up();
    other = hub_to_user("other");
    to.except = &except;
    ck_assert_int_eq(send_to(to), 1); /* nobody is */
    except = hub_to_everybody();
    ck_assert_int_eq(send_to(to), 0);
    except = hub_to_session("s");
    ck_assert_int_eq(send_to(to), 0);
    except.except = &other;
    ck_assert_int_eq(send_to(to), HUB_EINVAL);
    except.except = NULL;
    except.flags = 4;
    ck_assert_int_eq(send_to(to), HUB_EINVAL);
    except.flags = 0;
    except.user_id_count = 1;
    ck_assert_int_eq(send_to(to), HUB_EINVAL);
    except.user_id_count = 0;
    except.struct_size--;
    ck_assert_int_eq(send_to(to), HUB_EINVAL);
    testing_settle(hub);
    ck_assert_uint_eq(peer.delivered, 1);
    hub_destroy(hub);
}
END_TEST

/* Sizes. --------------------------------------------------------------- */

/* As a caller has them who was built against a longer struct. */
struct longer {
    union {
        struct hub_target target;
        struct hub_message message;
        struct hub_send_options options;
        size_t size;
    };
    unsigned char more;
};

START_TEST(longer_structs_work_that_ask_for_nothing_new)
{
    struct longer target = {.target = hub_to_user("u")};
    struct longer message = {.message = hub_text("x")};
    struct longer options = {.options = HUB_SEND_OPTIONS_INIT};
    struct longer *const structs[] = {&target, &message, &options};

    set_up();
    for (size_t i = 0; i < TESTING_LENGTH(structs); i++) {
        struct longer *s = structs[i];
        size_t known = s->size;

        s->size = known - 1;
        ck_assert_int_eq(
            hub_send(hub, &target.target, &message.message, &options.options),
            HUB_EINVAL);
        s->size = offsetof(struct longer, more) + 1;
        ck_assert_int_eq(
            hub_send(hub, &target.target, &message.message, &options.options),
            1);
        s->more = 1;
        ck_assert_int_eq(
            hub_send(hub, &target.target, &message.message, &options.options),
            HUB_EINVAL);
        s->more = 0;
        s->size = known;
    }
    testing_settle(hub);
    ck_assert_uint_eq(peer.delivered, 3);
    hub_destroy(hub);
}
END_TEST

START_TEST(flags_that_are_not_known_are_refused)
{
    struct hub_send_options options = HUB_SEND_OPTIONS_INIT;

    set_up();
    options.flags = 1;
    ck_assert_int_eq(hub_send(hub, HUB_EVERYBODY, HUB_TEXT_OF("x"), &options),
                     HUB_EINVAL);
    options.flags = 0;
    ck_assert_int_eq(hub_send(hub, HUB_EVERYBODY, HUB_TEXT_OF("x"), &options),
                     1);
    hub_destroy(hub);
}
END_TEST

/* Messages. ------------------------------------------------------------ */

START_TEST(a_message_is_text_or_binary_with_a_payload)
{
    struct hub_message message = hub_text("x");

    set_up();
    for (int kind = -1; kind < 16; kind++) {
        int expected = kind == HUB_TEXT || kind == HUB_BINARY ? 1 : HUB_EINVAL;

        message.kind = (enum hub_kind)kind;
        ck_assert_int_eq(hub_broadcast(hub, &message), expected);
        ck_assert_int_eq(hub_send(hub, HUB_TO_USER("u"), &message, NULL),
                         expected);
    }
    message = hub_binary(NULL, 1);
    ck_assert_int_eq(hub_broadcast(hub, &message), HUB_EINVAL);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("u"), &message, NULL),
                     HUB_EINVAL);
    message = hub_binary(NULL, 0);
    ck_assert_int_eq(hub_broadcast(hub, &message), 1);
    message = hub_binary("", SIZE_MAX);
    ck_assert_int_eq(hub_broadcast(hub, &message), HUB_ENOMEM);
    testing_settle(hub);
    ck_assert_uint_eq(peer.delivered, 5);
    hub_destroy(hub);
}
END_TEST

START_TEST(nobody_there_is_no_error)
{
    hub = testing_stage(NULL);
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF("x")), 0);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("x"), HUB_TEXT_OF("x"), NULL),
                     0);
    ck_assert_int_eq(hub_send(hub, HUB_TO_SESSION("x"), HUB_TEXT_OF("x"), NULL),
                     0);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_EITHER("x", "y"), HUB_TEXT_OF("x"), NULL), 0);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER(""), HUB_TEXT_OF("x"), NULL), 0);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_payload_is_copied)
{
    char payload[] = "as it was";

    set_up();
    ck_assert_int_eq(hub_broadcast(hub, HUB_TEXT_OF(payload)), 1);
    memset(payload, 'X', sizeof payload);
    testing_settle(hub);
    ck_assert_mem_eq(peer.last, "as it was", 9);
    hub_destroy(hub);
}
END_TEST

/* Inside callbacks. ---------------------------------------------------- */

static int results[8];

static void try_everything(hub_t *h, const struct hub_connection *connection,
                           const struct hub_message *message)
{
    struct hub_stats stats = HUB_STATS_INIT;

    (void)message;
    results[0] = hub_poll(h, 0);
    results[1] = hub_shutdown(h, 0);
    results[2] = (int)hub_broadcast(h, HUB_TEXT_OF("from inside"));
    results[3] = (int)hub_send(h, HUB_TO_CONNECTION(connection->id),
                               HUB_TEXT_OF("to you"), NULL);
    results[4] = hub_stats(h, &stats);
    testing_gate_pass(connection->data, 1);
}

START_TEST(a_callback_may_send_but_not_wait)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_gate gate = TESTING_GATE_INIT;
    struct hub_member member = HUB_MEMBER_INIT;
    struct testing_client client;

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
        a_target_names_something,
        an_id_alone_must_be_there,
        lists_hold_what_they_count,
        who_is_excluded_is_a_target_as_well,
        longer_structs_work_that_ask_for_nothing_new,
        flags_that_are_not_known_are_refused,
        a_message_is_text_or_binary_with_a_payload,
        nobody_there_is_no_error,
        a_payload_is_copied,
        a_callback_may_send_but_not_wait,
        so_it_is_with_threads,
    };

    return testing_run("send", tests, TESTING_LENGTH(tests));
}
