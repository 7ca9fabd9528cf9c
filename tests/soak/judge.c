/* judge.c - see judge.h: clients that come and go, what is due to them, and
 * what arrived. tally.c knows who may be counted as a recipient.
 *
 * Invariant: a due entry that is not over counts in client.waiting and, if the
 * client is trusted, in message.waiting and judge.waiting.
 */
#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tally.h"

int judge_init(struct judge *j, uint32_t clients, uint32_t users,
               uint32_t sessions, int64_t late_ns)
{
    *j = (struct judge){.client_count = clients,
                        .users = users,
                        .sessions = sessions,
                        .late_ns = late_ns,
                        .next = 1,
                        .oldest = 1};
    j->clients = calloc(clients, sizeof(*j->clients));
    j->messages = calloc(JUDGE_MESSAGES, sizeof(*j->messages));
    if (j->clients != NULL && j->messages != NULL && tally_init(j) == 0)
        return 0;
    judge_fini(j);
    return -1;
}

void judge_fini(struct judge *j)
{
    for (uint32_t i = 0; j->clients != NULL && i < j->client_count; i++)
        free(j->clients[i].due);
    free(j->clients);
    free(j->messages);
    tally_fini(j);
    *j = (struct judge){0};
}

void judge_fault(struct judge *j, uint64_t *wrong, const char *format, ...)
{
    va_list args;
    char *text;

    ++*wrong;
    if (j->fault_count == JUDGE_FAULTS)
        return;
    text = j->faults[j->fault_count++];
    va_start(args, format);
    (void)vsnprintf(text, JUDGE_FAULT_BYTES, format, args);
    va_end(args);
    for (; *text != '\0'; text++) { /* it becomes a JSON string */
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
            *text = '?';
    }
}

static struct judge_message *message_of(struct judge *j, uint32_t number)
{
    return &j->messages[number & (JUDGE_MESSAGES - 1)];
}

/* What is due. ---------------------------------------------------------- */

static bool push_due(struct judge_client *c, uint32_t number)
{
    if (c->first == c->end)
        c->first = c->end = 0;
    if (c->end == c->room && c->first > c->room / 2) {
        memmove(c->due, c->due + c->first,
                (c->end - c->first) * sizeof(*c->due));
        c->end -= c->first;
        c->first = 0;
    }
    if (c->end == c->room) {
        uint32_t room = c->room == 0 ? 16 : 2 * c->room;
        struct judge_due *due = realloc(c->due, room * sizeof(*due));

        if (due == NULL)
            return false;
        c->due = due;
        c->room = room;
    }
    c->due[c->end++] = (struct judge_due){.number = number};
    c->waiting++;
    return true;
}

static struct judge_due *find_due(const struct judge_client *c, uint32_t number)
{
    for (uint32_t i = c->first; i < c->end; i++) {
        if (c->due[i].number == number)
            return &c->due[i];
    }
    return NULL;
}

/* A due entry has come to its end, whichever. */
static void settle(struct judge *j, struct judge_client *c,
                   struct judge_due *due)
{
    struct judge_message *m = message_of(j, due->number);

    due->over = true;
    c->waiting--;
    while (c->first < c->end && c->due[c->first].over)
        c->first++;
    if (!c->trusted)
        return;
    j->waiting--;
    if (--m->waiting == 0)
        j->flying_bytes -= m->letter.bytes;
}

static void lose(struct judge *j, const struct judge_message *m,
                 uint32_t client, const char *how)
{
    const struct judge_client *c = &j->clients[client];

    judge_fault(j, &j->counts.lost,
                "lost: number %u (lane %u seq %u, %u bytes) to client %u, user "
                "%u: %s",
                m->letter.number, m->letter.lane, m->letter.seq,
                m->letter.bytes, client, c->user, how);
}

/* Whether a later message of its lane has come. */
static bool is_overtaken(const struct judge_client *c,
                         const struct judge_message *m)
{
    return c->orders[m->letter.lane].next > m->letter.seq;
}

/* What was due to a client that is gone: what others have overtaken is lost,
 * for the rest it depends. */
static void clear_due(struct judge *j, uint32_t client, bool by_hub)
{
    struct judge_client *c = &j->clients[client];

    while (c->first < c->end) {
        struct judge_due *due = &c->due[c->first];
        struct judge_message *m = message_of(j, due->number);

        if (is_overtaken(c, m))
            lose(j, m, client, "a later one had come when the client left");
        else if (by_hub && j->draining)
            m->cut++;
        else if (by_hub && c->trusted)
            lose(j, m, client, "the hub ended the client");
        else if (c->trusted)
            j->counts.forgiven++;
        settle(j, c, due);
    }
}

/* Clients. -------------------------------------------------------------- */

void judge_coming(struct judge *j, uint32_t client, uint16_t user,
                  uint16_t session, bool trusted)
{
    struct judge_client *c = &j->clients[client];
    struct judge_due *due = c->due;
    uint32_t room = c->room;

    *c = (struct judge_client){.phase = JUDGE_COMING,
                               .trusted = trusted,
                               .user = user,
                               .session = session,
                               .came_event = ++j->event,
                               .due = due,
                               .room = room};
    tally_comes(j, c);
}

