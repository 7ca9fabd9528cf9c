/* check_tickets.c - tickets: who they are for, how often and how long they can
 * be used, how many can wait, and many threads using the same one.
 */
#include <check.h>
#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "access/tickets.h"
#include "failing_malloc.h"
#include "suite.h"

#define NODE "Node-1"
#define TTL_MS 30000
#define MAX 100

static _Atomic int64_t now_ms;

int64_t __wrap_clock_now_ms(void);

int64_t __wrap_clock_now_ms(void)
{
    return atomic_load(&now_ms);
}

static struct tickets *tickets;
static struct identity identity;
static struct ticket_held held;
static struct refusal why;

static void set_up(void)
{
    atomic_store(&now_ms, 1000000);
    tickets = tickets_create(NODE, MAX);
    ck_assert_ptr_nonnull(tickets);
}

static void tear_down(void)
{
    tickets_destroy(tickets);
}

static void pass(int64_t ms)
{
    (void)atomic_fetch_add(&now_ms, ms);
}

static void issue_for(char text[TICKET_TEXT_MAX], const char *user,
                      int64_t ttl_ms)
{
    struct ticket_request request = {.user_id = user, .ttl_ms = ttl_ms};

    ck_assert_int_eq(tickets_issue(tickets, &request, text, &why), 0);
}

static void issue(char text[TICKET_TEXT_MAX])
{
    issue_for(text, "ada", TTL_MS);
}

static enum ticket_result take_from(const char *text, const char *origin)
{
    return tickets_take(tickets, slice_of(text), slice_of(origin), &identity,
                        &held);
}

static enum ticket_result take(const char *text)
{
    return take_from(text, "");
}

static struct tickets_figures figures(void)
{
    struct tickets_figures f;

    tickets_read(tickets, &f);
    ck_assert_uint_eq(f.issued + f.put_back,
                      f.waiting + f.redeemed + f.expired);
    return f;
}

/* Texts. ---------------------------------------------------------------- */

START_TEST(a_text_names_the_node_and_is_a_secret)
{
    char one[TICKET_TEXT_MAX], other[TICKET_TEXT_MAX];

    issue(one);
    issue(other);
    ck_assert_str_ne(one, other);
    ck_assert_int_eq(strncmp(one, "hubt_" NODE "_", strlen("hubt_" NODE "_")),
                     0);
    ck_assert_uint_eq(strlen(one), strlen("hubt_" NODE "_") + 43);
    for (const char *p = one; *p; p++)
        ck_assert(isalnum((unsigned char)*p) || *p == '-' || *p == '_');
}
END_TEST

START_TEST(the_longest_name_of_a_node_has_room)
{
    char name[CONFIG_NODE_BYTES_MAX + 1], text[TICKET_TEXT_MAX];

    memset(name, 'n', CONFIG_NODE_BYTES_MAX);
    name[CONFIG_NODE_BYTES_MAX] = '\0';
    tickets_destroy(tickets);
    tickets = tickets_create(name, MAX);
    ck_assert_ptr_nonnull(tickets);
    issue(text);
    ck_assert_uint_eq(strlen(text), TICKET_TEXT_MAX - 1);
    ck_assert_int_eq(take(text), TICKET_GOOD);
}
END_TEST

/* 32 bytes leave two bits of the 43rd character unused. */
START_TEST(no_other_spelling_is_the_same_ticket)
{
    char text[TICKET_TEXT_MAX], other[TICKET_TEXT_MAX + 1];

    issue(text);
    for (size_t i = 0; i < strlen(text); i++) {
        for (int c = 1; c < 256; c++) {
            if ((char)c == text[i])
                continue;
            strcpy(other, text);
            other[i] = (char)c;
            ck_assert_int_ne(take(other), TICKET_GOOD);
        }
    }
    snprintf(other, sizeof(other), "%s=", text);
    ck_assert_int_eq(take(other), TICKET_BAD);
    snprintf(other, sizeof(other), " %.*s", (int)sizeof(other) - 2, text);
    ck_assert_int_eq(take(other), TICKET_BAD);
    strcpy(other, text);
    other[strlen(text) - 1] = '\0';
    ck_assert_int_eq(take(other), TICKET_BAD);
    ck_assert_int_eq(take(text), TICKET_GOOD);
}
END_TEST

