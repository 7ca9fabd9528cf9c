/* check_wait.c - hub_send() with wait_ms: it waits for loops that are behind
 * and for memory, is woken when there is room, and never waits for itself.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/timerfd.h>

#include "testing.h"

#define PATIENCE_MS 60000 /* nobody waits as long as that */

static hub_t *hub;

static int64_t send_and_wait(struct hub_target target, size_t bytes,
                             unsigned wait_ms)
{
    static const uint8_t payload[50000];
    struct hub_send_options options = HUB_SEND_OPTIONS_INIT;

    options.wait_ms = wait_ms;
    return hub_send(hub, &target, HUB_BINARY_OF(payload, bytes), &options);
}

/* One call in a thread of its own. */
struct waiter {
    pthread_t thread;
    struct hub_target target;
    size_t bytes; /* of the message */
    int64_t result;
    /* For wait_behind(): */
    struct testing_gate ready;
    atomic_bool late; /* the other call is over */
};

static void *wait_once(void *data)
{
    struct waiter *w = data;

    w->result = send_and_wait(w->target, w->bytes, PATIENCE_MS);
    return NULL;
}

/* Starts it, and returns when it waits. */
static void start(struct waiter *w, struct hub_target target, size_t bytes)
{
    size_t before = atomic_load(&hub->room.waiters);

    *w = (struct waiter){.target = target, .bytes = bytes};
    ck_assert_int_eq(pthread_create(&w->thread, NULL, wait_once, w), 0);
    while (atomic_load(&hub->room.waiters) == before)
        sched_yield();
}

static int64_t end(struct waiter *w)
{
    pthread_join(w->thread, NULL);
    return w->result;
}

/* Loops that are behind. ----------------------------------------------- */

/* A member whose callback waits holds up its loop. */
struct holdup {
    struct testing_gate entered, leave, heard;
    int64_t from_inside; /* what the callback's own waiting call returned */
};

#define HOLDUP_INIT                                                            \
    {                                                                          \
        TESTING_GATE_INIT, TESTING_GATE_INIT, TESTING_GATE_INIT, 0             \
    }

static int hold_up(void *data, hub_id id, const struct hub_message *message)
{
    struct holdup *h = data;

    (void)id;
    if (message->payload_bytes == 4) { /* "hold" */
        h->from_inside = send_and_wait(hub_to_everybody(), 1, 1);
        testing_gate_pass(&h->entered, 1);
        testing_gate_await(&h->leave, 1);
    }
    testing_gate_pass(&h->heard, 1);
    return 0;
}

static void enter(struct holdup *h)
{
    struct hub_member member = HUB_MEMBER_INIT;

    member.user_id = "slow";
    member.data = h;
    member.deliver = hold_up;
    ck_assert_int_eq(hub_register(hub, &member, NULL), 0);
}

/* The loop stands in a callback, and its backlog is full. Returns how many
 * messages the member will get. */
static uint64_t fall_behind(struct holdup *h)
{
    uint64_t sent = 1;

    enter(h);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("slow"), HUB_TEXT_OF("hold"), NULL), 1);
    ck_assert(testing_gate_await(&h->entered, 1));
    while (hub_send(hub, HUB_TO_USER("slow"), HUB_TEXT_OF("more"), NULL) == 1)
        sent++;
    return sent;
}

START_TEST(a_loop_that_catches_up_wakes_who_waits)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct holdup holdup = HOLDUP_INIT;
    const struct hub_target targets[] = {
        hub_to_user("slow"), hub_to_either("slow", "s"), hub_to_everybody()};
    struct waiter waiters[TESTING_LENGTH(targets)];
    uint64_t sent;

    options.loops = 1;
    options.backlog_bytes = 500;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    sent = fall_behind(&holdup);
    for (size_t i = 0; i < TESTING_LENGTH(targets); i++)
        start(&waiters[i], targets[i], 7);
    testing_gate_pass(&holdup.leave, 1);
    for (size_t i = 0; i < TESTING_LENGTH(targets); i++)
        ck_assert_int_eq(end(&waiters[i]), 1);
    ck_assert(testing_gate_await(&holdup.heard, sent + 3));
    ck_assert_int_eq(holdup.from_inside, HUB_EDEADLK);
    hub_destroy(hub);
    ck_assert_uint_eq(testing_gate_count(&holdup.heard), sent + 3);
}
END_TEST

