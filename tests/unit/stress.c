/* stress.c - see stress.h: the hubs, their callbacks, how they end, and what
 * must be true then.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress_inside.h"
#include "testing_rings.h"

#define PATIENCE_MS 20000u /* for a shutdown */
#define STRESS_WARNING_MS 30

static _Atomic(const char *) blamed;

void stress_blame(const char *text)
{
    const char *nothing = NULL;

    atomic_compare_exchange_strong(&blamed, &nothing, text);
}

/* Calls. --------------------------------------------------------------- */

void stress_check(struct stress_host *host, int64_t result)
{
    if (result >= 0 || result == HUB_ENOENT || result == HUB_EAGAIN)
        return;
    if (result == HUB_ENOMEM && host->plan->refuse_percent > 0)
        return;
    if (result == HUB_ESHUTDOWN && atomic_load(&host->ending))
        return;
    stress_blame(hub_strerror((int)result));
}

void stress_spread(struct stress_host *host, const struct hub_target *except,
                   const struct hub_message *message,
                   const struct hub_send_options *options)
{
    struct hub_target to = hub_to_everybody();
    int64_t result;

    to.except = except;
    result = hub_send(host->hub, &to, message, options);
    stress_check(host, result);
    if (result > 0)
        atomic_fetch_add(&host->spread, 1);
}

bool stress_greets(unsigned patience)
{
    return patience % 3 == 0 && patience < STRESS_PATIENCE;
}

void stress_note_first(struct stress_ear *ear, const void *payload,
                       size_t bytes)
{
    bool is_greeting = bytes == strlen(STRESS_GREETING) &&
                       memcmp(payload, STRESS_GREETING, bytes) == 0;

    if (is_greeting != ear->awaits_greeting)
        stress_blame(
            "a greeting is not the first message, or not the only one");
    ear->awaits_greeting = false;
}

void stress_hear(struct stress_host *host, struct stress_ear *ear,
                 const void *payload, size_t bytes)
{
    struct stress_note note;

    if (bytes < sizeof note)
        return;
    memcpy(&note, payload, sizeof note);
    if (note.magic != STRESS_MAGIC)
        return;
    if (note.worker >= STRESS_WORKERS || note.number <= ear->last[note.worker])
        stress_blame("a message came twice or out of order");
    else
        ear->last[note.worker] = note.number;
    if (note.only_for != 0 && note.only_for != ear->id)
        stress_blame("a message to a connection has reached another one");
    if (note.not_for != 0 && note.not_for == ear->id)
        stress_blame("a message has reached whom it was not for");
    atomic_fetch_add(&host->heard, 1);
}

/* Callbacks. ----------------------------------------------------------- */

static int deliver(void *data, hub_id id, const struct hub_message *message)
{
    struct stress_guest *guest = data;
    struct stress_host *host = guest->host;

    if (atomic_load(&guest->state) != 1)
        stress_blame("a delivery to a connection that is not open");
    stress_note_first(&guest->ear, message->payload, message->payload_bytes);
    if (guest->is_faithful) {
        atomic_fetch_add(&host->faithful, 1);
        stress_hear(host, &guest->ear, message->payload,
                    message->payload_bytes);
        return 0;
    }
    if (guest->patience == 0)
        return 1; /* refused: it does not count as delivered */
    guest->patience--;
    if (guest->patience % 97 == 1)
        stress_check(host, hub_unregister(host->hub, id));
    stress_hear(host, &guest->ear, message->payload, message->payload_bytes);
    return 0;
}

int stress_let_in(struct stress_host *host, int fd, const char *user,
                  const char *session, unsigned patience, hub_id *id)
{
    struct stress_guest *guest = calloc(1, sizeof *guest);
    struct hub_message greeting = hub_text(STRESS_GREETING);
    struct hub_member member = HUB_MEMBER_INIT;
    int err;

    if (guest == NULL)
        return HUB_ENOMEM;
    guest->host = host;
    guest->patience = patience;
    guest->is_faithful = patience > STRESS_PATIENCE;
    guest->ear.awaits_greeting = stress_greets(patience);
    member.user_id = user;
    member.session_id = session;
    member.data = guest;
    member.greeting = guest->ear.awaits_greeting ? &greeting : NULL;
    if (patience % 5 == 0 && !guest->is_faithful)
        member.expires_ms = 1 + patience % 100;
    if (fd < 0)
        member.deliver = deliver;
    err =
        patience % 2 == 0 ? hub_reserve(host->hub, &member, &member.place) : 0;
    if (err == 0)
        err = fd < 0 ? hub_register(host->hub, &member, id)
                     : hub_adopt(host->hub, fd, &member, id);
    if (err == 0)
        return 0;
    hub_release(host->hub, member.place);
    if (err != HUB_EFULL)
        stress_check(host, err);
    if (atomic_load(&guest->state) != 0)
        stress_blame("a callback for a connection that was refused");
    free(guest);
    return err;
}

