/* notify.h - what the service manager is told, in the protocol of
 * sd_notify(3): that hubd listens, reads files again or ends, how many are
 * connected, and that the event loops turn, if there is a watchdog.
 *
 * Nothing is sent unless NOTIFY_SOCKET says where to, and nothing is ever
 * waited for: sd_notify() itself waits for a manager that does not read, and
 * the main thread must not.
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
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un address;
    socklen_t address_bytes;
    int64_t watchdog_ms; /* silence that ends hubd; 0: none does */
    int64_t every_ms;    /* between two looks */
    int64_t next_ms;     /* CLOCK_MONOTONIC: when to look again */
    const char *pending; /* a state that is still to be sent, or NULL */
    bool draining;
    bool failed;                      /* to send what was last to be sent */
    bool warned;                      /* of that, once */
    char status[NOTIFY_STATUS_BYTES]; /* as it was told last */
    char reload[NOTIFY_RELOAD_BYTES]; /* all states of one whose beginning did
                                         not get through, or "" */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. What they hold that
 * makes no sense is logged and gone without. */
void notify_init(struct notify *notify);
void notify_fini(struct notify *notify);

/* hubd listens, or has read its files again. */
void notify_ready(struct notify *notify);

/* It begins to read them again; notify_ready() follows. */
void notify_reloading(struct notify *notify);

/* It drains. From here on the main thread answers for the deadline, and event
 * loops may end. */
void notify_stopping(struct notify *notify);

/* How long until notify_tick() has something to do; `most_ms` at most. */
int64_t notify_wait_ms(const struct notify *notify, int64_t now_ms,
                       int64_t most_ms);

/* Whether it has now. */
bool notify_is_due(const struct notify *notify, int64_t now_ms);

/* Tells the figures, if they have changed, and that hubd lives, if its event
 * loops turn. */
void notify_tick(struct notify *notify, int64_t now_ms,
                 const struct hub_stats *stats);

#endif
