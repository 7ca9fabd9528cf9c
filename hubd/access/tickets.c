/* tickets.c - a hash table with chains, and a binary heap by time of expiry, of
 * the same tickets. Both have their full size from the start; untouched pages
 * cost nothing.
 *
 * A ticket is in both or in neither, and the thread that takes it out owns it
 * alone. So one text opens one connection, however many clients present it at
 * once.
 */
#include "access/tickets.h"

#include <assert.h>
#include <ctype.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "base/base64url.h"
#include "base/clock.h"
#include "base/origin.h"

struct ticket {
    struct ticket *next; /* in its chain */
    size_t place;        /* in the heap */
    int64_t expires_at_ms;
    int64_t connection_ttl_ms;
    unsigned char hash[TICKET_HASH_BYTES];
    uint16_t session_at, origin_at; /* in `text` */
    uint16_t text_bytes;
    char text[]; /* user, session and origin, a NUL after each */
};

struct tickets {
    char node[CONFIG_NODE_BYTES_MAX + 1];
    size_t max;
    size_t mask; /* of the chains */
    pthread_mutex_t lock;
    struct ticket **chains; /* guarded by lock, like all below */
    struct ticket **heap;   /* the first expires next */
    EVP_MD_CTX *digest;
    struct tickets_figures figures; /* `waiting` is the size of the heap */
};

/* Life. ----------------------------------------------------------------- */

static void destroy(struct ticket *ticket)
{
    explicit_bzero(ticket, sizeof(*ticket) + ticket->text_bytes);
    free(ticket);
}

static size_t chains_for(size_t max)
{
    size_t count = 64;

    while (count < max)
        count *= 2;
    return count;
}

/* Without those that wait. */
static void release(struct tickets *tickets)
{
    EVP_MD_CTX_free(tickets->digest);
    free(tickets->heap);
    free(tickets->chains);
    (void)pthread_mutex_destroy(&tickets->lock);
    free(tickets);
}

struct tickets *tickets_create(const char *node, size_t max)
{
    struct tickets *tickets = calloc(1, sizeof(*tickets));
    size_t chains = chains_for(max);

    if (tickets == NULL)
        return NULL;
    (void)pthread_mutex_init(&tickets->lock, NULL);
    (void)stpncpy(tickets->node, node, CONFIG_NODE_BYTES_MAX);
    tickets->max = max;
    tickets->mask = chains - 1;
    tickets->chains = calloc(chains, sizeof(struct ticket *));
    tickets->heap = calloc(max + TICKETS_HELD_MAX, sizeof(struct ticket *));
    tickets->digest = EVP_MD_CTX_new();
    if (tickets->chains != NULL && tickets->heap != NULL &&
        tickets->digest != NULL &&
        EVP_DigestInit_ex(tickets->digest, EVP_sha256(), NULL) == 1)
        return tickets;
    release(tickets);
    return NULL;
}

void tickets_destroy(struct tickets *tickets)
{
    for (size_t i = 0; i < tickets->figures.waiting; i++)
        destroy(tickets->heap[i]);
    release(tickets);
}

static void enter(struct tickets *tickets)
{
    (void)pthread_mutex_lock(&tickets->lock);
}

static void leave(struct tickets *tickets)
{
    (void)pthread_mutex_unlock(&tickets->lock);
}

/* The heap. ------------------------------------------------------------- */

static void put_at(struct tickets *tickets, size_t place, struct ticket *ticket)
{
    tickets->heap[place] = ticket;
    ticket->place = place;
}

/* Puts the ticket at a free place, or where it belongs above that. */
static void rise(struct tickets *tickets, size_t place, struct ticket *ticket)
{
    while (place > 0) {
        size_t above = (place - 1) / 2;

        if (tickets->heap[above]->expires_at_ms <= ticket->expires_at_ms)
            break;
        put_at(tickets, place, tickets->heap[above]);
        place = above;
    }
    put_at(tickets, place, ticket);
}

