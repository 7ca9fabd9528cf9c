/* check_connect.c - hub_register(), hub_adopt(), hub_close() and
 * hub_unregister(): what each rejects, that a rejected call changes nothing,
 * and that a stale id never names another connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

static hub_t *hub;
static struct testing_peer peer;

static void set_up(const struct hub_options *options)
{
    peer = (struct testing_peer){.id = {0}};
    hub = testing_stage(options);
}

static struct hub_member member_of(const char *user, const char *session,
                                   hub_deliver_fn *deliver)
{
    struct hub_member member = HUB_MEMBER_INIT;

    member.user_id = user;
    member.session_id = session;
    member.data = &peer;
    member.deliver = deliver;
    return member;
}

/* Nobody came in, nobody was told of anybody. */
static void check_unchanged(void)
{
    struct hub_stats stats = HUB_STATS_INIT;

    testing_settle(hub);
    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    ck_assert_uint_eq(stats.connections, 0);
    ck_assert_uint_eq(stats.opened, 0);
    ck_assert_uint_eq(peer.opened, 0);
    ck_assert_uint_eq(peer.closed, 0);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Entering. ------------------------------------------------------------ */

START_TEST(ids_are_1_to_256_bytes)
{
    char id[300];
    struct hub_member member;

    set_up(NULL);
    memset(id, 'i', sizeof id);
    for (size_t bytes = 0; bytes <= 258; bytes++) {
        bool right = bytes >= 1 && bytes <= 256;
        int err;

        if (bytes > 2 && bytes < 254)
            continue;
        id[bytes] = '\0';
        member = member_of(id, NULL, testing_deliver);
        member.data = NULL;
        err = hub_register(hub, &member, NULL);
        ck_assert_int_eq(err, right ? 0 : HUB_EINVAL);
        member = member_of("u", id, testing_deliver);
        member.data = NULL;
        err = hub_register(hub, &member, NULL);
        ck_assert_int_eq(err, right ? 0 : HUB_EINVAL);
        testing_settle(hub);
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_SESSION(id), HUB_TEXT_OF("x"), NULL), right);
        id[bytes] = 'i';
    }
    hub_destroy(hub);
}
END_TEST

START_TEST(a_member_has_to_be_complete)
{
    struct hub_member member = member_of("u", NULL, testing_deliver);
    hub_id id = {77};

    set_up(NULL);
    ck_assert_int_eq(hub_register(NULL, &member, &id), HUB_EINVAL);
    ck_assert_int_eq(hub_register(hub, NULL, &id), HUB_EINVAL);
    member.deliver = NULL;
    ck_assert_int_eq(hub_register(hub, &member, &id), HUB_EINVAL);
    member = member_of(NULL, "s", testing_deliver);
    ck_assert_int_eq(hub_register(hub, &member, &id), HUB_EINVAL);
    member = member_of("u", NULL, testing_deliver);
    member.struct_size--;
    ck_assert_int_eq(hub_register(hub, &member, &id), HUB_EINVAL);
    member.struct_size = 0;
    ck_assert_int_eq(hub_register(hub, &member, &id), HUB_EINVAL);
    ck_assert_uint_eq(id.value, 77);
    check_unchanged();
    hub_destroy(hub);
}
END_TEST

static int succession;

static void let_successor_in(hub_t *from,
                             const struct hub_connection *connection,
                             const struct hub_close_info *info)
{
    struct hub_member member = member_of("next", NULL, testing_deliver);
    struct hub_stats stats = HUB_STATS_INIT;

    (void)info;
    hub_stats(from, &stats);
    if (strcmp(connection->user_id, "first") == 0 && stats.closed == 1)
        succession = hub_register(from, &member, NULL);
}

