/* check_places.c - the limits of connections, in all, per user and per address:
 * a reserved place counts like a connection, is passed on to one, and is given
 * back once, whoever ends it.
 */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

static hub_t *hub;

/* A limit of 0 is none. */
static void set_up(uint64_t all, uint64_t per_user, uint64_t per_address)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.max_connections = all;
    options.max_connections_per_user = per_user;
    options.max_connections_per_address = per_address;
    hub = testing_stage(&options);
}

static struct hub_member member_of(const char *user, const char *address)
{
    struct hub_member member = HUB_MEMBER_INIT;

    member.user_id = user;
    member.address = address;
    member.address_bytes = address != NULL ? strlen(address) : 0;
    member.deliver = testing_deliver;
    return member;
}

static hub_place_t *reserve(const char *user, const char *address)
{
    struct hub_member member = member_of(user, address);
    hub_place_t *place = NULL;

    ck_assert_int_eq(hub_reserve(hub, &member, &place), 0);
    ck_assert_ptr_nonnull(place);
    return place;
}

/* Neither a place nor a connection is to be had. */
static void check_full(const char *user, const char *address, int error)
{
    struct hub_member member = member_of(user, address);
    uint64_t before = testing_stats(hub).places;
    hub_place_t *place = NULL;

    ck_assert_int_eq(hub_reserve(hub, &member, &place), error);
    ck_assert_ptr_null(place);
    ck_assert_int_eq(hub_register(hub, &member, NULL), error);
    ck_assert_uint_eq(testing_stats(hub).places, before);
}

static void check_places(uint64_t places, uint64_t connections)
{
    struct hub_stats stats;

    testing_settle(hub);
    stats = testing_stats(hub);
    ck_assert_uint_eq(stats.places, places);
    ck_assert_uint_eq(stats.connections, connections);
}

/* Reserving. ----------------------------------------------------------- */

START_TEST(each_limit_says_which_it_is)
{
    hub_place_t *places[3];

    set_up(3, 2, 1);
    places[0] = reserve("ada", "here");
    check_full("bob", "here", HUB_EFULL_ADDRESS);
    places[1] = reserve("ada", "there");
    check_full("ada", "elsewhere", HUB_EFULL_USER);
    places[2] = reserve("bob", NULL);
    check_full("eve", NULL, HUB_EFULL);
    check_full("ada", NULL, HUB_EFULL_USER);
    check_full("ada", "here", HUB_EFULL_ADDRESS);
    check_places(3, 0);
    for (size_t i = 0; i < 3; i++)
        hub_release(hub, places[i]);
    check_places(0, 0);
    hub_release(hub, reserve("ada", "here"));
    hub_destroy(hub);
}
END_TEST

START_TEST(a_connection_counts_until_it_is_gone)
{
    struct hub_member member = member_of("ada", "here");
    struct testing_client client;
    hub_id id;

    set_up(0, 1, 1);
    member.deliver = NULL;
    ck_assert_int_eq(hub_adopt(hub, testing_client_open(&client), &member, &id),
                     0);
    check_full("ada", "there", HUB_EFULL_USER);
    check_full("bob", "here", HUB_EFULL_ADDRESS);
    ck_assert_int_eq(hub_close(hub, id, 1000, NULL), 0);
    check_places(1, 0);
    check_full("ada", "there", HUB_EFULL_USER);
    testing_client_close(&client);
    check_places(0, 0);
    hub_release(hub, reserve("ada", "here"));
    hub_destroy(hub);
}
END_TEST