START_TEST(time_runs_out_and_nobody_gets_anything)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct holdup holdup = HOLDUP_INIT;
    uint64_t sent;

    options.loops = 1;
    options.backlog_bytes = 500;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    sent = fall_behind(&holdup);
    ck_assert_int_eq(send_and_wait(hub_to_user("slow"), 1, 1), HUB_EAGAIN);
    ck_assert_int_eq(send_and_wait(hub_to_everybody(), 1, 2), HUB_EAGAIN);
    ck_assert_int_eq(send_and_wait(hub_to_everybody(), 1, 0), HUB_EAGAIN);
    testing_gate_pass(&holdup.leave, 1);
    ck_assert(testing_gate_await(&holdup.heard, sent));
    hub_destroy(hub);
    ck_assert_uint_eq(testing_gate_count(&holdup.heard), sent);
}
END_TEST

/* Memory. -------------------------------------------------------------- */

/* All memory for messages, as if others had them. */
static size_t use_up_memory(void)
{
    size_t bytes = hub->budget.limit - hub__budget_used(&hub->budget);

    ck_assert(hub__budget_take(&hub->budget, bytes));
    return bytes;
}

static void set_up_with_memory(void)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    options.loops = 1;
    options.max_message_bytes = 1000;
    options.memory_bytes = 64000;
    ck_assert_int_eq(hub__create(&hub, &options, testing_clock), 0);
}

START_TEST(a_call_that_gives_memory_back_wakes_who_waits)
{
    struct holdup holdup = HOLDUP_INIT;
    struct waiter waiter;
    size_t bytes;

    set_up_with_memory();
    enter(&holdup);
    bytes = use_up_memory();
    start(&waiter, hub_to_user("slow"), 1);
    hub__budget_give(&hub->budget, bytes);
    ck_assert_int_eq(
        hub_send(hub, HUB_TO_USER("nobody"), HUB_TEXT_OF("x"), NULL), 0);
    ck_assert_int_eq(end(&waiter), 1);
    ck_assert(testing_gate_await(&holdup.heard, 1));
    hub_destroy(hub);
}
END_TEST

/* Fills the queue of a client that does not read, and waits until the loop has
 * done with all of that. */
static void fill_queue(hub_id id)
{
    for (int i = 0; i < 2000; i++)
        ck_assert_int_eq(
            send_and_wait(hub_to_connection(id), 1000, PATIENCE_MS), 1);
    while (atomic_load(&hub->loops[0].mailbox.bytes) > 0)
        sched_yield();
    ck_assert_uint_gt(hub__budget_used(&hub->budget), 0);
}

START_TEST(a_connection_that_ends_gives_its_memory_to_who_waits)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct hub_member member = HUB_MEMBER_INIT;
    struct holdup holdup = HOLDUP_INIT;
    struct testing_client client;
    struct waiter waiter;
    hub_id id;

    options.loops = 1;
    options.max_message_bytes = 1000;
    options.memory_bytes = 64000;
    options.slow_consumer = HUB_SLOW_DROP_NEWEST;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    enter(&holdup);
    member.user_id = "client";
    ck_assert_int_eq(hub_adopt(hub, testing_client_open(&client), &member, &id),
                     0);
    fill_queue(id);
    /* It takes all the memory that there is for such. */
    start(&waiter, hub_to_user("slow"),
          hub->budget.limit - hub__frame_memory_max(0));
    testing_client_close(&client);
    ck_assert_int_eq(end(&waiter), 1);
    ck_assert(testing_gate_await(&holdup.heard, 1));
    hub_destroy(hub);
}
END_TEST

/* The loop turns only for what is posted from now on, as its clock stands
 * still: no tick wakes who waits. */
static void stop_timer(void)
{
    const struct itimerspec never = {0};

    ck_assert_int_eq(timerfd_settime(hub->loops[0].timer_fd, 0, &never, NULL),
                     0);
}

static cpu_set_t all_cores;

/* Where the loop runs before the caller goes on, it is the caller that lets go
 * of the message last. */
static void share_a_core(void)
{
    cpu_set_t core;

    CPU_ZERO(&core);
    CPU_SET((size_t)sched_getcpu(), &core);
    ck_assert_int_eq(sched_getaffinity(0, sizeof all_cores, &all_cores), 0);
    ck_assert_int_eq(sched_setaffinity(0, sizeof core, &core), 0);
    ck_assert_int_eq(
        pthread_setaffinity_np(hub->loops[0].thread, sizeof core, &core), 0);
}