START_TEST(a_ticket_of_another_node_is_told_apart)
{
#define RANDOM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM-_10"
    static const struct {
        const char *text;
        enum ticket_result result;
    } rows[] = {
        {"hubt_" NODE "_" RANDOM, TICKET_BAD},
        {"hubt_other_" RANDOM, TICKET_ELSEWHERE},
        {"hubt_node-1_" RANDOM, TICKET_ELSEWHERE},
        {"hubt_abcdefghijklmnopqrstuvwxyz012345_" RANDOM, TICKET_ELSEWHERE},
        {"hubt_abcdefghijklmnopqrstuvwxyz0123456_" RANDOM, TICKET_BAD},
        {"hubt__" RANDOM, TICKET_BAD},
        {"hubt_a_b_" RANDOM, TICKET_BAD},
        {"hubt_a.b_" RANDOM, TICKET_BAD},
        {"hubt_other_" RANDOM "A", TICKET_BAD},
        {"hubt_other_bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM-_10", TICKET_BAD},
        {"hubt_other_.bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM-_10", TICKET_BAD},
        {"HUBT_other_" RANDOM, TICKET_BAD},
        {"hubt-other_" RANDOM, TICKET_BAD},
        {"hubt_" RANDOM, TICKET_BAD},
        {"", TICKET_BAD},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(take(rows[i].text) == rows[i].result, "%s", rows[i].text);
}
END_TEST

/* Use. ------------------------------------------------------------------ */

START_TEST(it_says_who_it_is_for_and_does_so_once)
{
    struct ticket_request request = {.user_id = "ada",
                                     .session_id = "tab-1",
                                     .ttl_ms = TTL_MS,
                                     .connection_ttl_ms = 3600000};
    char text[TICKET_TEXT_MAX], plain[TICKET_TEXT_MAX];

    ck_assert_int_eq(tickets_issue(tickets, &request, text, &why), 0);
    issue_for(plain, "bob", TTL_MS);
    ck_assert_int_eq(take(text), TICKET_GOOD);
    ck_assert_str_eq(identity.user_id, "ada");
    ck_assert_str_eq(identity.session_id, "tab-1");
    ck_assert_int_eq(identity.expires_in_ms, 3600000);
    ck_assert_int_eq(identity.method, IDENTITY_TICKET);
    ck_assert_int_eq(take(text), TICKET_BAD);
    ck_assert_int_eq(take(plain), TICKET_GOOD);
    ck_assert_str_eq(identity.user_id, "bob");
    ck_assert_str_eq(identity.session_id, "");
    ck_assert_int_eq(identity.expires_in_ms, 0);
    ck_assert_uint_eq(figures().redeemed, 2);
}
END_TEST

START_TEST(one_for_pages_of_an_origin_is_for_no_others)
{
    struct ticket_request request = {.user_id = "ada",
                                     .origin = "https://app.example.com",
                                     .ttl_ms = TTL_MS};
    static const char *const others[] = {"",
                                         "null",
                                         "https://evil.example",
                                         "http://app.example.com",
                                         "junk",
                                         "https://app.example.com:8443"};
    char text[TICKET_TEXT_MAX];

    ck_assert_int_eq(tickets_issue(tickets, &request, text, &why), 0);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_int_eq(take_from(text, others[i]), TICKET_BAD);
    ck_assert_int_eq(take_from(text, "HTTPS://App.example.com:443"),
                     TICKET_GOOD);
    tickets_put_back(tickets, &held);
    ck_assert_int_eq(take_from(text, "https://evil.example"), TICKET_BAD);
    ck_assert_int_eq(take_from(text, "https://app.example.com"), TICKET_GOOD);
    issue(text);
    ck_assert_int_eq(take_from(text, "https://evil.example"), TICKET_GOOD);
}
END_TEST

START_TEST(ids_and_origins_may_be_as_long_as_they_may)
{
    char user[HUB_ID_BYTES_MAX + 1], session[HUB_ID_BYTES_MAX + 1];
    char origin[TICKET_ORIGIN_MAX], text[TICKET_TEXT_MAX];
    struct ticket_request request = {user, session, origin, TTL_MS, 0};

    memset(user, 'u', sizeof(user));
    memset(session, 's', sizeof(session));
    memset(origin, 'o', sizeof(origin));
    memcpy(origin + sizeof(origin) - 1 - 13, "://a.org:8443", 13);
    user[HUB_ID_BYTES_MAX] = session[HUB_ID_BYTES_MAX] = '\0';
    origin[TICKET_ORIGIN_MAX - 1] = '\0';
    ck_assert_int_eq(tickets_issue(tickets, &request, text, &why), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(take_from(text, origin), TICKET_GOOD);
        ck_assert_str_eq(identity.user_id, user);
        ck_assert_str_eq(identity.session_id, session);
        tickets_put_back(tickets, &held);
    }
}
END_TEST

/* Time. ----------------------------------------------------------------- */

START_TEST(it_ends_with_its_time)
{
    char text[TICKET_TEXT_MAX], other[TICKET_TEXT_MAX];

    issue(text);
    issue(other);
    pass(TTL_MS - 1);
    ck_assert_int_eq(take(text), TICKET_GOOD);
    pass(1);
    ck_assert_int_eq(take(other), TICKET_BAD);
    ck_assert_uint_eq(figures().expired, 1);
    ck_assert_uint_eq(figures().waiting, 0);
}
END_TEST

#define MANY 1000

static unsigned random_state;

static unsigned next_random(unsigned below)
{
    random_state = random_state * 1103515245u + 12345u;
    return (random_state >> 8) % below;
}

static struct {
    char text[TICKET_TEXT_MAX];
    int64_t expires_at_ms;
    bool gone;
} many[MANY];

static void issue_many(void)
{
    tickets_destroy(tickets);
    tickets = tickets_create(NODE, MANY);
    ck_assert_ptr_nonnull(tickets);
    for (size_t i = 0; i < MANY; i++) {
        int64_t ttl_ms = 1000 + next_random(299001);

        issue_for(many[i].text, "ada", ttl_ms);
        many[i].expires_at_ms = atomic_load(&now_ms) + ttl_ms;
        many[i].gone = false;
    }
}

static size_t expected_now(void)
{
    size_t count = 0;

    for (size_t i = 0; i < MANY; i++) {
        many[i].gone |= many[i].expires_at_ms <= atomic_load(&now_ms);
        count += !many[i].gone;
    }
    return count;
}

/* Some are taken meanwhile, from the middle of the heap. */
START_TEST(a_sweep_forgets_those_that_have_expired_and_no_others)
{
    random_state = 1;
    issue_many();
    for (int step = 0; step < 400; step++) {
        size_t i = next_random(MANY);

        pass(next_random(1500));
        tickets_sweep(tickets);
        ck_assert_uint_eq(figures().waiting, expected_now());
        ck_assert_int_eq(take(many[i].text),
                         many[i].gone ? TICKET_BAD : TICKET_GOOD);
        if (!many[i].gone && next_random(2) == 0)
            tickets_put_back(tickets, &held);
        else
            many[i].gone = true;
        ck_assert_uint_eq(figures().waiting, expected_now());
    }
    for (size_t i = 0; i < MANY; i++)
        ck_assert_int_eq(take(many[i].text),
                         many[i].gone ? TICKET_BAD : TICKET_GOOD);
    ck_assert_uint_eq(figures().waiting, 0);
}
END_TEST

START_TEST(all_may_expire_at_once)
{
    random_state = 2;
    issue_many();
    pass(TICKET_TTL_MS_MAX);
    tickets_sweep(tickets);
    ck_assert_uint_eq(figures().expired, MANY);
    ck_assert_uint_eq(figures().waiting, 0);
}
END_TEST

/* Numbers. -------------------------------------------------------------- */

START_TEST(no_more_wait_than_the_limit_says)
{
    struct ticket_request request = {.user_id = "ada", .ttl_ms = TTL_MS};
    char first[TICKET_TEXT_MAX], text[TICKET_TEXT_MAX];

    issue_for(first, "ada", 2 * TTL_MS);
    for (int i = 1; i < MAX; i++)
        issue(text);
    memset(text, 'x', sizeof(text));
    ck_assert_int_eq(tickets_issue(tickets, &request, text, &why), -1);
    ck_assert_int_eq(why.status, 503);
    ck_assert_str_eq(why.code, "too_many_tickets");
    ck_assert_ptr_nonnull(strstr(why.headers, "Retry-After: "));
    for (size_t i = 0; i < sizeof(text); i++)
        ck_assert_int_eq(text[i], '\0');
    ck_assert_uint_eq(figures().waiting, MAX);
    ck_assert_int_eq(take(first), TICKET_GOOD);
    issue(text);
    ck_assert_int_eq(tickets_issue(tickets, &request, text, &why), -1);
    /* those that have expired make room before anybody sweeps */
    pass(TTL_MS);
    for (int i = 0; i < MAX; i++)
        issue(text);
    ck_assert_int_eq(tickets_issue(tickets, &request, text, &why), -1);
    ck_assert_uint_eq(figures().issued, 2 * MAX + 1);
}
END_TEST

/* Putting back. --------------------------------------------------------- */

START_TEST(one_that_was_put_back_can_be_used_again)
{
    char text[TICKET_TEXT_MAX];

    issue(text);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(take(text), TICKET_GOOD);
        ck_assert_str_eq(identity.user_id, "ada");
        ck_assert_int_eq(take(text), TICKET_BAD);
        tickets_put_back(tickets, &held);
        tickets_put_back(tickets, &held); /* nothing is held any more */
        ck_assert_uint_eq(figures().waiting, 1);
    }
    ck_assert_uint_eq(figures().put_back, 3);
    ck_assert_uint_eq(figures().redeemed, 3);
    held = (struct ticket_held){0};
    tickets_put_back(tickets, &held);
    ck_assert_uint_eq(figures().put_back, 3);
}
END_TEST

