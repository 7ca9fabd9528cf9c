/* parse.h - the values of flags, as people write them. Pure; what is out of
 * range is rejected, never clamped. All return 0 or -1.
 */
#ifndef HUB_BENCH_PARSE_H
#define HUB_BENCH_PARSE_H

#include <stdint.h>

/* Decimal digits and nothing else. */
int parse_count(uint64_t *out, const char *text);

/* A decimal number without sign or exponent: 5, 0.5, 12.25. */
int parse_number(double *out, const char *text);

/* A duration in Go's syntax, whole nanoseconds: 500ms, 1.5s, 1m30s; or 0. */
int parse_duration(int64_t *ns, const char *text);

#endif
