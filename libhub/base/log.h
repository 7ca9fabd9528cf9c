/* log.h - lines for the host's log callback. Any thread. */
#ifndef HUB_LOG_H
#define HUB_LOG_H

#include <hub/hub.h>

/* Does nothing if the host has no log callback. Long lines are truncated. */
void hub__log(const struct hub_options *options, enum hub_log_level level,
              const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