START_TEST(who_has_closed_makes_room_for_a_successor)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_member member = member_of("first", NULL, testing_deliver);
    hub_id id;

    options.max_connections = 1;
    options.flags = HUB_HOST_LOOP;
    options.closed = let_successor_in;
    succession = 1;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    ck_assert_int_eq(hub_register(hub, &member, &id), 0);
    ck_assert_int_eq(hub_unregister(hub, id), 0);
    testing_settle(hub);
    ck_assert_int_eq(succession, 0);
    hub_destroy(hub);
}
END_TEST

/* From a caller built against a later header. */
START_TEST(a_longer_member_may_ask_for_nothing_unknown)
{
    struct {
        struct hub_member member;
        unsigned char later[8];
    } longer = {.member = member_of("u", NULL, testing_deliver)};

    set_up(NULL);
    longer.member.struct_size = sizeof longer;
    ck_assert_int_eq(hub_register(hub, &longer.member, NULL), 0);
    longer.later[7] = 1;
    ck_assert_int_eq(hub_register(hub, &longer.member, NULL), HUB_EINVAL);
    hub_destroy(hub);
}
END_TEST

START_TEST(only_connected_stream_sockets_are_adopted)
{
    struct hub_member member = member_of("u", NULL, NULL);
    struct testing_client client;
    int fds[2], fd;

    set_up(NULL);
    ck_assert_int_eq(hub_adopt(hub, -1, &member, NULL), HUB_ENOTSOCK);
    ck_assert_int_eq(hub_adopt(hub, 9999, &member, NULL), HUB_ENOTSOCK);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(hub_adopt(hub, fds[0], &member, NULL), HUB_ENOTSOCK);
    close(fds[0]);
    close(fds[1]);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    ck_assert_int_eq(hub_adopt(hub, fds[0], &member, NULL), HUB_ENOTSOCK);
    close(fds[0]);
    close(fds[1]);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), HUB_ENOTSOCK);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), HUB_ENOTSOCK);
    ck_assert(is_open(fd));
    close(fd);

    fd = testing_client_open(&client);
    ck_assert_int_eq(hub_adopt(NULL, fd, &member, NULL), HUB_EINVAL);
    ck_assert_int_eq(hub_adopt(hub, fd, NULL, NULL), HUB_EINVAL);
    member.deliver = testing_deliver;
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), HUB_EINVAL);
    ck_assert(is_open(fd));
    check_unchanged();
    close(fd);
    testing_client_close(&client);
    hub_destroy(hub);
}
END_TEST

START_TEST(an_adopted_socket_is_the_hubs_to_close)
{
    struct hub_member member = member_of("u", "s", NULL);
    struct testing_client client;
    int fd = testing_client_open(&client);

    set_up(NULL);
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer.opened, 1);
    ck_assert(is_open(fd));
    testing_client_close(&client);
    testing_settle(hub);
    ck_assert(!is_open(fd));
    hub_destroy(hub);
}
END_TEST

/* Makes two connected TCP sockets; the server's end is returned. */
static int tcp_pair(int *other)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd;

    ck_assert_int_eq(
        bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &bytes),
                     0);
    *other = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(
        connect(*other, (struct sockaddr *)&address, sizeof address), 0);
    fd = accept(listener, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    close(listener);
    return fd;
}

static unsigned user_timeout_with(unsigned ping_ms, unsigned pong_ms,
                                  unsigned write_ms)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_member member = member_of("u", NULL, NULL);
    unsigned timeout_ms = 0;
    socklen_t bytes = sizeof timeout_ms;
    int other, no_delay = 0, fd = tcp_pair(&other);

    options.ping_interval_ms = ping_ms;
    options.pong_timeout_ms = pong_ms;
    options.write_timeout_ms = write_ms;
    set_up(&options);
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), 0);
    testing_settle(hub);
    ck_assert_int_eq(
        getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, &bytes), 0);
    ck_assert_int_eq(
        getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &bytes), 0);
    ck_assert_int_ne(no_delay, 0);
    hub_destroy(hub);
    close(other);
    return timeout_ms;
}

