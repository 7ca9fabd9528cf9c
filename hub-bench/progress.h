/* progress.h - one line on a terminal that shows how far a run has got. */
#ifndef HUB_BENCH_PROGRESS_H
#define HUB_BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown;       /* there is a terminal, and not --quiet */
    int64_t since_ns; /* start of the phase */
    int64_t rate_ns;  /* when the rate was last counted */
    uint64_t rate_count;
    double rate; /* deliveries a second */
};

void progress_init(struct progress *p, bool quiet);

/* A new phase begins, after that many deliveries. */
void progress_phase(struct progress *p, uint64_t delivered);

/* Draws the line: `share` of the phase is over, or NAN if unknown; `deliveries`
 * so far, or UINT64_MAX if this phase has none. */
void progress_show(struct progress *p, const char *phase, double share,
                   uint64_t deliveries);

/* Erases the line. */
void progress_clear(struct progress *p);

#endif
