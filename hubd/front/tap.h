/* tap.h - which descriptor civetweb reads a connection from, and what it reads.
 * It tells neither, but hubd has to know both: to take a socket away from it,
 * and to say what is wrong with a request that it cannot parse.
 *
 * The program brings functions of its own named poll() and recv(), which do
 * what those of libc do. A program's functions come before those of its
 * libraries, so civetweb's calls get here (which is also how a program replaces
 * malloc()), and a thread that has a tap leaves a note in it, and has heads
 * made plain (head.h). For all other threads nothing changes.
 *
 * A civetweb that waits and reads in other ways would leave no notes: then
 * nothing is known, and nobody has to guess.
 */
#ifndef HUBD_TAP_H
#define HUBD_TAP_H

#include <stdatomic.h>

#include "front/arrival.h"

struct tap {
    _Atomic int fd; /* -1: not known; written by the thread that has the tap */
    struct arrival arrival; /* of what was read from it */
};

/* The thread's calls are noted in that one from now on, where a connection
 * begins; NULL: in none. The first descriptor that is waited for or read from
 * is its own, and later ones are nobody's business. */
void tap_attach(struct tap *tap);

#endif
