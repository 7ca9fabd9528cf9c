/* deadline.h - moments of CLOCK_MONOTONIC that calls wait for. Any thread. */
#ifndef HUB_DEADLINE_H
#define HUB_DEADLINE_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* So many milliseconds from now. */
struct timespec hub__deadline_in(uint64_t ms);

/* A condition whose deadlines are such moments. */
void hub__deadline_cond_init(pthread_cond_t *cond);

#endif
