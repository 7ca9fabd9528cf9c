/* guest.c - one client of the crowd, from connect() to the end of its stream.
 *
 * Whatever ends a connection passes through finish(), which tells the judge
 * exactly once. The judge ignores guests whose handshake is never complete.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "crowd.h"
#include "talk.h"

#define CONNECT_S 15
#define END_S 20
#define SILENCE_S 5
#define PONG_S 10
#define ASLEEP_S 60
#define HALF_S 50
#define MUTE_S 60
#define GHOST_S 10
#define STALLED_RECEIVE_BUFFER 4096
#define AWAKE_RECEIVE_BUFFER (1 << 20)

static int64_t within(const struct crowd *c, int64_t now, int seconds)
{
    return now + (int64_t)(seconds * (double)CROWD_S * c->slowness);
}

static void misbehaved(struct crowd *c, const struct guest *g, const char *what)
{
    judge_fault(c->judge, &c->judge->counts.misbehaved,
                "client %u, user %u: %s (kind %u, state %u, close code %u)",
                guest_index(c, g), g->user, what, g->kind, g->state,
                g->close_code);
}

void guest_watch(struct crowd *c, const struct guest *g, uint32_t events)
{
    struct epoll_event event = {.events = events,
                                .data.u32 = guest_index(c, g)};

    if (epoll_ctl(c->epoll, EPOLL_CTL_MOD, g->base.fd, &event) < 0)
        (void)epoll_ctl(c->epoll, EPOLL_CTL_ADD, g->base.fd, &event);
}

/* The hub may count it for a while yet. */
static void haunt(struct crowd *c, const struct guest *g, int64_t now)
{
    c->ghosts[c->ghost_end++ % CROWD_GHOSTS] =
        (struct crowd_ghost){within(c, now, GHOST_S), {g->user, g->session}};
}

static void finish(struct crowd *c, struct guest *g, const char *why,
                   bool counted, int64_t now)
{
    if (g->kind != GUEST_HALF) {
        judge_away(c->judge, guest_index(c, g), why, counted);
        if (counted)
            haunt(c, g, now);
    }
    guest_reset(c, g, now);
}

