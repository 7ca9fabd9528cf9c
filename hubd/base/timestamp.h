/* timestamp.h - ISO 8601 dates and times as messages carry them: checked when a
 * backend posts one, written when it does not. */
#ifndef HUBD_TIMESTAMP_H
#define HUBD_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define TIMESTAMP_BYTES 24 /* 2026-01-02T03:04:05.678Z */

/* Whether the bytes are a date, or a date and a time, in the extended format of
 * ISO 8601: YYYY-MM-DD, then T or a space, hh:mm, optionally :ss and a fraction
 * of any length behind a point, optionally Z, +hh:mm, +hhmm or +hh. Days are
 * those of the calendar; second 60 is a leap second. Every date-time of RFC
 * 3339 is one. */
bool timestamp_is_valid(const char *text, size_t bytes);

/* Writes the time in UTC with milliseconds, TIMESTAMP_BYTES long, and a NUL.
 * Times outside the years 1970 to 9999 become the nearest within. */
void timestamp_format(const struct timespec *time,
                      char out[TIMESTAMP_BYTES + 1]);

#endif
