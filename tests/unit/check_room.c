/* check_room.c - waiting for room: woken when there is some, without polling,
 * ended by a deadline or by closing, and no wake-up is lost.
 */
#include "base/room.h"

#include <pthread.h>
#include <sched.h>

#include "base/deadline.h"
#include "testing.h"

#define PATIENCE_MS 60000 /* nobody waits as long as that */

static struct hub__room room;
static atomic_uint tokens; /* the room there is */
static atomic_uint looks;  /* how often somebody looked */

static void set_up(void)
{
    hub__room_init(&room);
    atomic_store(&tokens, 0);
    atomic_store(&looks, 0);
}

static bool has_token(const void *wanted)
{
    (void)wanted;
    atomic_fetch_add(&looks, 1);
    return atomic_load(&tokens) > 0;
}

static bool take_token(void)
{
    unsigned have = atomic_load(&tokens);

    while (have > 0) {
        if (atomic_compare_exchange_weak(&tokens, &have, have - 1))
            return true;
    }
    return false;
}

static void make_token(void)
{
    atomic_fetch_add(&tokens, 1);
    hub__room_made(&room);
}

static int wait_for_token(uint64_t ms)
{
    const struct timespec until = hub__deadline_in(ms);

    return hub__room_wait(&room, has_token, NULL, &until);
}

static void *wait_once(void *data)
{
    *(int *)data = wait_for_token(PATIENCE_MS);
    return NULL;
}

/* Starts one who waits, and returns when it does. */
static pthread_t start_waiter(int *result)
{
    pthread_t thread;

    *result = 77;
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_once, result), 0);
    while (atomic_load(&looks) == 0)
        sched_yield();
    return thread;
}

START_TEST(where_there_is_room_nobody_waits)
{
    set_up();
    make_token();
    ck_assert_int_eq(wait_for_token(PATIENCE_MS), 0);
    ck_assert_uint_eq(atomic_load(&looks), 1);
    ck_assert_uint_eq(atomic_load(&room.waiters), 0);
    hub__room_fini(&room);
}
END_TEST

START_TEST(who_waits_is_woken_and_does_not_look_in_between)
{
    pthread_t thread;
    int result;

    set_up();
    thread = start_waiter(&result);
    ck_assert_uint_eq(atomic_load(&room.waiters), 1);
    make_token();
    pthread_join(thread, NULL);
    ck_assert_int_eq(result, 0);
    ck_assert_uint_le(atomic_load(&looks), 3); /* one may be spurious */
    ck_assert_uint_eq(atomic_load(&room.waiters), 0);
    hub__room_fini(&room);
}
END_TEST

START_TEST(a_deadline_ends_it)
{
    set_up();
    ck_assert_int_eq(wait_for_token(0), HUB_EAGAIN);
    ck_assert_int_eq(wait_for_token(1), HUB_EAGAIN);
    /* Even when there is room again and again, which others take. */
    make_token();
    ck_assert_int_eq(wait_for_token(0), HUB_EAGAIN);
    hub__room_fini(&room);
}
END_TEST

START_TEST(closing_ends_it_for_all)
{
    pthread_t thread;
    int result;

    set_up();
    thread = start_waiter(&result);
    hub__room_close(&room);
    pthread_join(thread, NULL);
    ck_assert_int_eq(result, HUB_ESHUTDOWN);
    make_token();
    ck_assert_int_eq(wait_for_token(PATIENCE_MS), HUB_ESHUTDOWN);
    hub__room_fini(&room);
}
END_TEST

/* Each token is made only when the one before has been taken: a wake-up that is
 * lost would leave everybody waiting. */
enum { TAKERS = 3, TOKENS = 20000 };

static atomic_uint taken;

static void *take_many(void *data)
{
    unsigned *wrong = data;

    while (atomic_load(&taken) < TOKENS) {
        if (take_token())
            atomic_fetch_add(&taken, 1);
        else if (wait_for_token(PATIENCE_MS) == HUB_EAGAIN)
            ++*wrong;
    }
    hub__room_close(&room);
    return NULL;
}

START_TEST(no_wake_up_is_lost)
{
    pthread_t threads[TAKERS];
    unsigned wrong[TAKERS] = {0};

    set_up();
    atomic_store(&taken, 0);
    for (size_t i = 0; i < TAKERS; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, take_many, &wrong[i]), 0);
    for (unsigned i = 0; i < TOKENS; i++) {
        make_token();
        while (atomic_load(&taken) <= i)
            sched_yield();
    }
    for (size_t i = 0; i < TAKERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(wrong[i], 0);
    }
    hub__room_fini(&room);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        where_there_is_room_nobody_waits,
        who_waits_is_woken_and_does_not_look_in_between,
        a_deadline_ends_it,
        closing_ends_it_for_all,
        no_wake_up_is_lost,
    };

    return testing_run("room", tests, TESTING_LENGTH(tests));
}
