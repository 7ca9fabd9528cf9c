/* timestamp.h - the timestamps of messages (RFC 3339): checked if a backend
 * posts one, written if it does not. */
#ifndef HUBD_TIMESTAMP_H
#define HUBD_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define TIMESTAMP_BYTES 24 /* 2026-01-02T03:04:05.678Z */

/* Whether the bytes are a date-time of RFC 3339, possibly with parts missing:
 * only a date, no seconds, no zone, +hhmm or +hh. Fractions may have any
 * length; dates must exist; second 60 is a leap second. Other forms of ISO 8601
 * (a comma before the fraction, no hyphens, weeks) are rejected, because most
 * clients cannot read them. */
bool timestamp_is_valid(const char *text, size_t bytes);

/* Writes the time in UTC with milliseconds, TIMESTAMP_BYTES long, and a NUL.
 * Times outside the years 1970 to 9999 become the nearest valid one. */
void timestamp_format(const struct timespec *time,
                      char out[TIMESTAMP_BYTES + 1]);

#endif
