/* stress_worker.c - a worker of a hub: one thread that admits guests, calls
 * whatever may be called, and plays the clients of its sockets.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stress_inside.h"
#include "testing_rings.h"

#define STORM 3000       /* messages one after another */
#define STEPS_AFTER 300  /* once the hub is told to stop */
#define ONE_PAUSE_IN 400 /* steps */
#define ONE_STORM_IN 5000

static unsigned pick(struct stress_worker *w, unsigned below)
{
    return (unsigned)(testing_random(&w->seed) % below);
}

static const char *pick_name(struct stress_worker *w)
{
    static const char *const names[] = {"ada", "bob", "cyd", "dan",
                                        "eve", "fay", "gus", "hal"};

    return names[pick(w, TESTING_LENGTH(names))];
}

static hub_id pick_id(struct stress_worker *w)
{
    return (hub_id){atomic_load(&w->host->pool[pick(w, STRESS_POOL)])};
}

/* Coming. -------------------------------------------------------------- */

/* Fills in who it is. Returns whether it is in. */
static bool let_in(struct stress_worker *w, int fd, struct stress_ear *ear)
{
    unsigned patience = pick(w, STRESS_PATIENCE);
    hub_id id;
    int err = stress_let_in(w->host, fd, pick_name(w),
                            pick(w, 2) ? pick_name(w) : NULL, patience, &id);

    if (err != 0)
        return false;
    ear->id = id.value;
    ear->awaits_greeting = stress_greets(patience);
    atomic_store(&w->host->pool[pick(w, STRESS_POOL)], id.value);
    if (fd < 0)
        w->tally.registered++;
    else
        w->tally.adopted++;
    return true;
}

static bool reject(struct stress_worker *w, int fd)
{
    if (stress_reject(w->host, fd) != 0)
        return false;
    w->tally.rejects++;
    return true;
}

/* Without a trace, or, as a process does that is killed with bytes unread, by a
 * reset. */
static void leave(struct stress_client *client)
{
    const struct linger reset = {.l_onoff = 1};

    if (client->fd >= 0 && client->is_tcp)
        setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (client->fd >= 0)
        close(client->fd);
    memset(client, 0, sizeof *client);
    client->fd = -1;
}