/* The same, but below. */
static void sink(struct tickets *tickets, size_t place, struct ticket *ticket)
{
    struct ticket **heap = tickets->heap;
    size_t count = tickets->figures.waiting;

    for (;;) {
        size_t below = 2 * place + 1;

        if (below + 1 < count &&
            heap[below + 1]->expires_at_ms < heap[below]->expires_at_ms)
            below++;
        if (below >= count ||
            heap[below]->expires_at_ms >= ticket->expires_at_ms)
            break;
        put_at(tickets, place, heap[below]);
        place = below;
    }
    put_at(tickets, place, ticket);
}

/* The table. ------------------------------------------------------------ */

/* Attackers cannot choose a chain: the hashes of issued texts are random. */
static struct ticket **chain_of(const struct tickets *tickets,
                                const unsigned char *hash)
{
    uint64_t bits;

    memcpy(&bits, hash, sizeof(bits));
    return &tickets->chains[bits & tickets->mask];
}

static struct ticket *find(const struct tickets *tickets,
                           const unsigned char *hash)
{
    struct ticket *ticket = *chain_of(tickets, hash);

    while (ticket != NULL && memcmp(ticket->hash, hash, TICKET_HASH_BYTES) != 0)
        ticket = ticket->next;
    return ticket;
}

static void insert(struct tickets *tickets, struct ticket *ticket)
{
    struct ticket **chain = chain_of(tickets, ticket->hash);

    ticket->next = *chain;
    *chain = ticket;
    rise(tickets, tickets->figures.waiting++, ticket);
}

static void take_out(struct tickets *tickets, struct ticket *ticket)
{
    struct ticket **at = chain_of(tickets, ticket->hash), *last;
    size_t place = ticket->place;

    while (*at != ticket)
        at = &(*at)->next;
    *at = ticket->next;
    last = tickets->heap[--tickets->figures.waiting];
    if (last == ticket)
        return;
    if (last->expires_at_ms < ticket->expires_at_ms)
        rise(tickets, place, last);
    else
        sink(tickets, place, last);
}

/* Takes out an expired ticket, or returns NULL. */
static struct ticket *take_expired(struct tickets *tickets, int64_t now_ms)
{
    struct ticket *ticket = tickets->heap[0];

    if (tickets->figures.waiting == 0 || ticket->expires_at_ms > now_ms)
        return NULL;
    take_out(tickets, ticket);
    tickets->figures.expired++;
    return ticket;
}

/* Texts. ---------------------------------------------------------------- */

/* Returns 0, or -1 if libcrypto fails. Needs the lock. */
static int hash_text(struct tickets *tickets, struct slice text,
                     unsigned char out[TICKET_HASH_BYTES])
{
    EVP_MD_CTX *digest = tickets->digest;

    return EVP_DigestUpdate(digest, text.start, text.bytes) == 1 &&
                   EVP_DigestFinal_ex(digest, out, NULL) == 1 &&
                   /* Keeps the algorithm, so it allocates nothing. */
                   EVP_DigestInit_ex(digest, NULL, NULL) == 1
               ? 0
               : -1;
}

/* Returns the length, or 0 if no random bytes are available. */
static size_t write_text(const struct tickets *tickets,
                         char out[TICKET_TEXT_MAX])
{
    unsigned char random[TICKET_RANDOM_BYTES];
    char *end;

    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return 0;
    end = stpcpy(out, TICKET_PREFIX);
    end = stpcpy(end, tickets->node);
    *end++ = '_';
    end += base64url_encode(random, sizeof(random), end);
    explicit_bzero(random, sizeof(random));
    return (size_t)(end - out);
}

/* Whether a text looks like a ticket, and of this node. */
static enum ticket_result look_at(const struct tickets *tickets,
                                  struct slice text)
{
    const size_t prefix = sizeof(TICKET_PREFIX) - 1;
    unsigned char random[TICKET_RANDOM_BYTES];
    const char *node = text.start + prefix, *end;
    struct slice secret;

