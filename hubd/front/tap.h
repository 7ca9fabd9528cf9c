/* tap.h - which descriptor civetweb reads a connection from, and how far it has
 * read. It tells neither, but hubd has to know both to take a socket away from
 * it.
 *
 * The program brings functions of its own named poll() and recv(), which do
 * what those of libc do. A program's functions come before those of its
 * libraries, so civetweb's calls get here (which is also how a program replaces
 * malloc()), and a thread that has a tap leaves a note in it. For all other
 * threads nothing changes.
 *
 * A civetweb that waits and reads in other ways would leave no notes: then
 * nothing is known, and nobody has to guess.
 */
#ifndef HUBD_TAP_H
#define HUBD_TAP_H

#include <stdatomic.h>
#include <stdbool.h>

struct tap {
    _Atomic int fd;  /* -1: not known; written by the thread that has the tap */
    const char *end; /* behind the last byte that was read from it, or NULL */
    bool has_read;   /* whether anything ever was */
};

/* The thread's calls are noted in that one from now on; NULL: in none. The
 * first descriptor that is waited for or read from is its own, and later ones
 * are nobody's business. */
void tap_attach(struct tap *tap);

#endif