/* Without limits nothing is counted but places. */
START_TEST(who_has_no_address_has_no_limit_of_one)
{
    set_up(0, 0, 1);
    for (int i = 0; i < 3; i++)
        hub_release(hub, reserve("ada", "here"));
    for (int i = 0; i < 3; i++) {
        struct hub_member member = member_of("ada", NULL);

        ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
    }
    check_places(3, 3);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_place_is_for_a_member_with_valid_ids)
{
    char long_id[HUB_ID_BYTES_MAX + 2], address[HUB_ADDRESS_BYTES_MAX + 1];
    struct hub_member member = member_of("ada", NULL);
    hub_place_t *place = NULL;

    set_up(0, 0, 1);
    memset(long_id, 'i', sizeof long_id);
    long_id[sizeof long_id - 1] = '\0';
    ck_assert_int_eq(hub_reserve(NULL, &member, &place), HUB_EINVAL);
    ck_assert_int_eq(hub_reserve(hub, NULL, &place), HUB_EINVAL);
    ck_assert_int_eq(hub_reserve(hub, &member, NULL), HUB_EINVAL);
    member.session_id = long_id;
    ck_assert_int_eq(hub_reserve(hub, &member, &place), HUB_EINVAL);
    member = member_of(NULL, NULL);
    ck_assert_int_eq(hub_reserve(hub, &member, &place), HUB_EINVAL);
    member = member_of("ada", NULL);
    member.address_bytes = 1;
    ck_assert_int_eq(hub_reserve(hub, &member, &place), HUB_EINVAL);
    memset(address, 'a', sizeof address);
    member.address = address;
    member.address_bytes = sizeof address;
    ck_assert_int_eq(hub_reserve(hub, &member, &place), HUB_EINVAL);
    ck_assert_ptr_null(place);
    member.address_bytes--;
    ck_assert_int_eq(hub_reserve(hub, &member, &place), 0);
    check_places(1, 0);
    hub_release(NULL, place);
    hub_release(hub, NULL);
    check_places(1, 0);
    hub_release(hub, place);
    hub_destroy(hub);
}
END_TEST

START_TEST(the_limit_of_all_may_change)
{
    hub_place_t *places[3];

    set_up(1, 0, 0);
    places[0] = reserve("ada", NULL);
    check_full("bob", NULL, HUB_EFULL);
    ck_assert_int_eq(hub_set_max_connections(hub, 2), 0);
    places[1] = reserve("bob", NULL);
    check_full("eve", NULL, HUB_EFULL);
    ck_assert_int_eq(hub_set_max_connections(hub, 1), 0);
    check_places(2, 0);
    hub_release(hub, places[0]);
    check_full("eve", NULL, HUB_EFULL);
    ck_assert_int_eq(hub_set_max_connections(hub, 0), 0);
    places[2] = reserve("eve", NULL);
    hub_release(hub, places[1]);
    hub_release(hub, places[2]);
    ck_assert_int_eq(hub_set_max_connections(NULL, 1), HUB_EINVAL);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_hub_that_shuts_down_has_no_places)
{
    struct hub_member member = member_of("ada", NULL);
    hub_place_t *place, *late = NULL;

    set_up(0, 1, 0);
    place = reserve("ada", NULL);
    ck_assert_int_eq(hub_shutdown(hub, 100), 0);
    member.user_id = "bob";
    ck_assert_int_eq(hub_reserve(hub, &member, &late), HUB_ESHUTDOWN);
    ck_assert_ptr_null(late);
    member.user_id = NULL;
    member.place = place;
    ck_assert_int_eq(hub_register(hub, &member, NULL), HUB_ESHUTDOWN);
    check_places(1, 0);
    hub_release(hub, place);
    hub_destroy(hub);
}
END_TEST

START_TEST(without_memory_no_place_is_taken)
{
    struct hub_member member = member_of("ada", "here");
    hub_place_t *place = NULL;
    unsigned nth = 0;
    int err;

    set_up(1, 1, 1);
    do {
        testing_fail_allocation(++nth);
        err = hub_reserve(hub, &member, &place);
        testing_allow_memory();
        if (err != 0) {
            ck_assert_int_eq(err, HUB_ENOMEM);
            ck_assert_ptr_null(place);
            check_places(0, 0);
        }
    } while (err != 0);
    ck_assert_uint_ge(nth, 4);
    check_full("ada", "here", HUB_EFULL_ADDRESS);
    hub_release(hub, place);
    hub_destroy(hub);
}
END_TEST

/* Coming. -------------------------------------------------------------- */

