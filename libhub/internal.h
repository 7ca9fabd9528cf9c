/* internal.h - the parts of a hub, for the files of libhub only. */
#ifndef HUB_INTERNAL_H
#define HUB_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include <hub/hub.h>

#include "base/budget.h"
#include "base/room.h"
#include "base/sized.h"
#include "directory/places.h"
#include "directory/registry.h"
#include "loop/loop.h"

#define HUB__LOOPS_MAX 1024u

struct hub {
    struct hub_options options; /* defaults filled in; constant */
    hub__clock_fn *clock;       /* constant; see hub__clock_ms() */
    struct hub__registry registry;
    struct hub__places places;  /* of connections, closing ones included, and
                                   reserved ones */
    struct hub__budget budget;  /* for queued messages */
    struct hub__budget reading; /* for partly received messages */
    struct hub__room room;      /* where hub_send() waits */
    struct hub__frame *expired; /* Close frame for those that have expired */
    struct hub__loop *loops;    /* constant, except for their contents */
    unsigned loop_count;

    atomic_bool closing;         /* hub_shutdown() or hub_destroy() has begun */
    atomic_size_t calls;         /* posting calls under way; see hub__enter() */
    atomic_uint_fast64_t opened; /* connections, ever */
    atomic_uint_fast64_t rejected; /* by hub_reject(), ever */
    atomic_size_t rejecting;       /* of those, under way */

    pthread_mutex_t lock;
    pthread_cond_t drained_cond; /* lock: drained changed */
    unsigned drained;            /* lock: loops that hold no connections now */
    bool cut_off;                /* lock: one of them reached the deadline */
};

/* life.c: hub_create() with the caller's clock; NULL: CLOCK_MONOTONIC. */
int hub__create(hub_t **hub, const struct hub_options *options,
                hub__clock_fn *clock);

static inline int64_t hub__clock_ms(const hub_t *hub)
{
    return hub->clock() / 1000;
}

static inline bool hub__is_host_loop(const hub_t *hub)
{
    return (hub->options.flags & HUB_HOST_LOOP) != 0;
}

/* shutdown.c: brackets a call that posts: hub_shutdown() lets the calls that
 * have entered finish, and none enters after that. Returns 0 or
 * HUB_ESHUTDOWN. */
int hub__enter(hub_t *hub);
void hub__leave(hub_t *hub);

/* From here on no call enters, and none is under way. Returns false if that was
 * already so. */
bool hub__close_doors(hub_t *hub);

/* Whether the caller is inside one of the hub's callbacks. */
bool hub__is_callback(const hub_t *hub);

/* A loop has closed its last connection after a shutdown. */
void hub__note_drained(hub_t *hub, bool cut_off);

/* connect.c: whether a Close frame may carry this; NULL: none. */
bool hub__reason_is_valid(const char *reason);

/* connect.c: whether a hub can take this descriptor. */
bool hub__is_connected_stream(int fd);

/* send.c: whether this message can be sent. */
bool hub__message_is_valid(const struct hub_message *message);

/* options.c: checks what the caller gave, and fills in the defaults. Returns 0
 * or HUB_EINVAL. */
int hub__options_read(struct hub_options *out, const struct hub_options *in);

#endif