void judge_staying(struct judge *j, uint32_t client)
{
    struct judge_client *c = &j->clients[client];

    c->phase = JUDGE_STAYING;
    c->stays_event = ++j->event;
    if (c->trusted)
        tally_is_sure(j, c);
}

void judge_leaving(struct judge *j, uint32_t client)
{
    struct judge_client *c = &j->clients[client];

    if (c->phase == JUDGE_STAYING && c->trusted)
        tally_is_unsure(j, c);
    c->phase = JUDGE_LEAVING;
    c->leaves_event = ++j->event;
}

void judge_away(struct judge *j, uint32_t client, const char *why, bool counted)
{
    struct judge_client *c = &j->clients[client];

    if (why != NULL && c->trusted && !j->draining)
        judge_fault(j, &j->counts.closed_early,
                    "closed early: client %u, user %u: %s", client, c->user,
                    why);
    if (c->phase == JUDGE_STAYING && c->trusted)
        tally_is_unsure(j, c);
    clear_due(j, client, why != NULL);
    c->phase = JUDGE_AWAY;
    ++j->event;
    if (!counted)
        judge_forget(j, (struct judge_audience){c->user, c->session});
}

void judge_drain(struct judge *j)
{
    j->draining = true;
}

/* Messages. ------------------------------------------------------------- */

static bool is_for(const struct letter *l, const struct judge_client *c)
{
    if (l->user == LETTER_ANY && l->session == LETTER_ANY)
        return true;
    return (l->user != LETTER_ANY && l->user == c->user) ||
           (l->session != LETTER_ANY && l->session == c->session);
}

static void make_due(struct judge *j, struct judge_message *m)
{
    for (uint32_t i = 0; i < j->client_count; i++) {
        struct judge_client *c = &j->clients[i];

        if (c->phase != JUDGE_STAYING || !is_for(&m->letter, c))
            continue;
        if (!push_due(c, m->letter.number))
            abort(); /* a judge that forgets is of no use */
        m->waiting += c->trusted;
    }
    j->waiting += m->waiting;
    if (m->waiting > 0)
        j->flying_bytes += m->letter.bytes;
}

void judge_launch(struct judge *j, struct letter *l, bool forbidden,
                  int64_t now)
{
    struct judge_message *m = message_of(j, j->next);
    struct judge_audience who = {l->user, l->session};

    l->number = j->next++;
    l->seq = j->seq[l->lane]++;
    if (l->number - j->oldest >= JUDGE_MESSAGES)
        judge_expire(j, INT64_MAX); /* never, with so few in flight */
    *m = (struct judge_message){.letter = *l,
                                .used = true,
                                .forbidden = forbidden,
                                .launched_ns = now,
                                .launched_event = ++j->event,
                                .before = tally_of(j, who)};
    j->counts.posted++;
    if (!forbidden)
        make_due(j, m);
}

/* Nobody is to get it any more, since it was refused. */
static void cancel(struct judge *j, const struct judge_message *m)
{
    for (uint32_t i = 0; i < j->client_count; i++) {
        struct judge_client *c = &j->clients[i];
        struct judge_due *due = find_due(c, m->letter.number);

        if (due != NULL && !due->over)
            settle(j, c, due);
    }
}

static void check_recipients(struct judge *j, const struct judge_message *m)
{
    struct judge_tally was = m->before;
    struct judge_tally now =
        tally_of(j, (struct judge_audience){m->letter.user, m->letter.session});
    long least = was.sure - (now.left - was.left);
    long most = was.present + (now.came - was.came);

    if (j->draining)
        least = 0; /* it unregisters whom it closes, before they know */
    j->counts.exact += least == most;
    if (m->recipients < least || m->recipients > most)
        judge_fault(j, &j->counts.miscounted,
                    "miscounted: number %u to user %u, session %u: %u "
                    "recipients, not %ld to %ld",
                    m->letter.number, m->letter.user, m->letter.session,
                    m->recipients, least, most);
}

void judge_answer(struct judge *j, uint32_t number, long status,
                  long recipients)
{
    struct judge_message *m = message_of(j, number);

    m->answered = true;
    m->answered_event = ++j->event;
    m->recipients = (uint32_t)recipients;
    if (status == 200 && !m->forbidden) {
        j->counts.accepted++;
        check_recipients(j, m);
        return;
    }
    if (status == 200)
        judge_fault(j, &j->counts.unasked,
                    "number %u was accepted and must not be", number);
    j->counts.refused++;
    if (m->landed_any > 0)
        judge_fault(j, &j->counts.unasked,
                    "number %u was refused with %ld, and delivered", number,
                    status);
    if (!m->forbidden)
        cancel(j, m);
    m->forbidden = true;
}

