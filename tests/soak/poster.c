/* poster.c - see poster.h. */
#include "poster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"

#define BODY_BYTES (POSTER_MESSAGE_MAX + 4096)
#define LARGE_EVERY_S 20
#define HEAVY_EVERY_MS 100
#define BAD_EVERY_MS 500
#define RUN_EVERY 20 /* sends begin a run to the same target */
#define RUN_MESSAGES 8
#define ABSENT 8 /* users that never come */

/* What a posted body is made of. */
struct parcel {
    struct letter letter;
    const char *url;
    long wanted;     /* status */
    unsigned damage; /* how it is wrong; 0: it is not */
    int64_t sleeper;
};

enum damage {
    NONE,
    CUT_SHORT,
    NO_TARGET,
    EMPTY_ID,
    NOT_UTF8,
    TOO_LARGE,
    KINDS
};

static void explain(struct poster *p, const struct http_answer *answer,
                    const char *what)
{
    char text[HTTP_REASON_BYTES];

    http_explain(answer, text, sizeof(text));
    judge_fault(p->judge, &p->judge->counts.misbehaved, "%s: %s", what, text);
}

static void count(struct poster *p, const struct http_answer *answer,
                  const struct poster_lane *lane)
{
    struct poster_figures *f = &p->figures;
    long status = answer->status;

    if (status == 400)
        f->refused_400++;
    else if (status == 413)
        f->refused_413++;
    else if (status == 503)
        f->refused_503++;
    else if (status == 0)
        f->unanswered++;
    else if (status != 200)
        f->refused_otherwise++;
    if (p->judge->draining && (status == 503 || status == 0))
        p->over = true;
    else if (status != lane->wanted && status != 503 && status != 200)
        explain(p, answer, "an answer that should not be");
}

static long recipients_of(const char *body)
{
    const char *at = strstr(body, "\"recipients\":");

    return at == NULL ? -1 : strtol(at + 13, NULL, 10);
}

static void answered(void *context, const struct http_answer *answer)
{
    struct poster *p = context;
    struct poster_lane *lane = &p->lanes[answer->lane];
    long recipients = answer->status == 200 ? recipients_of(answer->body) : 0;

    lane->busy = false;
    p->busy--;
    count(p, answer, lane);
    judge_answer(p->judge, lane->number, answer->status, recipients);
    if (lane->sleeper >= 0 && answer->status == 200 && recipients == 0 &&
        p->judge->clients[lane->sleeper].came_event == lane->sleeper_came)
        crowd_wake(p->crowd, (uint32_t)lane->sleeper, now_ns());
}

int poster_init(struct poster *p, struct judge *j, struct crowd *c,
                const struct poster_plan *plan, uint64_t seed)
{
    struct options o = {.key = (char *)plan->key, .connections = JUDGE_LANES};

    *p = (struct poster){.judge = j, .crowd = c, .dice = {seed | 1}};
    p->every_ns[POSTER_BROADCAST] = (int64_t)(1e9 / plan->broadcasts);
    p->every_ns[POSTER_SEND] = (int64_t)(1e9 / plan->sends);
    if (!plan->good_only) {
        p->every_ns[POSTER_LARGE_BROADCAST] = LARGE_EVERY_S * SECOND_NS;
        p->every_ns[POSTER_HEAVY] = HEAVY_EVERY_MS * MS_NS;
        p->every_ns[POSTER_BAD] = BAD_EVERY_MS * MS_NS;
    }
    for (unsigned i = 0; i < POSTER_SORTS; i++)
        p->next_ns[i] = now_ns() + p->every_ns[i];
    for (unsigned i = 0; i < JUDGE_LANES; i++) {
        p->lanes[i].body = malloc(BODY_BYTES);
        if (p->lanes[i].body == NULL)
            return -1;
    }
    (void)snprintf(p->send_url, sizeof(p->send_url),
                   "http://127.0.0.1:%u/api/send", (unsigned)plan->port);
    (void)snprintf(p->broadcast_url, sizeof(p->broadcast_url),
                   "http://127.0.0.1:%u/api/broadcast", (unsigned)plan->port);
    p->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    (void)snprintf(o.publish, sizeof(o.publish), "%s", p->send_url);
    return p->wake < 0 ? -1 : http_init(&p->http, &o, p->wake, answered, p);
}

void poster_fini(struct poster *p)
{
    http_fini(&p->http);
    (void)close(p->wake);
    for (unsigned i = 0; i < JUDGE_LANES; i++)
        free(p->lanes[i].body);
}

/* What, how large, and for whom. ----------------------------------------- */

static uint32_t size_for(struct poster *p, enum poster_sort sort)
{
    uint32_t percent = dice_below(&p->dice, 100), most = 300;

    if (sort == POSTER_HEAVY || sort == POSTER_LARGE_BROADCAST)
        return (uint32_t)dice_between(&p->dice, 200000, POSTER_MESSAGE_MAX);
    if (sort == POSTER_SEND && dice_below(&p->dice, 500) == 0)
        return POSTER_MESSAGE_MAX;
    if (percent >= 98)
        most = sort == POSTER_SEND ? 131072 : 32768;
    else if (percent >= 84)
        most = 4096;
    return (uint32_t)dice_between(&p->dice, LETTER_BYTES_MIN, most);
}

static void address_send(struct poster *p, struct letter *l)
{
    const struct crowd *c = p->crowd;
    uint32_t percent = dice_below(&p->dice, 100);

    if (p->run > 0) {
        p->run--;
        l->user = p->run_user;
        l->session = p->run_session;
        return;
    }
    if (percent < 10) {
        l->user = (uint16_t)(c->users + dice_below(&p->dice, ABSENT));
        return;
    }
    if (percent < 30 || percent >= 60)
        l->user = (uint16_t)dice_below(&p->dice, c->trusted_users);
    if (percent < 60)
        l->session = (uint16_t)dice_below(&p->dice, c->sessions);
    if (dice_below(&p->dice, RUN_EVERY) == 0) {
        p->run = RUN_MESSAGES;
        p->run_user = l->user;
        p->run_session = l->session;
    }
}

