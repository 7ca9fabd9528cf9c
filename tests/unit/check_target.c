/* check_target.c - targets of many names and with exclusions, against a model
 * that compares each connection with each name: who gets which message, in
 * which order, and what hub_send() returns.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "testing.h"

#define PEERS 24 /* every other one is a socket */
#define NAMES_MAX 6
#define BIG 20000 /* more than a turn writes to everybody at once */

static const char *const users[] = {"ada", "bob", "cy", "dan", "nobody"};
static const char *const sessions[] = {"r", "s", "t", "nothing"};

static uint64_t seed;

static size_t pick(size_t count)
{
    return testing_random(&seed) % count;
}

/* The model. ----------------------------------------------------------- */

struct log {
    uint32_t *numbers; /* of messages */
    size_t count, size;
};

static void log_add(struct log *log, uint32_t number)
{
    if (log->count == log->size) {
        log->size = log->size * 2 + 64;
        log->numbers = realloc(log->numbers, log->size * sizeof(uint32_t));
    }
    log->numbers[log->count++] = number;
}

struct peer {
    bool is_in;
    hub_id id; /* its last one, when it is not in */
    const char *user, *session;
    struct testing_client client; /* of a socket */
    struct log wanted, got;
};

static hub_t *hub;
static struct peer peers[PEERS];

static bool is_socket(const struct peer *p)
{
    return (p - peers) % 2 == 0;
}

static bool is_named(const char *name, const char *one, const char *const *list,
                     size_t count)
{
    if (name == NULL)
        return false;
    if (one != NULL && strcmp(name, one) == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, list[i]) == 0)
            return true;
    }
    return false;
}

static bool is_meant(const struct hub_target *t, const struct peer *p)
{
    if ((t->flags & HUB_TO_EVERYBODY) != 0 || t->id.value == p->id.value)
        return true;
    for (size_t i = 0; i < t->id_count; i++) {
        if (t->ids[i].value == p->id.value)
            return true;
    }
    return is_named(p->user, t->user_id, t->user_ids, t->user_id_count) ||
           is_named(p->session, t->session_id, t->session_ids,
                    t->session_id_count);
}

/* Notes whom message `number` reaches. Returns what hub_send() has to. */
static int64_t expect(const struct hub_target *t, uint32_t number)
{
    int64_t count = 0;

    for (size_t i = 0; i < PEERS; i++) {
        struct peer *p = &peers[i];

        if (!p->is_in || !is_meant(t, p) ||
            (t->except != NULL && is_meant(t->except, p)))
            continue;
        log_add(&p->wanted, number);
        count++;
    }
    return count;
}

/* The hub. ------------------------------------------------------------- */

static void opened(hub_t *h, const struct hub_connection *connection)
{
    (void)h;
    (void)connection;
}

/* Without the record that stages keep by themselves. */
static void set_stage(void)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.queue_bytes = (size_t)64 << 20;
    options.opened = opened;
    hub = testing_stage(&options);
}

static uint32_t number_in(const void *payload)
{
    uint32_t number;

    memcpy(&number, payload, sizeof number);
    return number;
}

static int take(void *data, hub_id id, const struct hub_message *message)
{
    struct peer *p = data;

    (void)id;
    log_add(&p->got, number_in(message->payload));
    return 0;
}

static void enter(struct peer *p)
{
    struct hub_member member = HUB_MEMBER_INIT;
    size_t session = pick(TESTING_LENGTH(sessions));

    p->user = users[pick(TESTING_LENGTH(users) - 1)];
    p->session = session == 3 ? NULL : sessions[session];
    p->is_in = true;
    member.user_id = p->user;
    member.session_id = p->session;
    member.data = p;
    if (is_socket(p)) {
        ck_assert_int_eq(
            hub_adopt(hub, testing_client_open(&p->client), &member, &p->id),
            0);
    } else {
        member.deliver = take;
        ck_assert_int_eq(hub_register(hub, &member, &p->id), 0);
    }
}

static void leave(struct peer *p)
{
    ck_assert_int_eq(hub_unregister(hub, p->id), 0);
    testing_settle(hub);
    if (is_socket(p))
        testing_client_close(&p->client);
    p->is_in = false;
}

static void check_peer(struct peer *p)
{
    struct testing_received frame;

    while (is_socket(p) && testing_client_receive(&p->client, &frame)) {
        ck_assert_uint_eq(frame.first_byte, TESTING_FIN_BINARY);
        log_add(&p->got, number_in(frame.payload));
    }
    ck_assert_uint_eq(p->got.count, p->wanted.count);
    for (size_t i = 0; i < p->got.count; i++)
        ck_assert_uint_eq(p->got.numbers[i], p->wanted.numbers[i]);
    p->got.count = p->wanted.count = 0;
}

