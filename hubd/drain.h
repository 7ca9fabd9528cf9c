/* drain.h - the graceful shutdown, in a thread of its own, so that the main
 * thread can still take signals and keep the deadline. The thread is created at
 * the start: later, there might be no threads available.
 */
#ifndef HUBD_DRAIN_H
#define HUBD_DRAIN_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server.h"

struct drain {
    pthread_t thread, main_thread;
    sem_t start;
    struct server *server; /* NULL: not begun */
    int64_t deadline_ms;   /* CLOCK_MONOTONIC: the process must have exited */
    _Atomic bool stopping; /* the front's workers need to be woken */
    _Atomic bool done;
};

#define DRAIN_SIGNAL SIGUSR1 /* sent to the main thread when done */

/* Creates the thread, which then waits; call from the main thread. Returns 0 or
 * an error number. */
int drain_create(struct drain *drain);

/* Begins the drain, once. */
void drain_begin(struct drain *drain, struct server *server);

/* Joins the thread, after the drain is done. */
void drain_join(struct drain *drain);

/* For a process that exits before that. */
void drain_abandon(struct drain *drain);

#endif