START_TEST(the_kernel_gives_up_on_a_tcp_peer_no_sooner_than_we_do)
{
    ck_assert_uint_eq(user_timeout_with(1000, 500, 400), 1500);
    ck_assert_uint_eq(user_timeout_with(1000, 500, 4000), 4000);
    ck_assert_uint_eq(user_timeout_with(~0u, 10000, 1), INT32_MAX);
    ck_assert_uint_eq(user_timeout_with(~0u, ~0u, ~0u), INT32_MAX);
}
END_TEST

START_TEST(the_number_of_connections_is_bounded)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_peer peers[3];
    struct hub_member member = member_of("u", NULL, testing_deliver);
    struct testing_client client;
    int fd;

    options.max_connections = 2;
    set_up(&options);
    testing_enter(hub, &peers[0], "a", NULL);
    testing_join(hub, &client, &peers[1], "b", NULL);
    ck_assert_int_eq(hub_register(hub, &member, NULL), HUB_EFULL);
    member.deliver = NULL;
    fd = dup(client.fd);
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), HUB_EFULL);
    ck_assert(is_open(fd));
    close(fd);
    /* One that is closing counts until it is gone. */
    ck_assert_int_eq(hub_close(hub, peers[1].id, 1000, NULL), 0);
    testing_settle(hub);
    member.deliver = testing_deliver;
    ck_assert_int_eq(hub_register(hub, &member, NULL), HUB_EFULL);
    testing_client_close(&client);
    testing_settle(hub);
    ck_assert_uint_eq(peer.opened, 0);
    testing_enter(hub, &peers[2], "c", NULL);
    hub_destroy(hub);
}
END_TEST

START_TEST(nobody_enters_a_hub_that_shuts_down)
{
    struct hub_member member = member_of("u", NULL, testing_deliver);
    struct testing_client client;
    int fd = testing_client_open(&client);

    set_up(NULL);
    ck_assert_int_eq(hub_shutdown(hub, 100), 0);
    ck_assert_int_eq(hub_register(hub, &member, NULL), HUB_ESHUTDOWN);
    member.deliver = NULL;
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), HUB_ESHUTDOWN);
    ck_assert(is_open(fd));
    check_unchanged();
    close(fd);
    testing_client_close(&client);
    hub_destroy(hub);
}
END_TEST

START_TEST(without_memory_nobody_enters)
{
    struct hub_member member = member_of("user", "session", NULL);
    struct testing_client client;
    unsigned nth = 0;
    int fd, err;

    do {
        hub_id id = {77};

        set_up(NULL);
        fd = testing_client_open(&client);
        testing_fail_allocation(++nth);
        err = hub_adopt(hub, fd, &member, &id);
        testing_allow_memory();
        if (err != 0) {
            ck_assert_int_eq(err, HUB_ENOMEM);
            ck_assert(is_open(fd));
            ck_assert_uint_eq(id.value, 77);
            check_unchanged();
            close(fd);
        }
        hub_destroy(hub);
        testing_client_close(&client);
    } while (err != 0);
    ck_assert_uint_gt(nth, 5);
    ck_assert_uint_eq(peer.opened, 1);
    ck_assert_uint_eq(peer.closed, 1);
}
END_TEST

START_TEST(whom_the_loop_cannot_hold_is_closed_again)
{
    struct hub_member member = member_of("user", NULL, NULL);
    struct testing_client client;
    int fd = testing_client_open(&client);

    set_up(NULL);
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), 0);
    testing_fail_after(0);
    testing_settle(hub);
    ck_assert_uint_eq(testing_allow_memory(), 1);
    ck_assert_uint_eq(peer.opened, 1);
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_int_eq(peer.info.cause, HUB_CLOSED_ERROR);
    ck_assert(!is_open(fd));
    testing_client_close(&client);
    hub_destroy(hub);
    ck_assert_uint_eq(peer.wrong, 0);
}
END_TEST

/* Leaving. ------------------------------------------------------------- */

