/* window.h - how often something happens, told by one line in so many seconds:
 * the first at once, and then how many more there were. What peers can cause at
 * will must not fill a log.
 *
 * Threads: any.
 */
#ifndef HUBD_WINDOW_H
#define HUBD_WINDOW_H

#include <stdatomic.h>
#include <stdint.h>

#define WINDOW_MS 10000

/* Zeros are a new one. */
struct window {
    _Atomic uint64_t untold;
    _Atomic int64_t next_ms; /* when the next line is due; CLOCK_MONOTONIC */
};

/* It happened. */
void window_count(struct window *window);

/* How often it has since the last line; 0 where there is nothing to tell, or no
 * line is due. Whoever asks tells. */
uint64_t window_due(struct window *window);

/* The same, due or not: the end is near. */
uint64_t window_rest(struct window *window);

#endif
