/* metrics_text.h - Prometheus' text exposition format, version 0.0.4: families
 * of samples, one on a line.
 *
 * Numbers are integers with a decimal point inserted, so that neither locale
 * nor rounding can change them. Pure; any thread.
 */
#ifndef HUBD_METRICS_TEXT_H
#define HUBD_METRICS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/linebuf.h"

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics_label {
    const char *name; /* NULL: no label */
    const char *value;
};

/* 1234 with 3 decimals is 1.234. */
struct metrics_value {
    uint64_t number;
    unsigned decimals;
};

/* The lines that introduce a family. */
void metrics_text_family(struct linebuf *out, const char *name,
                         const char *type, const char *help);

/* A sample of the family `name`; `labels`, or the name of the first, may be
 * NULL. `suffix` is "" or that of a histogram sample. */
void metrics_text_sample(struct linebuf *out, const char *name,
                         const char *suffix,
                         const struct metrics_label labels[2],
                         struct metrics_value value);

struct metrics_histogram {
    const uint64_t *bounds; /* with `decimals`; ascending */
    const uint64_t *counts; /* per bucket, not cumulative; last: above */
    size_t bound_count;
    uint64_t sum; /* with `decimals` */
    unsigned decimals;
};

/* Buckets, +Inf, sum and count. */
void metrics_text_histogram(struct linebuf *out, const char *name,
                            struct metrics_label label,
                            const struct metrics_histogram *histogram);

#endif