START_TEST(a_place_goes_to_whom_it_was_reserved_for)
{
    struct hub_member member = HUB_MEMBER_INIT;
    struct testing_peer peer = {.id = {0}};
    struct testing_client client;
    hub_id id;

    set_up(1, 1, 1);
    member.place = reserve("ada", "here");
    member.data = &peer;
    ck_assert_int_eq(hub_adopt(hub, testing_client_open(&client), &member, &id),
                     0);
    check_places(1, 1);
    ck_assert_uint_eq(peer.opened, 1);
    ck_assert_uint_eq(peer.id.value, id.value);
    ck_assert_int_eq(hub_send(hub, HUB_TO_USER("ada"), HUB_TEXT_OF("x"), NULL),
                     1);
    testing_settle(hub);
    testing_client_expect_text(&client, "x");
    check_full("ada", "here", HUB_EFULL_ADDRESS);
    testing_client_close(&client);
    check_places(0, 0);
    ck_assert_uint_eq(peer.closed, 1);
    hub_destroy(hub);
}
END_TEST

/* A member may say again who it is, and then it has to be the same. */
static int enter_place(hub_place_t *place, const char *user,
                       const char *session, const char *address)
{
    struct hub_member member = member_of(user, address);

    member.session_id = session;
    member.place = place;
    return hub_register(hub, &member, NULL);
}

START_TEST(a_place_is_for_nobody_else)
{
    struct hub_member member = member_of("ada", "here");
    hub_place_t *place;

    set_up(2, 0, 1);
    member.session_id = "s";
    ck_assert_int_eq(hub_reserve(hub, &member, &place), 0);
    ck_assert_int_eq(enter_place(place, "bob", NULL, NULL), HUB_EINVAL);
    ck_assert_int_eq(enter_place(place, NULL, "t", NULL), HUB_EINVAL);
    ck_assert_int_eq(enter_place(place, NULL, NULL, "hers"), HUB_EINVAL);
    ck_assert_int_eq(enter_place(place, NULL, NULL, "her"), HUB_EINVAL);
    ck_assert_int_eq(enter_place(place, "", NULL, NULL), HUB_EINVAL);
    check_places(1, 0);
    ck_assert_int_eq(enter_place(place, "ada", "s", "here"), 0);
    check_places(1, 1);
    place = reserve("bob", NULL);
    ck_assert_int_eq(enter_place(place, "bob", "s", NULL), HUB_EINVAL);
    ck_assert_int_eq(enter_place(place, "bob", NULL, "here"), HUB_EINVAL);
    ck_assert_int_eq(enter_place(place, NULL, NULL, NULL), 0);
    check_places(2, 2);
    ck_assert_uint_eq(testing_stats(hub).sessions, 1);
    hub_destroy(hub);
}
END_TEST

START_TEST(after_an_error_a_place_is_still_the_callers)
{
    struct hub_member member = HUB_MEMBER_INIT;
    struct testing_client client;
    int fd = testing_client_open(&client), err;
    static const char preamble[] = "HTTP/1.1 101 Go on\r\n\r\n";
    char got[sizeof preamble * 2];
    unsigned nth = 0;

    set_up(1, 1, 0);
    member.place = reserve("ada", NULL);
    ck_assert_int_eq(hub_register(hub, &member, NULL), HUB_EINVAL);
    ck_assert_int_eq(hub_adopt(hub, -1, &member, NULL), HUB_ENOTSOCK);
    member.preamble = preamble;
    member.preamble_bytes = sizeof preamble - 1;
    do {
        check_places(1, 0);
        testing_fail_allocation(++nth);
        err = hub_adopt(hub, fd, &member, NULL);
        testing_allow_memory();
        ck_assert(err == 0 || err == HUB_ENOMEM);
        ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    } while (err != 0);
    ck_assert_uint_gt(nth, 3);
    check_places(1, 1);
    ck_assert_int_eq(recv(client.fd, got, sizeof got, MSG_DONTWAIT),
                     sizeof preamble - 1); /* once, whatever failed before */
    ck_assert_mem_eq(got, preamble, sizeof preamble - 1);
    hub_destroy(hub);
    testing_client_close(&client);
}
END_TEST

