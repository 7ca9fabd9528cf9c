/* check_session.c - what a WebSocket takes is given back, once, whichever of
 * the limits has said no.
 */
#include <check.h>
#include <string.h>

#include "access/admission.h"
#include "suite.h"

static struct admission admission;
static struct refusal why;

static struct netaddr address(const char *text)
{
    struct netaddr addr;

    ck_assert_int_eq(netaddr_parse(&addr, text, strlen(text)), 0);
    return addr;
}

static struct session *session_from(const char *addr, const char *user)
{
    struct netaddr from = address(addr);

    return admission_open(&admission, &from, 4711, user, &why);
}

static void limit(uint64_t all, uint64_t per_ip, uint64_t per_user)
{
    struct config config = {.max_connections_per_ip = per_ip,
                            .max_connections_per_user = per_user};

    ck_assert_int_eq(admission_init(&admission, &config), 0);
    admission.limit = all;
}

static void is_refused(const char *addr, const char *user, int status,
                       const char *code)
{
    ck_assert_ptr_null(session_from(addr, user));
    ck_assert_int_eq(why.status, status);
    ck_assert_str_eq(why.code, code);
    ck_assert(strstr(why.headers, "Retry-After: "));
}

START_TEST(places_are_limited_and_given_back)
{
    struct session *a, *b;

    limit(2, 0, 0);
    a = session_from("10.0.0.1", "ada");
    b = session_from("10.0.0.1", "ada");
    ck_assert(a != NULL && b != NULL);
    is_refused("10.0.0.2", "bob", 503, "at_capacity");
    is_refused("10.0.0.2", "bob", 503, "at_capacity");
    admission_close(a, "ada");
    ck_assert_uint_eq(atomic_load(&admission.held), 1);
    a = session_from("10.0.0.2", "bob");
    ck_assert_ptr_nonnull(a);
    admission_close(a, "bob");
    admission_close(b, "ada");
    ck_assert_uint_eq(atomic_load(&admission.held), 0);
    admission_fini(&admission);
}
END_TEST

START_TEST(addresses_have_their_share)
{
    struct session *a;

    limit(9, 1, 0);
    a = session_from("10.0.0.1", "ada");
    ck_assert_ptr_nonnull(a);
    is_refused("10.0.0.1", "bob", 429, "rate_limited");
    admission_close(a, "ada");
    a = session_from("10.0.0.1", "bob");
    ck_assert_ptr_nonnull(a);
    admission_close(a, "bob");
    admission_fini(&admission);
}
END_TEST

START_TEST(users_have_their_share)
{
    struct session *a, *b;

    limit(9, 0, 1);
    a = session_from("10.0.0.1", "ada");
    ck_assert_ptr_nonnull(a);
    is_refused("10.0.0.2", "ada", 429, "rate_limited");
    b = session_from("10.0.0.2", "bob");
    ck_assert_ptr_nonnull(b);
    admission_close(a, "ada");
    admission_close(b, "bob");
    admission_fini(&admission);
}
END_TEST

START_TEST(a_refusal_takes_nothing)
{
    struct session *a, *b;

    limit(2, 2, 1);
    a = session_from("10.0.0.1", "ada");
    ck_assert_ptr_nonnull(a);
    for (int i = 0; i < 5; i++) /* by the user's share, after the address's */
        is_refused("10.0.0.1", "ada", 429, "rate_limited");
    b = session_from("10.0.0.1", "bob");
    ck_assert_ptr_nonnull(b);
    for (int i = 0; i < 5; i++) /* by the capacity, after both */
        is_refused("10.0.0.2", "eve", 503, "at_capacity");
    admission_close(a, "ada");
    a = session_from("10.0.0.2", "eve");
    ck_assert_ptr_nonnull(a);
    admission_close(a, "eve");
    admission_close(b, "bob");
    ck_assert_uint_eq(atomic_load(&admission.held), 0);
    admission_fini(&admission);
}
END_TEST

START_TEST(where_it_comes_from_is_readable)
{
    char text[ADMISSION_REMOTE_MAX];
    struct session session = {NULL, address("10.0.0.1"), 4711};

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
    Suite *suite = suite_create("session");
    TCase *tests = tcase_create("session");

    tcase_add_test(tests, places_are_limited_and_given_back);
    tcase_add_test(tests, addresses_have_their_share);
    tcase_add_test(tests, users_have_their_share);
    tcase_add_test(tests, a_refusal_takes_nothing);
    tcase_add_test(tests, where_it_comes_from_is_readable);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return suite_run(make_suite());
}
