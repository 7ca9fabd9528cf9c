/* progress.h - one line on a terminal that tells how far a run is. */
#ifndef HUB_BENCH_PROGRESS_H
#define HUB_BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown;       /* there is a terminal, and nobody asked for quiet */
    int64_t since_ns; /* the phase */
    int64_t rate_ns;  /* when the rate was last counted */
    uint64_t rate_count;
    double rate; /* deliveries a second */
};

void progress_init(struct progress *p, bool quiet);

/* A new phase begins, at which so many deliveries had been made. */
void progress_phase(struct progress *p, uint64_t delivered);

/* Draws the line: `share` of the phase is over, or NAN if that is not known;
 * `deliveries` so far, or UINT64_MAX if there are none in this phase. */
void progress_show(struct progress *p, const char *phase, double share,
                   uint64_t deliveries);

/* Takes the line away. */
void progress_clear(struct progress *p);

#endif