/* Whether it may come to a client to which it is not due. */
static bool is_voluntary(const struct judge_client *c,
                         const struct judge_message *m)
{
    if (m->answered && m->answered_event < c->came_event)
        return false;
    return c->stays_event == 0 || m->launched_event < c->stays_event ||
           (c->phase == JUDGE_LEAVING && m->launched_event > c->leaves_event);
}

/* Takes a message that is in order, or late. */
static void land(struct judge *j, uint32_t client, struct judge_message *m,
                 int64_t now)
{
    struct judge_client *c = &j->clients[client];
    struct judge_due *due = find_due(c, m->letter.number);

    if (due == NULL || due->over) {
        if (is_voluntary(c, m))
            j->counts.voluntary++;
        else if (m->letter.number < j->oldest &&
                 m->launched_event > c->stays_event)
            judge_fault(j, &j->counts.late,
                        "late: number %u to client %u, when it was given up",
                        m->letter.number, client);
        else
            judge_fault(j, &j->counts.misrouted,
                        "misrouted: number %u to client %u, which was not "
                        "there",
                        m->letter.number, client);
        return;
    }
    settle(j, c, due);
    if (!c->trusted) {
        j->counts.voluntary++;
        return;
    }
    m->landed++;
    histogram_add(&j->latency, now - m->launched_ns);
    if (now - m->launched_ns > j->late_ns)
        judge_fault(j, &j->counts.late, "late: number %u to client %u: %.3f s",
                    m->letter.number, client,
                    (double)(now - m->launched_ns) / 1e9);
}

void judge_deliver(struct judge *j, uint32_t client, const struct letter *l,
                   int64_t now)
{
    struct judge_client *c = &j->clients[client];
    struct judge_message *m = message_of(j, l->number);
    const struct letter *sent = &m->letter;

    j->counts.delivered++;
    if (!m->used || sent->number != l->number || sent->lane != l->lane ||
        sent->seq != l->seq || sent->user != l->user ||
        sent->session != l->session || sent->bytes != l->bytes ||
        sent->stamped != l->stamped) {
        judge_fault(j, &j->counts.altered,
                    "altered: number %u to client %u was never posted so",
                    l->number, client);
        return;
    }
    m->landed_any++;
    if (m->forbidden) {
        judge_fault(j, &j->counts.unasked,
                    "number %u had to be refused, and came to client %u",
                    l->number, client);
        return;
    }
    if (!is_for(l, c)) {
        judge_fault(j, &j->counts.misrouted,
                    "misrouted: number %u for user %u, session %u to client "
                    "%u, user %u, session %u",
                    l->number, l->user, l->session, client, c->user,
                    c->session);
        return;
    }
    switch (order_take(&c->orders[l->lane], l->seq)) {
    case ORDER_TWICE:
        judge_fault(j, &j->counts.duplicated,
                    "duplicated: number %u to client %u", l->number, client);
        return;
    case ORDER_LATE:
        judge_fault(j, &j->counts.misordered,
                    "misordered: number %u (lane %u seq %u) to client %u",
                    l->number, l->lane, l->seq, client);
        break;
    case ORDER_FINE:
        break;
    }
    land(j, client, m, now);
}

void judge_altered(struct judge *j, uint32_t client)
{
    judge_fault(j, &j->counts.altered,
                "altered: a message to client %u, user %u", client,
                j->clients[client].user);
}

/* The end. -------------------------------------------------------------- */

static void lose_all(struct judge *j, const struct judge_message *m)
{
    for (uint32_t i = 0; i < j->client_count && m->waiting > 0; i++) {
        struct judge_client *c = &j->clients[i];
        struct judge_due *due =
            c->trusted ? find_due(c, m->letter.number) : NULL;

        if (due == NULL || due->over)
            continue;
        lose(j, m, i, "it has not come");
        settle(j, c, due);
    }
}

void judge_expire(struct judge *j, int64_t before)
{
    for (; j->oldest != j->next; j->oldest++) {
        struct judge_message *m = message_of(j, j->oldest);

        if (m->launched_ns >= before)
            break;
        lose_all(j, m);
    }
}

void judge_finish(struct judge *j)
{
    judge_expire(j, INT64_MAX);
    if (!j->draining)
        return;
    for (uint32_t i = 0; i < JUDGE_MESSAGES; i++) {
        struct judge_message *m = &j->messages[i];

        /* Whom the hub had closed before, it has not counted. */
        if (!m->used || m->forbidden || !m->answered || m->cut == 0 ||
            m->landed >= m->recipients)
            continue;
        judge_fault(j, &j->counts.lost,
                    "lost: number %u was accepted for %u in the drain, and "
                    "came to %u",
                    m->letter.number, m->recipients, m->landed);
        j->counts.lost += m->recipients - m->landed - 1;
    }
}

#define ADD(name) sum += j->counts.name;

uint64_t judge_wrongs(const struct judge *j)
{
    uint64_t sum = 0;

    JUDGE_WRONGS(ADD)
    return sum;
}
