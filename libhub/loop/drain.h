/* drain.h - how a loop shuts down: its connections get their Close frames one
 * after another, so that the peers do not all come back at the same moment, and
 * those left at the deadline are cut off. The loop's thread only.
 */
#ifndef HUB_DRAIN_H
#define HUB_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/host.h"

struct hub__drain {
    struct hub__host *host; /* constant */
    bool begun;
    bool closed_all; /* all have been sent a Close frame */
    bool cut_off;    /* it reached its deadline */
    bool done;       /* no connection is left */
    /* Times of the hub's clock, in ms. */
    int64_t begun_ms, deadline_ms;
    int64_t window_ms; /* in which Close frames are sent */
    uint32_t total;    /* connections at the beginning */
    uint32_t cursor;   /* in the loop's table: closing from here on */
};

void hub__drain_init(struct hub__drain *drain, struct hub__host *host);

void hub__drain_begin(struct hub__drain *drain, int64_t deadline_ms);

/* Does what is due. */
void hub__drain_act(struct hub__drain *drain);

/* At the end of a turn: whether no connection is left. Returns true once; after
 * that, nothing is due any more. */
bool hub__drain_finish(struct hub__drain *drain);

/* Milliseconds until something may be due; INT64_MAX: never. */
int64_t hub__drain_wait_ms(const struct hub__drain *drain);

/* Cuts every connection off. */
void hub__drain_cut_all(struct hub__drain *drain);

#endif
