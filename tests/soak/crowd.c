/* crowd.c - see crowd.h: who is there, and when each guest acts. */
#include "crowd.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define OPENING_MAX 64 /* handshakes at once */
#define PATIENCE_S 1   /* of one who leaves, for what is due to it */
#define EVENTS_MAX 256
#define HASTY_EVERY 8 /* of the churning ones: leaves at once */
#define TALKS_EVERY 8 /* of the steady ones */

/* How long each kind stays out, and in, in ms. */
static const struct {
    int32_t out_min, out_max, in_min, in_max;
} habits[GUEST_KINDS] = {
    [GUEST_STEADY] = {1000, 1000, 0, 0},
    [GUEST_CHURN] = {0, 1000, 0, 8000},
    [GUEST_STALL] = {500, 3000, 0, 1000},
    [GUEST_HALF] = {100, 2000, 100, 40000},
    [GUEST_GARBAGE] = {0, 500, 0, 1000},
    [GUEST_MUTE] = {100, 2000, 0, 0},
};

void crowd_name(char out[32], char letter, unsigned index, bool query)
{
    if (index % 5 != 0)
        (void)snprintf(out, 32, "%c%u", letter, index);
    else if (query)
        (void)snprintf(out, 32, "%c%%C3%%BC%%20%u", letter, index);
    else
        (void)snprintf(out, 32, "%c\xc3\xbc %u", letter, index);
}

static void assign(struct crowd *c, struct guest *g, enum guest_kind kind)
{
    uint32_t index = guest_index(c, g);

    *g = (struct guest){.base = {.fd = -1}, .kind = (uint8_t)kind};
    g->session = LETTER_ANY;
    if (kind == GUEST_STEADY) {
        g->user = (uint16_t)dice_below(&c->dice, c->steady_users);
        if (dice_below(&c->dice, 10) < 6)
            g->session = (uint16_t)dice_below(&c->dice, c->steady_sessions);
    } else if (kind != GUEST_CHURN) { /* these choose anew each time */
        g->user = (uint16_t)(c->trusted_users + index - c->trusted);
    }
    /* At the beginning they come one after the other. */
    g->act_ns = dice_between(&c->dice, 0, 2 * CROWD_S);
}

static int set_up(struct crowd *c, const struct crowd_plan *plan)
{
    uint32_t few = plan->steady_only ? 0 : plan->clients / 150 + 2;
    uint32_t at = 0, counts[GUEST_KINDS];

    counts[GUEST_CHURN] = plan->steady_only ? 0 : plan->clients * 3 / 10;
    counts[GUEST_STEADY] = plan->clients - counts[GUEST_CHURN];
    for (unsigned kind = GUEST_STALL; kind < GUEST_KINDS; kind++)
        counts[kind] = few;
    c->steady = counts[GUEST_STEADY];
    c->trusted = plan->clients;
    c->count = plan->clients + few * (GUEST_KINDS - GUEST_STALL);
    c->steady_users = c->steady / 3 + 1;
    c->trusted_users = c->steady_users + counts[GUEST_CHURN] / 2 + 1;
    c->users = c->trusted_users + c->count - c->trusted;
    c->steady_sessions = c->steady / 4 + 1;
    c->sessions = c->steady_sessions + counts[GUEST_CHURN] / 4 + 1;
    c->guests = calloc(c->count, sizeof(*c->guests));
    c->ghosts = calloc(CROWD_GHOSTS, sizeof(*c->ghosts));
    c->buffer = malloc(CROWD_BUFFER_BYTES);
    if (c->guests == NULL || c->ghosts == NULL || c->buffer == NULL)
        return -1;
    for (unsigned kind = 0; kind < GUEST_KINDS; kind++) {
        for (uint32_t i = 0; i < counts[kind]; i++)
            assign(c, &c->guests[at++], kind);
    }
    return judge_init(c->judge, c->count, c->users, c->sessions,
                      (int64_t)(10 * CROWD_S * plan->slowness));
}