int stress_reject(struct stress_host *host, int fd)
{
    struct hub_rejection rejection = HUB_REJECTION_INIT;
    int err;

    rejection.code = 3000;
    rejection.reason = "at random";
    err = hub_reject(host->hub, fd, &rejection);
    if (err == 0)
        atomic_fetch_add(&host->rejected, 1);
    else if (err != HUB_EFULL)
        stress_check(host, err);
    return err;
}

static void on_opened(hub_t *hub, const struct hub_connection *connection)
{
    struct stress_guest *guest = connection->data;

    if (atomic_exchange(&guest->state, 1) != 0)
        stress_blame("opened twice");
    guest->ear.id = connection->id.value;
    if (atomic_fetch_add(&guest->host->opened, 1) % 16 == 0 &&
        !guest->is_faithful)
        stress_check(guest->host,
                     hub_send(hub, HUB_TO_CONNECTION(connection->id),
                              HUB_TEXT_OF("welcome"), NULL));
}

static void on_message(hub_t *hub, const struct hub_connection *connection,
                       const struct hub_message *message)
{
    struct stress_guest *guest = connection->data;
    struct stress_host *host = guest->host;
    size_t bytes = message->payload_bytes;

    if (atomic_load(&guest->state) != 1)
        stress_blame("a message of a connection that is not open");
    if (bytes % 3 == 0)
        stress_check(host, hub_send(hub, HUB_TO_USER(connection->user_id),
                                    message, NULL));
    else if (bytes % 31 == 1)
        stress_check(
            host, hub_close(hub, connection->id, 4000, "by its own message"));
    else if (bytes % 31 == 2 && host->next != NULL)
        stress_spread(host->next, NULL, message, NULL);
}

/* By enough, or it would be warned again at once, and so on. */
static void on_expiring(hub_t *hub, const struct hub_connection *connection,
                        int64_t remaining_ms)
{
    struct stress_guest *guest = connection->data;
    uint64_t count = atomic_fetch_add(&guest->host->warned, 1);

    if (atomic_load(&guest->state) != 1 || guest->is_faithful)
        stress_blame("a warning for who is not open, or never expires");
    if (remaining_ms < 0 || remaining_ms > STRESS_WARNING_MS)
        stress_blame("a warning at the wrong time");
    if (count % 3 == 0)
        stress_check(guest->host,
                     hub_extend(hub, connection->id, STRESS_WARNING_MS + 20));
    else if (count % 31 == 1)
        stress_check(guest->host, hub_unregister(hub, connection->id));
}

static void on_closed(hub_t *hub, const struct hub_connection *connection,
                      const struct hub_close_info *info)
{
    struct stress_guest *guest = connection->data;
    struct stress_host *host = guest->host;
    struct hub_stats stats = HUB_STATS_INIT;

    if (atomic_exchange(&guest->state, 2) != 1)
        stress_blame("closed without having been opened, or twice");
    if (info->duration_ms < 0)
        stress_blame("a connection of less than no time");
    if (guest->is_faithful && !atomic_load(&host->ending) &&
        host->plan->refuse_percent == 0)
        stress_blame("who never leaves has left");
    if (atomic_fetch_add(&host->closed, 1) % 8 == 0) {
        stress_check(host, hub_stats(hub, &stats));
        (void)stress_let_in(host, -1, "heir", NULL, 20, NULL);
    }
    free(guest);
}

/* Hubs. ---------------------------------------------------------------- */

static unsigned shutdown_ms(const struct stress_host *host)
{
    return host->plan->end == STRESS_CUT_SHORT
               ? (unsigned)(host->plan->seed % 30)
               : PATIENCE_MS;
}

void stress_shut(struct stress_host *host)
{
    int err;

    atomic_store(&host->ending, true);
    err = hub_shutdown(host->hub, shutdown_ms(host));
    if (err == HUB_ESHUTDOWN)
        return; /* somebody else's is under way */
    if (atomic_exchange(&host->shut, true))
        stress_blame("two shutdowns of one hub");
    atomic_store(&host->shut_result, err);
}

