/* drain.h - the orderly end, in a thread of its own, so that the main thread
 * can still take signals and keep the deadline.
 */
#ifndef HUBD_DRAIN_H
#define HUBD_DRAIN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server.h"

struct drain {
    struct server *server;
    pthread_t thread, main_thread;
    int64_t deadline_ms;   /* CLOCK_MONOTONIC: the process must be gone */
    _Atomic bool stopping; /* civetweb's workers need to be woken */
    _Atomic bool done;
};

#define DRAIN_SIGNAL SIGUSR1 /* sent to the main thread when done */

/* Starts it; call from the main thread. Returns 0 or an error number. */
int drain_start(struct drain *drain, struct server *server);

#endif
