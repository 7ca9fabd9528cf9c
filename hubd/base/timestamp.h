/* timestamp.h - dates and times as messages carry them (RFC 3339): checked when
 * a backend posts one, written when it does not. */
#ifndef HUBD_TIMESTAMP_H
#define HUBD_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define TIMESTAMP_BYTES 24 /* 2026-01-02T03:04:05.678Z */

/* Whether the bytes are a date-time of RFC 3339, or one with parts missing: a
 * date alone, no seconds, no zone, +hhmm or +hh. Fractions may have any length;
 * days are those of the calendar; second 60 is a leap second. What else ISO
 * 8601 has (a comma before the fraction, no hyphens, weeks) is what most
 * clients cannot read. */
bool timestamp_is_valid(const char *text, size_t bytes);

/* Writes the time in UTC with milliseconds, TIMESTAMP_BYTES long, and a NUL.
 * Times outside the years 1970 to 9999 become the nearest within. */
void timestamp_format(const struct timespec *time,
                      char out[TIMESTAMP_BYTES + 1]);

#endif
