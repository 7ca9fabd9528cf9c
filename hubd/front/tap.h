/* tap.h - observes which descriptor civetweb reads a connection from, and what
 * it reads. It reveals neither, but hubd needs both: to take a socket over from
 * it, and to say what is wrong with a request that it cannot parse.
 *
 * The program defines its own poll() and recv(), which do what libc's do. A
 * program's functions take precedence over those of libraries, so civetweb
 * calls these (in the same way, a program can replace malloc()). A thread that
 * has a tap notes its calls in it, and has heads normalized (head.h). For other
 * threads nothing changes. A civetweb that was built with _FORTIFY_SOURCE may
 * call __poll_chk() and __recv_chk() instead, which are here as well.
 *
 * With a civetweb that waits and reads in other ways, nothing would be noted
 * and no handshake could be answered: tap_check() finds that out at the start.
 */
#ifndef HUBD_TAP_H
#define HUBD_TAP_H

#include <stdatomic.h>
#include <stddef.h>

#include "front/arrival.h"

struct tap {
    _Atomic int fd; /* -1: unknown; written by the thread that has the tap */
    struct arrival arrival; /* of what was read from it */
};

/* From now on, notes the thread's calls in that tap, for a new connection;
 * NULL: in none. The first descriptor that is polled or read is the
 * connection's; others are ignored. */
void tap_attach(struct tap *tap);

/* Whether civetweb calls what is replaced here. Returns 0, also where that
 * cannot be tried, or -1 and one line in `error`. */
int tap_check(char *error, size_t error_bytes);

#endif
