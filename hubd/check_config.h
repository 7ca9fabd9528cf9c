/* check_config.h - whether hubd could start with these settings:
 * --check-config.
 *
 * Threads: before there are any.
 */
#ifndef HUBD_CHECK_CONFIG_H
#define HUBD_CHECK_CONFIG_H

#include "config/config.h"

/* Prints the settings, and on standard error warnings or what is wrong. Returns
 * the exit code. */
int check_config(const struct config *config);

/* A line for people on standard error: a warning if `code` is 0, or why hubd
 * ends. Returns `code`. */
int complain(const char *text, int code);

#endif
