/* tap.h - which descriptor civetweb reads a connection from, and what it reads.
 * It tells neither, but hubd has to know both: to take a socket away from it,
 * and to say what is wrong with a request that it cannot parse.
 *
 * The program has functions of its own named poll() and recv(), which do what
 * those of libc do. A program's functions take precedence over those of its
 * libraries, so civetweb calls these (a program replaces malloc() the same
 * way). In a thread that has a tap they record what they see and make heads
 * plain (head.h); for all other threads nothing changes. A civetweb that was
 * built with _FORTIFY_SOURCE may call __poll_chk() and __recv_chk() instead,
 * which are here as well.
 *
 * With a civetweb that waits and reads in other ways nothing would be recorded,
 * and no handshake could be answered: tap_check() finds that out.
 */
#ifndef HUBD_TAP_H
#define HUBD_TAP_H

#include <stdatomic.h>
#include <stddef.h>

#include "front/arrival.h"

struct tap {
    _Atomic int fd; /* -1: not known; written by the thread that has the tap */
    struct arrival arrival; /* of what was read from it */
};

/* The thread's calls are noted in that one from now on, where a connection
 * begins; NULL: in none. The first descriptor that is waited for or read from
 * is its own, and later ones are nobody's business. */
void tap_attach(struct tap *tap);

/* Whether civetweb calls what is replaced here. Returns 0, also where that
 * cannot be tried, or -1 and one line in `error`. */
int tap_check(char *error, size_t error_bytes);

#endif