/* Polls a HUB_HOST_LOOP hub, as its host would. */
static void *drive(void *context)
{
    struct stress_host *host = context;

    while (!atomic_load(&host->stop))
        stress_check(host, hub_poll(host->hub, 2));
    if (host->plan->end != STRESS_ABRUPT)
        stress_shut(host);
    return NULL;
}

static bool open_host(struct stress_host *host, const struct stress_plan *plan)
{
    struct hub_options options = HUB_OPTIONS_INIT;

    *host = (struct stress_host){.plan = plan};
    options.loops = plan->loops;
    options.flags = plan->loops == 0 ? HUB_HOST_LOOP : 0;
    options.sender = plan->sender;
    options.max_connections = 120;
    options.slow_consumer = plan->policy;
    options.queue_bytes = 30000;
    options.ping_interval_ms = options.pong_timeout_ms = 60;
    options.write_timeout_ms = options.close_timeout_ms = 80;
    options.message_timeout_ms = 100;
    options.expiry_warning_ms = STRESS_WARNING_MS;
    options.expiry_grace_ms = 20;
    options.expiring = on_expiring;
    options.opened = on_opened;
    options.message = on_message;
    options.closed = on_closed;
    if (hub_create(&host->hub, &options) != 0)
        return false;
    /* It gets every broadcast. */
    return stress_let_in(host, -1, "faithful", NULL, STRESS_PATIENCE + 1,
                         NULL) == 0;
}

/* When all threads are gone. */
static void close_host(struct stress_host *host, struct stress_tally *tally)
{
    struct hub_stats stats = HUB_STATS_INIT;
    bool whole = atomic_load(&host->shut) && host->plan->end < STRESS_CUT_SHORT;

    if (whole && atomic_load(&host->shut_result) != 0)
        stress_blame("a shutdown took too long");
    if (hub_stats(host->hub, &stats) != 0)
        stress_blame("there are no figures");
    if (whole && (stats.connections != 0 || stats.users != 0 ||
                  stats.sessions != 0 || stats.opened != stats.closed))
        stress_blame("somebody is left behind a shutdown");
    if (whole && (stats.rejected != atomic_load(&host->rejected) ||
                  atomic_load(&host->hub->rejecting) != 0))
        stress_blame("a socket that was rejected is left behind");
    if (host->plan->end == STRESS_QUIET && host->plan->breaks_rings &&
        stats.uring_loops >= stats.loops)
        stress_blame("no loop has noticed that its ring is broken");
    hub_destroy(host->hub);
    if (host->plan->end != STRESS_ABRUPT && !atomic_load(&host->shut))
        stress_blame("nobody's shutdown was the one");
    if (atomic_load(&host->opened) != atomic_load(&host->closed))
        stress_blame("opened and closed are not the same");
    if (whole && stats.opened != atomic_load(&host->opened))
        stress_blame("the figures and the callbacks disagree");
    if (whole && host->plan->refuse_percent == 0 &&
        atomic_load(&host->faithful) != atomic_load(&host->spread))
        stress_blame("a broadcast has not reached who never leaves, or twice");
    if (atomic_load(&host->faithful) > atomic_load(&host->spread))
        stress_blame("more broadcasts were heard than sent");
    if (whole && atomic_load(&host->heard) > stats.messages_out)
        stress_blame("more messages were heard than counted");
    tally->delivered += atomic_load(&host->heard);
    tally->warnings += atomic_load(&host->warned);
    tally->expired += stats.closed_by_cause[HUB_CLOSED_EXPIRED];
}

/* The whole. ----------------------------------------------------------- */

static void add_tally(struct stress_tally *sum, const struct stress_tally *more)
{
#define ADD(name) sum->name += more->name;
    STRESS_TALLY_MAP(ADD)
#undef ADD
}

static void end_hosts(struct stress_host *hosts, const struct stress_plan *plan)
{
    for (unsigned i = 0; i < plan->hubs; i++) {
        atomic_store(&hosts[i].ending, true);
        atomic_store(&hosts[i].stop, true);
        if (plan->loops > 0 && plan->end != STRESS_ABRUPT)
            stress_shut(&hosts[i]);
    }
}