static int listen_on_loopback(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 &&
        listen(fd, 8) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Returns false where there is no port left. */
static bool connect_tcp(struct stress_worker *w, int ends[2])
{
    struct sockaddr_in at;
    socklen_t bytes = sizeof at;

    if (getsockname(w->listener, (struct sockaddr *)&at, &bytes) != 0)
        return false;
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ends[0] < 0)
        return false;
    if (connect(ends[0], (const struct sockaddr *)&at, bytes) == 0 &&
        (ends[1] = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        return true;
    close(ends[0]);
    return false;
}

static void connect_client(struct stress_worker *w)
{
    struct stress_client *client = &w->clients[pick(w, STRESS_CLIENTS)];
    int ends[2];

    leave(client);
    client->is_tcp = pick(w, 4) == 0 && connect_tcp(w, ends);
    if (!client->is_tcp &&
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        stress_blame("no socket pair");
        return;
    }
    client->fd = ends[0];
    client->is_rejected = pick(w, 8) == 0;
    if (client->is_rejected ? reject(w, ends[1])
                            : let_in(w, ends[1], &client->ear))
        return;
    if (close(ends[1]) != 0) /* refused, it is still ours */
        stress_blame("a refused socket has been closed");
    leave(client);
}

/* Clients. ------------------------------------------------------------- */

/* Takes a frame from `data`. Returns its length, or 0 if it is not there whole;
 * none is as long as the client's buffer. */
static size_t take_frame(struct stress_worker *w, struct stress_client *client,
                         const uint8_t *data, size_t bytes)
{
    struct frame frame;
    long taken = frame_whole(data, bytes, &frame);

    if (taken < 0 || (bytes > 0 && client->told_to_close) ||
        (taken == 0 && bytes == sizeof client->input)) {
        stress_blame("a frame behind a Close, or out of step");
        return 0;
    }
    if (taken == 0)
        return 0;
    if (client->is_rejected && frame.first != TESTING_FIN_CLOSE)
        stress_blame("who is rejected is told something else");
    if (frame.first == TESTING_FIN_TEXT || frame.first == TESTING_FIN_BINARY)
        stress_note_first(&client->ear, frame.payload, frame.payload_bytes);
    if (frame.first == TESTING_FIN_CLOSE)
        client->told_to_close = true;
    else if (frame.first == TESTING_FIN_BINARY)
        stress_hear(w->host, &client->ear, frame.payload, frame.payload_bytes);
    else if (frame.first != TESTING_FIN_TEXT &&
             frame.first != TESTING_FIN_PING && frame.first != TESTING_FIN_PONG)
        stress_blame("a frame of a kind that nobody sends");
    return (size_t)taken;
}

static void read_all(struct stress_worker *w, struct stress_client *client)
{
    ssize_t got;

    while ((got = recv(client->fd, client->input + client->have,
                       sizeof client->input - client->have, MSG_DONTWAIT)) >
           0) {
        size_t at = 0, taken;

        client->have += (size_t)got;
        while ((taken = take_frame(w, client, client->input + at,
                                   client->have - at)) > 0)
            at += taken;
        client->have -= at;
        memmove(client->input, client->input + at, client->have);
    }
}

static void talk(struct stress_worker *w, struct stress_client *client,
                 bool sense)
{
    static const uint8_t first[] = {0x81, 0x82, 0x01, 0x80, 0x89, 0x8A, 0x88};
    uint8_t frame[400], payload[300];
    size_t bytes;

    memset(payload, 'a' + (int)pick(w, 20), sizeof payload);
    bytes = testing_frame(frame, first[pick(w, sense ? 2 : 7)], payload,
                          pick(w, sense ? 300 : 126));
    (void)!send(client->fd, frame, bytes - (pick(w, 40) == 0),
                MSG_DONTWAIT | MSG_NOSIGNAL);
    w->tally.frames++;
}

/* A client reads, talks, closes, talks nonsense or breaks off. */
static void act_as_client(struct stress_worker *w)
{
    struct stress_client *client = &w->clients[pick(w, STRESS_CLIENTS)];
    unsigned what = pick(w, 20);

    if (client->fd < 0)
        return;
    if (what < 8) {
        read_all(w, client);
    } else if (what < 18) {
        talk(w, client, what < 17);
    } else {
        w->tally.breaks += !client->is_tcp;
        w->tally.resets += client->is_tcp;
        leave(client);
    }
}

/* Calls. --------------------------------------------------------------- */

#define LEFT_OUT_MAX 5

/* Fills in who is left out of a message. Returns NULL for nobody. */
static const struct hub_target *leave_out(struct stress_worker *w,
                                          struct hub_target *except,
                                          hub_id ids[LEFT_OUT_MAX],
                                          struct stress_note *note)
{
    if (pick(w, 3) > 0)
        return NULL;
    *except = (struct hub_target)HUB_TARGET_INIT;
    except->ids = ids;
    except->id_count = 1 + pick(w, LEFT_OUT_MAX);
    for (size_t i = 0; i < LEFT_OUT_MAX; i++)
        ids[i] = pick_id(w);
    if (pick(w, 3) == 0)
        except->user_id = pick_name(w);
    note->not_for = ids[0].value;
    return except;
}

/* In one of so many ways, all but four of which are a broadcast. */
static void send_somewhere(struct stress_worker *w, unsigned bytes,
                           unsigned ways)
{
    struct stress_note note = {STRESS_MAGIC, w->index, ++w->number, 0, 0};
    struct hub_send_options options = HUB_SEND_OPTIONS_INIT;
    struct hub_target except;
    hub_id left_out[LEFT_OUT_MAX];
    uint8_t text[2000] = {0};
    struct hub_message message = hub_binary(text, sizeof note + pick(w, bytes));
    struct hub_target to = hub_to_user(pick_name(w));
    unsigned way = pick(w, ways);

    options.wait_ms = pick(w, 3);
    if (way == 3) {
        to = hub_to_connection(pick_id(w));
        note.only_for = to.id.value;
    } else {
        to.except = leave_out(w, &except, left_out, &note);
    }
    memcpy(text, &note, sizeof note);
    if (way == 0 || way > 4) {
        w->tally.broadcasts++;
        stress_spread(w->host, to.except, &message, &options);
        return;
    }
    if (way == 2) {
        to.session_id = to.user_id;
        to.user_id = NULL;
    } else if (way == 4) {
        to.session_id = pick_name(w);
    }
    if (way == 3 && to.id.value == 0)
        return;
    w->tally.sends++;
    stress_check(w->host, hub_send(w->host->hub, &to, &message, &options));
}

/* More than a turn may take; broadcasts, and a few others among them. */
static void send_storm(struct stress_worker *w)
{
    for (int i = 0; i < STORM && !atomic_load(&w->host->stop); i++)
        send_somewhere(w, 50, 40);
}

/* Long enough for loops to fall asleep, and for limits to be reached. */
static void pause_work(struct stress_worker *w)
{
    const struct timespec pause = {0, (long)(1 + pick(w, 20)) * 1000000};

    w->tally.pauses++;
    (void)nanosleep(&pause, NULL);
}

static void read_stats(struct stress_worker *w)
{
    struct hub_stats stats = HUB_STATS_INIT;

    w->tally.stats++;
    stress_check(w->host, hub_stats(w->host->hub, &stats));
    if (stats.users > stats.connections) /* of one moment in each shard */
        stress_blame("more users than connections");
}

static void step(struct stress_worker *w)
{
    unsigned what = pick(w, 100);
    struct stress_ear nobodys = {0};

    if (pick(w, ONE_STORM_IN) == 0)
        send_storm(w);
    else if (pick(w, ONE_PAUSE_IN) == 0)
        pause_work(w);
    if (what < 2) {
        (void)let_in(w, -1, &nobodys);
    } else if (what < 10) {
        connect_client(w);
    } else if (what < 60) {
        act_as_client(w);
    } else if (what < 91) {
        send_somewhere(w, 1900, 5);
    } else if (what < 94) {
        w->tally.extends++;
        stress_check(w->host,
                     hub_extend(w->host->hub, pick_id(w), pick(w, 150)));
    } else if (what < 96) {
        w->tally.closes++;
        stress_check(w->host,
                     hub_close(w->host->hub, pick_id(w), 1000, "at random"));
    } else if (what < 98) {
        w->tally.unregisters++;
        stress_check(w->host, hub_unregister(w->host->hub, pick_id(w)));
    } else {
        read_stats(w);
    }
}

static void reach_half(struct stress_worker *w)
{
    const struct stress_plan *plan = w->host->plan;
    bool shuts = plan->end == STRESS_AMID || plan->end == STRESS_CUT_SHORT;

    if (w->index == 0 && plan->breaks_rings)
        testing_break_rings();
    testing_gate_pass(w->half_way, 1);
    if (w->index == 0 && shuts && plan->loops > 0)
        stress_shut(w->host); /* as others do now */
}

static void *work(void *context)
{
    struct stress_worker *w = context;
    const struct stress_plan *plan = w->host->plan;
    unsigned left = plan->end == STRESS_ABRUPT ? 0 : STEPS_AFTER;

    for (unsigned i = 0; i < plan->steps; i++) {
        if (i == plan->steps / 2)
            reach_half(w);
        if (atomic_load(&w->host->stop) && left-- == 0)
            break;
        step(w);
    }
    return NULL;
}

bool stress_worker_start(struct stress_worker *w)
{
    for (size_t i = 0; i < STRESS_CLIENTS; i++)
        w->clients[i].fd = -1;
    w->listener = listen_on_loopback();
    return w->listener >= 0 && pthread_create(&w->thread, NULL, work, w) == 0;
}

void stress_worker_release(struct stress_worker *w)
{
    for (size_t i = 0; i < STRESS_CLIENTS; i++)
        leave(&w->clients[i]);
    if (w->listener >= 0)
        close(w->listener);
}
