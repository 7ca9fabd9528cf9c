/* publisher.c - see publisher.h.
 *
 * Receivers wake the publisher only if it has set its flag `asleep`, and it
 * checks once more between setting the flag and sleeping: a flight that ends in
 * between is either seen by that check or sees the flag.
 */
#include "publisher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>

#include "clock.h"
#include "message.h"

#define PREFIX "{\"targetUserId\":\"%s\",\"message\":"
#define PREFIX_BYTES_MAX (sizeof(PREFIX) + URL_USER_BYTES_MAX)
#define TICK_NS (100 * MS_NS)
#define GIVE_UP_NS (10 * SECOND_NS)

/* Bodies. --------------------------------------------------------------- */

static bool target_in_url(const struct publisher *p)
{
    return url_has_user(p->options->publish);
}

static int init_lane(struct publisher_lane *lane, size_t bytes)
{
    lane->room = malloc(PREFIX_BYTES_MAX + bytes + 1);
    if (lane->room == NULL)
        return -1;
    lane->message = lane->room + PREFIX_BYTES_MAX;
    message_write(lane->message, bytes);
    lane->message[bytes] = '}'; /* closes the object that the prefix opens */
    return 0;
}

static void post(struct publisher *p, unsigned index, uint32_t target)
{
    struct publisher_lane *lane = &p->lanes[index];
    size_t bytes = p->options->bytes;
    char text[OPTIONS_PUBLISH_BYTES], user[URL_USER_BYTES_MAX];
    int prefix;

    message_set_number(lane->message, lane->number);
    if (target == FLIGHTS_EVERYBODY) {
        http_post(&p->http, index, NULL, lane->message, bytes);
    } else if (target_in_url(p)) {
        (void)url_expand(text, sizeof(text), p->options->publish, target);
        http_post(&p->http, index, text, lane->message, bytes);
    } else {
        url_user(user, target);
        prefix = snprintf(text, sizeof(text), PREFIX, user);
        memcpy(lane->message - prefix, text, (size_t)prefix);
        http_post(&p->http, index, NULL, lane->message - prefix,
                  (size_t)prefix + bytes + 1);
    }
}

/* Pace. ----------------------------------------------------------------- */

/* xorshift64*, Marsaglia and Vigna. */
static uint64_t next_random(struct publisher *p)
{
    p->random ^= p->random >> 12;
    p->random ^= p->random << 25;
    p->random ^= p->random >> 27;
    return p->random * UINT64_C(2685821657736338717);
}

static bool is_open_loop(const struct publisher *p)
{
    return p->options->rate > 0;
}

static int64_t due_ns(const struct publisher *p, uint64_t message)
{
    return p->burst.begin.at_ns +
           (int64_t)((double)message / p->options->rate * 1e9);
}

/* Messages that count toward the window. */
static unsigned in_flight(const struct publisher *p)
{
    if (p->options->until == UNTIL_ACCEPTED)
        return p->options->connections - p->free_count;
    return atomic_load(&p->flights->under_way) + p->empty;
}

static bool window_has_room(const struct publisher *p)
{
    return in_flight(p) < p->options->window;
}

/* Whether the window or rate allows one more message. */
static bool has_room(const struct publisher *p, int64_t now)
{
    if (p->free_count == 0)
        return false;
    if (is_open_loop(p))
        return due_ns(p, p->launched) <= now;
    return window_has_room(p);
}

static bool choose_target(struct publisher *p, uint32_t *target,
                          uint32_t *recipients)
{
    *target = FLIGHTS_EVERYBODY;
    *recipients = atomic_load(&p->roster->reading);
    if (!p->options->send)
        return true;
    *recipients = 1;
    return roster_pick(p->roster, next_random(p), target);
}

/* Takes a place for a message to the clients that are reading now. Returns
 * false if there is no place, or no client. */
static bool take_place(struct publisher *p, struct flight_view *view,
                       int64_t now, uint32_t *recipients, uint64_t *number)
{
    bool taken;

    (void)pthread_mutex_lock(&p->roster->lock);
    taken = choose_target(p, &view->target, recipients) &&
            flights_launch(p->flights, view, *recipients, now, number);
    (void)pthread_mutex_unlock(&p->roster->lock);
    return taken;
}

/* Posts the next message. Returns false if there is no place for it. */
static bool launch(struct publisher *p, int64_t now)
{
    unsigned index = p->free[p->free_count - 1];
    struct publisher_lane *lane = &p->lanes[index];
    struct flight_view view = {.lane = (uint16_t)index,
                               .position = lane->position,
                               .measured = p->measured,
                               .since_ns = now};
    uint32_t recipients;

    if (is_open_loop(p))
        view.since_ns = due_ns(p, p->launched);
    if (!take_place(p, &view, now, &recipients, &lane->number))
        return false;
    lane->since_ns = view.since_ns;
    lane->position++;
    lane->empty = recipients == 0;
    p->empty += lane->empty;
    p->free_count--;
    p->launched++;
    post(p, index, view.target);
    return true;
}

static void answered(void *context, const struct http_answer *answer)
{
    struct publisher *p = context;
    struct publisher_lane *lane = &p->lanes[answer->lane];
    struct publisher_burst *burst = &p->burst;
    char why[HTTP_REASON_BYTES];

    p->empty -= lane->empty;
    p->free[p->free_count++] = answer->lane;
    if (answer->status >= 200 && answer->status < 300) {
        p->accepted = true;
        burst->messages++;
        burst->answered_ns = now_ns();
        histogram_add(&burst->response, burst->answered_ns - lane->since_ns);
        return;
    }
    flights_cancel(p->flights, lane->number);
    burst->errors++;
    if (burst->failed || burst->error[0] != '\0')
        return;
    http_explain(answer, why, sizeof(why));
    (void)snprintf(burst->error, sizeof(burst->error), "%s", why);
    /* No request has ever succeeded: a wrong key, a wrong path. */
    burst->failed = !p->accepted;
}