START_TEST(a_place_that_failed_can_be_released)
{
    struct hub_member member = HUB_MEMBER_INIT;
    struct testing_client client;
    int fd = testing_client_open(&client);

    set_up(1, 1, 0);
    member.place = reserve("ada", NULL);
    testing_fail_allocation(1);
    ck_assert_int_eq(hub_adopt(hub, fd, &member, NULL), HUB_ENOMEM);
    testing_allow_memory();
    hub_release(hub, member.place);
    check_places(0, 0);
    ck_assert_int_eq(close(fd), 0);
    testing_client_close(&client);
    hub_destroy(hub);
}
END_TEST

static void let_successor_in(hub_t *h, const struct hub_connection *connection,
                             const struct hub_close_info *info)
{
    struct hub_member member = member_of(connection->user_id, "here");
    int *left = hub_data(h);

    (void)info;
    if (*left > 0 && hub_register(h, &member, NULL) == 0)
        --*left;
}

START_TEST(closed_may_let_a_successor_in)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_member member = member_of("ada", "here");
    int left = 3;
    hub_id id;

    options.max_connections = options.max_connections_per_user =
        options.max_connections_per_address = 1;
    options.closed = let_successor_in;
    options.data = &left;
    hub = testing_stage(&options);
    ck_assert_int_eq(hub_register(hub, &member, &id), 0);
    ck_assert_int_eq(hub_unregister(hub, id), 0);
    check_places(1, 1);
    ck_assert_int_eq(left, 2);
    hub_destroy(hub);
}
END_TEST

/* Threads. ------------------------------------------------------------- */

enum { THREADS = 4, ENTRIES = 500, LIMIT = 2 };

struct visitor {
    pthread_t thread;
    unsigned number, entered, wrong;
};

/* Half of the places that are reserved are released again. */
static void visit(struct visitor *v, const char *user, unsigned round)
{
    struct hub_member member = member_of(user, "here");
    int err = hub_reserve(hub, &member, &member.place);
    hub_id id;

    if (err != 0) {
        v->wrong += err != HUB_EFULL_USER && err != HUB_EFULL_ADDRESS;
        sched_yield();
        return;
    }
    if ((round + v->number) % 2 == 0) {
        hub_release(hub, member.place);
        return;
    }
    if (hub_register(hub, &member, &id) != 0) {
        v->wrong++;
        hub_release(hub, member.place);
        return;
    }
    v->entered++;
    v->wrong += hub_unregister(hub, id) != 0;
}

static void *visit_often(void *data)
{
    struct visitor *v = data;

    for (unsigned i = 0; v->entered < ENTRIES && v->wrong == 0; i++)
        visit(v, i % 3 == 0 ? "ada" : "bob", i);
    return NULL;
}

START_TEST(threads_share_what_there_is)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct visitor visitors[THREADS] = {{.number = 0}};
    struct hub_stats stats;

    options.loops = 2;
    options.max_connections_per_user = LIMIT;
    options.max_connections_per_address = LIMIT + 1;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        visitors[i].number = i;
        ck_assert_int_eq(pthread_create(&visitors[i].thread, NULL, visit_often,
                                        &visitors[i]),
                         0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(visitors[i].thread, NULL);
        ck_assert_uint_eq(visitors[i].wrong, 0);
    }
    ck_assert_int_eq(hub_shutdown(hub, 30000), 0);
    stats = testing_stats(hub);
    ck_assert_uint_eq(stats.places, 0);
    ck_assert_uint_eq(stats.opened, stats.closed);
    hub_destroy(hub);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_limit_says_which_it_is,
        a_connection_counts_until_it_is_gone,
        who_has_no_address_has_no_limit_of_one,
        a_place_is_for_a_member_with_valid_ids,
        the_limit_of_all_may_change,
        a_hub_that_shuts_down_has_no_places,
        without_memory_no_place_is_taken,
        a_place_goes_to_whom_it_was_reserved_for,
        a_place_is_for_nobody_else,
        after_an_error_a_place_is_still_the_callers,
        a_place_that_failed_can_be_released,
        closed_may_let_a_successor_in,
        threads_share_what_there_is,
    };

    return testing_run("places", tests, TESTING_LENGTH(tests));
}
