/* start_line.h - the first lines of a log: version, settings, warnings. */
#ifndef HUBD_START_LINE_H
#define HUBD_START_LINE_H

#include "config/config.h"

void start_line(const struct config *config);

#endif
