/* run.h - a whole run, from the first connection to the last Close. */
#ifndef HUB_BENCH_RUN_H
#define HUB_BENCH_RUN_H

#include "options.h"
#include "result.h"

/* Returns 0, or -1 with one line in `error` if nothing could be measured. */
int run(const struct options *o, struct result *result, char *error,
        size_t error_size);

#endif
