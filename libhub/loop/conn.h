/* conn.h - one connection: how it reads, writes, keeps alive and ends.
 *
 * Everything here runs on the thread of the connection's loop, but for
 * hub__conn_new() and, until it has been posted to the loop, _free().
 *
 *   NEW ──> OPEN ──> CLOSING ──> LINGERING ──> DEAD
 *             └──────────┴───────────┴───────────┘ (hub__conn_cut)
 *
 * A connection leaves the registry when it leaves OPEN, and is released when
 * the posts that may still name it have been handled.
 */
#ifndef HUB_CONN_H
#define HUB_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <hub/hub.h>

#include "message/frame.h"
#include "message/outbox.h"
#include "ws/reader.h"
#include "directory/registry.h"

struct hub__loop;

enum hub__conn_state {
    HUB__CONN_NEW,
    HUB__CONN_OPEN,
    HUB__CONN_CLOSING,   /* our Close is in the outbox, or out */
    HUB__CONN_LINGERING, /* all is out; waiting for the end of the stream */
    HUB__CONN_DEAD,
};

struct hub__conn {
    /* Constant. */
    struct hub__loop *loop;
    hub_deliver_fn *deliver; /* NULL: a socket */
    void *data;

    /* The loop's thread. */
    int fd;           /* -1 without a socket, or once closed */
    uint8_t state;    /* enum hub__conn_state */
    uint8_t cause;    /* enum hub_close_cause, once it is closing */
    uint16_t code;    /* of the first Close frame, likewise */
    bool dirty : 1;   /* in the loop's list of those with something to write */
    bool blocked : 1; /* the socket takes no more: EPOLLOUT is awaited */
    bool peer_closed : 1; /* its Close came, or nothing of it counts now */
    bool deaf : 1;        /* what it sends is read and thrown away */
    bool retry : 1;       /* blocked, but EPOLLOUT came */
    bool flooding : 1;    /* it sends more than it may */
    uint32_t index;       /* in the loop's table */
    uint32_t caught_up;   /* see fanout.c */
    struct hub__conn *dirty_next; /* in the loop's list */
    struct hub__conn *dead_next;  /* in the loop's list */
    struct hub__outbox outbox;
    struct hub__frame *pong; /* the latest, while the socket is blocked */
    struct hub__reader *reader;

    int in_flight; /* bytes the kernel holds for the peer: the least
                      since it was blocked or pinged */

    /* Times of the loop's clock, in ms. */
    int64_t opened_ms;
    int64_t heard_ms;   /* the last byte that came, or proof of life */
    int64_t pinged_ms;  /* the ping that waits for an answer; 0: none */
    int64_t stalled_ms; /* since when the socket has taken nothing */
    int64_t close_ms;   /* when it started closing, or took bytes since */
    int64_t paid_ns;    /* until when its frames use up its rate; in ns */

    uint64_t messages_in, messages_out, bytes_in, bytes_out;

    /* The registry's; next to the ids, which a lookup reads too. */
    struct hub__entry entry;
    char ids[]; /* user id, NUL, session id, NUL */
};

/* Returns NULL without memory. fd: -1 for a member with a callback. */
struct hub__conn *hub__conn_new(const struct hub_member *member, int fd);
void hub__conn_free(struct hub__conn *conn);

static inline struct hub__conn *hub__conn_of(struct hub__entry *entry)
{
    return (struct hub__conn *)(void *)((char *)entry -
                                        offsetof(struct hub__conn, entry));
}

/* Whether bytes may go straight to the socket, since nothing is before them. */
static inline bool hub__conn_is_clear(const struct hub__conn *conn)
{
    return conn->state == HUB__CONN_OPEN && conn->deliver == NULL &&
           !conn->blocked && hub__outbox_empty(&conn->outbox) &&
           conn->pong == NULL;
}

/* Enters the loop: `opened` is called. */
void hub__conn_open(struct hub__conn *conn);

/* Queues a message, or does what the slow-consumer policy says. */
void hub__conn_queue(struct hub__conn *conn, struct hub__frame *frame);

/* The socket has something to read, or is broken. */
void hub__conn_readable(struct hub__conn *conn);

/* The socket takes bytes again. */
void hub__conn_writable(struct hub__conn *conn);

/* Before a write: whether there is any use in one. */
bool hub__conn_prepare(struct hub__conn *conn);

/* What came of writing `asked` bytes; see struct hub__write. */
void hub__conn_wrote(struct hub__conn *conn, size_t asked, ssize_t result);

/* A write of `frames` that went past the outbox has taken `result` bytes or
 * failed, see struct hub__write; what is left is queued. */
void hub__conn_wrote_frames(struct hub__conn *conn,
                            struct hub__frame *const *frames, size_t count,
                            ssize_t result);

/* Hands a member what waits for it. */
void hub__conn_deliver(struct hub__conn *conn);

/* Closes in good order, after what is queued; `frame` is the Close frame. NULL:
 * there is no memory for one, or it is a member with a callback, which gets
 * none. Does nothing if it is closing. */
void hub__conn_close(struct hub__conn *conn, struct hub__frame *frame, int code,
                     enum hub_close_cause cause);

/* The same with a frame made here. */
void hub__conn_close_code(struct hub__conn *conn, int code, const char *reason,
                          enum hub_close_cause cause);

/* Ends it now; `closed` is called. `cause` counts unless it is closing. */
void hub__conn_cut(struct hub__conn *conn, enum hub_close_cause cause);

/* RFC 6455, 7.1.7: the peer broke the protocol, or we cannot follow it any
 * more; nothing it still sends counts, and what waits for it is not worth
 * sending. */
void hub__conn_fail(struct hub__conn *conn, int status, const char *reason);

/* conn_time.c: acts on what is overdue. */
void hub__conn_tick(struct hub__conn *conn);

/* conn_time.c: from now on the peer has time to take bytes. */
void hub__conn_begins_wait(struct hub__conn *conn);

#endif