/* One call, made while another one has all the memory, if the machine lets it
 * see that. */
static void *wait_behind(void *data)
{
    struct waiter *w = data;

    (void)sched_setaffinity(0, sizeof all_cores, &all_cores);
    testing_gate_pass(&w->ready, 1);
    while (hub__budget_used(&hub->budget) == 0 && !atomic_load(&w->late))
        ;
    w->result = send_and_wait(w->target, w->bytes, PATIENCE_MS / 10);
    return NULL;
}

START_TEST(who_sends_what_is_in_the_way_wakes_who_waits)
{
    const size_t bytes = 20000; /* there is memory for one of these */
    struct holdup holdup = HOLDUP_INIT;

    set_up_with_memory();
    enter(&holdup);
    stop_timer();
    share_a_core();
    for (unsigned i = 1; i <= 200; i++) {
        struct waiter w = {.target = hub_to_user("slow"),
                           .bytes = bytes,
                           .ready = TESTING_GATE_INIT};

        while (hub__budget_used(&hub->budget) > 0)
            sched_yield();
        ck_assert_int_eq(pthread_create(&w.thread, NULL, wait_behind, &w), 0);
        ck_assert(testing_gate_await(&w.ready, 1));
        ck_assert_int_eq(send_and_wait(w.target, bytes, 0), 1);
        atomic_store(&w.late, true);
        ck_assert_int_eq(end(&w), 1);
        ck_assert(testing_gate_await(&holdup.heard, 2 * i));
    }
    ck_assert_int_eq(sched_setaffinity(0, sizeof all_cores, &all_cores), 0);
    hub_destroy(hub);
}
END_TEST

/* Who must not wait. --------------------------------------------------- */

START_TEST(a_shutdown_ends_the_waiting)
{
    struct waiter waiter;
    size_t bytes;

    set_up_with_memory();
    bytes = use_up_memory();
    start(&waiter, hub_to_everybody(), 1);
    ck_assert_int_eq(hub_shutdown(hub, PATIENCE_MS), 0);
    ck_assert_int_eq(end(&waiter), HUB_ESHUTDOWN);
    ck_assert_int_eq(send_and_wait(hub_to_everybody(), 1, PATIENCE_MS),
                     HUB_ESHUTDOWN);
    hub__budget_give(&hub->budget, bytes);
    hub_destroy(hub);
}
END_TEST

static void *drive(void *data)
{
    struct testing_gate *stop = data;

    while (testing_gate_count(stop) == 0)
        (void)hub_poll(hub, 10);
    return NULL;
}

/* While one thread is in a callback of a HUB_HOST_LOOP hub, others are not. */
START_TEST(only_the_thread_in_the_callback_would_wait_for_itself)
{
    struct hub_options options = HUB_OPTIONS_INIT;
    struct testing_gate stop = TESTING_GATE_INIT;
    struct holdup holdup = HOLDUP_INIT;
    struct waiter waiter;
    pthread_t driver;
    uint64_t sent;

    options.flags = HUB_HOST_LOOP;
    options.backlog_bytes = 500;
    ck_assert_int_eq(hub_create(&hub, &options), 0);
    ck_assert_int_eq(pthread_create(&driver, NULL, drive, &stop), 0);
    sent = fall_behind(&holdup);
    ck_assert_int_eq(holdup.from_inside, HUB_EDEADLK);
    start(&waiter, hub_to_user("slow"), 1);
    testing_gate_pass(&holdup.leave, 1);
    ck_assert_int_eq(end(&waiter), 1);
    ck_assert(testing_gate_await(&holdup.heard, sent + 1));
    testing_gate_pass(&stop, 1);
    pthread_join(driver, NULL);
    hub_destroy(hub);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_loop_that_catches_up_wakes_who_waits,
        time_runs_out_and_nobody_gets_anything,
        a_call_that_gives_memory_back_wakes_who_waits,
        a_connection_that_ends_gives_its_memory_to_who_waits,
        who_sends_what_is_in_the_way_wakes_who_waits,
        a_shutdown_ends_the_waiting,
        only_the_thread_in_the_callback_would_wait_for_itself,
    };

    return testing_run("wait", tests, TESTING_LENGTH(tests));
}