/* Reads while the hub writes: big messages do not fit into a socket. */
static void check_all(void)
{
    struct testing_received frame;

    for (bool more = true; more;) {
        more = false;
        testing_settle(hub);
        for (size_t i = 0; i < PEERS; i += 2) {
            while (peers[i].is_in &&
                   testing_client_receive(&peers[i].client, &frame)) {
                log_add(&peers[i].got, number_in(frame.payload));
                more = true;
            }
        }
    }
    for (size_t i = 0; i < PEERS; i++) {
        if (peers[i].is_in)
            check_peer(&peers[i]);
    }
}

/* Random targets. ------------------------------------------------------ */

/* What the lists of a target point to. */
struct lists {
    hub_id ids[NAMES_MAX];
    const char *users[NAMES_MAX], *sessions[NAMES_MAX];
};

static void name_some(struct hub_target *t, struct lists *lists)
{
    for (size_t i = 0; i < NAMES_MAX; i++) {
        lists->ids[i] = peers[pick(PEERS)].id; /* 0 or stale, perhaps */
        lists->users[i] = users[pick(TESTING_LENGTH(users))];
        lists->sessions[i] = sessions[pick(TESTING_LENGTH(sessions))];
    }
    *t = (struct hub_target)HUB_TARGET_INIT;
    if (pick(6) == 0)
        t->flags = HUB_TO_EVERYBODY;
    if (pick(4) == 0)
        t->id = peers[pick(PEERS)].id;
    if (pick(4) == 0)
        t->user_id = users[pick(TESTING_LENGTH(users))];
    if (pick(4) == 0)
        t->session_id = sessions[pick(TESTING_LENGTH(sessions))];
    t->ids = lists->ids;
    t->user_ids = lists->users;
    t->session_ids = lists->sessions;
    t->id_count = pick(3) == 0 ? pick(NAMES_MAX) : 0;
    t->user_id_count = pick(4) == 0 ? pick(3) : 0;
    t->session_id_count = pick(4) == 0 ? pick(3) : 0;
}

static bool names_nobody(const struct hub_target *t)
{
    return t->flags == 0 && t->id.value == 0 && t->user_id == NULL &&
           t->session_id == NULL && t->id_count == 0 && t->user_id_count == 0 &&
           t->session_id_count == 0;
}

static bool is_id_alone(const struct hub_target *t)
{
    return t->id.value != 0 && t->flags == 0 && t->except == NULL &&
           t->user_id == NULL && t->session_id == NULL && t->id_count == 0 &&
           t->user_id_count == 0 && t->session_id_count == 0;
}

static void send_one(uint32_t number)
{
    static uint8_t payload[BIG];
    struct lists lists, except_lists;
    struct hub_target target, except;
    struct hub_message message =
        hub_binary(payload, pick(20) == 0 ? BIG : sizeof number);
    int64_t expected;

    memcpy(payload, &number, sizeof number);
    name_some(&target, &lists);
    if (pick(2) == 0) {
        name_some(&except, &except_lists);
        target.except = &except;
    }
    if (names_nobody(&target)) {
        ck_assert_int_eq(hub_send(hub, &target, &message, NULL), HUB_EINVAL);
        return;
    }
    expected = expect(&target, number);
    if (expected == 0 && is_id_alone(&target))
        expected = HUB_ENOENT;
    ck_assert_int_eq(hub_send(hub, &target, &message, NULL), expected);
}

START_TEST(everyone_gets_what_the_model_says)
{
    seed = (uint64_t)_i + 1;
    set_stage();
    memset(peers, 0, sizeof peers);
    for (uint32_t number = 0; number < 6000; number++) {
        struct peer *p = &peers[pick(PEERS)];

        send_one(number);
        if (pick(12) == 0)
            check_all();
        if (pick(8) != 0)
            continue;
        if (!p->is_in) {
            enter(p); /* while others' messages are on their way */
        } else {
            check_all();
            leave(p);
        }
    }
    check_all();
    hub_destroy(hub);
    for (size_t i = 0; i < PEERS; i++) {
        if (is_socket(&peers[i]) && peers[i].is_in)
            testing_client_close(&peers[i].client);
        free(peers[i].wanted.numbers);
        free(peers[i].got.numbers);
    }
}
END_TEST

/* Sizes. --------------------------------------------------------------- */

static int count_one(void *data, hub_id id, const struct hub_message *message)
{
    (void)id;
    (void)message;
    ++*(unsigned *)data;
    return 0;
}