/* As a process does that crashes. */
static void vanish(struct crowd *c, struct guest *g, int64_t now)
{
    const struct linger reset = {.l_onoff = 1};

    (void)setsockopt(g->base.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    finish(c, g, NULL, true, now);
}

/* Coming. ---------------------------------------------------------------- */

void guest_connect(struct crowd *c, struct guest *g, int64_t now)
{
    int err = client_connect(
        &g->base, (const struct sockaddr *)&c->address, sizeof(c->address),
        g->kind == GUEST_STALL ? STALLED_RECEIVE_BUFFER : 0);

    if (err != 0) {
        misbehaved(c, g, strerror(err));
        client_drop(&g->base);
        g->act_ns = now + CROWD_S;
        return;
    }
    g->inbox = (struct inbox){0};
    g->close_code = g->wanted_code = 0;
    g->pinged = false;
    g->state = GUEST_CONNECTING;
    g->deadline_ns = within(c, now, CONNECT_S);
    c->figures.connections++;
    c->opening++;
    if (g->kind != GUEST_HALF)
        judge_coming(c->judge, guest_index(c, g), g->user, g->session,
                     guest_is_trusted(g));
    guest_watch(c, g, EPOLLOUT);
}

static void send_half(struct crowd *c, struct guest *g, int64_t now)
{
    static const char text[] = "GET /ws?userId=half HTTP/1.1\r\nHost: h\r\n"
                               "Upgrade: websocket\r\nConnection: Upg";
    size_t bytes = 1 + dice_below(&c->dice, sizeof(text) - 1);

    (void)send(g->base.fd, text, bytes, MSG_NOSIGNAL);
    c->opening--;
    g->state = GUEST_IN;
    g->deadline_ns = within(c, now, HALF_S);
}

static int send_request(struct crowd *c, struct guest *g)
{
    char user[32], session[32], target[128];

    crowd_name(user, 'u', g->user, true);
    crowd_name(session, 's', g->session, true);
    (void)snprintf(target, sizeof(target), "/ws?userId=%s%s%s", user,
                   g->session == LETTER_ANY ? "" : "&sessionId=",
                   g->session == LETTER_ANY ? "" : session);
    g->state = GUEST_SHAKING;
    return client_request(&g->base, c->authority, target);
}

static void connected(struct crowd *c, struct guest *g, int64_t now)
{
    int err;

    if (g->kind == GUEST_HALF) {
        send_half(c, g, now);
    } else if ((err = send_request(c, g)) != 0) {
        misbehaved(c, g, strerror(err));
        finish(c, g, NULL, true, now);
        return;
    }
    guest_watch(c, g, EPOLLIN);
}

static void opened(struct crowd *c, struct guest *g, int64_t now)
{
    client_opened(&g->base);
    c->opening--;
    g->state = GUEST_IN;
    g->deadline_ns = g->kind == GUEST_MUTE ? within(c, now, MUTE_S) : INT64_MAX;
    if (g->kind == GUEST_MUTE)
        g->act_ns = INT64_MAX;
    judge_staying(c->judge, guest_index(c, g));
}

/* Leaving. --------------------------------------------------------------- */

static void say_goodbye(struct crowd *c, struct guest *g, int64_t now)
{
    static const uint8_t normal[] = {1000 >> 8, 1000 & 0xff};
    unsigned way = c->closing ? 0 : dice_below(&c->dice, 20);

    judge_leaving(c->judge, guest_index(c, g));
    if (way >= 17) {
        c->figures.left_by_rst++;
        vanish(c, g, now);
        return;
    }
    g->state = GUEST_ENDING;
    g->deadline_ns = within(c, now, END_S);
    if (way >= 12) {
        c->figures.left_by_fin++;
        (void)shutdown(g->base.fd, SHUT_WR);
    } else {
        c->figures.left_by_close++;
        g->wanted_code = 1000;
        client_control(&g->base, FRAME_CLOSE, normal, sizeof(normal));
    }
}

static void send_garbage(struct crowd *c, struct guest *g, int64_t now)
{
    unsigned kind = dice_below(&c->dice, TALK_GARBAGE), code;
    uint8_t frame[TALK_BYTES];
    size_t bytes = talk_garbage(frame, kind, &c->dice, &code);

    judge_leaving(c->judge, guest_index(c, g));
    (void)send(g->base.fd, frame, bytes, MSG_NOSIGNAL);
    if (kind == TALK_GARBAGE_HALF) {
        c->figures.vanished++;
        vanish(c, g, now);
        return;
    }
    g->wanted_code = (uint16_t)code;
    g->state = GUEST_ENDING;
    g->deadline_ns = within(c, now, END_S);
}

void guest_leave(struct crowd *c, struct guest *g, int64_t now)
{
    switch (g->kind) {
    case GUEST_STALL:
        g->state = GUEST_ASLEEP;
        g->deadline_ns = within(c, now, ASLEEP_S);
        guest_watch(c, g, 0);
        break;
    case GUEST_HALF:
        c->figures.vanished++;
        vanish(c, g, now);
        break;
    case GUEST_GARBAGE:
        send_garbage(c, g, now);
        break;
    case GUEST_MUTE:
        break;
    default:
        say_goodbye(c, g, now);
        break;
    }
}

/* Megabytes wait for it, and a window of a few KB would make it read them a
 * turn of ours at a time. */
void crowd_wake(struct crowd *c, uint32_t guest, int64_t now)
{
    struct guest *g = &c->guests[guest];
    const int bytes = AWAKE_RECEIVE_BUFFER;

    if (g->state != GUEST_ASLEEP)
        return;
    (void)setsockopt(g->base.fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &bytes,
                     sizeof(bytes));
    (void)setsockopt(g->base.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    g->state = GUEST_ENDING;
    g->act_ns = within(c, now, SILENCE_S);
    g->deadline_ns = within(c, now, END_S);
    guest_watch(c, g, EPOLLIN);
}

static void send_ping(struct crowd *c, struct guest *g)
{
    g->pinged = true;
    g->ping = dice_next(&c->dice);
    client_control(&g->base, FRAME_PING, (const uint8_t *)&g->ping,
                   sizeof(g->ping));
}

/* A kernel that gives a peer up (TCP_USER_TIMEOUT) does not tell it: who only
 * listens learns of that when it says something. */
void guest_ask(struct crowd *c, struct guest *g)
{
    if (g->kind == GUEST_STALL && !g->pinged)
        send_ping(c, g);
}

void guest_overdue(struct crowd *c, struct guest *g, int64_t now)
{
    static const char *const texts[] = {
        [GUEST_CONNECTING] = "no connection in time",
        [GUEST_SHAKING] = "no answer to its handshake in time",
        [GUEST_IN] = "neither ended nor answered in time",
        [GUEST_ASLEEP] = "does not read, and was not given up in time",
        [GUEST_ENDING] = "not ended in time",
    };

    misbehaved(c, g, texts[g->state]);
    vanish(c, g, now);
}

/* Being in. -------------------------------------------------------------- */

void guest_talk(struct crowd *c, struct guest *g, int64_t now)
{
    uint8_t frame[TALK_BYTES];
    size_t bytes;

    g->talk_ns = now + dice_between(&c->dice, CROWD_S, 3 * CROWD_S);
    if (!g->pinged && dice_below(&c->dice, 2) == 0) {
        g->deadline_ns = within(c, now, PONG_S);
        send_ping(c, g);
        return;
    }
    bytes = talk_sense(frame, &c->dice);
    c->figures.said++;
    if (send(g->base.fd, frame, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        misbehaved(c, g, "the hub does not read what it says");
}

static void take_pong(struct crowd *c, struct guest *g)
{
    const struct frame *pong = &g->inbox.control;

    if (!g->pinged || pong->payload_bytes != sizeof(g->ping) ||
        memcmp(pong->payload, &g->ping, sizeof(g->ping)) != 0) {
        misbehaved(c, g, "a pong without its ping");
        return;
    }
    g->pinged = false;
    c->figures.pongs++;
    if (g->state == GUEST_IN)
        g->deadline_ns = INT64_MAX;
}

/* Returns whether the connection is still there. */
static bool take_close(struct crowd *c, struct guest *g, int64_t now)
{
    static const char reason[] = "shutting down";
    const uint8_t *payload = g->inbox.control.payload;
    size_t bytes = g->inbox.control.payload_bytes;
    char why[160];

    g->close_code = 1005;
    if (bytes >= 2)
        g->close_code = (uint16_t)((unsigned)payload[0] << 8 | payload[1]);
    if (g->state == GUEST_ENDING) {
        if (g->wanted_code == 0) /* it has not said goodbye itself */
            client_control(&g->base, FRAME_CLOSE, payload, bytes < 2 ? 0 : 2);
        return true;
    }
    (void)snprintf(why, sizeof(why), "Close %u %.*s", g->close_code,
                   bytes < 2 ? 0 : (int)bytes - 2, (const char *)payload + 2);
    if (guest_is_trusted(g) && !c->judge->draining) {
        finish(c, g, why, false, now);
        return false;
    }
    if (c->judge->draining &&
        (g->close_code != 1001 ||
         (bytes > 2 && (bytes < 2 + sizeof(reason) - 1 ||
                        memcmp(payload + 2, reason, sizeof(reason) - 1) != 0))))
        misbehaved(c, g, why);
    client_control(&g->base, FRAME_CLOSE, payload, bytes < 2 ? 0 : 2);
    g->state = GUEST_ENDING;
    g->deadline_ns = within(c, now, END_S);
    return true;
}

/* Returns whether the connection is still there. */
static bool take_result(struct crowd *c, struct guest *g,
                        enum inbox_result result, int64_t now)
{
    uint32_t index = guest_index(c, g);

    if (g->close_code != 0) {
        misbehaved(c, g, "a frame behind the Close frame");
        finish(c, g, NULL, true, now);
        return false;
    }
    switch (result) {
    case INBOX_LETTER:
        judge_deliver(c->judge, index, &g->inbox.reader.letter, now);
        return true;
    case INBOX_ALTERED:
        judge_altered(c->judge, index);
        return true;
    case INBOX_PING:
        if (g->kind != GUEST_MUTE)
            client_control(&g->base, FRAME_PONG, g->inbox.control.payload,
                           g->inbox.control.payload_bytes);
        return true;
    case INBOX_PONG:
        take_pong(c, g);
        return true;
    case INBOX_CLOSE:
        return take_close(c, g, now);
    case INBOX_MORE:
    case INBOX_BROKEN:
        break;
    }
    misbehaved(c, g, "what it was sent is no frame");
    finish(c, g, "a broken frame", true, now);
    return false;
}

/* The end of the stream, or an error. */
static void ended(struct crowd *c, struct guest *g, int err, int64_t now)
{
    const char *why = err == 0 ? "end of stream" : strerror(err);
    bool drained =
        c->judge->draining && g->state == GUEST_ENDING && g->close_code == 1001;

    if (g->state == GUEST_CONNECTING || g->state == GUEST_SHAKING) {
        misbehaved(c, g, why);
        why = NULL;
    } else if (drained) {
        c->figures.drained++;
    } else if (guest_is_trusted(g)) {
        if (c->judge->draining)
            misbehaved(c, g, why);
        if (g->state == GUEST_ENDING && g->close_code != g->wanted_code)
            misbehaved(c, g, "its Close frame was not answered");
        if (g->state == GUEST_ENDING)
            why = NULL;
    } else if (g->kind == GUEST_GARBAGE) {
        c->figures.garbage_closed++;
        if (g->state != GUEST_ENDING || g->close_code != g->wanted_code)
            misbehaved(c, g, "its garbage was not answered as it should be");
    } else if (g->kind == GUEST_STALL) {
        c->figures.slow_closed += g->close_code == 1013;
        c->figures.slow_cut += g->close_code != 1013;
    } else if (g->kind == GUEST_MUTE) {
        c->figures.mute_cut++;
    } else {
        c->figures.half_ended++;
    }
    finish(c, g, why, false, now);
}

static void take(struct crowd *c, struct guest *g, const uint8_t *at,
                 size_t bytes, int64_t now)
{
    const uint8_t *end = at + bytes;
    enum inbox_result result;

    if (g->kind == GUEST_HALF)
        return;
    if (g->state == GUEST_SHAKING) {
        char why[128];
        long used = client_answer(&g->base, at, bytes, why, sizeof(why));

        if (used < 0) {
            misbehaved(c, g, why);
            finish(c, g, NULL, true, now);
        }
        if (used <= 0)
            return;
        at += used;
        opened(c, g, now);
    }
    do
        result = inbox_next(&g->inbox, &at, end);
    while (result != INBOX_MORE && take_result(c, g, result, now));
}

void guest_event(struct crowd *c, struct guest *g, uint32_t events, int64_t now)
{
    ssize_t got;

    if (g->base.fd < 0)
        return; /* ended by what was done about an earlier event */
    if (g->state == GUEST_CONNECTING && (events & (EPOLLERR | EPOLLHUP)) == 0) {
        connected(c, g, now);
        return;
    }
    if (g->state == GUEST_ASLEEP)
        crowd_wake(c, guest_index(c, g), now);
    got = recv(g->base.fd, c->buffer, CROWD_BUFFER_BYTES, 0);
    /* The hub leaves those alone who take bytes. */
    if (got > 0 && g->state == GUEST_ENDING) {
        g->act_ns = within(c, now, SILENCE_S);
        g->deadline_ns = within(c, now, END_S);
    }
    if (got > 0)
        take(c, g, c->buffer, (size_t)got, now_ns());
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        ended(c, g, got == 0 ? 0 : errno, now);
}
