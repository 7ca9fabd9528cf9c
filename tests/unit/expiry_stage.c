/* expiry_stage.c - see expiry_stage.h. */
#include "expiry_stage.h"

#include <limits.h>
#include <string.h>

hub_t *expiry_hub;
struct expiry_warning expiry_warned;
struct testing_client expiry_client;
struct testing_peer expiry_peer;

static void on_expiring(hub_t *hub, const struct hub_connection *connection,
                        int64_t remaining_ms)
{
    const struct testing_peer *peer = connection->data;
    struct expiry_warning *w = &expiry_warned;

    ck_assert_ptr_eq(hub, expiry_hub);
    ck_assert_str_eq(connection->user_id, "user");
    if (peer != NULL) {
        ck_assert_uint_eq(peer->id.value, connection->id.value);
        ck_assert_uint_eq(peer->opened, 1);
        ck_assert_uint_eq(peer->closed, 0);
    }
    w->count++;
    w->id = connection->id.value;
    w->remaining_ms = remaining_ms;
    if (w->answer != NULL)
        w->answered = w->answer(hub, connection->id);
}

struct hub_options expiry_options(void)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    testing_record(&options);
    options.expiring = on_expiring;
    options.expiry_warning_ms = EXPIRY_WARNING;
    options.expiry_grace_ms = EXPIRY_GRACE;
    options.close_timeout_ms = 60000;
    options.ping_interval_ms = UINT_MAX;
    return options;
}

void expiry_start(const struct hub_options *options)
{
    expiry_warned = (struct expiry_warning){.answered = 1};
    expiry_client.fd = -1;
    expiry_hub = testing_stage(options);
}

struct hub_member expiry_member(struct testing_peer *peer, int64_t expires_ms)
{
    struct hub_member member = HUB_MEMBER_INIT;

    if (peer != NULL)
        *peer = (struct testing_peer){.id = {0}};
    member.user_id = "user";
    member.data = peer;
    member.expires_ms = expires_ms;
    return member;
}

void expiry_join(struct testing_client *client, struct testing_peer *peer,
                 int64_t expires_ms)
{
    struct hub_member member = expiry_member(peer, expires_ms);

    ck_assert_int_eq(
        hub_adopt(expiry_hub, testing_client_open(client), &member, NULL), 0);
    testing_settle(expiry_hub);
    ck_assert_uint_eq(peer->opened, 1);
}

void expiry_enter(struct testing_peer *peer, int64_t expires_ms)
{
    struct hub_member member = expiry_member(peer, expires_ms);

    member.deliver = testing_deliver;
    ck_assert_int_eq(hub_register(expiry_hub, &member, NULL), 0);
    testing_settle(expiry_hub);
    ck_assert_uint_eq(peer->opened, 1);
}

void expiry_set_up(int64_t expires_ms)
{
    struct hub_options options = expiry_options();

    expiry_start(&options);
    expiry_join(&expiry_client, &expiry_peer, expires_ms);
}

void expiry_tear_down(void)
{
    hub_destroy(expiry_hub);
    testing_client_close(&expiry_client);
    ck_assert_uint_eq(expiry_peer.closed, 1);
    ck_assert_uint_eq(expiry_peer.wrong, 0);
}

void expiry_extend(int64_t expires_ms)
{
    ck_assert_int_eq(hub_extend(expiry_hub, expiry_peer.id, expires_ms), 0);
    testing_settle(expiry_hub);
}

bool expiry_is_in(const struct testing_peer *peer)
{
    return hub_send(expiry_hub, HUB_TO_CONNECTION(peer->id), HUB_TEXT_OF("?"),
                    NULL) == 1;
}

void expiry_check_closed(const struct testing_peer *peer,
                         enum hub_close_cause cause, int code)
{
    ck_assert_uint_eq(peer->closed, 1);
    ck_assert_str_eq(hub_close_cause_name(peer->info.cause),
                     hub_close_cause_name(cause));
    ck_assert_int_eq(peer->info.code, code);
}

void expiry_expect_close(const char *reason)
{
    struct testing_received frame;

    ck_assert(testing_client_receive(&expiry_client, &frame));
    ck_assert_uint_eq(frame.first_byte, TESTING_FIN_CLOSE);
    ck_assert_uint_eq(frame.bytes, 2 + strlen(reason));
    ck_assert_int_eq(frame.payload[0] << 8 | frame.payload[1], 3000);
    ck_assert_mem_eq(frame.payload + 2, reason, strlen(reason));
}

int64_t expiry_armed_ms(void)
{
    const struct hub__loop *loop = &expiry_hub->loops[0];

    return loop->armed_ms - loop->host.clock_ms;
}
