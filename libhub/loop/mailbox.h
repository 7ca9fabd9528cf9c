/* mailbox.h - the only way into a loop: a queue of posts, and a wake-up that
 * costs a system call only if the loop sleeps.
 *
 * Any thread posts; the loop's thread takes everything at once.
 */
#ifndef HUB_MAILBOX_H
#define HUB_MAILBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message/frame.h"

struct hub__conn;

enum hub__post_kind {
    HUB__POST_ADD,       /* conn, deadline_ms: when it expires */
    HUB__POST_FRAME,     /* conn, frame */
    HUB__POST_BROADCAST, /* frame, except */
    HUB__POST_CLOSE,     /* conn, frame: its Close frame, code */
    HUB__POST_DROP,      /* conn */
    HUB__POST_EXPIRE,    /* conn, deadline_ms */
    HUB__POST_REJECT,    /* conn, in no registry */
    HUB__POST_SHUTDOWN,  /* deadline_ms */
};

struct hub__post {
    struct hub__post *next;
    enum hub__post_kind kind;
    int code;
    struct hub__conn *conn;   /* in the registry at the time of posting, or
                                 removed under the same lock */
    struct hub__frame *frame; /* a reference */
    size_t bytes;             /* of the post and its frame */
    uint64_t work;            /* of a broadcast, in bytes; see router.c */
    union {
        int64_t deadline_ms; /* by the hub's clock */
        size_t except_count;
    };
    struct hub__conn *except[]; /* left out; like conn, each of them once */
};

/* A list of posts, in order. */
struct hub__chain {
    struct hub__post *first, *last;
    size_t count, bytes; /* of all of them */
    uint64_t work;
};

struct hub__mailbox {
    pthread_mutex_t lock;
    struct hub__chain chain; /* lock */
    bool asleep;             /* lock: the loop waits, or is about to */
    atomic_uint_fast64_t
        posted;          /* how many ever; they are taken in this order */
    atomic_size_t bytes; /* posted and not yet handled */
    atomic_uint_fast64_t work;
    int wake_fd; /* eventfd; edge-triggered, never read */
};

/* Returns 0 or HUB_ESYSTEM. */
int hub__mailbox_init(struct hub__mailbox *mailbox);

/* Releases posts that were not taken. */
void hub__mailbox_fini(struct hub__mailbox *mailbox);

/* Makes a post, with its own reference to `frame` (may be NULL). NULL: no
 * memory. */
struct hub__post *hub__post_new(enum hub__post_kind kind,
                                struct hub__conn *conn,
                                struct hub__frame *frame);

/* The same for a broadcast, with room for `except_max` connections to leave
 * out. */
struct hub__post *hub__post_broadcast(struct hub__frame *frame,
                                      size_t except_max);
void hub__post_free(struct hub__post *post);

/* add: appends a post. pop: takes out the first one, NULL if there is none. */
void hub__chain_add(struct hub__chain *chain, struct hub__post *post);
struct hub__post *hub__chain_pop(struct hub__chain *chain);
void hub__chain_free(struct hub__chain *chain);

/* Appends the whole chain. Returns whether the loop has to be woken, which the
 * caller must do once it holds no lock. */
bool hub__mailbox_post(struct hub__mailbox *mailbox,
                       const struct hub__chain *chain);
void hub__mailbox_wake(struct hub__mailbox *mailbox);

/* The loop's side. take: takes everything, and marks the loop as awake. done:
 * that much of what was taken has been handled. sleep: marks the loop as asleep
 * if the mailbox is empty; returns whether it was, and the loop may wait. */
struct hub__chain hub__mailbox_take(struct hub__mailbox *mailbox);
void hub__mailbox_done(struct hub__mailbox *mailbox, size_t bytes,
                       uint64_t work);
bool hub__mailbox_sleep(struct hub__mailbox *mailbox);

#endif