static void damage(struct poster *p, struct parcel *parcel)
{
    struct letter *l = &parcel->letter;

    parcel->damage = 1 + dice_below(&p->dice, KINDS - 1);
    parcel->wanted = parcel->damage == TOO_LARGE ? 413 : 400;
    if (parcel->damage == TOO_LARGE)
        l->bytes = POSTER_MESSAGE_MAX + 1 + dice_below(&p->dice, 1000);
    if (parcel->damage != NO_TARGET && parcel->damage != EMPTY_ID &&
        dice_below(&p->dice, 2) == 0)
        parcel->url = p->broadcast_url;
    else
        address_send(p, l);
}

/* Returns false if there is nothing to post of that sort. */
static bool make(struct poster *p, enum poster_sort sort, struct parcel *parcel)
{
    struct letter *l = &parcel->letter;

    *parcel = (struct parcel){.url = p->send_url, .wanted = 200, .sleeper = -1};
    *l = (struct letter){.user = LETTER_ANY, .session = LETTER_ANY};
    l->bytes = size_for(p, sort);
    l->stamped = l->bytes >= LETTER_STAMPED_MIN && dice_below(&p->dice, 2) == 0;
    if (sort == POSTER_SEND) {
        address_send(p, l);
    } else if (sort == POSTER_BAD) {
        damage(p, parcel);
    } else if (sort == POSTER_HEAVY) {
        parcel->sleeper = crowd_sleeper(p->crowd);
        if (parcel->sleeper < 0)
            return false;
        l->user = p->crowd->guests[parcel->sleeper].user;
    } else {
        parcel->url = p->broadcast_url;
    }
    return true;
}

static char *put_id(char *at, const char *name, char letter, unsigned index)
{
    char id[32];

    if (index == LETTER_ANY)
        return at;
    crowd_name(id, letter, index, false);
    return at + sprintf(at, "\"%s\":\"%s\",", name, id);
}

/* Returns the bytes of the body. */
static size_t write_body(char *body, const struct parcel *parcel)
{
    const struct letter *l = &parcel->letter;
    bool wrapped = strstr(parcel->url, "/send") != NULL;
    char *at = body, *message;

    if (wrapped) {
        *at++ = '{';
        if (parcel->damage == EMPTY_ID)
            at += sprintf(at, "\"targetUserId\":\"\",");
        else if (parcel->damage != NO_TARGET) {
            at = put_id(at, "targetUserId", 'u', l->user);
            at = put_id(at, "targetSessionId", 's', l->session);
        }
        at += sprintf(at, "\"message\":");
    }
    message = at;
    letter_write(message, l);
    at += l->bytes;
    if (parcel->damage == NOT_UTF8)
        at[l->stamped ? -40 : -3] = (char)0xff;
    if (wrapped)
        *at++ = '}';
    return (size_t)(at - body) - (parcel->damage == CUT_SHORT);
}

/* Posting. ---------------------------------------------------------------- */

/* A free lane, -1: none. Half of the time it is the one of the message before:
 * order is promised only within a lane. */
static int free_lane(struct poster *p)
{
    if (dice_below(&p->dice, 2) == 0)
        p->lane = dice_below(&p->dice, JUDGE_LANES);
    for (unsigned i = 0; i < JUDGE_LANES; i++) {
        unsigned lane = (p->lane + i) % JUDGE_LANES;

        if (!p->lanes[lane].busy) {
            p->lane = lane;
            return (int)lane;
        }
    }
    return -1;
}

/* Returns false if it has to wait. */
static bool post(struct poster *p, enum poster_sort sort, int64_t now)
{
    uint64_t flying = p->judge->flying_bytes;
    struct parcel parcel;
    struct poster_lane *lane;
    int index;

    if (!make(p, sort, &parcel))
        return true;
    if (flying > 0 && flying + parcel.letter.bytes > POSTER_FLYING_MAX)
        return false;
    index = free_lane(p);
    if (index < 0)
        return false;
    lane = &p->lanes[index];
    parcel.letter.lane = (uint8_t)index;
    judge_launch(p->judge, &parcel.letter, parcel.wanted != 200, now);
    lane->number = parcel.letter.number;
    lane->wanted = parcel.wanted;
    lane->sleeper = parcel.sleeper;
    if (parcel.sleeper >= 0)
        lane->sleeper_came = p->judge->clients[parcel.sleeper].came_event;
    lane->busy = true;
    p->busy++;
    if (parcel.url == p->broadcast_url)
        p->figures.broadcasts++;
    else
        p->figures.sends++;
    http_post(&p->http, (unsigned)index, parcel.url, lane->body,
              write_body(lane->body, &parcel));
    return true;
}

void poster_turn(struct poster *p, int64_t now)
{
    for (unsigned sort = 0; sort < POSTER_SORTS && !p->over; sort++) {
        while (p->every_ns[sort] != 0 && now >= p->next_ns[sort] && !p->over) {
            if (!post(p, sort, now)) {
                p->figures.held_back++;
                break;
            }
            if (sort != POSTER_SEND || p->run == 0)
                p->next_ns[sort] += p->every_ns[sort];
        }
        /* What could not be posted for long is not made up for. */
        if (now - p->next_ns[sort] > SECOND_NS)
            p->next_ns[sort] = now;
    }
    http_turn(&p->http, 0);
}