/* A burst. -------------------------------------------------------------- */

static bool is_given_up(const struct publisher *p)
{
    return p->burst.failed || p->burst.lonely;
}

static void tick(struct publisher *p, int64_t now)
{
    if (now < p->tick_ns)
        return;
    p->tick_ns = now + TICK_NS;
    flights_expire(p->flights, now - GIVE_UP_NS);
    if (atomic_load(&p->roster->reading) == 0 &&
        atomic_load(&p->roster->lost) != 0)
        p->burst.lonely = true;
}

static void wait(struct publisher *p, int64_t until)
{
    http_turn(&p->http, until < p->tick_ns ? until : p->tick_ns);
}

/* The same, but it also ends with the end of a flight, and does not wait if
 * `ready` says so. */
static void wait_for_flights(struct publisher *p, int64_t until,
                             bool (*ready)(const struct publisher *p))
{
    atomic_store(&p->flights->asleep, true);
    wait(p, ready(p) ? 0 : until);
    atomic_store(&p->flights->asleep, false);
}

static bool may_publish(const struct publisher *p, int64_t now)
{
    return now < p->deadline_ns && !is_given_up(p) &&
           atomic_load(&p->stop) == 0;
}

static bool is_over(const struct publisher *p)
{
    return is_given_up(p) || atomic_load(&p->stop) > 1 ||
           (p->free_count == p->options->connections &&
            atomic_load(&p->flights->under_way) == 0);
}

/* Waits for what the next message needs: a lane, its time, or the end of
 * another flight. */
static void wait_to_launch(struct publisher *p)
{
    int64_t until = p->deadline_ns, due;

    if (p->free_count == 0) {
        wait(p, until);
    } else if (is_open_loop(p)) {
        due = due_ns(p, p->launched);
        wait(p, due < until ? due : until);
    } else {
        wait_for_flights(p, until, window_has_room);
    }
}

static void publish(struct publisher *p)
{
    int64_t now = now_ns();

    while (may_publish(p, now)) {
        bool full = false;

        while (!full && has_room(p, now) && may_publish(p, now)) {
            full = !launch(p, now);
            now = now_ns();
        }
        if (full)
            wait(p, now + MS_NS);
        else
            wait_to_launch(p);
        now = now_ns();
        tick(p, now);
    }
}

static void drain(struct publisher *p)
{
    atomic_store(&p->draining, true);
    while (!is_over(p)) {
        wait_for_flights(p, INT64_MAX, is_over);
        tick(p, now_ns());
    }
    flights_expire(p->flights, INT64_MAX); /* if there was no time to wait */
}

static void *run(void *context)
{
    struct publisher *p = context;
    struct publisher_burst *burst = &p->burst;

    /* The default timer slack of 50 µs is a lot compared to a delivery. */
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    probe_moment(p->probe, &burst->begin);
    p->deadline_ns = burst->begin.at_ns + p->duration_ns;
    publish(p);
    probe_moment(p->probe, &burst->published);
    if (is_open_loop(p))
        burst->due =
            (uint64_t)((double)(burst->published.at_ns - burst->begin.at_ns) *
                       1e-9 * p->options->rate);
    drain(p);
    probe_moment(p->probe, &burst->end);
    atomic_store(&p->done, true);
    (void)eventfd_write(p->notify, 1);
    return NULL;
}

int publisher_start(struct publisher *p, int64_t duration_ns, bool measured)
{
    memset(&p->burst, 0, sizeof(p->burst));
    p->measured = measured;
    p->duration_ns = duration_ns;
    p->launched = 0;
    p->tick_ns = 0;
    atomic_store(&p->draining, false);
    atomic_store(&p->done, false);
    return pthread_create(&p->thread, NULL, run, p);
}

void publisher_join(struct publisher *p)
{
    (void)pthread_join(p->thread, NULL);
}

int publisher_init(struct publisher *p, const struct options *o,
                   struct roster *roster, struct flights *flights,
                   const struct probe *probe, int notify)
{
    *p = (struct publisher){.options = o,
                            .roster = roster,
                            .flights = flights,
                            .probe = probe,
                            .notify = notify};
    if (http_init(&p->http, o, flights->wake, answered, p) != 0)
        return -1;
    p->lanes = calloc(o->connections, sizeof(*p->lanes));
    p->free = calloc(o->connections, sizeof(*p->free));
    if (p->lanes == NULL || p->free == NULL ||
        getrandom(&p->random, sizeof(p->random), 0) != sizeof(p->random))
        return -1;
    p->random |= 1; /* xorshift never leaves 0 */
    for (unsigned i = 0; i < o->connections; i++) {
        if (init_lane(&p->lanes[i], o->bytes) != 0)
            return -1;
        p->free[p->free_count++] = i;
    }
    return 0;
}

void publisher_fini(struct publisher *p)
{
    http_fini(&p->http);
    for (unsigned i = 0; p->lanes != NULL && i < p->options->connections; i++)
        free(p->lanes[i].room);
    free(p->lanes);
    free(p->free);
    p->lanes = NULL;
    p->free = NULL;
}