START_TEST(only_codes_and_reasons_that_may_travel_close_a_connection)
{
    static const int wrong[] = {-1,   0,    999,  1004,    1005,     1006,
                                1015, 2999, 5000, 1 << 20, INT32_MIN};
    char reason[130];

    set_up(NULL);
    testing_enter(hub, &peer, "u", NULL);
    for (size_t i = 0; i < TESTING_LENGTH(wrong); i++)
        ck_assert_int_eq(hub_close(hub, peer.id, wrong[i], NULL), HUB_EINVAL);
    memset(reason, 'r', sizeof reason);
    reason[124] = '\0';
    ck_assert_int_eq(hub_close(hub, peer.id, 1000, reason), HUB_EINVAL);
    ck_assert_int_eq(hub_close(hub, peer.id, 1000, "\xC3"), HUB_EINVAL);
    ck_assert_int_eq(hub_close(NULL, peer.id, 1000, NULL), HUB_EINVAL);
    ck_assert_int_eq(hub_unregister(NULL, peer.id), HUB_EINVAL);
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 0);
    reason[123] = '\0';
    ck_assert_int_eq(hub_close(hub, peer.id, 4999, reason), 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 1);
    hub_destroy(hub);
}
END_TEST

static void check_gone(hub_id id)
{
    ck_assert_int_eq(hub_close(hub, id, 1000, NULL), HUB_ENOENT);
    ck_assert_int_eq(hub_unregister(hub, id), HUB_ENOENT);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_CONNECTION(id), HUB_TEXT_OF("x"), NULL),
        HUB_ENOENT);
}

START_TEST(a_stale_id_is_not_found)
{
    hub_id stale;

    set_up(NULL);
    check_gone((hub_id){1});
    check_gone((hub_id){UINT64_MAX});
    ck_assert_int_eq(hub_close(hub, (hub_id){0}, 1000, NULL), HUB_ENOENT);
    ck_assert_int_eq(hub_unregister(hub, (hub_id){0}), HUB_ENOENT);
    testing_enter(hub, &peer, "the same user", NULL);
    stale = peer.id;
    ck_assert_int_eq(hub_unregister(hub, stale), 0);
    check_gone(stale); /* at once, though `closed` comes later */
    testing_settle(hub);
    for (int i = 0; i < 1000; i++) {
        struct testing_peer other;

        testing_enter(hub, &other, "the same user", NULL);
        ck_assert_uint_ne(other.id.value, stale.value);
        check_gone(stale);
        ck_assert_int_eq(i % 2 ? hub_unregister(hub, other.id)
                               : hub_close(hub, other.id, 1000, NULL),
                         0);
        testing_settle(hub);
        ck_assert_uint_eq(other.closed, 1);
        ck_assert_uint_eq(other.delivered, 0);
        check_gone(other.id);
    }
    hub_destroy(hub);
}
END_TEST

START_TEST(a_connection_that_died_by_itself_is_not_found)
{
    struct testing_client client;

    set_up(NULL);
    testing_join(hub, &client, &peer, "u", NULL);
    testing_client_close(&client);
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 1);
    check_gone(peer.id);
    hub_destroy(hub);
}
END_TEST

START_TEST(it_may_die_before_the_loop_hears_that_it_should)
{
    struct testing_client client;

    set_up(NULL);
    testing_join(hub, &client, &peer, "u", NULL);
    testing_client_close(&client);
    ck_assert_int_eq(hub_close(hub, peer.id, 4000, NULL), 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 1);
    testing_join(hub, &client, &peer, "u", NULL);
    testing_client_close(&client);
    ck_assert_int_eq(hub_unregister(hub, peer.id), 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_uint_eq(peer.wrong, 0);
    hub_destroy(hub);
}
END_TEST

START_TEST(unregistering_what_is_new_still_opens_and_closes_it)
{
    struct hub_member member = member_of("u", NULL, testing_deliver);
    hub_id id;

    set_up(NULL);
    ck_assert_int_eq(hub_register(hub, &member, &id), 0);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("u"), HUB_TEXT_OF("x"), NULL),
                     1);
    ck_assert_int_eq(hub_unregister(hub, id), 0);
    testing_settle(hub);
    ck_assert_uint_eq(peer.opened, 1);
    ck_assert_uint_eq(peer.delivered, 1);
    ck_assert_uint_eq(peer.closed, 1);
    ck_assert_uint_eq(peer.wrong, 0);
    hub_destroy(hub);
}
END_TEST