int crowd_init(struct crowd *c, struct judge *j, const struct crowd_plan *plan,
               uint64_t seed)
{
    *c = (struct crowd){.judge = j,
                        .dice = {seed | 1},
                        .slowness = plan->slowness,
                        .address = {.sin_family = AF_INET,
                                    .sin_port = htons(plan->port),
                                    .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    (void)snprintf(c->authority, sizeof(c->authority), "127.0.0.1:%u",
                   (unsigned)plan->port);
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (c->epoll >= 0 && set_up(c, plan) == 0)
        return 0;
    return -1;
}

void crowd_fini(struct crowd *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        client_drop(&c->guests[i].base);
    (void)close(c->epoll);
    free(c->guests);
    free(c->ghosts);
    free(c->buffer);
}

void guest_reset(struct crowd *c, struct guest *g, int64_t now)
{
    client_drop(&g->base);
    c->opening -= g->state == GUEST_CONNECTING || g->state == GUEST_SHAKING;
    g->state = GUEST_OUT;
    g->act_ns = now + CROWD_MS * dice_between(&c->dice, habits[g->kind].out_min,
                                              habits[g->kind].out_max);
}

static void come(struct crowd *c, struct guest *g, int64_t now)
{
    int64_t stays_ms =
        dice_between(&c->dice, habits[g->kind].in_min, habits[g->kind].in_max);

    if (g->kind == GUEST_CHURN) {
        g->user = (uint16_t)dice_between(&c->dice, c->steady_users,
                                         c->trusted_users - 1);
        g->session = LETTER_ANY;
        if (dice_below(&c->dice, 2) == 0)
            g->session = (uint16_t)dice_between(&c->dice, c->steady_sessions,
                                                c->sessions - 1);
    }
    g->act_ns = now + stays_ms * CROWD_MS;
    g->talk_ns = INT64_MAX;
    if (g->kind == GUEST_STEADY && guest_index(c, g) % TALKS_EVERY == 0)
        g->talk_ns = now + 3 * CROWD_S;
    guest_connect(c, g, now);
}

/* Most leave when nothing is on its way to them, so that all of it is judged;
 * some in the middle. */
static bool wants_to_leave(const struct crowd *c, const struct guest *g,
                           int64_t now)
{
    uint32_t index = guest_index(c, g);

    if (c->closing)
        return true;
    if (g->kind == GUEST_CHURN)
        return now >= g->act_ns + PATIENCE_S * CROWD_S ||
               (now >= g->act_ns && (index % HASTY_EVERY == 0 ||
                                     c->judge->clients[index].waiting == 0));
    return g->kind != GUEST_STEADY && now >= g->act_ns;
}

static void tick(struct crowd *c, struct guest *g, int64_t now)
{
    if (g->state == GUEST_OUT) {
        /* A hub that ends takes nobody, and who is drained is counted once. */
        if (!c->closing && !c->judge->draining && now >= g->act_ns &&
            c->opening < OPENING_MAX)
            come(c, g, now);
        return;
    }
    if (now >= g->deadline_ns) {
        guest_overdue(c, g, now);
        return;
    }
    if (g->state == GUEST_ENDING && now >= g->act_ns)
        guest_ask(c, g);
    if (g->state != GUEST_IN)
        return;
    if (wants_to_leave(c, g, now))
        guest_leave(c, g, now);
    else if (now >= g->talk_ns)
        guest_talk(c, g, now);
}

void crowd_tick(struct crowd *c, int64_t now)
{
    for (uint32_t i = 0; i < c->count; i++)
        tick(c, &c->guests[i], now);
    while (c->ghost_first != c->ghost_end) {
        struct crowd_ghost *ghost = &c->ghosts[c->ghost_first % CROWD_GHOSTS];

        if (ghost->until_ns > now &&
            c->ghost_end - c->ghost_first < CROWD_GHOSTS / 2)
            break;
        judge_forget(c->judge, ghost->who);
        c->ghost_first++;
    }
}

void crowd_turn(struct crowd *c, int64_t now)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(c->epoll, events, EVENTS_MAX, 0);

    for (int i = 0; i < count; i++)
        guest_event(c, &c->guests[events[i].data.u32], events[i].events, now);
}

void crowd_close(struct crowd *c, int64_t now)
{
    c->closing = true;
    for (uint32_t i = 0; i < c->count; i++) {
        struct guest *g = &c->guests[i];

        if (g->state == GUEST_OUT || guest_is_trusted(g))
            continue;
        if (g->kind != GUEST_HALF)
            judge_away(c->judge, i, NULL, false);
        guest_reset(c, g, now);
    }
    crowd_tick(c, now);
}

bool crowd_is_empty(const struct crowd *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->guests[i].state != GUEST_OUT)
            return false;
    }
    return true;
}

int64_t crowd_sleeper(struct crowd *c)
{
    uint32_t from = c->trusted, span = c->count - from;
    uint32_t start = span == 0 ? 0 : dice_below(&c->dice, span);

    for (uint32_t i = 0; i < span; i++) {
        uint32_t at = from + (start + i) % span;

        if (c->guests[at].state == GUEST_ASLEEP)
            return at;
    }
    return -1;
}
