/* notify.h - notifies the service manager, in the protocol of sd_notify(3):
 * that hubd is ready, reloading or stopping, how many are connected, and, if
 * there is a watchdog, that the event loops turn.
 *
 * Nothing is sent unless NOTIFY_SOCKET is set, and nothing ever blocks:
 * sd_notify() itself blocks if the manager does not read, and the main thread
 * must not.
 *
 * Threads: the main thread.
 */
#ifndef HUBD_NOTIFY_H
#define HUBD_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <hub/hub.h>

#define NOTIFY_STATUS_BYTES 96
#define NOTIFY_RELOAD_BYTES 80

struct notify {
    int fd; /* -1: no manager to notify */
    struct sockaddr_un address;
    socklen_t address_bytes;
    int64_t watchdog_ms; /* silence that hubd is killed for; 0: none */
    int64_t every_ms;    /* between two ticks */
    int64_t next_ms;     /* CLOCK_MONOTONIC: when the next tick is due */
    const char *pending; /* a state that is still to be sent, or NULL */
    bool draining;
    bool failed;                      /* the last message could not be sent */
    bool warned;                      /* a failure has been logged */
    char status[NOTIFY_STATUS_BYTES]; /* as it was last sent */
    char reload[NOTIFY_RELOAD_BYTES]; /* all states of a reload whose beginning
                                         could not be sent, or "" */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. Invalid values are
 * logged and ignored. */
void notify_init(struct notify *notify);
void notify_fini(struct notify *notify);

/* hubd is listening, or has read its files again. */
void notify_ready(struct notify *notify);

/* It begins to read its files again; notify_ready() follows. */
void notify_reloading(struct notify *notify);

/* It is draining. From here on the main thread enforces the deadline, and event
 * loops may end. */
void notify_stopping(struct notify *notify);

/* How long until notify_tick() has something to do; at most `most_ms`. */
int64_t notify_wait_ms(const struct notify *notify, int64_t now_ms,
                       int64_t most_ms);

/* Whether notify_tick() has something to do now. */
bool notify_is_due(const struct notify *notify, int64_t now_ms);

/* Sends the status, if it has changed, and the watchdog message, if the event
 * loops turn. */
void notify_tick(struct notify *notify, int64_t now_ms,
                 const struct hub_stats *stats);

#endif