    if (text.bytes <= prefix + 1 + TICKET_RANDOM_TEXT ||
        text.bytes >= TICKET_TEXT_MAX ||
        memcmp(text.start, TICKET_PREFIX, prefix) != 0)
        return TICKET_BAD;
    end = text.start + text.bytes - TICKET_RANDOM_TEXT - 1;
    secret = (struct slice){end + 1, TICKET_RANDOM_TEXT};
    if (*end != '_' ||
        base64url_decode(secret, random, sizeof(random)) != sizeof(random))
        return TICKET_BAD;
    explicit_bzero(random, sizeof(random));
    for (const char *p = node; p < end; p++) {
        if (*p != '-' && !isalnum((unsigned char)*p))
            return TICKET_BAD;
    }
    return strlen(tickets->node) == (size_t)(end - node) &&
                   memcmp(tickets->node, node, (size_t)(end - node)) == 0
               ? TICKET_GOOD
               : TICKET_ELSEWHERE;
}

/* Tickets. -------------------------------------------------------------- */

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static struct ticket *make(const char *user, const char *session,
                           const char *origin)
{
    size_t session_at = strlen(user) + 1;
    size_t origin_at = session_at + strlen(session) + 1;
    size_t bytes = origin_at + strlen(origin) + 1;
    struct ticket *ticket = malloc(sizeof(*ticket) + bytes);

    assert(bytes <= UINT16_MAX);
    if (ticket == NULL)
        return NULL;
    *ticket = (struct ticket){.session_at = (uint16_t)session_at,
                              .origin_at = (uint16_t)origin_at,
                              .text_bytes = (uint16_t)bytes};
    memcpy(ticket->text, user, session_at);
    memcpy(ticket->text + session_at, session, origin_at - session_at);
    memcpy(ticket->text + origin_at, origin, bytes - origin_at);
    return ticket;
}

static int add(struct tickets *tickets, struct ticket *ticket,
               struct slice text, struct refusal *why)
{
    int64_t now_ms = clock_now_ms();
    struct ticket *expired = NULL;
    int err = 0;

    enter(tickets);
    /* The next sweep is still to come. */
    if (tickets->figures.waiting >= tickets->max)
        expired = take_expired(tickets, now_ms);
    if (tickets->figures.waiting >= tickets->max) {
        err = refuse_as(why, REFUSAL_TOO_MANY_TICKETS);
    } else if (hash_text(tickets, text, ticket->hash) < 0) {
        err = refuse_as(why, REFUSAL_INTERNAL_ERROR);
    } else {
        insert(tickets, ticket);
        tickets->figures.issued++;
    }
    leave(tickets);
    if (expired != NULL)
        destroy(expired);
    return err;
}

int tickets_issue(struct tickets *tickets, const struct ticket_request *request,
                  char out[TICKET_TEXT_MAX], struct refusal *why)
{
    struct ticket *ticket =
        make(request->user_id, or_empty(request->session_id),
             or_empty(request->origin));
    struct slice text = {out, 0};
    int err;

    if (ticket == NULL)
        return refuse_as(why, REFUSAL_OUT_OF_MEMORY);
    ticket->expires_at_ms = clock_now_ms() + request->ttl_ms;
    ticket->connection_ttl_ms = request->connection_ttl_ms;
    text.bytes = write_text(tickets, out);
    err = text.bytes > 0 ? add(tickets, ticket, text, why)
                         : refuse_as(why, REFUSAL_INTERNAL_ERROR);
    if (err < 0) {
        explicit_bzero(out, TICKET_TEXT_MAX);
        destroy(ticket);
    }
    return err; /* NOLINT(clang-analyzer-unix.Malloc): it is in the table */
}

static bool is_for(const struct ticket *ticket, struct slice origin)
{
    const char *wanted = ticket->text + ticket->origin_at;

    return *wanted == '\0' || origin_equals(slice_of(wanted), origin);
}

