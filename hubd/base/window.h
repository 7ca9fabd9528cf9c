/* window.h - rate-limits log lines: the first event is logged at once, then one
 * line per window says how many more there were. What peers can cause at will
 * must not fill the log.
 *
 * Threads: any.
 */
#ifndef HUBD_WINDOW_H
#define HUBD_WINDOW_H

#include <stdatomic.h>
#include <stdint.h>

#define WINDOW_MS 10000

/* All zeros is a new one. */
struct window {
    _Atomic uint64_t untold;
    _Atomic int64_t next_ms; /* when the next line is due; CLOCK_MONOTONIC */
};

/* Counts an event. */
void window_count(struct window *window);

/* The number of events since the last line; 0 if there were none, or no line is
 * due. Whoever asks must log it. */
uint64_t window_due(struct window *window);

/* The same, due or not: for the end. */
uint64_t window_rest(struct window *window);

#endif