START_TEST(it_gets_no_more_time_by_that)
{
    char text[TICKET_TEXT_MAX];

    issue(text);
    pass(TTL_MS - 1);
    ck_assert_int_eq(take(text), TICKET_GOOD);
    tickets_put_back(tickets, &held);
    ck_assert_int_eq(take(text), TICKET_GOOD);
    pass(1);
    tickets_put_back(tickets, &held);
    ck_assert_int_eq(take(text), TICKET_BAD);
    ck_assert_uint_eq(figures().expired, 1);
    ck_assert_uint_eq(figures().waiting, 0);
}
END_TEST

START_TEST(there_is_room_for_those_that_are_put_back)
{
    static struct ticket_held all[MAX];
    char texts[MAX][TICKET_TEXT_MAX], text[TICKET_TEXT_MAX];
    struct ticket_request request = {.user_id = "ada", .ttl_ms = TTL_MS};

    for (size_t i = 0; i < MAX; i++)
        issue(texts[i]);
    for (size_t i = 0; i < MAX; i++) {
        ck_assert_int_eq(take(texts[i]), TICKET_GOOD);
        all[i] = held;
    }
    for (int i = 0; i < MAX; i++)
        issue(text);
    for (size_t i = 0; i < MAX; i++)
        tickets_put_back(tickets, &all[i]);
    ck_assert_uint_eq(figures().waiting, 2 * MAX);
    ck_assert_int_eq(tickets_issue(tickets, &request, text, &why), -1);
    for (size_t i = 0; i < MAX; i++)
        ck_assert_int_eq(take(texts[i]), TICKET_GOOD);
}
END_TEST

