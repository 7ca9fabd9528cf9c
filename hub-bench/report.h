/* report.h - tells what a run came to. */
#ifndef HUB_BENCH_REPORT_H
#define HUB_BENCH_REPORT_H

#include <stdio.h>

#include "result.h"

/* Each returns 0 or -1: it could not be written. */
int report_text(const struct result *r, FILE *out);
int report_json(const struct result *r, FILE *out);

/* One line for everything that was not as it should be. */
void report_warnings(const struct result *r, FILE *out);

#endif
