/* check_config.h - whether hubd could start with these settings:
 * --check-config.
 *
 * Threads: before there are any.
 */
#ifndef HUBD_CHECK_CONFIG_H
#define HUBD_CHECK_CONFIG_H

#include "config/config.h"

/* Prints the settings, and to standard error warnings or the error. Returns the
 * exit code. */
int check_config(const struct config *config);

/* Prints a line to standard error: a warning if `code` is 0, or else why hubd
 * exits. Returns `code`. */
int complain(const char *text, int code);

#endif
