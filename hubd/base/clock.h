/* clock.h - the time that never goes back (CLOCK_MONOTONIC). Threads: any. */
#ifndef HUBD_CLOCK_H
#define HUBD_CLOCK_H

#include <stdint.h>

int64_t clock_now_ms(void);

#endif
