/* conn.h - one connection: its data, and how it is added and ended.
 *
 * Everything here runs on the thread of the connection's loop, except
 * hub__conn_new() and, until it has been posted to the loop, _free().
 *
 *   NEW ──> OPEN ──> LEAVING ──> CLOSING ──> LINGERING ──> DEAD
 *             ├──────────┼──────────┘ │           │           │
 *             └──────────┴────────────┴───────────┴───────────┘ (hub__conn_cut)
 *
 * A rejected socket starts in CLOSING.
 *
 * A connection leaves the registry when it leaves OPEN, and is released once
 * the posts that may still refer to it have been handled.
 *
 * Files, each of which knows only those before it: conn, conn_write (bytes to
 * its socket), conn_life (orderly closing), expiry (closing those that have
 * expired), conn_queue (messages to it), conn_read (messages from it),
 * conn_time (its timeouts), and the kinds of connection, see wire.h, which put
 * these together.
 */
#ifndef HUB_CONN_H
#define HUB_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hub/hub.h>

#include "directory/registry.h"
#include "loop/host.h"
#include "loop/wire.h"
#include "message/frame.h"
#include "message/outbox.h"
#include "ws/reader.h"

enum hub__conn_state {
    HUB__CONN_NEW,
    HUB__CONN_OPEN,
    HUB__CONN_LEAVING,   /* its peer is done; messages posted before that are
                            still queued */
    HUB__CONN_CLOSING,   /* our Close is in the outbox, or sent */
    HUB__CONN_LINGERING, /* all is sent; waiting for the end of the stream */
    HUB__CONN_DEAD,
};

/* When it expires; see expiry.h. */
struct hub__term {
    uint32_t place; /* in a heap of the host; 0: it never expires */
    bool warned;    /* the heap is `closes`, not `warnings` */
};

struct hub__conn {
    /* Constant. */
    const struct hub__wire *wire;
    struct hub__host *host;
    hub_deliver_fn *deliver; /* of a member */
    void *data;

    /* The loop's thread. */
    int fd;           /* -1 without a socket, or once it is closed */
    uint8_t state;    /* enum hub__conn_state */
    uint8_t cause;    /* enum hub_close_cause, from LEAVING on */
    uint16_t code;    /* of the first Close frame, likewise */
    bool dirty : 1;   /* in the host's list of those with something to write */
    bool blocked : 1; /* the socket takes no more; waiting for EPOLLOUT */
    bool peer_closed : 1;  /* its Close came, or its data is now ignored */
    bool deaf : 1;         /* what it sends is read and discarded */
    bool retry : 1;        /* blocked, but EPOLLOUT came */
    bool flooding : 1;     /* it exceeded its rate */
    bool ended : 1;        /* it has ended its stream */
    bool leaving : 1;      /* in the list of those that are LEAVING, or were */
    uint8_t fault;         /* enum hub__fault, while it is LEAVING */
    uint8_t address_bytes; /* constant */
    uint32_t index;        /* in the host's table */
    uint32_t caught_up;    /* see fanout.c */
    int in_flight;         /* bytes the kernel holds for the peer: the minimum
                              since it was blocked or pinged */
    struct hub__conn *dirty_next; /* in the host's list */
    struct hub__conn *next;       /* in the leaving, dying or dead list */
    struct hub__outbox outbox;
    struct hub__frame *pong; /* the latest pong, while the socket is blocked */
    struct hub__reader *reader;

    /* Times of the host's clock, in ms. */
    int64_t opened_ms;
    int64_t heard_ms;   /* when the last byte or other sign of life came */
    int64_t pinged_ms;  /* when the unanswered ping was sent; 0: none */
    int64_t stalled_ms; /* since when the socket has taken nothing */
    union {
        struct hub__term term; /* OPEN; not a time */
        int64_t close_ms;      /* LEAVING and later: when it started closing, or
                                  last took bytes since */
    };
    union {
        int64_t paid_ns;  /* OPEN: the time up to which its frames have used up
                             its rate, in ns */
        uint64_t left_at; /* LEAVING: the number of the last post in the mailbox
                             that may be for it */
    };

    uint64_t messages_in, messages_out, bytes_in, bytes_out;

    /* For the registry; next to the ids, which a lookup reads too. */
    struct hub__entry entry;
    char ids[]; /* address; user id, NUL; session id, NUL */
};

/* Copies the member's ids and address; there is no socket or callback yet.
 * Returns NULL without memory. */
struct hub__conn *hub__conn_new(const struct hub_member *member);

/* Sets the member's kind and how to reach it; fd is -1 for those without a
 * socket. `first` is sent first, or NULL; it comes from hub__frame_lead() if
 * the wire takes frames, and is a message otherwise. Takes over the reference.
 * empty: undoes it and drops `first`; the descriptor is still the caller's. */
void hub__conn_fill(struct hub__conn *conn, const struct hub__wire *wire,
                    const struct hub_member *member, int fd,
                    struct hub__frame *first);
void hub__conn_empty(struct hub__conn *conn);
void hub__conn_free(struct hub__conn *conn);

static inline struct hub__conn *hub__conn_of(struct hub__entry *entry)
{
    return (struct hub__conn *)(void *)((char *)entry -
                                        offsetof(struct hub__conn, entry));
}

/* The connection whose term has this place. */
static inline struct hub__conn *hub__conn_of_term(uint32_t *place)
{
    return (struct hub__conn *)(void *)((char *)place -
                                        offsetof(struct hub__conn, term.place));
}

static inline const struct hub_options *
hub__conn_options(const struct hub__conn *conn)
{
    return hub__host_options(conn->host);
}

/* Whether messages may be queued for it. */
static inline bool hub__conn_takes_messages(const struct hub__conn *conn)
{
    return conn->state == HUB__CONN_OPEN || conn->state == HUB__CONN_LEAVING;
}

/* Whether frames may go straight to its socket, since nothing waits before
 * them. */
static inline bool hub__conn_is_clear(const struct hub__conn *conn)
{
    return conn->state == HUB__CONN_OPEN && conn->wire->takes_frames &&
           !conn->blocked && hub__outbox_empty(&conn->outbox) &&
           conn->pong == NULL;
}

/* Notes a sign of life. */
static inline void hub__conn_heard(struct hub__conn *conn)
{
    conn->heard_ms = conn->host->now_ms;
    conn->pinged_ms = 0;
}

/* Adds it to one of the lists linked by `next`. */
static inline void hub__conn_push(struct hub__conn **list,
                                  struct hub__conn *conn)
{
    conn->next = *list;
    *list = conn;
}

/* As callbacks see it. */
struct hub_connection hub__conn_view(const struct hub__conn *conn);

/* Adds it to the loop; calls `opened`. */
void hub__conn_open(struct hub__conn *conn);

/* Adds a rejected socket to the loop: it is closing from the start, with its
 * Close frame in the outbox, and in no registry. */
void hub__conn_reject(struct hub__conn *conn);

/* Takes it out of the registry. Returns false if hub_close() or
 * hub_unregister() was here first, whose post is then on its way. */
bool hub__conn_unregister(struct hub__conn *conn, struct hub__moment *moment);

/* It does not expire any more. Only while it is OPEN. */
void hub__conn_drop_term(struct hub__conn *conn);

/* Moves it to CLOSING: it has left the registry, and its timeout starts. */
void hub__conn_begin_closing(struct hub__conn *conn, int code,
                             enum hub_close_cause cause);

/* Ends it now; calls `closed`. `cause` only counts if it was still open. */
void hub__conn_cut(struct hub__conn *conn, enum hub_close_cause cause);

#endif