START_TEST(without_memory_nobody_leaves)
{
    unsigned nth;
    int err;

    set_up(NULL);
    testing_enter(hub, &peer, "u", NULL);
    testing_fail_allocation(1);
    ck_assert_int_eq(hub_unregister(hub, peer.id), HUB_ENOMEM);
    testing_allow_memory();
    nth = 0;
    do {
        ck_assert_int_eq(
            hub_send(hub, HUB_TO_USER("u"), HUB_TEXT_OF("x"), NULL), 1);
        testing_settle(hub);
        ck_assert_uint_eq(peer.closed, 0);
        testing_fail_allocation(++nth);
        err = hub_close(hub, peer.id, 1000, "reason");
        testing_allow_memory();
        ck_assert(err == 0 || err == HUB_ENOMEM);
    } while (err != 0);
    ck_assert_uint_eq(nth, 3);
    testing_settle(hub);
    ck_assert_uint_eq(peer.delivered, 3);
    ck_assert_uint_eq(peer.closed, 1);
    hub_destroy(hub);
}
END_TEST

/* From inside callbacks. ----------------------------------------------- */

static int results[4];

static void close_in_opened(hub_t *h, const struct hub_connection *connection)
{
    results[0] = hub_close(h, connection->id, 4001, "not you");
    results[1] = hub_unregister(h, connection->id);
}

static void enter_in_closed(hub_t *h, const struct hub_connection *connection,
                            const struct hub_close_info *info)
{
    struct hub_member member = member_of("next", NULL, testing_deliver);

    member.data = NULL;
    results[2] = info->code;
    if (strcmp(connection->user_id, "first") == 0)
        results[3] = hub_register(h, &member, NULL);
}

START_TEST(callbacks_may_close_and_enter)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_member member = member_of("first", NULL, testing_deliver);
    struct hub_stats stats = HUB_STATS_INIT;

    options.opened = close_in_opened;
    options.closed = enter_in_closed;
    results[3] = 1;
    hub = testing_stage(&options);
    ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
    testing_settle(hub);
    ck_assert_int_eq(results[0], 0);
    ck_assert_int_eq(results[1], HUB_ENOENT);
    ck_assert_int_eq(results[2], 4001);
    ck_assert_int_eq(results[3], 0);
    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    ck_assert_uint_eq(stats.opened, 2);
    ck_assert_uint_eq(stats.closed, 2);
    hub_destroy(hub);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        ids_are_1_to_256_bytes,
        a_member_has_to_be_complete,
        a_longer_member_may_ask_for_nothing_unknown,
        who_has_closed_makes_room_for_a_successor,
        only_connected_stream_sockets_are_adopted,
        an_adopted_socket_is_the_hubs_to_close,
        the_kernel_gives_up_on_a_tcp_peer_no_sooner_than_we_do,
        the_number_of_connections_is_bounded,
        nobody_enters_a_hub_that_shuts_down,
        without_memory_nobody_enters,
        whom_the_loop_cannot_hold_is_closed_again,
        only_codes_and_reasons_that_may_travel_close_a_connection,
        a_stale_id_is_not_found,
        a_connection_that_died_by_itself_is_not_found,
        it_may_die_before_the_loop_hears_that_it_should,
        unregistering_what_is_new_still_opens_and_closes_it,
        without_memory_nobody_leaves,
        callbacks_may_close_and_enter,
    };

    return testing_run("connect", tests, TESTING_LENGTH(tests));
}
