/* units.h - numbers as people write them in settings: durations, sizes and
 * counts, parsed and formatted in the same syntax.
 *
 * Pure: no allocation, no state. What is out of range is rejected, never
 * clamped.
 */
#ifndef HUBD_UNITS_H
#define HUBD_UNITS_H

#include <stdint.h>

#define UNITS_TEXT_MAX 32

/* A duration in Go's syntax: numbers followed by units, added up (500ms, 1.5s,
 * 1m30s, 1h), or 0. Whole milliseconds only. Returns 0 or -1. */
int units_parse_duration(int64_t *ms, const char *text);

/* A size: plain bytes, or a number with K, M or G, all 1024-based, optionally
 * followed by "B" or "iB", in either case. Returns 0 or -1. */
int units_parse_size(uint64_t *bytes, const char *text);

/* Decimal digits and nothing else. Returns 0 or -1. */
int units_parse_count(uint64_t *count, const char *text);

/* Formats text that the functions above parse back to the same number. `ms` is
 * not negative. */
void units_format_duration(char out[UNITS_TEXT_MAX], int64_t ms);
void units_format_size(char out[UNITS_TEXT_MAX], uint64_t bytes);

#endif
