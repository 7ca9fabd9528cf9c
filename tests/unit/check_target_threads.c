/* check_target_threads.c - exclusions while connections come and go in other
 * threads: a connection that stays gets all messages for it, once and in order,
 * and none that exclude it.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "testing.h"

static hub_t *hub;

enum { LOOPS = 3, CALLERS = 3, CALLS = 1500, STAYING = 12, GUESTS = 3 };

/* One that is there all the time. Who sent a message, and which it is for that
 * caller, is in the message. */
struct resident {
    char user[8], session[8];
    hub_id id;
    bool never; /* it must not get anything */
    uint32_t got[CALLERS], last[CALLERS];
    unsigned wrong;
};

struct letter {
    uint32_t caller, number;
};

static struct resident residents[STAYING];
static atomic_bool ends;

static int take_letter(void *data, hub_id id, const struct hub_message *message)
{
    struct resident *r = data;
    struct letter letter;

    (void)id;
    memcpy(&letter, message->payload, sizeof letter);
    r->wrong += r->never || letter.number <= r->last[letter.caller];
    r->last[letter.caller] = letter.number;
    r->got[letter.caller]++;
    return 0;
}

static int ignore(void *data, hub_id id, const struct hub_message *message)
{
    (void)data;
    (void)id;
    (void)message;
    return 0;
}

/* Guests share users and sessions with those who stay. */
static void *come_and_go(void *data)
{
    struct hub_member member = HUB_MEMBER_INIT;
    uintptr_t wrong = 0;

    member.user_id = data;
    member.session_id = "hall";
    member.deliver = ignore;
    while (!atomic_load(&ends)) {
        hub_id id;

        wrong += hub_register(hub, &member, &id) != 0;
        wrong += hub_unregister(hub, id) != 0;
    }
    return (void *)wrong;
}

/* All but two, said in three ways: each reaches every resident but those. */
static void aim(struct hub_target *target, struct hub_target *except,
                const char *const *names, const hub_id *ids, uint32_t number)
{
    *target = *except = (struct hub_target)HUB_TARGET_INIT;
    target->except = except;
    if (number % 3 == 0) {
        target->flags = HUB_TO_EVERYBODY;
    } else if (number % 3 == 1) {
        target->session_id = "hall";
    } else {
        target->user_ids = names;
        target->user_id_count = STAYING;
        target->session_id = "hall";
        target->ids = ids;
        target->id_count = STAYING;
    }
    except->id = ids[0];
    except->user_id = names[1];
}

struct caller {
    pthread_t thread;
    uint32_t number;
    unsigned wrong;
};

static void *call_often(void *data)
{
    struct caller *caller = data;
    const char *names[STAYING];
    hub_id ids[STAYING];

    for (size_t i = 0; i < STAYING; i++) {
        names[i] = residents[i].user;
        ids[i] = residents[i].id;
    }
    for (uint32_t i = 1; i <= CALLS; i++) {
        struct letter letter = {caller->number, i};
        struct hub_target target, except;
        int64_t sent;

        aim(&target, &except, names, ids, i);
        sent =
            hub_send(hub, &target, HUB_BINARY_OF(&letter, sizeof letter), NULL);
        caller->wrong += sent < STAYING - 2 || sent > STAYING - 2 + GUESTS;
    }
    return NULL;
}

static void settle_in(void)
{
    struct hub_member member = HUB_MEMBER_INIT;

    memset(residents, 0, sizeof residents);
    member.deliver = take_letter;
    for (size_t i = 0; i < STAYING; i++) {
        struct resident *r = &residents[i];

        snprintf(r->user, sizeof r->user, "u%zu", i);
        snprintf(r->session, sizeof r->session, "hall");
        r->never = i < 2;
        member.user_id = r->user;
        member.session_id = r->session;
        member.data = r;
        ck_assert_int_eq(hub_register(hub, &member, &r->id), 0);
    }
}

START_TEST(those_who_stay_get_all_that_is_for_them)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    static char guest_users[GUESTS][4] = {"u1", "u2", "u3"};
    struct caller callers[CALLERS];
    pthread_t guests[GUESTS];
    void *wrong;

    options.loops = LOOPS;
    atomic_store(&ends, false);
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    settle_in();
    for (size_t i = 0; i < GUESTS; i++)
        ck_assert_int_eq(
            pthread_create(&guests[i], NULL, come_and_go, guest_users[i]), 0);
    for (uint32_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.number = i};
        ck_assert_int_eq(
            pthread_create(&callers[i].thread, NULL, call_often, &callers[i]),
            0);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        ck_assert_uint_eq(callers[i].wrong, 0);
    }
    atomic_store(&ends, true);
    for (size_t i = 0; i < GUESTS; i++) {
        pthread_join(guests[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    ck_assert_int_eq(hub_shutdown(hub, 30000), 0);
    for (size_t i = 0; i < STAYING; i++) {
        ck_assert_uint_eq(residents[i].wrong, 0);
        for (size_t c = 0; c < CALLERS; c++)
            ck_assert_uint_eq(residents[i].got[c], i < 2 ? 0 : CALLS);
    }
    hub_destroy(hub);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        those_who_stay_get_all_that_is_for_them,
    };

    return testing_run("target_threads", tests, TESTING_LENGTH(tests));
}
