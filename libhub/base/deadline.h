/* deadline.h - points in time, by CLOCK_MONOTONIC, at which waiting ends. Any
 * thread. */
#ifndef HUB_DEADLINE_H
#define HUB_DEADLINE_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* That many milliseconds from now. */
struct timespec hub__deadline_in(uint64_t ms);

/* Initializes a condition variable whose deadlines use that clock. */
void hub__deadline_cond_init(pthread_cond_t *cond);

#endif