START_TEST(lists_may_be_long_and_name_the_same_again)
{
    enum { COUNT = 300, NAMES = HUB_TARGET_NAMES_MAX };
    const char **same = malloc(NAMES * sizeof *same);
    hub_id *ids = malloc(NAMES * sizeof *ids);
    unsigned *delivered = calloc(COUNT, sizeof *delivered);
    struct hub_member member = HUB_MEMBER_INIT;
    struct hub_target target = HUB_TARGET_INIT, except = HUB_TARGET_INIT;

    ck_assert(same != NULL && ids != NULL && delivered != NULL);
    set_stage();
    member.user_id = "many";
    member.session_id = "one";
    member.deliver = count_one;
    for (size_t i = 0; i < COUNT; i++) {
        member.data = &delivered[i];
        ck_assert_int_eq(hub_register(hub, &member, &ids[i]), 0);
    }
    for (size_t i = COUNT; i < NAMES; i++)
        ids[i] = ids[i % COUNT];
    for (size_t i = 0; i < NAMES; i++)
        same[i] = "many";
    target.user_ids = target.session_ids = except.session_ids = same;
    target.user_id_count = NAMES;
    ck_assert_int_eq(hub_send(hub, &target, HUB_TEXT_OF("x"), NULL), COUNT);
    target.user_id_count = 0;
    target.ids = ids;
    target.id_count = NAMES;
    ck_assert_int_eq(hub_send(hub, &target, HUB_TEXT_OF("x"), NULL), COUNT);
    except.ids = ids;
    except.id_count = COUNT - 1;
    target.except = &except;
    ck_assert_int_eq(hub_send(hub, &target, HUB_TEXT_OF("x"), NULL), 1);
    target.flags = HUB_TO_EVERYBODY;
    target.id_count = 0;
    ck_assert_int_eq(hub_send(hub, &target, HUB_TEXT_OF("x"), NULL), 1);
    except.session_id_count = NAMES;
    except.id_count = 0;
    ck_assert_int_eq(hub_send(hub, &target, HUB_TEXT_OF("x"), NULL), COUNT);
    testing_settle(hub);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(delivered[i], i == COUNT - 1 ? 5 : 3);
    hub_destroy(hub);
    free(delivered);
    free(ids);
    free(same);
}
END_TEST

/* Each shard is needed, of users and of sessions. */
START_TEST(a_target_may_name_everybody_one_by_one)
{
    enum { COUNT = 2000 };
    static char texts[COUNT][12];
    static unsigned delivered[COUNT];
    const char *names[COUNT];
    struct hub_member member = HUB_MEMBER_INIT;
    struct hub_target target = HUB_TARGET_INIT, except = HUB_TARGET_INIT;

    set_stage();
    member.deliver = count_one;
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "name-%zu", i);
        names[i] = texts[i];
        member.user_id = i % 2 == 0 ? texts[i] : "other";
        member.session_id = texts[i];
        member.data = &delivered[i];
        ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
    }
    target.user_ids = target.session_ids = names;
    target.user_id_count = target.session_id_count = COUNT;
    ck_assert_int_eq(hub_send(hub, &target, HUB_TEXT_OF("x"), NULL), COUNT);
    except.session_ids = names + 1;
    except.session_id_count = COUNT - 2;
    target.except = &except;
    ck_assert_int_eq(hub_send(hub, &target, HUB_TEXT_OF("x"), NULL), 2);
    testing_settle(hub);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(delivered[i], i == 0 || i == COUNT - 1 ? 2 : 1);
    hub_destroy(hub);
}
END_TEST

/* One allocation after the other fails; the last try has all it needs. */
static void check_memory(const struct hub_target *target, int64_t recipients)
{
    static unsigned delivered[200];
    struct hub_member member = HUB_MEMBER_INIT;
    unsigned nth = 0, total = 0;
    int64_t result;

    memset(delivered, 0, sizeof delivered);
    set_stage();
    member.user_id = "u";
    member.deliver = count_one;
    for (size_t i = 0; i < TESTING_LENGTH(delivered); i++) {
        member.session_id = i % 2 == 0 ? "s" : NULL;
        member.data = &delivered[i];
        ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
    }
    testing_settle(hub);
    do {
        testing_fail_allocation(++nth);
        result = hub_send(hub, target, HUB_TEXT_OF("x"), NULL);
        testing_allow_memory();
        ck_assert(result == recipients || result == HUB_ENOMEM);
        if (result < 0)
            testing_settle(hub);
    } while (result < 0);
    ck_assert_uint_gt(nth, 3);
    testing_settle(hub);
    for (size_t i = 0; i < TESTING_LENGTH(delivered); i++)
        total += delivered[i];
    ck_assert_int_eq(total, recipients);
    hub_destroy(hub);
}

START_TEST(without_memory_nobody_gets_anything)
{
    const char *names[40];
    struct hub_target target = HUB_TARGET_INIT, except = HUB_TARGET_INIT;

    for (size_t i = 0; i < TESTING_LENGTH(names); i++)
        names[i] = "u";
    target.user_ids = names; /* more than there is room for on the stack */
    target.user_id_count = TESTING_LENGTH(names);
    check_memory(&target, 200);
    except.session_id = "s";
    target.except = &except;
    check_memory(&target, 100);
    target.user_id_count = 0;
    target.flags = HUB_TO_EVERYBODY;
    check_memory(&target, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("target");
    TCase *tests = tcase_create("target");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, everyone_gets_what_the_model_says, 0, 8);
    tcase_add_test(tests, lists_may_be_long_and_name_the_same_again);
    tcase_add_test(tests, a_target_may_name_everybody_one_by_one);
    tcase_add_test(tests, without_memory_nobody_gets_anything);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