/* Threads. -------------------------------------------------------------- */

#define THREADS 16
#define ROUNDS 300

static char wanted[TICKET_TEXT_MAX];
static pthread_barrier_t barrier;
static _Atomic unsigned winners;

static void *want_one(void *data)
{
    (void)data;
    for (int i = 0; i < ROUNDS; i++) {
        struct ticket_held mine;
        struct identity who;

        pthread_barrier_wait(&barrier);
        if (tickets_take(tickets, slice_of(wanted), slice_of(""), &who,
                         &mine) == TICKET_GOOD)
            (void)atomic_fetch_add(&winners, 1);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

START_TEST(of_many_that_come_with_one_ticket_one_gets_in)
{
    pthread_t threads[THREADS];
    unsigned wrong = 0;

    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, want_one, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        issue(wanted);
        atomic_store(&winners, 0);
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        wrong += atomic_load(&winners) != 1;
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(figures().redeemed, ROUNDS);
}
END_TEST

/* Each its own; a quarter is put back and taken again, a quarter expires. */
static void *use_some(void *data)
{
    const struct ticket_request request = {.user_id = "ada", .ttl_ms = 1000};
    unsigned *failures = data;

    for (int i = 0; i < ROUNDS; i++) {
        char text[TICKET_TEXT_MAX];
        struct ticket_held mine;
        struct identity who;
        struct refusal refused;

        if (tickets_issue(tickets, &request, text, &refused) < 0) {
            *failures += refused.kind != REFUSAL_TOO_MANY_TICKETS;
            continue;
        }
        pass(i % 4 == 0 ? 10 : 0);
        if (i % 4 == 1)
            continue;
        if (tickets_take(tickets, slice_of(text), slice_of(""), &who, &mine) ==
                TICKET_GOOD &&
            i % 4 == 2)
            tickets_put_back(tickets, &mine);
        if (i % 16 == 0)
            tickets_sweep(tickets);
    }
    return NULL;
}

START_TEST(threads_lose_none_and_make_none)
{
    unsigned failures[THREADS] = {0};
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, use_some, &failures[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(failures[i], 0);
    }
    (void)figures(); /* they add up */
    pass(1000);
    tickets_sweep(tickets);
    ck_assert_uint_eq(figures().waiting, 0);
}
END_TEST

/* Memory. --------------------------------------------------------------- */

START_TEST(without_memory_there_are_none)
{
    struct tickets *none;
    unsigned nth = 1;

    for (;; nth++) {
        failing_malloc_start(nth, false);
        none = tickets_create(NODE, MAX);
        if (failing_malloc_stop() == 0)
            break;
        ck_assert_ptr_null(none);
    }
    ck_assert_uint_eq(nth, 4);
    tickets_destroy(none);
}
END_TEST

START_TEST(without_memory_none_is_issued_or_put_back)
{
    struct ticket_request request = {.user_id = "ada", .ttl_ms = TTL_MS};
    char text[TICKET_TEXT_MAX];
    int err;

    failing_malloc_start(1, true);
    err = tickets_issue(tickets, &request, text, &why);
    ck_assert_uint_eq(failing_malloc_stop(), 1);
    ck_assert_int_eq(err, -1);
    ck_assert_str_eq(why.code, "out_of_memory");
    ck_assert_uint_eq(figures().issued, 0);
    issue(text);
    failing_malloc_start(1, true); /* taking one needs none */
    err = (int)take(text);
    ck_assert_uint_eq(failing_malloc_stop(), 0);
    ck_assert_int_eq(err, TICKET_GOOD);
    failing_malloc_start(1, true);
    tickets_put_back(tickets, &held);
    ck_assert_uint_eq(failing_malloc_stop(), 1);
    ck_assert_int_eq(take(text), TICKET_BAD);
    ck_assert_uint_eq(figures().expired, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tickets");
    TCase *tests = tcase_create("tickets");

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_text_names_the_node_and_is_a_secret);
    tcase_add_test(tests, the_longest_name_of_a_node_has_room);
    tcase_add_test(tests, no_other_spelling_is_the_same_ticket);
    tcase_add_test(tests, a_ticket_of_another_node_is_told_apart);
    tcase_add_test(tests, it_says_who_it_is_for_and_does_so_once);
    tcase_add_test(tests, one_for_pages_of_an_origin_is_for_no_others);
    tcase_add_test(tests, ids_and_origins_may_be_as_long_as_they_may);
    tcase_add_test(tests, it_ends_with_its_time);
    tcase_add_test(tests,
                   a_sweep_forgets_those_that_have_expired_and_no_others);
    tcase_add_test(tests, all_may_expire_at_once);
    tcase_add_test(tests, no_more_wait_than_the_limit_says);
    tcase_add_test(tests, one_that_was_put_back_can_be_used_again);
    tcase_add_test(tests, it_gets_no_more_time_by_that);
    tcase_add_test(tests, there_is_room_for_those_that_are_put_back);
    tcase_add_test(tests, of_many_that_come_with_one_ticket_one_gets_in);
    tcase_add_test(tests, threads_lose_none_and_make_none);
    tcase_add_test(tests, without_memory_there_are_none);
    tcase_add_test(tests, without_memory_none_is_issued_or_put_back);
    return suite_run(suite);
}
