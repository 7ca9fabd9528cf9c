/* check_admission.c - a WebSocket's place is given back exactly once, and a
 * client without a place is told which limit was reached.
 */
#include <check.h>
#include <string.h>

#include "access/admission.h"
#include "suite.h"

#define MEMBER(user)                                                           \
    {                                                                          \
        .struct_size = sizeof(struct hub_member), .user_id = (user)            \
    }

static hub_t *hub;
static struct refusal why;

static struct netaddr address(const char *text)
{
    struct netaddr addr;

    ck_assert_int_eq(netaddr_parse(&addr, text, strlen(text)), 0);
    return addr;
}

static int open_from(const char *addr, struct hub_member *member)
{
    struct netaddr from = address(addr);

    return admission_open(hub, &from, 4711, false, member, &why);
}

static void limit(uint64_t all, uint64_t per_address, uint64_t per_user)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.flags = HUB_HOST_LOOP;
    options.max_connections = all;
    options.max_connections_per_address = per_address;
    options.max_connections_per_user = per_user;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
}

static uint64_t places(void)
{
    struct hub_stats stats = HUB_STATS_INIT;

    ck_assert_int_eq(hub_stats(hub, &stats), 0);
    return stats.places;
}

static void is_refused(const char *addr, const char *user, int status,
                       const char *code)
{
    struct hub_member member = MEMBER(user);

    ck_assert_int_eq(open_from(addr, &member), -1);
    ck_assert_ptr_null(member.place);
    ck_assert_ptr_null(member.data);
    ck_assert_int_eq(why.status, status);
    ck_assert_str_eq(why.code, code);
    ck_assert(strstr(why.headers, "Retry-After: "));
}

START_TEST(places_are_limited_and_given_back)
{
    struct hub_member a = MEMBER("ada"), b = MEMBER("ada"), c = MEMBER("bob");

    limit(2, 0, 0);
    ck_assert_int_eq(open_from("10.0.0.1", &a), 0);
    ck_assert_int_eq(open_from("10.0.0.1", &b), 0);
    is_refused("10.0.0.2", "bob", 503, "at_capacity");
    is_refused("10.0.0.2", "bob", 503, "at_capacity");
    admission_close(hub, &a);
    admission_close(hub, &a); /* which does nothing */
    ck_assert_uint_eq(places(), 1);
    ck_assert_int_eq(open_from("10.0.0.2", &c), 0);
    admission_close(hub, &c);
    admission_close(hub, &b);
    ck_assert_uint_eq(places(), 0);
    hub_destroy(hub);
}
END_TEST

START_TEST(addresses_have_their_share)
{
    struct hub_member a = MEMBER("ada"), b = MEMBER("bob");

    limit(9, 1, 0);
    ck_assert_int_eq(open_from("10.0.0.1", &a), 0);
    is_refused("10.0.0.1", "bob", 429, "rate_limited");
    ck_assert_ptr_nonnull(strstr(why.message, "this address"));
    admission_close(hub, &a);
    ck_assert_int_eq(open_from("10.0.0.1", &b), 0);
    admission_close(hub, &b);
    hub_destroy(hub);
}
END_TEST

START_TEST(users_have_their_share)
{
    struct hub_member a = MEMBER("ada"), b = MEMBER("bob");

    limit(9, 0, 1);
    ck_assert_int_eq(open_from("10.0.0.1", &a), 0);
    is_refused("10.0.0.2", "ada", 429, "rate_limited");
    ck_assert_ptr_nonnull(strstr(why.message, "this user"));
    ck_assert_int_eq(open_from("10.0.0.2", &b), 0);
    admission_close(hub, &a);
    admission_close(hub, &b);
    hub_destroy(hub);
}
END_TEST

START_TEST(a_refusal_takes_nothing)
{
    struct hub_member a = MEMBER("ada"), b = MEMBER("bob"), c = MEMBER("eve");

    limit(2, 2, 1);
    ck_assert_int_eq(open_from("10.0.0.1", &a), 0);
    for (int i = 0; i < 5; i++) /* by the user's share, after the address's */
        is_refused("10.0.0.1", "ada", 429, "rate_limited");
    ck_assert_int_eq(open_from("10.0.0.1", &b), 0);
    for (int i = 0; i < 5; i++) /* by the capacity, after both */
        is_refused("10.0.0.2", "eve", 503, "at_capacity");
    admission_close(hub, &a);
    ck_assert_int_eq(open_from("10.0.0.2", &c), 0);
    admission_close(hub, &c);
    admission_close(hub, &b);
    ck_assert_uint_eq(places(), 0);
    hub_destroy(hub);
}
END_TEST

START_TEST(who_comes_during_a_drain_is_told_so)
{
    limit(0, 0, 0);
    ck_assert_int_eq(hub_shutdown(hub, 1000), 0);
    is_refused("10.0.0.1", "ada", 503, "draining");
    hub_destroy(hub);
}
END_TEST

START_TEST(connection_ids_of_hub_v1_are_random)
{
    struct netaddr from = address("10.0.0.1");
    char before[CONNECTION_ID_MAX] = "";

    limit(0, 0, 0);
    for (unsigned i = 0; i < 3; i++) {
        struct hub_member member = MEMBER("ada");
        const struct session *session;

        ck_assert_int_eq(admission_open(hub, &from, 4711, true, &member, &why),
                         0);
        session = member.data;
        ck_assert(session->speaks_v1);
        ck_assert_uint_eq(
            strspn(session->v1->connection_id, "0123456789abcdef"),
            CONNECTION_ID_MAX - 1);
        ck_assert_str_ne(session->v1->connection_id, before);
        (void)strcpy(before, session->v1->connection_id);
        admission_close(hub, &member);
    }
    hub_destroy(hub);
}
END_TEST

START_TEST(where_it_comes_from_is_readable)
{
    char text[ADMISSION_REMOTE_MAX];
    struct session session = {.addr = address("10.0.0.1"), .port = 4711};

    admission_remote(&session, text);
    ck_assert_str_eq(text, "10.0.0.1:4711");
    session.port = 0;
    admission_remote(&session, text);
    ck_assert_str_eq(text, "10.0.0.1");
    session.addr = address("2001:db8::1");
    session.port = 65535;
    admission_remote(&session, text);
    ck_assert_str_eq(text, "[2001:db8::1]:65535");
    session.port = 0;
    admission_remote(&session, text);
    ck_assert_str_eq(text, "2001:db8::1");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("admission");
    TCase *tests = tcase_create("admission");

    tcase_add_test(tests, places_are_limited_and_given_back);
    tcase_add_test(tests, addresses_have_their_share);
    tcase_add_test(tests, users_have_their_share);
    tcase_add_test(tests, a_refusal_takes_nothing);
    tcase_add_test(tests, who_comes_during_a_drain_is_told_so);
    tcase_add_test(tests, connection_ids_of_hub_v1_are_random);
    tcase_add_test(tests, where_it_comes_from_is_readable);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return suite_run(make_suite());
}
