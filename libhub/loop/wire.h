/* wire.h - the kinds of connection, each a table of the operations that differ:
 * setting up what is beneath, sending messages, and ending. Everything else is
 * common to all kinds. Only these tables tell the kinds apart.
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
    /* The bytes of a frame go to its socket as they are, so that many
     * connections can share one piece of memory. */
    bool takes_frames;
    /* It is a connection of the hub: it has a place, counts in the statistics,
     * and callbacks are called for it. */
    bool has_place;
    /* Its peer will come back after a shutdown, so these are not all closed at
     * once. */
    bool comes_back;

    /* It was added to the loop: sets up what is beneath it. Returns 0, or
     * HUB_ESYSTEM. */
    int (*open)(struct hub__conn *conn);

    /* Events of its descriptor. NULL for kinds without one. */
    void (*readable)(struct hub__conn *conn);
    void (*writable)(struct hub__conn *conn);

    /* Sends what waits, as much of it as it takes: at once, or with the host's
     * batch. */
    void (*send)(struct hub__conn *conn);

    /* Its outbox has no room for `bytes` more. Returns whether a message may be
     * queued after all; if not, the connection may be closing. */
    bool (*make_room)(struct hub__conn *conn, size_t bytes);

    /* Queues the closing message to the peer after what waits. Returns false if
     * that fails; then the connection ends at once. */
    bool (*say_goodbye)(struct hub__conn *conn,
                        const struct hub__ending *ending);

    /* hub_unregister() was called for it. */
    void (*drop)(struct hub__conn *conn);

    /* Acts on timeouts. */
    void (*tick)(struct hub__conn *conn);

    /* It has ended: releases what is beneath it. */
    void (*leave)(struct hub__conn *conn);
};

/* A socket that speaks RFC 6455, a member that takes messages by a callback,
 * and a socket that is rejected. */
extern const struct hub__wire hub__wire_websocket, hub__wire_member,
    hub__wire_rejected;

#endif
