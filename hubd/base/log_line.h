/* log_line.h - one event as one line of text. Pure. */
#ifndef HUBD_LOG_LINE_H
#define HUBD_LOG_LINE_H

#include <stddef.h>
#include <time.h>

#include "base/log.h"

#define LOG_LINE_MAX 8192        /* with its line end */
#define LOG_VALUE_BYTES_MAX 1024 /* of a value; "..." replaces the rest */

/* Writes the line, which ends with its only '\n', after a few bytes of `front`.
 * Pairs that do not fit are left out completely, and counted in the last pair,
 * "left_out". Returns its bytes. */
size_t log_line_format(char out[LOG_LINE_MAX + 1], const char *front,
                       enum log_format format, const struct timespec *now,
                       enum log_level level, const char *event,
                       const struct log_field *fields);

#endif