static bool await_half_way(struct testing_gate *gate, unsigned workers)
{
    for (int tries = 0; tries < 10; tries++) {
        if (testing_gate_await(gate, workers))
            return true;
    }
    return false;
}

static void work(struct stress_host *hosts, const struct stress_plan *plan,
                 struct stress_tally *tally)
{
    static struct stress_worker workers[STRESS_WORKERS];
    struct testing_gate half_way = TESTING_GATE_INIT;
    unsigned started = 0;

    for (unsigned i = 0; i < STRESS_WORKERS; i++) {
        struct stress_worker *w = &workers[i];

        memset(w, 0, sizeof *w);
        w->host = &hosts[i % plan->hubs];
        w->half_way = &half_way;
        w->seed = plan->seed * 100 + i + 1;
        w->index = i;
        started += stress_worker_start(w);
    }
    if (started < STRESS_WORKERS)
        stress_blame("a thread cannot be started");
    if (plan->end != STRESS_QUIET) {
        if (!await_half_way(&half_way, started))
            stress_blame("the workers are stuck");
        end_hosts(hosts, plan);
    }
    for (unsigned i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    if (plan->end == STRESS_QUIET)
        end_hosts(hosts, plan);
    for (unsigned i = 0; i < plan->hubs && plan->loops == 0; i++)
        pthread_join(hosts[i].driver, NULL);
    for (unsigned i = 0; i < plan->hubs; i++)
        close_host(&hosts[i], tally);
    for (unsigned i = 0; i < STRESS_WORKERS; i++) {
        add_tally(tally, &workers[i].tally);
        stress_worker_release(&workers[i]);
    }
}

const char *stress_run(const struct stress_plan *plan,
                       struct stress_tally *tally)
{
    static struct stress_host hosts[STRESS_HUBS_MAX];

    atomic_store(&blamed, NULL);
    if (plan->refuse_percent > 0)
        testing_fail_randomly(plan->seed, plan->refuse_percent);
    testing_spare_memory(true);
    for (unsigned i = 0; i < plan->hubs; i++) {
        if (!open_host(&hosts[i], plan))
            return "a hub cannot be made";
    }
    /* In one direction only: the hubs are destroyed in this order. */
    for (unsigned i = 1; i < plan->hubs; i++)
        hosts[i - 1].next = &hosts[i];
    testing_spare_memory(false);
    for (unsigned i = 0; i < plan->hubs && plan->loops == 0; i++) {
        if (pthread_create(&hosts[i].driver, NULL, drive, &hosts[i]) != 0)
            return "a thread cannot be started";
    }
    work(hosts, plan, tally);
    tally->refused += plan->refuse_percent > 0 ? testing_allow_memory() : 0;
    return atomic_load(&blamed);
}

struct stress_plan stress_plan_of(uint64_t seed)
{
    static const unsigned percents[] = {1, 10, 50};
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    struct stress_plan plan = {.seed = seed, .hubs = 1, .loops = 3};

    for (int i = 0; i < 8; i++)
        (void)testing_random(&state);
    plan.steps = 2000 + (unsigned)(testing_random(&state) % 8000);
    plan.policy = (enum hub_slow_consumer)(testing_random(&state) % 3);
    plan.end = (enum stress_end)(testing_random(&state) % STRESS_ENDS);
    if (testing_random(&state) % 4 == 0)
        plan.hubs = 2;
    if (testing_random(&state) % 4 == 0)
        plan.loops = (unsigned)(testing_random(&state) % 3);
    if (testing_random(&state) % 2 == 0)
        plan.sender = HUB_SENDER_SENDMSG;
    else
        plan.breaks_rings =
            testing_has_rings() && testing_random(&state) % 4 == 0;
    if (testing_random(&state) % 6 == 0)
        plan.refuse_percent = percents[testing_random(&state) % 3];
    return plan;
}

void stress_plan_print(const struct stress_plan *plan, char *out, size_t size)
{
    static const char *const ends[] = {"quiet", "amid", "cut short", "abrupt"};
    static const char *const policies[] = {"close", "oldest", "newest"};

    snprintf(out, size,
             "seed %" PRIu64 ": %u hub(s) of %u loop(s) by %s%s, %s, %u steps, "
             "ends %s, %u %% refused",
             plan->seed, plan->hubs, plan->loops, hub_sender_name(plan->sender),
             plan->breaks_rings ? " that breaks" : "", policies[plan->policy],
             plan->steps, ends[plan->end], plan->refuse_percent);
}
