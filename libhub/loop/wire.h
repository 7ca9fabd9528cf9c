/* wire.h - the kinds of connection, each a table of what it does in a way of
 * its own: what is beneath it, and how messages and the end get there. All else
 * is common to them. Nobody but these tables tells one kind from the other.
 *
 * The functions run on the thread of the connection's loop.
 */
#ifndef HUB_WIRE_H
#define HUB_WIRE_H

#include <stdbool.h>
#include <stddef.h>

struct hub__conn;
struct hub__ending;

struct hub__wire {
    /* The bytes of a frame are what its socket takes: one piece of memory can
     * serve many. */
    bool takes_frames;
    /* Its peer comes back after a shutdown: such are not sent away all at
     * once. */
    bool comes_back;

    /* It has entered the loop: what is beneath it is made ready. Returns 0, or
     * HUB_ESYSTEM. */
    int (*open)(struct hub__conn *conn);

    /* What its descriptor reports. NULL for those without one. */
    void (*readable)(struct hub__conn *conn);
    void (*writable)(struct hub__conn *conn);

    /* What waits goes out, as much of it as it takes: at once, or with the
     * host's batch. */
    void (*send)(struct hub__conn *conn);

    /* Its outbox has no room for `bytes` more. Returns whether a message may be
     * queued after all; the connection may be closing otherwise. */
    bool (*make_room)(struct hub__conn *conn, size_t bytes);

    /* Puts what tells the peer about the end behind what waits. Returns false
     * if that cannot be; then it ends at once. */
    bool (*say_goodbye)(struct hub__conn *conn,
                        const struct hub__ending *ending);

    /* hub_unregister() was called for it. */
    void (*drop)(struct hub__conn *conn);

    /* Acts on what is overdue. */
    void (*tick)(struct hub__conn *conn);

    /* It has ended: lets go of what is beneath it. */
    void (*leave)(struct hub__conn *conn);
};

/* A socket that speaks RFC 6455, and whoever takes messages by a callback. */
extern const struct hub__wire hub__wire_websocket, hub__wire_member;

#endif