/* Takes the ticket of a text out of the table, or returns NULL; `expired` is
 * then an expired one, to be destroyed. */
static struct ticket *take(struct tickets *tickets, struct slice text,
                           struct slice origin, struct ticket **expired)
{
    int64_t now_ms = clock_now_ms();
    unsigned char hash[TICKET_HASH_BYTES];
    struct ticket *ticket = NULL;

    *expired = NULL;
    enter(tickets);
    if (hash_text(tickets, text, hash) == 0)
        ticket = find(tickets, hash);
    if (ticket != NULL && ticket->expires_at_ms <= now_ms) {
        take_out(tickets, ticket);
        tickets->figures.expired++;
        *expired = ticket;
        ticket = NULL;
    } else if (ticket != NULL && !is_for(ticket, origin)) {
        ticket = NULL;
    } else if (ticket != NULL) {
        take_out(tickets, ticket);
        tickets->figures.redeemed++;
    }
    leave(tickets);
    return ticket;
}

static void tell(const struct ticket *ticket, struct identity *out,
                 struct ticket_held *held)
{
    const char *user = ticket->text;
    const char *session = ticket->text + ticket->session_at;

    *out = (struct identity){.expires_in_ms = ticket->connection_ttl_ms,
                             .method = IDENTITY_TICKET};
    (void)stpcpy(out->user_id, user);
    (void)stpcpy(out->session_id, session);
    *held =
        (struct ticket_held){.expires_at_ms = ticket->expires_at_ms,
                             .connection_ttl_ms = ticket->connection_ttl_ms};
    memcpy(held->hash, ticket->hash, TICKET_HASH_BYTES);
    (void)stpcpy(held->user_id, user);
    (void)stpcpy(held->session_id, session);
    (void)stpcpy(held->origin, ticket->text + ticket->origin_at);
}

enum ticket_result tickets_take(struct tickets *tickets, struct slice text,
                                struct slice origin, struct identity *out,
                                struct ticket_held *held)
{
    enum ticket_result result = look_at(tickets, text);
    struct ticket *ticket, *expired;

    if (result != TICKET_GOOD)
        return result;
    ticket = take(tickets, text, origin, &expired);
    if (expired != NULL)
        destroy(expired);
    if (ticket == NULL)
        return TICKET_BAD;
    tell(ticket, out, held);
    destroy(ticket);
    return TICKET_GOOD;
}

void tickets_put_back(struct tickets *tickets, struct ticket_held *held)
{
    struct ticket *ticket;
    bool entered = false;

    if (held->user_id[0] == '\0')
        return;
    ticket = make(held->user_id, held->session_id, held->origin);
    if (ticket != NULL) {
        ticket->expires_at_ms = held->expires_at_ms;
        ticket->connection_ttl_ms = held->connection_ttl_ms;
        memcpy(ticket->hash, held->hash, TICKET_HASH_BYTES);
    }
    enter(tickets);
    tickets->figures.put_back++;
    entered = ticket != NULL && ticket->expires_at_ms > clock_now_ms() &&
              tickets->figures.waiting < tickets->max + TICKETS_HELD_MAX;
    if (entered)
        insert(tickets, ticket);
    else
        tickets->figures.expired++;
    leave(tickets);
    if (ticket != NULL && !entered)
        destroy(ticket);
    explicit_bzero(held, sizeof(*held));
}

/* Time and figures. ----------------------------------------------------- */

void tickets_sweep(struct tickets *tickets)
{
    int64_t now_ms = clock_now_ms();
    struct ticket *ticket;

    do {
        enter(tickets);
        ticket = take_expired(tickets, now_ms);
        leave(tickets);
        if (ticket != NULL)
            destroy(ticket);
    } while (ticket != NULL);
}

void tickets_read(struct tickets *tickets, struct tickets_figures *out)
{
    enter(tickets);
    *out = tickets->figures;
    leave(tickets);
}
