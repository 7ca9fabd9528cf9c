/* report.h - prints the results of a run. */
#ifndef HUB_BENCH_REPORT_H
#define HUB_BENCH_REPORT_H

#include <stdio.h>

#include "result.h"

/* Each returns 0, or -1 if it could not be written. */
int report_text(const struct result *r, FILE *out);
int report_json(const struct result *r, FILE *out);

/* Prints one line for everything that went wrong. */
void report_warnings(const struct result *r, FILE *out);

#endif
